"""Confidence: the temperature that data were made with is found, and predictions never change."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from builder.scoring.predict import FEWEST_IMAGES, class_probabilities, fit_temperature
from builder.system.file import Calibration
from tests.chance import chance

seeds = st.integers(0, 2**32 - 1)


def world(
    seed: int, n: int, classes: int, temperature: float
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Totals, and labels drawn from softmax(totals / temperature)."""
    rng = chance(seed)
    totals = temperature * rng.normal(scale=3, size=(n, classes))
    p = class_probabilities(totals, Calibration(temperature=temperature, n=1))
    drawn = (rng.random((n, 1)) > p.cumsum(axis=1)).sum(axis=1)
    return totals, np.minimum(drawn, classes - 1)


def fitted(totals: NDArray[np.float64], labels: NDArray[np.intp]) -> float:
    found = fit_temperature(totals, labels)
    assert found is not None
    return found.temperature


@pytest.mark.parametrize("temperature", [0.01, 0.3, 1.0, 40.0])
@pytest.mark.parametrize("classes", [2, 5, 60])
def test_the_temperature_that_made_the_data_is_found(temperature: float, classes: int) -> None:
    totals, labels = world(7, 6000, classes, temperature)
    assert fitted(totals, labels) == pytest.approx(temperature, rel=0.08)


def loss(totals: NDArray[np.float64], labels: NDArray[np.intp], temperature: float) -> float:
    """Negative log likelihood, of each image and of one more that showed the runner-up."""
    p = np.log(class_probabilities(totals, Calibration(temperature=temperature, n=1)))
    rows = np.arange(len(labels))
    runner_up = totals.argsort(axis=1)[:, -2]
    return float(-(p[rows, labels].sum() + p[rows, runner_up].mean()))


@given(seeds, st.integers(FEWEST_IMAGES, 80), st.integers(2, 6))
def test_no_other_temperature_is_likelier(seed: int, n: int, classes: int) -> None:
    totals, labels = world(seed, n, classes, 1.0)
    best = fitted(totals, labels)
    least = loss(totals, labels, best)
    for factor in (0.5, 0.98, 1.02, 2.0):
        assert loss(totals, labels, factor * best) >= least


@given(seeds, st.floats(0.01, 100))
def test_it_grows_with_the_totals_and_knows_nothing_of_their_level(seed: int, by: float) -> None:
    totals, labels = world(seed, 50, 4, 1.0)
    level = chance(seed).normal(scale=5, size=(50, 1))
    before = fitted(totals, labels)
    assert fitted(totals + level, labels) == pytest.approx(before, rel=1e-4)
    assert fitted(by * totals, labels) == pytest.approx(by * before, rel=1e-4)


@given(seeds, st.floats(0.05, 20), st.floats(1.01, 10))
def test_a_higher_temperature_is_less_sure_and_predicts_the_same(
    seed: int, temperature: float, by: float
) -> None:
    totals, _ = world(seed, 20, 5, 1.0)
    cool = class_probabilities(totals, Calibration(temperature=temperature, n=1))
    warm = class_probabilities(totals, Calibration(temperature=temperature * by, n=1))
    assert np.array_equal(cool.argmax(axis=1), totals.argmax(axis=1))
    assert np.array_equal(warm.argmax(axis=1), totals.argmax(axis=1))
    assert (warm.max(axis=1) <= cool.max(axis=1)).all()
    assert np.allclose(warm.sum(axis=1), 1)


def test_images_of_no_known_class_are_left_out() -> None:
    totals, labels = world(3, 100, 4, 1.0)
    half = np.where(np.arange(100) % 2, labels, -1)
    assert fit_temperature(totals, half) == fit_temperature(totals[1::2], labels[1::2])
    assert fit_temperature(totals, np.full(100, -1)) is None


