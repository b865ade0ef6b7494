"""The whole system as a text in the person's editor; what they changed becomes a proposal.

The text lies in the session's folder from the moment it is opened until its change is applied or
dropped: neither a mistake in it, nor a missing editor, nor the end of the program loses it. Beside
it lies the system that it was written from, which tells what the person changed from what was
accepted meanwhile: only the person's changes are made to the system.
"""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from difflib import unified_diff
from functools import partial
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.text import Text

from builder.edits.diff import edits_between, perhaps_renamed, rebase
from builder.edits.model import Proposal, RenameClass
from builder.errors import InputError
from builder.files import replace_file
from builder.review.view import View
from builder.scoring.wording import counted
from builder.system import yaml_text
from builder.system.json_format import system_to_json
from builder.system.model import AttributeSystem
from builder.system.strict_json import read_model
from builder.system.yaml_text import SystemTextError, system_from_text, system_to_text
from builder.terminal.asker import Asker, Key
from builder.terminal.confirming import confirmed
from builder.terminal.going_back import Steps, stepwise
from builder.terminal.render import error_panel
from builder.terminal.text import LONG, quoted, shortened

FILE = "system.edit.yaml"
BASE = "system.edit.base.json"
KEPT = "system.edit.kept.yaml"
WHAT = "The text of the system"
_WHAT_BASE = "The system that the text was written from"
_LONGEST_FILE = 10_000_000
_AGAIN = (Key("e", "edit again"), Key("d", "drop it"))
_LEFT = (Key("g", "go on with it"), Key("d", "drop it"))
# More classes that may be renamed are asked about together.
_MOST_ASKED = 5


def unfinished_text(folder: Path, system: AttributeSystem) -> bool:
    """Whether a text lies in the folder whose change was neither applied nor dropped.

    One that says what `system` is anyway, or what it was written from, is finished and removed.
    """
    if not (folder / FILE).exists():
        return False
    try:
        said = system_from_text(read_text(folder / FILE))
        if (folder / KEPT).exists() or said not in (system, read_base(folder)):
            return True
        remove(folder)
    except InputError:
        return True
    return False


def resume_text(asker: Asker, console: Console, view: View, folder: Path) -> Proposal | None:
    """What comes of an unfinished text. The person may also leave it there for another time."""
    key = asker.key("A text of the whole system was left unfinished", _LEFT)
    if key == "g":
        return edit_as_text(asker, console, view, folder)
    if key == "d":
        _dropped(asker, folder)
    return None


def edit_as_text(asker: Asker, console: Console, view: View, folder: Path) -> Proposal | None:
    """The change that the person made in the text, seen measured and confirmed, or None.

    A text that lies there already is gone on with. After a confirmed change it stays until
    `unfinished_text` finds it applied.
    """
    while True:
        try:
            after = _from_editor(console, folder, view.system)
        except SystemTextError as error:
            console.print(_mistakes(error))
        except InputError as error:
            console.print(error_panel(error), crop=False)
        else:
            if after is None or after == view.system:
                why = "was emptied, which changes nothing" if after is None else "changes nothing"
                console.print(Text(f"The text {why}."))
                remove(folder)
                return None
            answer = stepwise(asker, partial(_confirmed, console, view, after))
            if answer == "declined":
                remove(folder)
                return None
            if answer is not None:
                remove_kept(folder)
                return answer
        if not _again(asker, folder):
            return None


# --- What the person wrote ----------------------------------------------------------------------


def _from_editor(console: Console, folder: Path, now: AttributeSystem) -> AttributeSystem | None:
    """What the person wants the system to be, as it is now; None if they emptied the text.

    Raises SystemTextError, and then the mistakes stand above the text; InputError.
    """
    path = folder / FILE
    if not path.exists():
        begin(folder, now)
    else:
        left: AttributeSystem | None = None
        # One with mistakes only the editor can mend.
        with suppress(InputError):
            left = system_from_text(read_text(path))
        if left is not None:
            # Before the editor opens: nobody should change what is no longer so.
            _carried_over(console, folder, left, now)
    run_editor(path)
    text = read_text(path)
    if yaml_text.without_words(text):
        return None
    try:
        after = system_from_text(text)
    except SystemTextError as error:
        marked, problems = yaml_text.with_problems(text, error.problems)
        write_private(path, marked, WHAT)
        raise SystemTextError(problems) from error
    return _carried_over(console, folder, after, now)


