"""The whole system as a text in the person's editor; what they changed becomes a proposal.

The text lies in a file from the moment it is opened until its change is applied or dropped: neither
a mistake in it, nor a missing editor, nor the end of the program loses it.
"""

from functools import partial
from pathlib import Path

from rich.console import Console
from rich.text import Text

from builder.differing import diff
from builder.edits import Proposal
from builder.errors import InputError
from builder.reviewing import View
from builder.system import AttributeSystem
from builder.system_text import (
    MOST_SHOWN,
    SystemTextError,
    system_from_text,
    system_to_text,
    with_problems,
    without_words,
)
from builder.terminal.asker import Asker, Key
from builder.terminal.confirming import confirmed
from builder.terminal.editor import read_text, remove_file, run_editor, write_private
from builder.terminal.render import error_panel
from builder.terminal.steps import Steps, stepwise
from builder.terminal.text import LONG, shortened

FILE = "system.edit.yaml"
_WHAT = "The text of the system"
_AGAIN = (Key("e", "edit again"), Key("d", "drop it"))
_LEFT = (Key("g", "go on with it"), Key("d", "drop it"))


def unfinished_text(folder: Path, system: AttributeSystem) -> bool:
    """Whether a text lies in the folder whose change was neither applied nor dropped.

    One that says what `system` is anyway is finished, and removed.
    """
    path = folder / FILE
    if not path.exists():
        return False
    try:
        if system_from_text(read_text(path)) != system:
            return True
        remove_file(path, _WHAT)
    except InputError:
        return True
    return False


def resume_text(asker: Asker, console: Console, view: View, folder: Path) -> Proposal | None:
    """What comes of an unfinished text. The person may also leave it there for another time."""
    key = asker.key("A text of the whole system was left unfinished", _LEFT)
    if key == "g":
        return edit_as_text(asker, console, view, folder)
    if key == "d":
        _dropped(asker, folder / FILE)
    return None


def edit_as_text(asker: Asker, console: Console, view: View, folder: Path) -> Proposal | None:
    """The change that the person made in the text, seen measured and confirmed, or None.

    A text that lies there already is gone on with. After a confirmed change it stays until
    `unfinished_text` finds it applied.
    """
    path = folder / FILE
    while True:
        try:
            after = _from_editor(path, view.system)
        except SystemTextError as error:
            console.print(_mistakes(error))
        except InputError as error:
            console.print(error_panel(error))
        else:
            proposal = _proposal(console, view, after)
            if proposal is None:
                remove_file(path, _WHAT)
                return None
            answer = stepwise(asker, partial(_confirmed, console, view, proposal))
            if answer is False:
                remove_file(path, _WHAT)
            if answer is not None:
                return proposal if answer else None
        if not _again(asker, path):
            return None


def _from_editor(path: Path, before: AttributeSystem) -> AttributeSystem | None:
    """What the person made of the text; None if they emptied it.

    Raises SystemTextError, and then the mistakes stand above the text; InputError.
    """
    if not path.exists():
        write_private(path, system_to_text(before), _WHAT)
    run_editor(path)
    text = read_text(path)
    if without_words(text):
        return None
    try:
        return system_from_text(text)
    except SystemTextError as error:
        marked, problems = with_problems(text, error.problems)
        write_private(path, marked, _WHAT)
        raise SystemTextError(problems) from error


def _proposal(console: Console, view: View, after: AttributeSystem | None) -> Proposal | None:
    edits = diff(view.system, after) if after else ()
    if edits:
        return Proposal(edits=edits, source="person")
    why = "changes nothing" if after else "was emptied, which changes nothing"
    console.print(Text(f"The text {why}."))
    return None


def _confirmed(console: Console, view: View, proposal: Proposal, steps: Steps) -> bool:
    return confirmed(steps, console, view, proposal)


def _mistakes(error: SystemTextError) -> Text:
    lines = ["The text is not a system yet:"]
    lines += [f"  {shortened(str(problem), LONG)}" for problem in error.problems[:MOST_SHOWN]]
    if len(error.problems) > MOST_SHOWN:
        lines.append(f"  and {len(error.problems) - MOST_SHOWN:,} more")
    return Text("\n".join(lines))


def _again(asker: Asker, path: Path) -> bool:
    """Whether to go on editing; going back leaves the text for another time."""
    while (key := asker.key("The text as you left it is kept", _AGAIN)) == "d":
        if _dropped(asker, path):
            return False
    return key == "e"


def _dropped(asker: Asker, path: Path) -> bool:
    if not asker.confirm("Drop all that was changed in the text?", default=False):
        return False
    remove_file(path, _WHAT)
    return True
