"""The verdict on a group: one for every combination of measures, and the right one first."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.diagnosis.groups import FEW_BITS, GroupReport, Kind, LeftOut, Verdict
from builder.diagnosis.information import Repeat, SeenBits
from builder.diagnosis.permutation_test import NullTest
from builder.scoring.statistics import Change, Proportion
from tests.strategies import THOROUGH

REPEAT = Repeat("form", 0.95, 0.92)


def report(**other: Any) -> GroupReport:
    """A group that helps little, but for what is given."""
    measures: dict[str, Any] = {
        "name": "colour",
        "options": 4,
        "alone": Proportion(30, 100),
        "left_out": left_out(5, 5),
        "agreement": Proportion(60, 100),
        "bits": 2.0,
        "bits_given_others": 0.5,
        "repeats": Repeat("form", 0.3, 0.1),
        "seen": SeenBits(0.8, 100, 90),
        "shuffled": shuffled(0.001),
    }
    return GroupReport(**{**measures, **other})


def left_out(fixed: int, broken: int, p: float = 1.0, can_tell: bool = True) -> LeftOut:
    return LeftOut(Change(n=100, fixed=fixed, broken=broken), p, can_tell)


def shuffled(p: float, can_tell: bool = True) -> NullTest:
    return NullTest("colour", p, 999, can_tell)


@pytest.mark.parametrize(
    ("measures", "words"),
    [
        ({}, "helps little"),
        ({"bits": 0.0, "bits_given_others": 0.0, "repeats": None}, "decoration"),
        ({"left_out": left_out(2, 20, 0.001)}, "carries the system"),
        ({"left_out": left_out(20, 2, 0.001)}, "misleads: better without it"),
        # Images beat rules: a second look at the same thing may carry the system, too.
        ({"left_out": left_out(2, 20, 0.05), "repeats": REPEAT}, "carries the system"),
        ({"shuffled": shuffled(0.051)}, "decoration"),
        ({"shuffled": shuffled(0.05)}, "helps little"),
        ({"shuffled": shuffled(0.4), "repeats": REPEAT}, "decoration"),
        ({"repeats": REPEAT}, "repeats form"),
        ({"repeats": Repeat("form", 0.95, 0.89)}, "helps little"),
        ({"left_out": left_out(0, 3, can_tell=False)}, "can't be told: too few images"),
        ({"left_out": left_out(0, 3, can_tell=False), "repeats": REPEAT}, "repeats form"),
        (
            {"left_out": left_out(0, 3, can_tell=False), "shuffled": shuffled(0.9)},
            "can't be told: too few images",
        ),
        ({"shuffled": shuffled(0.2, can_tell=False)}, "can't be told: too few classes"),
        ({"bits": 0.4, "bits_given_others": 0.4}, "tells few classes apart"),
        ({"left_out": left_out(3, 6, 0.5)}, "may help, or by chance"),
        ({"bits_given_others": 0.1}, "adds nothing to the others"),
        ({"left_out": None}, "carries the system"),
        ({"left_out": None, "shuffled": shuffled(0.3)}, "decoration"),
        ({"left_out": None, "shuffled": shuffled(0.3, False)}, "can't be told: too few classes"),
        ({"left_out": None, "alone": Proportion(0, 0)}, "can't be told: too few images"),
    ],
)
def test_the_verdict(measures: dict[str, Any], words: str) -> None:
    found = report(**measures)
    assert found.verdict.words() == words
    assert found.words().startswith(f"colour: {words}; alone it gets")


@THOROUGH
@given(
    bits=st.sampled_from([0.0, 0.3, FEW_BITS, 2.0]),
    own=st.sampled_from([0.0, 0.05, 1.0]),
    repeats=st.none() | st.builds(Repeat, st.just("form"), st.floats(0, 1), st.floats(-1, 1)),
    left=st.none()
    | st.builds(left_out, st.integers(0, 40), st.integers(0, 40), st.floats(0, 1), st.booleans()),
    shuffles=st.builds(shuffled, st.floats(0.001, 1), st.booleans()),
    n=st.sampled_from([0, 1, 100]),
)
def test_every_combination_has_a_verdict(
    bits: float,
    own: float,
    repeats: Repeat | None,
    left: LeftOut | None,
    shuffles: NullTest,
    n: int,
) -> None:
    found = report(
        bits=bits,
        bits_given_others=own * bits,
        repeats=repeats,
        left_out=left,
        shuffled=shuffles,
        alone=Proportion(0, n),
    )
    verdict = found.verdict
    assert verdict.words()
    assert (verdict.repeated == "form") == (verdict.kind == Kind.REPEATS)
    if verdict.kind == Kind.CARRIES:
        assert found.left_out is None or found.left_out.change.points < 0
    if verdict.kind in (Kind.MISLEADS, Kind.ADDS_NOTHING, Kind.HELPS_LITTLE):
        assert not found.left_out or found.left_out.change.points >= 0


def test_each_kind_has_words_of_its_own() -> None:
    words = [
        Verdict(kind, "form" if kind == Kind.REPEATS else "").words(str.upper) for kind in Kind
    ]
    assert "repeats FORM" in words
    assert len(set(words)) == len(words)