def test_too_few_images_and_totals_that_say_nothing_fit_nothing() -> None:
    totals, labels = world(3, FEWEST_IMAGES, 4, 1.0)
    found = fit_temperature(totals, labels)
    assert found is not None
    assert found.n == FEWEST_IMAGES
    assert fit_temperature(totals[1:], labels[1:]) is None
    assert fit_temperature(np.zeros((50, 3)), np.zeros(50, np.intp)) is None
    assert fit_temperature(np.zeros((0, 3)), np.zeros(0, np.intp)) is None


@given(seeds, st.integers(FEWEST_IMAGES, 400))
def test_a_split_without_a_mistake_asks_for_no_certainty(seed: int, n: int) -> None:
    totals, _ = world(seed, n, 4, 1.0)
    calibration = fit_temperature(totals, totals.argmax(axis=1))
    mean = class_probabilities(totals, calibration).max(axis=1).mean()
    # What n images can't show is not claimed; near-ties are unsure all the same.
    assert 0.75 < mean < 1 - 0.01 / n


@given(seeds)
def test_worse_than_chance_leaves_all_classes_alike(seed: int) -> None:
    totals, _ = world(seed, 60, 4, 1.0)
    calibration = fit_temperature(totals, totals.argmin(axis=1))
    assert class_probabilities(totals, calibration).max(axis=1) == pytest.approx(0.25, abs=0.001)


@given(seeds, st.integers(2, 5))
def test_classes_that_tie_share_the_confidence(seed: int, tied: int) -> None:
    totals, _ = world(seed, 10, 3, 1.0)
    top = totals.max(axis=1, keepdims=True)
    tying = np.hstack([np.minimum(totals, top - 50), np.repeat(top, tied, axis=1)])
    assert class_probabilities(tying, None).max(axis=1) == pytest.approx(1 / tied)


def test_extreme_totals_and_temperatures_stay_finite() -> None:
    totals = np.array([[0, -2e6, -3e6], [5e5, 5e5, 0]], np.float32)
    for temperature in (1e-300, 1.0, 1e300):
        p = class_probabilities(totals, Calibration(temperature=temperature, n=1))
        assert np.isfinite(p).all()
        assert np.allclose(p.sum(axis=1), 1)


def expected_calibration_error(
    confidence: NDArray[np.float64], correct: NDArray[np.bool_], bins: int = 10
) -> float:
    """How far confidence [n] and accuracy are apart, in [0, 1].

    The mean over `bins` equally wide bins, weighted by their images (Naeini et al. 2015).
    """
    which = np.minimum((confidence * bins).astype(np.intp), bins - 1)
    surplus = np.bincount(which, weights=confidence - correct, minlength=bins)
    return float(np.abs(surplus).sum() / len(confidence))


def test_calibration_brings_confidence_and_accuracy_together() -> None:
    totals, labels = world(11, 4000, 6, 0.2)
    fit, other = slice(0, 2000), slice(2000, None)
    correct = totals[other].argmax(axis=1) == labels[other]
    calibration = fit_temperature(totals[fit], labels[fit])
    before, after = (
        expected_calibration_error(class_probabilities(totals[other], by).max(axis=1), correct)
        for by in (None, calibration)
    )
    assert after < 0.04 < 0.1 < before


def test_the_calibration_error_of_known_bins() -> None:
    confidence = np.array([0.95, 0.95, 0.55, 0.55, 1.0])
    correct = np.array([True, True, True, False, True])
    # 0.9 to 1: three right of 2.9 expected; 0.5 to 0.6: one of 1.1.
    assert expected_calibration_error(confidence, correct) == pytest.approx((0.1 + 0.1) / 5)


@given(seeds, st.integers(1, 200))
def test_the_calibration_error_is_a_fraction(seed: int, n: int) -> None:
    rng = chance(seed)
    confidence, correct = rng.random(n), rng.random(n) < 0.5
    found = expected_calibration_error(confidence, correct)
    assert 0 <= found <= 1
    assume(n > 1)
    assert found >= abs(confidence.mean() - correct.mean()) - 1e-12