def _carried_over(
    console: Console, folder: Path, after: AttributeSystem, now: AttributeSystem
) -> AttributeSystem:
    """The system now with what the person changed in the text, which says `after`.

    Where the system has changed since the text was written, the text is written anew. Raises
    InputError where not all of it fits: it then has the rest, and says what is missing.
    """
    base = read_base(folder)
    if base is None:
        console.print(Text(_without_base(after, now)))
        write_base(folder, now)
        return after
    if base == now:
        return after
    edits = edits_between(base, after, perhaps_renamed(base, after))
    merged, misfits = rebase(edits, base, now)
    notes = [f"not carried over: {misfit.what} ({misfit.why})" for misfit in misfits]
    begin_anew(folder, now, merged, notes)
    if misfits:
        lines = [f"{shortened(misfit.what)}: {misfit.why}" for misfit in misfits]
        raise InputError(
            "\n".join(["The system has changed since, and no longer fits the text in:", *lines]),
            hint=f"The text has all the rest; as you left it, it is kept in {KEPT}.",
        )
    console.print(Text("The system has changed since; the text has both that and your changes."))
    return merged


def _without_base(after: AttributeSystem, now: AttributeSystem) -> str:
    before, written = (system_to_text(system).splitlines() for system in (now, after))
    marks = [line for line in unified_diff(before, written, n=0) if line[0] in "+-"]
    # The first two are its head.
    lines = counted(max(0, len(marks) - 2), "line")
    return (
        f"What the text was written from is not known. It differs in {lines} from the system as "
        "it is now, and what was accepted since it was written may be undone by it."
    )


# --- What comes of it ---------------------------------------------------------------------------


def _confirmed(
    console: Console, view: View, after: AttributeSystem, steps: Steps
) -> Proposal | Literal["declined"]:
    renamed = _renamed_classes(steps, perhaps_renamed(view.system, after))
    edits = edits_between(view.system, after, renamed)
    proposal = Proposal(edits=edits, source="person")
    return proposal if confirmed(steps, console, view, proposal) else "declined"


def _renamed_classes(steps: Steps, renames: Sequence[RenameClass]) -> list[RenameClass]:
    """The renamings that the person confirms; a new class begins without images."""
    if len(renames) > _MOST_ASKED:
        first = renames[0]
        title = (
            f"Are {len(renames)} classes the same under new names, "
            f"e.g. {quoted(first.class_name, 30)} as {quoted(first.to, 30)}?"
        )
        return list(renames) if steps.confirm(title, default=True) else []
    return [
        rename
        for rename in renames
        if steps.confirm(
            f"Is {quoted(rename.class_name, 40)} now called {quoted(rename.to, 40)}?", default=True
        )
    ]


def _mistakes(error: SystemTextError) -> Text:
    lines = ["The text is not a system yet:"]
    most, problems = yaml_text.MOST_SHOWN, error.problems
    lines += [f"  {shortened(str(problem), LONG)}" for problem in problems[:most]]
    if len(problems) > most:
        lines.append(f"  and {len(problems) - most:,} more")
    return Text("\n".join(lines))


def _again(asker: Asker, folder: Path) -> bool:
    """Whether to go on editing; going back leaves the text for another time."""
    while (key := asker.key("The text as you left it is kept", _AGAIN)) == "d":
        if _dropped(asker, folder):
            return False
    return key == "e"


def _dropped(asker: Asker, folder: Path) -> bool:
    if not asker.confirm("Drop all that was changed in the text?", default=False):
        return False
    remove(folder)
    return True


# --- The files of the text ------------------------------------------------------------------------


