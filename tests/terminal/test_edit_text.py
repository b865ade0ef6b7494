"""The whole system in a real editor, which here is a small program of its own."""

import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from builder.edits.locks import Lock
from builder.edits.model import (
    DropClass,
    Proposal,
    RenameClass,
    RenameGroup,
    RenameOption,
    SetRule,
)
from builder.review.view import View
from builder.session.journal import OWN_FILES
from builder.session.records import Decided, Locked
from builder.terminal import edit_text
from builder.terminal.edit_text import BASE, FILE, KEPT, unfinished_text
from builder.terminal.editing import edit_by_hand
from tests.terminal import sample
from tests.terminal.scripted import BACK, Scripted

# Each run takes the next line of a file: what to replace by what, or to leave with an error.
_EDITOR = """
import os
import sys
from pathlib import Path

steps, text = Path(sys.argv[1]), Path(sys.argv[2])
first, _, rest = steps.read_text(encoding="utf-8").partition("\\n")
steps.write_text(rest, encoding="utf-8")
if first == "fail":
    sys.exit(3)
old, new, *kill = first.split(" => ")
written = text.read_text(encoding="utf-8")
assert old in written, f"{old!r} is not in the text"
text.write_text(new if old == "" else written.replace(old, new, 1), encoding="utf-8")
if kill:
    os.kill(os.getppid(), 9)
"""
SPACE = "background: a desert => background: space"
FIXED = Proposal(
    edits=(SetRule(class_name="Absol G", group="background", options=("space",)),),
    source="person",
)
Editor = Callable[..., None]


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Editor:
    """Says what the editor does in its next runs."""
    program, steps = tmp_path / "editor.py", tmp_path / "steps"
    program.write_text(_EDITOR, encoding="utf-8")
    command = shlex.join([sys.executable, str(program), str(steps)])
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", command)

    def does(*lines: str) -> None:
        steps.write_text("\n".join(lines), encoding="utf-8")

    return does


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "session"
    folder.mkdir()
    return folder


def played(
    folder: Path, *answers: object, view: View | None = None
) -> tuple[Proposal | None, str, list[str]]:
    asker = Scripted(*answers)
    console = Console(width=100, color_system=None, highlight=False, markup=False)
    with console.capture() as captured:
        proposal = edit_by_hand(asker, console, view or sample.view(), folder)
    assert not asker.answers, "an answer was left over"
    return proposal, captured.get(), asker.asked


def test_a_changed_text_is_a_proposal_seen_with_its_effect(editor: Editor, folder: Path) -> None:
    editor(SPACE)
    proposal, shown, asked = played(folder, "t", True)
    assert proposal == FIXED
    assert "Your change: " in shown
    assert " pp (" in shown
    assert "Absol G · background: a desert -> space" in shown
    assert asked == ["Edit what?", "Apply it?"]


def test_without_a_folder_there_is_no_text() -> None:
    console = Console(width=100, color_system=None)
    with pytest.raises(AssertionError, match="not on the menu"):
        edit_by_hand(Scripted("t"), console, sample.view())


def test_the_file_is_for_the_owner_alone(editor: Editor, folder: Path) -> None:
    editor(SPACE)
    played(folder, "t", True)
    if sys.platform != "win32":
        assert (folder / FILE).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("step", ["", "domain => domain", " => # only a comment"])
def test_an_unchanged_or_emptied_text_changes_nothing(
    step: str, editor: Editor, folder: Path
) -> None:
    editor(step or "a => a")
    proposal, shown, asked = played(folder, "t", BACK)
    assert proposal is None
    assert "changes nothing." in shown
    assert asked == ["Edit what?", "Edit what?"]
    assert not (folder / FILE).exists()


