"""Locking and unlocking by hand: a group, a class, or one rule."""

from collections.abc import Sequence

from builder.edits.locks import Lock, lock_words
from builder.review.view import RemoveLock, SetLock, View
from builder.terminal.asker import Asker, Key
from builder.terminal.text import shortened

_KINDS = (Key("g", "a group"), Key("c", "a class"), Key("r", "one rule"))
_UNLOCK = Key("u", "unlock")


def lock_or_unlock(asker: Asker, view: View) -> SetLock | RemoveLock | None:
    """What the person wants locked or unlocked; None when they go back."""
    locks = view.state.locks
    keys = (*_KINDS, _UNLOCK) if locks else _KINDS
    while (kind := asker.key("Lock what? Only you change it then", keys)) is not None:
        if kind == "u":
            if (lock := _pick(asker, locks)) is not None:
                return RemoveLock(lock)
        elif (lock := _wanted(asker, view, kind)) is not None:
            # Locking what is locked already opens it, as the same key would on a door.
            return RemoveLock(lock) if lock in locks else SetLock(lock)
    return None


def _pick(asker: Asker, locks: Sequence[Lock]) -> Lock | None:
    words = [lock_words(lock) for lock in locks]
    picked = asker.pick("Unlock which?", words)
    return None if picked is None else locks[words.index(picked)]


def _wanted(asker: Asker, view: View, kind: str) -> Lock | None:
    groups = [group.name for group in view.system.groups]
    if kind == "g":
        group = asker.pick("Which group?", groups)
        return None if group is None else Lock(group=group)
    class_name: str | None = None
    while (class_name := asker.pick("Which class?", view.system.classes, class_name)) is not None:
        if kind == "c":
            return Lock(class_name=class_name)
        group = asker.pick(f"Which rule of {shortened(class_name, 40)}?", groups)
        if group is not None:
            return Lock(class_name=class_name, group=group)
    return None
