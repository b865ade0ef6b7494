"""Where the systems of a session come from, and how two of them differ."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from builder.edits.apply import EditError, apply
from builder.edits.diff import diff
from builder.edits.model import Edit
from builder.edits.renames import Renames
from builder.errors import InputError
from builder.scoring.statistics import Change, compare
from builder.session.records import Decided
from builder.session.state import State, Step, Version, from_bits, steps_between
from builder.system.model import AttributeSystem, quoted

Steps = tuple[Step, ...]
# What a system is called beside a version's number.
NAMES = ("best", "last", "now")


@dataclass(frozen=True, slots=True)
class Point:
    """A system in a session: the steps that led to it, and its version if it was measured."""

    title: str
    steps: Steps
    version: Version | None

    @property
    def system(self) -> AttributeSystem:
        return self.steps[-1].system


def find_point(state: State, name: str) -> Point:
    """The system that a person names: a version's number, "best", "last", or "now".

    Raises InputError, which names those that there are.
    """
    if name == "now" and state.system is not None:
        same = [version for version in state.versions if version.system == state.system]
        steps = lineage(state.steps, state.versions)
        return Point("the working system", steps, same[-1] if same else None)
    numbers = {str(version.number): version for version in state.versions}
    if state.versions:
        numbers |= {"last": state.versions[-1]}
    if state.best_version is not None:
        numbers |= {"best": state.best_version}
    version = numbers.get(name)
    if version is None:
        raise InputError(f"there is no version {quoted(name)} here", hint=_there_is(state))
    return Point(f"version {version.number}", lineage(version.steps, state.versions), version)


def _there_is(state: State) -> str:
    if state.system is None:
        return "nothing was drafted yet: go on with cotbuild resume"
    if not state.versions:
        return "none was measured yet: there is only the working system, now"
    last = state.versions[-1].number
    numbers = "1" if last == 1 else f"1 to {last}"
    return f"there is {numbers}, best ({state.best}), last ({last}) and the working system, now"


def lineage(steps: Steps, versions: Sequence[Version]) -> Steps:
    """The draft and the accepted proposals that are in the last step's system, in order.

    A return to a version stands for what had led to that one. Without a draft there is nothing.
    """
    for place in reversed(range(len(steps))):
        number = steps[place].back_to
        if number is not None:
            origin = next(version for version in versions if version.number == number)
            return (*lineage(origin.steps, versions), *steps[place + 1 :])
    return steps


def edits_between_steps(before: Steps, after: Steps) -> tuple[Edit, ...]:
    """Edits with `apply(before[-1].system, edits) == after[-1].system`, of two lineages.

    What bears another name in the one than in the other is renamed, not dropped and added.
    """
    taken_back, done = steps_between(before, after)
    old = _renames(taken_back)
    new = _renames(done)
    start, goal = before[-1].system, after[-1].system
    renames = list(old.to(new).edits())
    told: list[Edit] = []
    # One after the other: a name may be taken until its bearer is renamed.
    while fitting := next((edit for edit in renames if _fits(start, edit)), None):
        renames.remove(fitting)
        told.append(fitting)
        start = apply(start, (fitting,))
    return (*told, *diff(start, goal))


def _renames(steps: Steps) -> Renames:
    return Renames().after(edit for step in steps if step.proposal for edit in step.proposal.edits)


def _fits(system: AttributeSystem, edit: Edit) -> bool:
    try:
        apply(system, (edit,))
    except EditError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class ClassChange:
    """How many of a class's n images are right before and after."""

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
        np.bincount(labels[known], weights=each[known], minlength=size).astype(int).tolist()
        for each in (np.ones(len(labels)), before, after)
    )
    changes = [ClassChange(*row) for row in zip(classes, n, old, new, strict=True)]
    return tuple(sorted((c for c in changes if c.net), key=lambda change: -change.net))


def held_out_change(before: Version, after: Version) -> Change | None:
    """How held-out images changed; None unless both were measured on the same ones."""
    if before.images != after.images:
        return None
    return compare(from_bits(before.held_out), from_bits(after.held_out))


@dataclass(frozen=True, slots=True)
class Causes:
    """The steps that lead from one system to another: the done, and those taken back.

    A return to a version takes back what is no longer in the system.
    """

    done: tuple[Step, ...]
    taken_back: tuple[Step, ...]


def causes(before: Version, after: tuple[Step, ...], versions: Sequence[Version]) -> Causes:
    """The causes between a version and the last step of `after`, in a session of `versions`."""
    origins = (lineage(steps, versions) for steps in (before.steps, after))
    taken_back, done = steps_between(*origins)
    return Causes(done, taken_back)


def decision_on(step: Step, state: State) -> Decided | None:
    """The decision that led to the step; None for a draft, a return, or one taken back."""
    accepted = (each for each in reversed(state.decisions) if each.decision == "accepted")
    key = step.proposal and step.proposal.key
    return next((decided for decided in accepted if decided.proposal.key == key), None)