def begin(folder: Path, system: AttributeSystem) -> None:
    """Writes a text that says what the system is. Raises InputError, as all here do."""
    # In this order: a text without its base would undo what is accepted meanwhile.
    write_base(folder, system)
    write_private(folder / FILE, system_to_text(system), WHAT)


def write_base(folder: Path, system: AttributeSystem) -> None:
    write_private(folder / BASE, json.dumps(system_to_json(system)), _WHAT_BASE)


def read_base(folder: Path) -> AttributeSystem | None:
    """The system that the text was written from; None where that can't be read."""
    try:
        return read_model(AttributeSystem, json.loads(read_text(folder / BASE)))
    except (InputError, ValueError, RecursionError):
        return None


def begin_anew(
    folder: Path, base: AttributeSystem, system: AttributeSystem, notes: Sequence[str]
) -> None:
    """Writes a text of `system`, based on `base`, in place of the present one.

    With notes, which stand above it, the present one is kept beside it, before any kept earlier.
    """
    if notes:
        former = read_text(folder / KEPT) if (folder / KEPT).exists() else ""
        write_private(folder / KEPT, f"{read_text(folder / FILE)}\n{former}", WHAT)
    # In this order: an older base only makes more of the text the person's.
    write_private(folder / FILE, yaml_text.with_notes(system_to_text(system), notes), WHAT)
    write_base(folder, base)


def remove_kept(folder: Path) -> None:
    remove_file(folder / KEPT, WHAT)


def remove(folder: Path) -> None:
    """Removes all files, the text first: the others are of no use without it."""
    remove_file(folder / FILE, WHAT)
    remove_kept(folder)
    remove_file(folder / BASE, _WHAT_BASE)


# --- The person's editor, and text files ----------------------------------------------------------


def run_editor(path: Path, otherwise: str = "") -> None:
    """Lets the person edit a file, and waits until the editor is closed.

    Raises InputError when it can't be started or ends with an error; what is in the file then stays
    there. `otherwise` names what else the person can do.
    """
    command = _editor()
    hint = f"Name another one in EDITOR{otherwise}."
    with _told(f"The editor {command[0]} cannot be started", hint):
        code = subprocess.run([*command, str(path)], check=False).returncode
    if code != 0:
        raise InputError(
            f"The editor {command[0]} ended with an error ({code}).", hint=f"Try again{otherwise}."
        )


def _editor() -> list[str]:
    """The person's editor as words of a command. Raises InputError where none is named."""
    named = os.environ.get("VISUAL", "").strip() or os.environ.get("EDITOR", "").strip()
    windows = sys.platform == "win32"
    with _told(f"The editor {named} is not a command", "Set EDITOR, e.g. EDITOR=nano."):
        # A path on Windows holds backslashes.
        return shlex.split(named or ("notepad" if windows else "vi"), posix=not windows)


def read_text(path: Path, hint: str = "") -> str:
    """The text of a file. Raises InputError; `hint` is for a file that is too large."""
    with _told(f"{path} cannot be read", "Name a UTF-8 text file."):
        path = path.expanduser()
        if path.stat().st_size > _LONGEST_FILE:
            raise InputError(f"{path} has {path.stat().st_size / 1e6:,.0f} MB.", hint=hint)
        return path.read_text(encoding="utf-8-sig")


def write_private(path: Path, text: str, what: str) -> None:
    """Writes a whole file or nothing, readable by its owner alone. Raises InputError on `what`."""
    hint = "Make room or make the folder writable, then go on with cotbuild resume."
    with _told(f"{what} cannot be written to {path}", hint):
        replace_file(path, text.encode(errors="replace"), private=True)


def remove_file(path: Path, what: str) -> None:
    """Removes a file that should not stay. Raises InputError, naming `what`, if it can't be."""
    with _told(f"{what} cannot be removed from {path}", "Remove the file by hand."):
        path.unlink(missing_ok=True)


@contextmanager
def _told(problem: str, hint: str) -> Iterator[None]:
    """Raises InputError with the problem in place of what the system or a text gives for it."""
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{problem}: {why}.", hint=hint) from error
