"""The scoring rules side by side, as a session's evaluator tries them."""

from dataclasses import replace

import numpy as np
import pytest

from builder.scoring.evaluator import SplitData
from builder.scoring.fit import FITTED_PART, RULE_NAMES, fitted_scoring, try_rules
from tests.terminal.sample import evaluator, system


def test_the_rule_in_use_comes_first_and_changes_nothing() -> None:
    first, *others = try_rules(evaluator(), system())
    assert first.name is None
    assert (first.change.fixed, first.change.broken) == (0, 0)
    assert tuple(trial.name for trial in others) == RULE_NAMES


@pytest.mark.parametrize("name", RULE_NAMES)
def test_what_a_trial_shows_is_what_a_session_measures_by_that_rule(name: str) -> None:
    (trial,) = [each for each in try_rules(evaluator(), system()) if each.name == name]
    chosen = replace(evaluator(), scoring=trial.scoring.of_session())
    assert chosen.scoring_of(system()) == trial.scoring
    assert (chosen.score(system(), "held_out").correct == trial.correct).all()


def test_means_are_those_of_the_review_images() -> None:
    judge = evaluator()
    means = fitted_scoring(judge, system(), "centred").means or {}
    vectors = judge.splits["review"].vectors.astype(np.float64)
    expected = (vectors @ judge.encode(system().phrases()).T.astype(np.float64)).mean(axis=0)
    assert tuple(means) == system().phrases()
    assert [*means.values()] == pytest.approx(expected)


def test_without_a_known_class_on_review_what_is_fitted_is_left_out() -> None:
    judge = evaluator()
    review = judge.splits["review"]
    unknown = SplitData(review.digests, ("?",) * len(review.labels), review.vectors)
    names = [
        trial.name
        for trial in try_rules(replace(judge, splits={**judge.splits, "review": unknown}), system())
    ]
    assert names == [None, *(name for name in RULE_NAMES if name not in FITTED_PART)]
