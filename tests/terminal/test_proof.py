"""What is said of the step from best to confirmed."""

import re

import pytest

from builder.ladder import Trial, needed_p
from builder.statistics import Change, mcnemar
from builder.terminal.proof import trial_words


def words(fixed: int, broken: int, look: int) -> str:
    change = Change(fixed, broken, 500, mcnemar(fixed, broken))
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
    change = Change(9, 1, 500, 0.05002)
    assert trial_words(Trial(2, 1, change, 0.05)).endswith("p = 0.05002, needed p < 0.05")
