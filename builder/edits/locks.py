"""Locks on what only the person may change, checked by comparing a system with its change."""

from collections.abc import Iterable
from typing import Self

from pydantic import model_validator

from builder.edits.renames import Renames
from builder.system.model import AttributeSystem, Value


class Lock(Value):
    """What only the person may change: a group, a class or, with both names, one rule."""

    group: str | None = None
    class_name: str | None = None

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if self.group is None and self.class_name is None:
            raise ValueError("a lock names a group, a class, or both")
        return self


def touched(
    locks: Iterable[Lock], before: AttributeSystem, after: AttributeSystem
) -> tuple[Lock, ...]:
    """The locks that the change from `before` to `after` breaks.

    A locked group keeps its prompt, its options and its part of every rule; a locked class keeps
    the options that it has, and gets none in other groups; a locked rule keeps its options. What
    `before` does not hold cannot be changed.
    """
    classes = before.classes
    return tuple(
        lock
        for lock in locks
        if (kept := _kept(lock, before, classes)) is not None
        and kept != _kept(lock, after, classes)
    )


def follow(locks: Iterable[Lock], renames: Renames) -> tuple[Lock, ...]:
    """The locks by the present names of what they lock; those of dropped things go."""
    followed = []
    for lock in locks:
        group = lock.group and renames.group(lock.group)
        class_name = lock.class_name and renames.class_name(lock.class_name)
        if (group is None, class_name is None) == (lock.group is None, lock.class_name is None):
            followed.append(Lock(group=group, class_name=class_name))
    return tuple(followed)


def still_there(locks: Iterable[Lock], system: AttributeSystem) -> tuple[Lock, ...]:
    """The locks whose thing the system still holds; a new thing of the same name is another."""
    return tuple(lock for lock in locks if _kept(lock, system, ()) is not None)


def lock_words(lock: Lock) -> str:
    """The lock in words, e.g. "group color", "class Absol" or "rule Absol · color"."""
    if lock.class_name is None:
        return f"group {lock.group}"
    if lock.group is None:
        return f"class {lock.class_name}"
    return f"rule {lock.class_name} · {lock.group}"


def _kept(lock: Lock, system: AttributeSystem, classes: Iterable[str]) -> object:
    """What must stay the same of the locked thing; None where the system lacks it.

    `classes` are those whose part in a locked group is looked at.
    """
    if lock.class_name is None:
        group = next((group for group in system.groups if group.name == lock.group), None)
        rules = system.rules
        return group and (group, [rules.get(name, {}).get(group.name) for name in classes])
    rule = system.rules.get(lock.class_name)
    if rule is None:
        return None
    if lock.group is None:
        return {name: chosen for name, chosen in rule.items() if chosen}
    return rule.get(lock.group)
