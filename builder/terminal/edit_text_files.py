"""The files of a whole system that is edited as a text, in the session's folder.

Beside the text lies the system that it was written from: it tells what the person changed from
what was accepted since.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from builder.errors import InputError
from builder.system import AttributeSystem
from builder.system_json import system_from_json, system_json_problems, system_to_json
from builder.system_text import system_to_text, with_notes
from builder.terminal.editor import read_text, remove_file, write_private

FILE = "system.edit.yaml"
BASE = "system.edit.base.json"
KEPT = "system.edit.kept.yaml"
WHAT = "The text of the system"
_WHAT_BASE = "The system that the text was written from"


def begin(folder: Path, system: AttributeSystem) -> None:
    """A text that says what the system is. Raises InputError, as all here do."""
    # In this order: a text without its base would undo what is accepted meanwhile.
    write_base(folder, system)
    write_private(folder / FILE, system_to_text(system), WHAT)


def write_base(folder: Path, system: AttributeSystem) -> None:
    write_private(folder / BASE, json.dumps(system_to_json(system)), _WHAT_BASE)


def read_base(folder: Path) -> AttributeSystem | None:
    """The system that the text was written from; None where that can't be read."""
    try:
        value = json.loads(read_text(folder / BASE))
    except (InputError, ValueError, RecursionError):
        return None
    return None if any(system_json_problems(value)) else system_from_json(value)


def begin_anew(
    folder: Path, base: AttributeSystem, system: AttributeSystem, notes: Sequence[str]
) -> None:
    """A text of `system` in place of the present one, written from `base`.

    With notes, which stand above it, the present one is kept beside it, before any kept earlier.
    """
    if notes:
        former = read_text(folder / KEPT) if (folder / KEPT).exists() else ""
        write_private(folder / KEPT, f"{read_text(folder / FILE)}\n{former}", WHAT)
    # In this order: an older base only makes more of the text the person's.
    write_private(folder / FILE, with_notes(system_to_text(system), notes), WHAT)
    write_base(folder, base)


def remove_kept(folder: Path) -> None:
    remove_file(folder / KEPT, WHAT)


def remove(folder: Path) -> None:
    """All of them, the text first: the others are of no use without it."""
    remove_file(folder / FILE, WHAT)
    remove_kept(folder)
    remove_file(folder / BASE, _WHAT_BASE)
