"""Where the systems of a session come from, and how two of them differ, renames told as such.

What changed between two versions, or between a version and the working system, and by what.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from builder.edits.apply import EditError, apply
from builder.edits.diff import diff
from builder.edits.model import (
    DropClass,
    DropGroup,
    DropOption,
    Edit,
    MergeOptions,
    RenameClass,
    RenameGroup,
    RenameOption,
    SplitOption,
)
from builder.errors import InputError
from builder.scoring.statistics import Change, compare
from builder.session.records import Decided
from builder.session.state import State, Step, Version, from_marks, steps_between
from builder.system.model import AttributeSystem, quoted

Steps = tuple[Step, ...]
K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Point:
    """A system of a session: what led to it, and the version with its marks if it was measured."""

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
    """The draft and the accepted proposals that are in the last step's system, in their order.

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
    parted = before[len(before) - len(taken_back) - 1].system
    old = _names_after(parted, taken_back)
    new = _names_after(parted, done)
    start, goal = before[-1].system, after[-1].system
    renames: list[Edit] = [
        *(RenameGroup(group=was, to=now) for was, now in _pairs(old.groups, new.groups)),
        *(RenameClass(class_name=was, to=now) for was, now in _pairs(old.classes, new.classes)),
        *(
            RenameOption(group=group, option=was, to=now)
            for (_, was), (group, now) in _pairs(old.options, new.options)
            if was != now
        ),
    ]
    told: list[Edit] = []
    # One after the other: a name may be taken until its bearer is renamed.
    while fitting := next((edit for edit in renames if _fits(start, edit)), None):
        renames.remove(fitting)
        told.append(fitting)
        start = apply(start, (fitting,))
    return (*told, *diff(start, goal))


@dataclass(slots=True)
class _Names:
    """What things are called by now -> what they were called first, of those there were at first.

    An option stands with its group's name of the same time.
    """

    groups: dict[str, str]
    options: dict[tuple[str, str], tuple[str, str]]
    classes: dict[str, str]


def _names_after(system: AttributeSystem, steps: Steps) -> _Names:
    names = _Names(
        groups={group.name: group.name for group in system.groups},
        options={(g.name, o): (g.name, o) for g in system.groups for o in g.options},
        classes={name: name for name in system.classes},
    )
    for step in steps:
        for edit in step.proposal.edits if step.proposal else ():
            _follow(names, edit)
    return names


def _follow(names: _Names, edit: Edit) -> None:
    match edit:
        case RenameGroup():
            _rename(names.groups, edit.group, edit.to)
            for group, option in [key for key in names.options if key[0] == edit.group]:
                _rename(names.options, (group, option), (edit.to, option))
        case RenameOption():
            _rename(names.options, (edit.group, edit.option), (edit.group, edit.to))
        case RenameClass():
            _rename(names.classes, edit.class_name, edit.to)
        case DropGroup():
            names.groups.pop(edit.group, None)
            for key in [key for key in names.options if key[0] == edit.group]:
                del names.options[key]
        case DropOption():
            names.options.pop((edit.group, edit.option), None)
        case SplitOption() if edit.option not in edit.into:
            names.options.pop((edit.group, edit.option), None)
        case MergeOptions():
            for option in edit.options:
                if option != edit.into:
                    names.options.pop((edit.group, option), None)
        case DropClass():
            names.classes.pop(edit.class_name, None)
        case _:
            pass


def _rename(names: dict[K, K], was: K, now: K) -> None:
    if was in names:
        names[now] = names.pop(was)


def _pairs(old: dict[K, K], new: dict[K, K]) -> Iterable[tuple[K, K]]:
    """Two names of the same thing, where they differ."""
    now = {first: name for name, first in new.items()}
    return [(was, now[first]) for was, first in old.items() if now.get(first, was) != was]


def _fits(system: AttributeSystem, edit: Edit) -> bool:
    try:
        apply(system, (edit,))
    except EditError:
        return False
    return True


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
