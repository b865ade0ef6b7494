"""What changed between two versions, or between a version and the working system, and by what."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from builder.lineage import lineage
from builder.records import Decided
from builder.state import State, Step, Version, from_marks, steps_between
from builder.statistics import Change, compare


@dataclass(frozen=True, slots=True)
class ClassChange:
    """Images of one class, out of n, that are right before and after."""

    name: str
    n: int
    before: int
    after: int

    @property
    def net(self) -> int:
        return self.after - self.before


def class_changes(
    before: NDArray[np.bool_],
    after: NDArray[np.bool_],
    labels: NDArray[np.intp],
    classes: Sequence[str],
) -> tuple[ClassChange, ...]:
    """The classes with more or fewer correct images, most gained first, most lost last.

    before, after: [n] True where an image is correct; labels: [n] index into `classes`, -1 for a
    class that is not among them.
    """
    known = labels >= 0
    size = len(classes)
    n, old, new = (
        np.bincount(labels[known], weights=marks[known], minlength=size).astype(int).tolist()
        for marks in (np.ones(len(labels)), before, after)
    )
    changes = [ClassChange(*row) for row in zip(classes, n, old, new, strict=True)]
    return tuple(sorted((c for c in changes if c.net), key=lambda change: -change.net))


def held_out_change(before: Version, after: Version) -> Change | None:
    """What happened on held-out images; None unless both were measured on the same."""
    if before.images != after.images:
        return None
    return compare(from_marks(before.held_out), from_marks(after.held_out))


@dataclass(frozen=True, slots=True)
class Causes:
    """The steps that lead from one system to another: those done, and those taken back.

    A return to a version takes back what is no longer in the system.
    """

    done: tuple[Step, ...]
    taken_back: tuple[Step, ...]


def causes(before: Version, after: tuple[Step, ...], versions: Sequence[Version]) -> Causes:
    """What lies between a version and the last of the steps `after`, in a session of `versions`."""
    origins = (lineage(steps, versions) for steps in (before.steps, after))
    taken_back, done = steps_between(*origins)
    return Causes(done, taken_back)


def decision_on(step: Step, state: State) -> Decided | None:
    """The decision that led to the step; None for a draft, a return, or one taken back."""
    if step.proposal is None:
        return None
    key = step.proposal.key
    return next(
        (
            decided
            for decided in reversed(state.decisions)
            if decided.decision == "accepted" and decided.proposal.key == key
        ),
        None,
    )
