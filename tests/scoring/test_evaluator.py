"""The evaluator: what it takes from review images, and what it says where there are none."""

from dataclasses import replace

import numpy as np
import pytest

from builder.errors import InputError
from builder.scoring.evaluator import Evaluator, SplitData
from builder.system.model import Scoring
from tests.terminal.sample import evaluator, system


def centred(review: bool) -> Evaluator:
    judge = replace(evaluator(), scoring=Scoring(means={}))
    if review:
        return judge
    none = SplitData((), (), np.empty((0, 64), np.float32))
    return replace(judge, splits={**judge.splits, "review": none})


def test_a_centred_scoring_takes_its_means_on_review_images() -> None:
    scoring = centred(review=True).scoring_of(system())
    assert set(scoring.means or {}) == set(system().phrases())


def test_without_review_images_a_centred_scoring_is_refused() -> None:
    judge = centred(review=False)
    for work in (lambda: judge.scoring_of(system()), lambda: judge.score(system(), "held_out")):
        with pytest.raises(InputError, match="no review image"):
            work()


def test_means_that_are_all_there_need_no_review_images() -> None:
    means = dict.fromkeys(system().phrases(), 0.5)
    judge = replace(centred(review=False), scoring=Scoring(means=means))
    assert judge.scoring_of(system()) == judge.scoring


def test_held_out_images_are_the_same_whatever_they_are_scored_by() -> None:
    judge = evaluator()
    by_log = replace(judge, scoring=Scoring(rule="log"))
    assert judge.images != by_log.images
    assert judge.held_out_images == by_log.held_out_images
    fewer = replace(judge, splits={**judge.splits, "held_out": judge.splits["review"]})
    assert judge.held_out_images != fewer.held_out_images
