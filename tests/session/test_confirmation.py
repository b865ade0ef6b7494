"""A version is confirmed by an exact test, at a level that all looks of a session share."""

import itertools
import re
from collections import Counter
from fractions import Fraction
from math import comb, factorial, prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.scoring.statistics import Change, mcnemar
from builder.session.confirmation import Trial, confirmed, needed_p, trial_of, trial_words, trials
from builder.session.records import Measured
from builder.session.state import State, Version, advance
from tests.simulated import Setting, confirmed_share, state_of


def versions(*held_out: str) -> tuple[Version, ...]:
    return state_of([np.array(list(text)) == "1" for text in held_out]).versions


def test_the_steps_of_all_looks_add_up_to_five_percent() -> None:
    assert needed_p(2) == pytest.approx(0.05)
    errors = [needed_p(look) / 2 for look in range(2, 2000)]
    assert errors == sorted(errors, reverse=True)
    assert sum(errors) < 0.05
    assert sum(errors) == pytest.approx(0.05, rel=1e-3)
    with pytest.raises(ValueError, match="nothing"):
        needed_p(1)


@pytest.mark.parametrize("changed", range(12))
@pytest.mark.parametrize("look", [2, 3, 4, 6, 11])
def test_no_look_errs_more_often_than_it_may(changed: int, look: int) -> None:
    """Every way in which a null version may change so many images, counted."""
    passing = sum(
        comb(changed, fixed)
        for fixed in range(changed + 1)
        if fixed > changed - fixed and mcnemar(fixed, changed - fixed) <= needed_p(look)
    )
    assert Fraction(passing, 2**changed) <= Fraction(needed_p(look)) / 2


def test_the_level_is_used_where_the_images_allow_it() -> None:
    """A test that never confirms would keep the level, too."""
    assert confirmed(versions("0" * 6, "1" * 6)) == 2
    assert confirmed(versions("0" * 5, "1" * 5)) is None


def chance_to_confirm(n: int, kinds: dict[str, Fraction]) -> Fraction:
    """Exactly, over all sessions of a draft and two versions on n independent images.

    kinds: how draft, second and third version do on one image, e.g. "011", with its chance.
    """
    total = Fraction(0)
    for images in itertools.combinations_with_replacement(kinds, n):
        found = versions(*("".join(image[row] for image in images) for row in range(3)))
        if confirmed(found) is not None:
            ways = factorial(n) // prod(map(factorial, Counter(images).values()))
            total += ways * prod(kinds[image] for image in images)
    return total


COIN = {"".join(bits): Fraction(1, 8) for bits in itertools.product("01", repeat=3)}
# The third version is mostly like the second, as accepted edits leave it; all three are as good.
ALIKE = {
    kind: Fraction(1, 4) * (Fraction(7, 8) if kind[1] == kind[2] else Fraction(1, 8))
    for kind in COIN
}


@pytest.mark.parametrize("kinds", [COIN, ALIKE], ids=["coin", "alike"])
def test_the_level_of_a_session_counted_over_all_of_its_outcomes(
    kinds: dict[str, Fraction],
) -> None:
    assert sum(kinds.values()) == 1
    assert 0 < chance_to_confirm(7, kinds) <= Fraction(1, 40) + Fraction(1, 120)


marks = st.integers(0, 2**12 - 1).map(lambda bits: f"{bits:012b}")


@given(st.lists(marks, min_size=2, max_size=6))
def test_the_confirmed_version_only_climbs(texts: list[str]) -> None:
    found = versions(*texts)
    last = found[0]
    for trial, version in zip(trials(found), found[1:], strict=True):
        assert (trial.version, trial.against) == (version.number, last.number)
        gain = version.correct - last.correct
        assert trial.change.fixed - trial.change.broken == gain
        if trial.passed:
            assert gain > 0
            assert trial.change.p <= needed_p(version.look)
            last = version
        # What was confirmed stays so, whatever comes later.
        assert confirmed(found[: version.number]) == (last.number if last.number > 1 else None)


@given(st.lists(marks, min_size=2, max_size=6), st.permutations(range(12)))
def test_the_order_of_the_images_means_nothing(texts: list[str], order: list[int]) -> None:
    shuffled = ["".join(text[i] for i in order) for text in texts]
    assert confirmed(versions(*shuffled)) == confirmed(versions(*texts))


