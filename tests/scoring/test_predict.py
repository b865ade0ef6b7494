"""Predictions say what the scores say: the best class first, and what was seen in each group."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.scoring.predict import class_probabilities, predictions
from builder.scoring.score import Scores, score
from builder.system.file import Calibration
from builder.system.model import Scoring
from tests.worlds import COLOUR, FORM, GOOD, encode, images


def scored(seed: int, noise: float = 0.5, rule: str = "sum") -> Scores:
    labels = list(GOOD.classes) * 4
    scoring = Scoring.model_validate({"rule": rule})
    vectors = images(labels, noise=noise, seed=seed)
    return score(GOOD, vectors, encode(GOOD.phrases()), labels, scoring=scoring, logit_scale=20.0)


@given(
    st.integers(0, 10_000),
    st.sampled_from(["sum", "log"]),
    st.none() | st.builds(Calibration, temperature=st.floats(0.01, 10), n=st.just(1)),
)
def test_each_is_the_best_of_its_ranking(
    seed: int, rule: str, calibration: Calibration | None
) -> None:
    scores = scored(seed, rule=rule)
    sure = class_probabilities(scores.totals, calibration).max(axis=1)
    found = list(predictions(GOOD, scores, calibration))
    assert len(found) == scores.n
    for row, each in enumerate(found):
        assert each.class_name == GOOD.classes[scores.predictions[row]]
        assert each.score == scores.totals[row].max()
        assert each.confidence == pytest.approx(sure[row])
        assert each.calibrated == (calibration is not None)
        assert {ranked.class_name for ranked in each.ranking} == set(GOOD.classes)
        assert each.ranking[0].class_name == each.class_name
        order = [ranked.score for ranked in each.ranking]
        assert order == sorted(order, reverse=True)
        assert sum(ranked.confidence for ranked in each.ranking) == pytest.approx(1)


def test_what_was_seen_has_its_probability() -> None:
    scores = scored(1)
    for row, each in enumerate(predictions(GOOD, scores, None)):
        for group, p in zip((COLOUR, FORM), scores.probabilities, strict=True):
            assert each.seen[group.name] == group.options[p[row].argmax()]
            assert each.seen_probability[group.name] == p[row].max()


def test_ties_go_to_class_order_and_only_the_best_five_are_told() -> None:
    totals = np.array([[1, 3, 2, 3, 0, 2, 1] * 6], np.float32)
    names = tuple(f"{number:02}" for number in range(42))
    scores = Scores(names, np.array([0]), totals, np.array([1]), 1, ())
    (found,) = predictions(GOOD.model_copy(update={"groups": ()}), scores, None)
    assert [ranked.class_name for ranked in found.ranking] == ["01", "03", "08", "10", "15"]
    assert (
        found.confidence
        == found.ranking[1].confidence
        == pytest.approx(found.ranking[4].confidence)
    )
