"""Locking and unlocking by hand: a group, a class, or one rule."""

from functools import partial

from builder.edits.locks import Lock
from builder.review.view import RemoveLock, SetLock, View
from builder.terminal.asker import Asker, Key
from builder.terminal.going_back import Steps, stepwise
from builder.terminal.sentences import lock_told
from builder.terminal.text import shortened

_KINDS = (Key("g", "a group"), Key("c", "a class"), Key("r", "one rule"))
_UNLOCK = Key("u", "unlock")


def lock_or_unlock(asker: Asker, view: View) -> SetLock | RemoveLock | None:
    """What the person wants locked or unlocked; None when they go back."""
    return stepwise(asker, partial(_wanted, view))


def _wanted(view: View, steps: Steps) -> SetLock | RemoveLock:
    locks = view.state.locks
    keys = (*_KINDS, _UNLOCK) if locks else _KINDS
    kind = steps.key("Lock what? Only you change it then", keys)
    if kind == "u":
        words = [lock_told(lock) for lock in locks]
        return RemoveLock(locks[words.index(steps.pick("Unlock which?", words))])
    class_name = None if kind == "g" else steps.pick("Which class?", view.system.classes)
    group: str | None = None
    if kind != "c":
        of_class = f"Which rule of {shortened(class_name, 40)}?" if class_name else "Which group?"
        group = steps.pick(of_class, [known.name for known in view.system.groups])
    lock = Lock(class_name=class_name, group=group)
    # Locking what is locked already opens it, as the same key would on a door.
    return RemoveLock(lock) if lock in locks else SetLock(lock)
