"""Tests whether a better version is proven, although held-out images are looked at repeatedly.

The step of the Ladder (Blum and Hardt 2015: "The Ladder: a reliable leaderboard for machine
learning competitions"): a version counts only when it beats the last one that counted, by more
than chance gives. Here the step is an exact test and not a margin: the k-th look after the first
may err with probability 0.05 / (k (k + 1)), and these add up to 0.05 over any number of looks.

Proven: where no version is truly better than the draft, at most 5 % of sessions of any length ever
confirm one (the errors of all looks add up, however the looks depend on each other). It takes
images that are independent draws, and versions that depend on the held-out images by nothing but
what was confirmed before. An automatic session keeps to that: neither the language model nor the
suggestions see anything of them, and to stop early only saves looks.

Simulated, not proven (tests/bench/test_ladder.py): a person also reads the accuracy on held-out
images. One who always goes on from the version that was best there makes 4 % of null sessions of
ten rounds with 500 held-out images confirm something, about 5 % with 2,000, far fewer with 118.
And after a version was rightly confirmed, a null version rarely beats it in turn: what was lucky
on these images is the harder to beat on them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from builder.scoring.statistics import Change, compare
from builder.scoring.wording import p_needed
from builder.session.state import Version, from_bits

# How many null sessions may confirm a version, all looks together.
_SESSIONS = 0.05


@dataclass(frozen=True, slots=True)
class Trial:
    """The test of a version against the last confirmed one, or the draft, on held-out images.

    needed: the largest two-sided p of `change` that confirms.
    """

    version: int
    against: int
    change: Change
    needed: float

    @property
    def passed(self) -> bool:
        return self.change.fixed > self.change.broken and self.change.p <= self.needed


def needed_p(look: int) -> float:
    """The largest two-sided p that confirms at look 2, 3, 4, ...: 0.05, 0.017, 0.0083, ...

    Only gains count, so a null version passes with at most half of it. Raises ValueError for the
    first look, which has nothing to be compared with.
    """
    if look < 2:
        raise ValueError("the first look compares nothing")
    return 2 * _SESSIONS / ((look - 1) * look)


def trials(versions: Sequence[Version]) -> tuple[Trial, ...]:
    """The trials of all versions but the first against the last confirmed one, in order.

    The first is where the session starts from, and needs no proof; so does the first on other
    images, as after a class was added or dropped: nothing is there to compare it with. Versions
    without held-out images are left out.
    """
    found: list[Trial] = []
    standing: dict[str, Version] = {}
    for version in versions:
        last = standing.setdefault(version.images, version)
        if last is version or not version.held_out or version.look < 2:
            continue
        change = compare(from_bits(last.held_out), from_bits(version.held_out))
        trial = Trial(version.number, last.number, change, needed_p(version.look))
        found.append(trial)
        if trial.passed:
            standing[version.images] = version
    return tuple(found)


def confirmed(versions: Sequence[Version]) -> int | None:
    """The number of the last version that was proven better; None if none was."""
    return max((trial.version for trial in trials(versions) if trial.passed), default=None)


def trial_of(versions: Sequence[Version], number: int | None) -> Trial | None:
    """The version's own trial; None for the first, and where it could not be compared."""
    return next((trial for trial in trials(versions) if trial.version == number), None)


def trial_words(trial: Trial) -> str:
    """The trial as words: "version 3 is not confirmed against version 1: ..., needed p < 0.017"."""
    verdict = "is confirmed" if trial.passed else "is not confirmed"
    change = trial.change
    return (
        f"version {trial.version} {verdict} against version {trial.against}: "
        f"{change.fixed} fixed, {change.broken} broken, {p_needed(change.p, trial.needed)}"
    )