def test_mistakes_go_back_to_the_editor_with_what_is_wrong(editor: Editor, folder: Path) -> None:
    # Each run finds the mistakes above the text, and none that are mended.
    editor(
        "background: a desert => background: spaec",
        ".background: 'spaec' is not an option of 'background' => (seen)",
        "'spaec' is not an option => 'spaec' is seen again",
        "background: spaec => background: space",
    )
    proposal, _, asked = played(folder, "t", "e", "e", "e", True)
    assert proposal == FIXED
    assert asked == ["Edit what?", *["The text as you left it is kept"] * 3, "Apply it?"]


def test_the_mistakes_on_the_screen_have_the_lines_of_the_file(
    editor: Editor, folder: Path
) -> None:
    editor("background: a desert => background: spaec")
    _, shown, _ = played(folder, "t", BACK, BACK)
    lines = (folder / FILE).read_text(encoding="utf-8").splitlines()
    number = lines.index("    background: spaec") + 1
    mistake = f"line {number}, rules[\"Absol G\"].background: 'spaec' is not an option of"
    assert f"The text is not a system yet:\n  {mistake}" in shown
    assert lines[0].startswith(f"#! {mistake}")


def test_a_text_can_be_dropped_after_a_question(editor: Editor, folder: Path) -> None:
    editor("domain => domian", "domian => domain")
    proposal, _, asked = played(folder, "t", "d", False, "d", True, BACK)
    assert proposal is None
    assert asked.count("Drop all that was changed in the text?") == 2
    assert not (folder / FILE).exists()


def test_no_drops_the_change_and_escape_keeps_it(editor: Editor, folder: Path) -> None:
    editor(SPACE)
    assert played(folder, "t", False, BACK)[0] is None
    assert not (folder / FILE).exists()
    editor(SPACE, "space => a forest")
    proposal, _, _ = played(folder, "t", BACK, BACK, BACK)
    assert proposal is None
    assert (folder / FILE).exists()


