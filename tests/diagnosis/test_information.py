"""Bits: exact from rules, corrected by shuffles from images."""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from builder.diagnosis.information import (
    corrected_information,
    counted_information,
    entropy,
    expected_information,
    fewest_images,
    mutual_information,
    own_bits,
    redundancy,
    seen_bits,
    shuffled_orders,
)
from builder.system.model import AttributeGroup, AttributeSystem, make_system
from tests.chance import chance
from tests.strategies import QUICK, systems

codes = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12)


def slow_bits(symbols: Sequence[object]) -> float:
    counts = Counter(symbols)
    return -sum(k / len(symbols) * math.log2(k / len(symbols)) for k in counts.values())


@QUICK
@given(codes)
# Rounding alone would exceed the smaller entropy, and fall below 0.
@example([(0, 5), (0, 2), (0, 3), (2, 0)])
@example([(1, 0), (0, 1), (0, 2), (2, 0), (1, 1), (1, 2), (0, 0), (2, 1), (2, 2)])
def test_mutual_information_is_symmetric_and_bounded(pairs: list[tuple[int, int]]) -> None:
    one, other = [a for a, _ in pairs], [b for _, b in pairs]
    shared = mutual_information(one, other)
    assert shared == mutual_information(other, one)
    assert 0 <= shared <= min(entropy(one), entropy(other))
    joint, first, second = Counter(pairs), Counter(one), Counter(other)
    by_definition = sum(
        k / len(pairs) * math.log2(k * len(pairs) / (first[a] * second[b]))
        for (a, b), k in joint.items()
    )
    assert shared == pytest.approx(by_definition, abs=1e-9)
    counted = counted_information(np.array(one), np.array(other))
    assert counted == pytest.approx(by_definition, abs=1e-9)


@QUICK
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=6))
def test_what_chance_shares_is_the_mean_over_all_orders(pairs: list[tuple[int, int]]) -> None:
    one, other = [a for a, _ in pairs], [b for _, b in pairs]
    mean = np.mean([mutual_information(one, order) for order in permutations(other)])
    assert expected_information(one, other) == pytest.approx(float(mean), abs=1e-9)
    assert expected_information([], []) == 0


@QUICK
@given(systems())
def test_own_bits_are_what_the_others_leave(system: AttributeSystem) -> None:
    rows = [
        tuple(
            chosen if len(chosen) < len(group.options) else ()
            for group, chosen in zip(system.groups, choices.values(), strict=True)
        )
        for choices in system.rules.values()
    ]
    found = redundancy(system)
    for index, own in enumerate(own_bits(system)):
        others = [row[:index] + row[index + 1 :] for row in rows]
        left = slow_bits(rows) - slow_bits(others)
        assert own == pytest.approx(left, abs=1e-9)
        assert 0 <= own <= found.bits[index] + 1e-9
        # What one other group leaves, all the others leave no more of.
        repeat = found.most_repeated(index)
        if repeat:
            assert own <= found.bits[index] * (1 - repeat.fraction) + 1e-9
            assert repeat.beyond_chance <= 1 + 1e-9


@QUICK
@given(systems())
def test_redundancy_is_symmetric_and_a_fraction(system: AttributeSystem) -> None:
    found = redundancy(system)
    size = range(len(system.groups))
    for one in size:
        assert found.shared[one][one] == pytest.approx(found.bits[one])
        for other in size:
            assert found.fraction(one, other) == found.fraction(other, one)
            assert 0 <= found.fraction(one, other) <= 1
    assert len(found.pairs()) == len(size) * (len(size) - 1) // 2


def rules_of(**columns: str) -> AttributeSystem:
    """A letter for each class's option, per group."""
    groups = [
        AttributeGroup(name=name, prompt="{}", options=tuple(sorted({*column, "y", "z"})))
        for name, column in columns.items()
    ]
    size = len(next(iter(columns.values())))
    return make_system(
        "test",
        groups,
        {f"c{c}": {name: column[c] for name, column in columns.items()} for c in range(size)},
    )


