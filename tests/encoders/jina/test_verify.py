"""The comparison itself, on vectors made up here."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.encoders.jina.verify import TOLERANCE, Agreement, Comparison, compare
from builder.encoders.protocol import Vectors
from builder.errors import EncoderError
from tests.chance import chance

NAMES = ("first", "second", "third")


def rows(seed: int = 0) -> Vectors:
    return chance(seed).normal(size=(3, 8)).astype(np.float32)


def test_the_input_that_differs_most_is_named() -> None:
    native = np.eye(3, dtype=np.float32)
    reference = native.copy()
    reference[1] = (0.6, 0.8, 0)
    found = compare("texts", NAMES, native, reference)
    assert (found.kind, found.n, found.worst) == ("texts", 3, "second")
    assert found.largest == pytest.approx(0.6)
    assert found.smallest_cosine == pytest.approx(0.8)


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_lengths_make_no_difference(one: float, other: float) -> None:
    found = compare("texts", NAMES, rows() * np.float32(one), rows() * np.float32(other))
    assert found.largest < 1e-6
    assert found.smallest_cosine == pytest.approx(1)


def test_nothing_is_rounded_away() -> None:
    native = np.array([[1, 0]], dtype=np.float32)
    reference = np.array([[1, 1e-7]], dtype=np.float32)
    assert compare("texts", ["a"], native, reference).largest == pytest.approx(1e-7, rel=1e-3)


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
@pytest.mark.parametrize("whose", [0, 1])
def test_a_vector_without_a_direction_never_passes(value: float, whose: int) -> None:
    pair = [rows(), rows()]
    pair[whose][2] = value
    with pytest.raises(EncoderError, match="images input 'third'"):
        compare("images", NAMES, *pair)


def test_vectors_of_another_model_are_no_comparison() -> None:
    with pytest.raises(EncoderError, match=r"\(3, 8\) and \(3, 4\)"):
        compare("texts", NAMES, rows(), rows()[:, :4])


@pytest.mark.parametrize(
    ("texts", "images", "differing"),
    [
        (0.0, TOLERANCE, []),
        (TOLERANCE, 2 * TOLERANCE, ["images"]),
        (0.3, 0.0, ["texts"]),
        (0.3, 0.3, ["texts", "images"]),
    ],
)
def test_both_kinds_must_be_within_the_tolerance(
    texts: float, images: float, differing: list[str]
) -> None:
    found = Agreement(
        (Comparison("texts", 3, texts, 1.0, "a"), Comparison("images", 2, images, 1.0, "b"))
    )
    assert [comparison.kind for comparison in found.differing] == differing
    assert found.agrees == (not differing)


def test_the_tolerance_lies_between_rounding_and_the_smallest_mistake_that_matters() -> None:
    assert 1e-5 < TOLERANCE < 4e-4