def test_an_editor_that_fails_loses_nothing(
    editor: Editor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor("domain => domian", "fail")
    _, shown, _ = played(folder, "t", "e", BACK, BACK)
    assert "ended with an error (3)" in shown
    assert "domian" in (folder / FILE).read_text(encoding="utf-8")
    monkeypatch.setenv("EDITOR", "no-such-editor")
    _, shown, _ = played(folder, "g", BACK, BACK)
    assert "The editor no-such-editor cannot be started" in shown
    assert "domian" in (folder / FILE).read_text(encoding="utf-8")


def test_a_text_survives_a_kill(editor: Editor, folder: Path) -> None:
    # The editor saves, and ends the program that waits for it.
    editor(SPACE + " => kill")
    program = (
        "import sys; from pathlib import Path; from rich.console import Console\n"
        "from builder.terminal.editing import edit_by_hand\n"
        "from tests.terminal import sample; from tests.terminal.scripted import Scripted\n"
        "edit_by_hand(Scripted('t', True), Console(), sample.view(), Path(sys.argv[1]))"
    )
    root = Path(__file__).parent.parent.parent
    killed = subprocess.run([sys.executable, "-c", program, str(folder)], cwd=root, check=False)
    assert killed.returncode not in (0, 1)
    assert unfinished_text(folder, sample.system())
    editor("domain => domain")
    proposal, _, asked = played(folder, "g", True)
    assert proposal == FIXED
    assert asked[0] == "A text of the whole system was left unfinished"


def test_what_was_left_may_stay_or_go(editor: Editor, folder: Path) -> None:
    editor(SPACE)
    played(folder, "t", BACK, BACK, BACK)
    editor("background: space => background: a forest")
    _, shown, _ = played(folder, BACK, "t", BACK, BACK, BACK)
    assert "Absol G · background: a desert -> a forest" in shown
    assert played(folder, "d", False, BACK)[0] is None
    assert unfinished_text(folder, sample.system())
    assert played(folder, "d", True, BACK)[0] is None
    assert not unfinished_text(folder, sample.system())


def test_a_text_is_kept_until_its_change_is_applied(editor: Editor, folder: Path) -> None:
    editor(SPACE)
    proposal, _, _ = played(folder, "t", True)
    assert proposal is not None
    # Killed before the decision was recorded: it is all there.
    assert unfinished_text(folder, sample.system())
    applied = sample.view([Decided(proposal=proposal, decision="accepted", by="person")])
    _, _, asked = played(folder, BACK, view=applied)
    assert asked == ["Edit what?"]
    assert not (folder / FILE).exists()


def test_a_text_that_is_none_is_kept(editor: Editor, folder: Path) -> None:
    (folder / FILE).write_bytes(b"\xff\xfe\x00")
    editor("fail")
    _, shown, _ = played(folder, "g", BACK, BACK)
    assert "ended with an error" in shown
    assert (folder / FILE).read_bytes() == b"\xff\xfe\x00"


# --- What was accepted since the text was written -------------------------------------------------


def rewrite(folder: Path, old: str, new: str) -> None:
    text = (folder / FILE).read_text(encoding="utf-8")
    assert old in text
    (folder / FILE).write_text(text.replace(old, new), encoding="utf-8")


def with_accepted(*proposals: Proposal) -> View:
    return sample.view(
        [Decided(proposal=proposal, decision="accepted", by="person") for proposal in proposals]
    )


HELPFUL = sample.proposals()[0]
NO_EEVEE = Proposal(edits=(DropClass(class_name="Eevee"),), source="person")


def test_what_was_accepted_since_is_not_undone(editor: Editor, folder: Path) -> None:
    editor(SPACE)
    played(folder, "t", BACK, BACK, BACK)
    # The text opens with what was accepted, beside what the person had changed.
    editor("domain => domain")
    view = with_accepted(HELPFUL)
    proposal, shown, asked = played(folder, "g", True, view=view)
    assert proposal == FIXED
    assert "The system has changed since; the text has both" in shown
    assert "Mew" not in shown
    assert asked == ["A text of the whole system was left unfinished", "Apply it?"]
    text = (folder / FILE).read_text(encoding="utf-8")
    assert "  Mew:\n    color: pink\n    background: a forest\n" in text
    # Applied on top of what was accepted, it is finished.
    applied = with_accepted(HELPFUL, FIXED)
    assert not unfinished_text(folder, applied.system)
    assert list(folder.iterdir()) == []


def test_a_text_in_which_nothing_was_changed_is_finished(editor: Editor, folder: Path) -> None:
    editor("fail")
    played(folder, "t", BACK, BACK)
    assert (folder / BASE).exists()
    assert not unfinished_text(folder, with_accepted(HELPFUL).system)
    assert list(folder.iterdir()) == []


def test_what_no_longer_fits_is_named_and_the_rest_carried_over(
    editor: Editor, folder: Path
) -> None:
    editor(SPACE)
    played(folder, "t", BACK, BACK, BACK)
    rewrite(folder, "  Eevee:\n    color: pink\n", "  Eevee:\n    color: black\n")
    editor("domain => domain")
    proposal, shown, asked = played(folder, "g", "e", True, view=with_accepted(NO_EEVEE))
    assert "no longer fits the text in:\n" in shown
    assert "Eevee · color: pink -> black: " in shown
    assert "there is no class 'Eevee'" in shown
    assert f"kept in {KEPT}" in shown
    assert asked[1] == "The text as you left it is kept"
    assert proposal == FIXED
    assert not (folder / KEPT).exists()


def test_a_text_of_which_nothing_fits_is_kept_until_it_is_dropped(
    editor: Editor, folder: Path
) -> None:
    editor("background: space => background: a desert # mine")
    played(folder, "t", BACK, BACK, BACK)
    view = with_accepted(NO_EEVEE)
    played(folder, "g", BACK, BACK, view=view)
    assert (folder / FILE).read_text(encoding="utf-8").startswith("#! not carried over: ")
    assert "# mine" in (folder / KEPT).read_text(encoding="utf-8")
    assert unfinished_text(folder, view.system)
    played(folder, "d", True, BACK, view=view)
    assert list(folder.iterdir()) == []


def test_a_text_with_mistakes_is_carried_over_once_they_are_mended(
    editor: Editor, folder: Path
) -> None:
    editor("background: a desert => background: spaec")
    played(folder, "t", BACK, BACK)
    editor("background: spaec => background: space")
    proposal, shown, _ = played(folder, "g", True, view=with_accepted(HELPFUL))
    assert proposal == FIXED
    assert "Mew" not in shown


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"groups": 3}', "\0"])
def test_without_what_it_was_written_from_the_danger_is_told(
    content: str | None, editor: Editor, folder: Path
) -> None:
    editor(SPACE)
    played(folder, "t", BACK, BACK, BACK)
    (folder / BASE).unlink()
    if content is not None:
        (folder / BASE).write_text(content, encoding="utf-8")
    editor("domain => domain")
    proposal, shown, _ = played(folder, "g", True, view=with_accepted(HELPFUL))
    assert "It differs in 4 lines from the system as it is now" in " ".join(shown.split())
    assert proposal is not None
    assert len(proposal.edits) == 2