def test_redundancy_by_hand() -> None:
    found = redundancy(rules_of(half="aabb", quarter="abcd", other="abab", same="zzzz"))
    assert found.bits == pytest.approx((1, 2, 1, 0))
    # The quarter fixes the half, which is all the half tells and half of what it tells itself.
    assert found.fraction(0, 1) == 1
    assert found.fraction(0, 2) == found.fraction(0, 3) == 0
    # Each class has its own quarter: shuffled, it would fix the half as well.
    repeat = found.most_repeated(0)
    assert repeat is not None
    assert (repeat.group, repeat.fraction, repeat.beyond_chance) == ("quarter", 1, 0)
    assert found.most_repeated(3) is None
    assert found.pairs()[0] == (0, 1, 1)


def test_a_coarser_group_repeats_a_finer_one_and_not_the_other_way() -> None:
    found = redundancy(rules_of(coarse="aaaabbbb", fine="aabbccdd", apart="abababab"))
    coarse, fine = found.most_repeated(0), found.most_repeated(1)
    assert coarse is not None
    assert fine is not None
    assert (coarse.group, coarse.fraction, coarse.beyond_chance) == ("fine", 1, pytest.approx(1))
    assert (fine.group, fine.fraction) == ("coarse", 0.5)
    assert fine.beyond_chance < 0.5


# --- From images ------------------------------------------------------------------------------

CLASSES, OPTIONS = 16, 12


def mean_bits(n: int, true: float, runs: int = 40) -> tuple[float, float]:
    """Counted and corrected, where an image shows its class's option by `true`, else any."""
    counted, corrected = [], []
    for seed in range(runs):
        rng = chance(seed)
        labels = rng.integers(CLASSES, size=n)
        shown = rng.random(n) < true
        answers = np.where(shown, labels % OPTIONS, rng.integers(OPTIONS, size=n))
        counted.append(counted_information(answers, labels))
        orders = shuffled_orders(n, seed=seed)
        corrected.append(corrected_information(answers, labels, orders))
    return float(np.mean(counted)), float(np.mean(corrected))


def true_bits(true: float) -> float:
    table = np.full((CLASSES, OPTIONS), (1 - true) / OPTIONS)
    table[np.arange(CLASSES), np.arange(CLASSES) % OPTIONS] += true
    return float((table * np.log2(table / table.mean(axis=0))).sum() / CLASSES)


def test_pure_chance_seems_to_tell_bits_and_the_correction_takes_them_away() -> None:
    counted, corrected = mean_bits(47, true=0.0)
    assert counted > 1.7
    assert abs(corrected) < 0.05


def test_where_bits_are_shown_the_correction_is_right_to_a_quarter_bit() -> None:
    fewest = fewest_images(CLASSES, OPTIONS)
    assert fewest == 477
    by_chance, _ = mean_bits(fewest, true=0.0)
    assert 0.2 < by_chance < 0.3
    for true in (0.2, 0.5, 0.9):
        counted, corrected = mean_bits(fewest, true)
        assert abs(corrected - true_bits(true)) < 0.25
        # With 47 images even the corrected figure is far off: nothing is shown.
        assert counted >= corrected
    assert mean_bits(47, true=0.5)[1] < true_bits(0.5) - 0.4


def test_bits_are_hidden_below_the_stated_number_of_images() -> None:
    labels = np.arange(40) % 4
    orders = shuffled_orders(40, seed=0)
    fewest = fewest_images(4, 3)
    assert fewest == math.ceil(3 * 2 / (0.5 * math.log(2))) == 18
    shown = seen_bits(labels % 3, labels, 3, orders)
    assert (shown.n, shown.fewest) == (40, 18)
    assert shown.bits == pytest.approx(1.5, abs=0.2)
    few = seen_bits(labels[:17] % 3, labels[:17], 3, orders[:, :0])
    assert (few.bits, few.n, few.fewest) == (None, 17, 18)
    nothing = np.zeros(0, np.intp)
    assert seen_bits(nothing, nothing, 3, orders).bits is None
    # Nothing to tell: no bits below 0.
    assert seen_bits(np.tile([0, 1], 20), labels // 2, 3, orders).bits == 0