def test_a_version_that_is_no_better_or_the_same_is_not_confirmed() -> None:
    assert confirmed(()) is None
    assert confirmed(versions("0" * 40)) is None
    assert confirmed(versions("0" * 40, "0" * 40)) is None
    assert confirmed(versions("1" * 20, "0" * 20)) is None
    assert confirmed(versions("1" * 10 + "0" * 10, "0" * 10 + "1" * 10)) is None


def test_the_next_version_has_to_beat_the_confirmed_one() -> None:
    found = versions("0" * 40, "1" * 20 + "0" * 20, "1" * 22 + "0" * 18, "1" * 40)
    assert [(t.version, t.against, t.passed) for t in trials(found)] == [
        (2, 1, True),
        (3, 2, False),
        (4, 2, True),
    ]
    assert confirmed(found) == 4
    assert trial_of(found, 1) is None
    third = trial_of(found, 3)
    assert isinstance(third, Trial)
    assert (third.change.fixed, third.change.broken) == (2, 0)
    assert third.needed == pytest.approx(0.1 / 6)


def measured_again(state: State, images: str, *held_out: str) -> State:
    for number, text in enumerate(held_out, start=1):
        again = Measured(version=number, images=images, review="", held_out=text)
        state = advance(state, again)
    return state


def test_other_images_are_more_looks_and_are_not_compared_with_the_old_ones() -> None:
    state = state_of([np.zeros(6, bool), np.ones(6, bool)])
    assert confirmed(state.versions) == 2
    amid = measured_again(state, "y", "0" * 7)
    assert trials(amid.versions) == ()
    after = measured_again(state, "y", "0" * 7, "1" * 7)
    (trial,) = trials(after.versions)
    # The fourth look, which 7 images of 7 can't satisfy.
    assert trial.needed == needed_p(4)
    assert not trial.passed


def test_a_first_look_that_no_draft_had_confirms_nothing() -> None:
    """The draft had no held-out images then; measured on the new ones later, it is compared."""
    state = measured_again(state_of([np.empty(0, bool)]), "x")
    later = Measured(version=2, images="y", review="", held_out="1" * 9)
    state = measured_again(advance(state, later), "y", "0" * 9)
    assert [version.look for version in state.versions] == [2, 1]
    assert trials(state.versions) == ()


def test_without_held_out_images_nothing_is_tried() -> None:
    assert trials(versions("", "")) == ()


@pytest.mark.parametrize("keeps_best", [False, True])
def test_null_sessions_confirm_nothing_in_nineteen_of_twenty(keeps_best: bool) -> None:
    """A short run of the simulation in tests/bench/test_ladder.py."""
    setting = Setting(n=47, keeps_best=keeps_best)
    assert confirmed_share(setting, sessions=200, seed=1) < 0.05


def test_a_large_true_gain_is_confirmed() -> None:
    setting = Setting(n=118, gains=(0.2, *[0.0] * 9))
    assert confirmed_share(setting, sessions=50, seed=1) > 0.9


# --- In words ----------------------------------------------------------------------------------


def words(fixed: int, broken: int, look: int) -> str:
    change = Change(n=500, fixed=fixed, broken=broken)
    return trial_words(Trial(look, 1, change, needed_p(look)))


def test_a_trial_in_words() -> None:
    assert words(4, 0, 4) == (
        "version 4 is not confirmed against version 1: 4 fixed, 0 broken, p = 0.12, "
        "needed p < 0.0083"
    )
    assert words(18, 2, 2).endswith("p < 0.001, needed p < 0.05")


@pytest.mark.parametrize(
    ("fixed", "broken", "look"),
    [(12, 1, 60), (12, 1, 12), (11, 0, 11), (11, 0, 40), (40, 12, 11), (20, 5, 7), (0, 9, 3)],
)
def test_the_two_figures_never_contradict_the_verdict(fixed: int, broken: int, look: int) -> None:
    said = words(fixed, broken, look)
    (sign, p, needed) = re.findall(r" p ([=<]) ([\d.e-]+), needed p < ([\d.e-]+)$", said)[0]
    passed = "is confirmed" in said
    if fixed > broken:
        assert passed == (float(p) < float(needed) if sign == "=" else float(p) <= float(needed))


def test_figures_that_round_alike_are_told_apart() -> None:
    change = Change(n=500, fixed=9, broken=1)
    words = trial_words(Trial(2, 1, change, 0.02148))
    assert words.endswith("p = 0.021484, needed p < 0.02148")