# --- New names --------------------------------------------------------------------------------


MEW_TWO = RenameClass(class_name="Mew", to="Mew 2")


def test_a_class_with_a_new_name_is_asked_about(editor: Editor, folder: Path) -> None:
    editor("  Mew: =>   Mew 2:")
    proposal, shown, asked = played(folder, "t", True, True)
    assert asked == ["Edit what?", 'Is "Mew" now called "Mew 2"?', "Apply it?"]
    assert proposal == Proposal(edits=(MEW_TWO,), source="person")
    # Its images stay its own.
    assert "0 fixed, 0 broken" in shown


def test_a_new_class_in_the_place_of_another_is_none_of_its_images(
    editor: Editor, folder: Path
) -> None:
    editor("  Mew: =>   Mew 2:", "domain => domain")
    proposal, _, asked = played(folder, "t", BACK, "e", False, BACK, False, True)
    assert proposal is not None
    assert [edit.kind for edit in proposal.edits] == ["drop_class", "add_class"]
    assert asked.count('Is "Mew" now called "Mew 2"?') == 3


def test_many_classes_are_asked_about_together(
    editor: Editor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edit_text, "_MOST_ASKED", 3)
    view = sample.view(names=("A 0", "A 1", "A 2", "A 3"))
    editor("fail", "domain => domain")
    played(folder, "t", BACK, BACK, view=view)
    rewrite(folder, "  A ", "  B ")
    proposal, _, asked = played(folder, "g", True, True, view=view)
    assert proposal is not None
    assert [edit.kind for edit in proposal.edits] == ["rename_class"] * 4
    assert asked[1] == 'Are 4 classes the same under new names, e.g. "A 0" as "B 0"?'


def test_new_names_of_groups_and_options_are_renames(editor: Editor, folder: Path) -> None:
    editor("fail", "domain => domain")
    played(folder, "t", BACK, BACK)
    rewrite(folder, "background", "place")
    rewrite(folder, "pink", "rose")
    proposal, shown, _ = played(folder, "g", True)
    assert proposal is not None
    assert proposal.edits == (
        RenameGroup(group="background", to="place"),
        RenameOption(group="color", option="pink", to="rose"),
    )
    assert "rename group background to place" in shown


def test_what_is_locked_is_told_of_a_text_too(editor: Editor, folder: Path) -> None:
    editor(SPACE)
    view = sample.view([Locked(lock=Lock(class_name="Absol G"))])
    proposal, shown, _ = played(folder, "t", True, view=view)
    assert proposal == FIXED
    assert "This changes what you locked: class Absol G." in shown


def test_no_export_may_replace_the_text() -> None:
    assert {FILE, BASE, KEPT} <= OWN_FILES
