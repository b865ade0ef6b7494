"""Intervals and tests against published values, their defining equations and brute force."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.scoring.statistics import (
    Interval,
    Proportion,
    class_mean,
    compare,
    holm,
    mcnemar,
    uneven,
    wilson,
)

examples = settings(derandomize=True, deadline=None, max_examples=100)


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    [
        # Newcombe (1998), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
        # The source article's best figure, and the smallest cases.
        (55, 118, 0.3786, 0.5558),
        (0, 1, 0.0000, 0.7935),
        (1, 1, 0.2065, 1.0000),
    ],
)
def test_wilson_published(correct: int, n: int, low: float, high: float) -> None:
    interval = wilson(correct, n)
    assert [interval.low, interval.high] == pytest.approx([low, high], abs=5e-5)


@examples
@given(st.integers(1, 5000), st.floats(0, 1), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_wilson_ends_are_where_the_score_test_rejects(
    n: int, fraction: float, confidence: float
) -> None:
    correct = round(fraction * n)
    interval = wilson(correct, n, confidence)
    z = {0.8: 1.2815516, 0.9: 1.6448536, 0.95: 1.9599640, 0.99: 2.5758293}[confidence]
    for end in (interval.low, interval.high):
        distance = abs(correct / n - end)
        assert distance == pytest.approx(z * math.sqrt(end * (1 - end) / n), abs=1e-6)
    assert interval.low <= correct / n <= interval.high
    mirrored = wilson(n - correct, n, confidence)
    expected = pytest.approx([interval.low, interval.high], abs=1e-12)
    assert [1 - mirrored.high, 1 - mirrored.low] == expected


def test_wilson_at_the_edges() -> None:
    assert wilson(0, 0) == Interval(0.0, 1.0)
    assert wilson(0, 50).low == 0.0
    assert wilson(50, 50).high == 1.0
    for correct, n, confidence in ((3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0), (1, 0, 0.5)):
        with pytest.raises(ValueError, match="no interval"):
            wilson(correct, n, confidence)


def test_proportion() -> None:
    part = Proportion(2.5, 10)
    assert part.fraction == 0.25
    assert wilson(2, 10).low < part.interval.low < wilson(3, 10).low
    assert (Proportion(0, 0).fraction, Proportion(0, 0).interval) == (0.0, Interval(0.0, 1.0))


def test_mcnemar_known() -> None:
    # 2 * (1 + 17 + 136 + 680 + 2380 + 6188) / 2**17
    assert mcnemar(12, 5) == pytest.approx(0.143463134765625)
    assert mcnemar(0, 5) == 0.0625
    assert mcnemar(0, 6) == 0.03125
    assert mcnemar(0, 0) == mcnemar(1, 0) == mcnemar(4, 4) == 1.0
    assert 0 < mcnemar(10_000, 10_600) < 1e-4


@pytest.mark.parametrize(("fixed", "broken"), [(0, 7), (1, 8), (2, 5), (3, 4), (9, 3)])
def test_mcnemar_counts_every_outcome(fixed: int, broken: int) -> None:
    outcomes = [sum(flips) for flips in itertools.product((0, 1), repeat=fixed + broken)]
    as_uneven = [k for k in outcomes if abs(2 * k - fixed - broken) >= abs(fixed - broken)]
    assert mcnemar(fixed, broken) == pytest.approx(len(as_uneven) / len(outcomes))


@examples
@given(st.lists(st.tuples(st.booleans(), st.booleans())))
def test_compare_counts_both_directions(marks: list[tuple[bool, bool]]) -> None:
    before, after = (np.array([pair[side] for pair in marks], bool) for side in (0, 1))
    change = compare(before, after)
    assert change.n == len(marks)
    assert change.fixed == marks.count((False, True))
    assert change.broken == marks.count((True, False))
    assert change.p == mcnemar(change.fixed, change.broken)
    if marks:
        assert change.points == pytest.approx(100 * (after.mean() - before.mean()))
    back = compare(after, before)
    assert (back.fixed, back.broken, back.p) == (change.broken, change.fixed, change.p)


def test_compare_of_nothing_and_of_different_images() -> None:
    nothing = compare(np.empty(0, bool), np.empty(0, bool))
    assert (nothing.n, nothing.points, nothing.p) == (0, 0.0, 1.0)
    with pytest.raises(ValueError, match="not the same images"):
        compare(np.ones(2, bool), np.ones(3, bool))


def test_holm_by_hand() -> None:
    # 3 x 0.01, 2 x 0.02, and the last is no smaller than the one before it.
    assert holm([0.02, 0.5, 0.01]) == pytest.approx((0.04, 0.5, 0.03))
    assert holm([0.03, 0.02, 0.02]) == pytest.approx((0.06, 0.06, 0.06))
    assert holm([0.9, 0.8]) == (1, 1)
    assert holm([0.04]) == (0.04,)
    assert holm([]) == ()


@examples
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_keeps_the_order_and_asks_no_less_than_each_alone(ps: list[float]) -> None:
    adjusted = holm(ps)
    # As rejecting goes down the list and stops at the first that is too large.
    for level in (0.01, 0.05, 0.5):
        rejected = set()
        for rank, index in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
            if ps[index] * (len(ps) - rank) > level:
                break
            rejected.add(index)
        assert {index for index, p in enumerate(adjusted) if p <= level} == rejected


@examples
@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans())))
def test_each_class_counts_alike_in_the_mean_over_classes(images: list[tuple[str, bool]]) -> None:
    labels = [label for label, _ in images]
    correct = np.array([right for _, right in images], bool)
    parts = [correct[[each == name for each in labels]].mean() for name in sorted(set(labels))]
    assert class_mean(correct, labels) == pytest.approx(np.mean(parts) if parts else 0.0)
    # Repeating a class's images changes the accuracy, not this.
    twice = np.repeat(correct, [1 + (label == "a") for label in labels])
    again = [label for label in labels for _ in range(1 + (label == "a"))]
    assert class_mean(twice, again) == pytest.approx(class_mean(correct, labels))


def test_when_classes_are_uneven() -> None:
    assert not uneven([])
    assert not uneven("aab")
    assert uneven("aaab")
