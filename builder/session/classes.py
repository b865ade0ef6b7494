"""The classes of a session: images know them by the names that they came with."""

from collections.abc import Iterable

from builder.edits.model import AddClass
from builder.session.records import Started
from builder.session.state import State, Step, Version


def added_classes(state: State) -> tuple[str, ...]:
    """The names of classes that were added in the session, now or in a version, each once."""
    histories = [state.steps, *(version.steps for version in state.versions)]
    steps = {id(step): step for history in histories for step in history}
    added = (
        edit.class_name
        for step in steps.values()
        if step.proposal
        for edit in step.proposal.edits
        if isinstance(edit, AddClass)
    )
    begun = {entry.name for entry in state.started.classes}
    return tuple(name for name in dict.fromkeys(added) if name not in begun)


def described(started: Started, labels: Iterable[str], step: Step) -> dict[str, str]:
    """The step's classes, by the names that images came with -> their descriptions.

    labels: those of all images at hand; a class that was added has no description.
    """
    classes = {entry.name: entry.description for entry in started.classes}
    classes |= dict.fromkeys(sorted(set(labels) - classes.keys()), "")
    known = frozenset(step.system.classes)
    return {name: words for name, words in classes.items() if step.names.class_name(name) in known}


def incomparable(before: Version, after: Version) -> str:
    """What two versions on different images differ in, in words; classes by their first names."""
    old, new = (_first_names(version) for version in (before, after))
    parts = [_listed("with", new - old), _listed("without", old - new)]
    words = ", ".join(part for part in parts if part)
    return f"other classes ({words})" if words else "other images"


def _first_names(version: Version) -> frozenset[str]:
    step = version.steps[-1]
    first = {now: name for name, now in step.names.classes.items() if now is not None}
    return frozenset(first.get(name, name) for name in step.system.classes)


def _listed(word: str, names: frozenset[str]) -> str:
    first = sorted(names)[:3]
    more = f" and {len(names) - len(first)} more" if len(names) > len(first) else ""
    return f"{word} {', '.join(first)}{more}" if names else ""
