"""Prompts for a chat window go out, its answers come in: scripted, and in a real terminal."""

import base64
import io
import os
import stat
import sys
from pathlib import Path

import pexpect
import pytest
from rich.console import Console

from builder.errors import InputError
from builder.llm.paste_drafter import Chat
from builder.terminal.asker import InputEnded
from builder.terminal.pasting import TerminalChat, open_chat
from tests.terminal.scripted import BACK, Scripted

PROMPT = 'Which [bold]groups[/bold]?\n{\n    "a  b": "\x1b[2J"\n}'


class Pasting(Scripted):
    """A scripted asker that also pastes."""

    def paste(self, title: str) -> str | None:
        answer = self._next(title)
        assert answer is None or isinstance(answer, str)
        return answer


class Talk:
    """A chat at a scripted terminal, and what it showed."""

    def __init__(self, folder: Path, *answers: object, keep: bool = True) -> None:
        self.screen = io.StringIO()
        self.asker = Pasting(*answers)
        self.ended = 0
        console = Console(file=self.screen, width=60, markup=False, highlight=False)
        self.chat: Chat = TerminalChat(self.asker, console, folder, self.end, keep=keep)

    def end(self) -> None:
        self.ended += 1

    def ask(self, prompt: str = PROMPT) -> str | None:
        return self.chat.ask("draft system", prompt)

    @property
    def shown(self) -> str:
        return self.screen.getvalue()


def test_the_prompt_is_shown_and_written(tmp_path: Path) -> None:
    talk = Talk(tmp_path, "p", "the answer\n")
    assert talk.ask() == "the answer\n"
    assert talk.ended == 1 and talk.asker.discarded
    assert "prompt: draft system" in talk.shown
    assert '\n    "a  b": "\\x1b[2J"\n' in talk.shown, "blanks stay, nothing drives the terminal"
    assert "[bold]" in talk.shown and "\x1b" not in talk.shown
    path = tmp_path / "prompt.txt"
    assert path.read_text(encoding="utf-8") == f"{PROMPT}\n"
    assert str(path) in talk.shown.replace("\n", "")
    assert "clipboard" not in talk.shown, "there is no terminal here"
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["prompt.txt"]


@pytest.mark.parametrize("answers", [("p", "the answer"), (BACK,), ("s", BACK)])
def test_a_prompt_that_is_not_to_be_kept_goes_with_its_answer(
    tmp_path: Path, answers: tuple[object, ...]
) -> None:
    talk = Talk(tmp_path, *answers, keep=False)
    talk.ask()
    assert "prompt.txt" in talk.shown.replace("\n", "")
    assert list(tmp_path.iterdir()) == []


def test_a_prompt_that_is_not_to_be_kept_goes_when_the_input_ends(tmp_path: Path) -> None:
    with pytest.raises(InputEnded):
        Talk(tmp_path, InputEnded, keep=False).ask()
    assert list(tmp_path.iterdir()) == []


def test_how_an_answer_ends_is_said_on_a_line_of_its_own(tmp_path: Path) -> None:
    talk = Talk(tmp_path, "p", "the answer")
    talk.ask()
    (line,) = [line for line in talk.shown.splitlines() if "ends the answer" in line]
    assert line == "A line with only . ends the answer." and len(line) < 40


def test_a_long_prompt_is_read_in_its_file(tmp_path: Path) -> None:
    talk = Talk(tmp_path, BACK)
    talk.ask("\n".join(f"line {number}" for number in range(1000)))
    assert "line 399" in talk.shown and "line 400" not in talk.shown
    assert "600 more lines" in talk.shown


def test_an_answer_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "answer.txt"
    path.write_text("\ufeffBeedrill δ", encoding="utf-8")
    (tmp_path / "picture").write_bytes(b"\xff\xfe\x00")
    talk = Talk(
        tmp_path,
        *("f", str(tmp_path / "none")),
        *("f", str(tmp_path)),
        *("f", str(tmp_path / "picture")),
        *("f", BACK),
        *("f", str(path)),
    )
    assert talk.ask() == "Beedrill δ"
    assert talk.shown.count("Error:") == 3


@pytest.mark.skipif(sys.platform == "win32", reason="the editor is a shell script")
def test_an_answer_from_the_editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def editor(body: str) -> str:
        path = tmp_path / "my editor"
        path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        path.chmod(0o755)
        return f'"{path}" --wait'

    monkeypatch.setenv("VISUAL", editor('test "$1" = --wait && printf "%s\\n" "{1}" >> "$2"'))
    assert Talk(tmp_path, "e").ask() == "{1}\n"
    # Nothing written, an editor that fails, one that isn't there, and one that is no command.
    monkeypatch.delenv("VISUAL")
    for command in (editor("exit 0"), editor("exit 3"), "/no/such/editor", '"unclosed'):
        monkeypatch.setenv("EDITOR", command)
        talk = Talk(tmp_path, "e", BACK)
        assert talk.ask() is None
    assert "is not a command" in talk.shown


def test_going_back_and_seeing_the_prompt_once_more(tmp_path: Path) -> None:
    talk = Talk(tmp_path, "p", BACK, "s", "p", "  \n", BACK)
    assert talk.ask() is None
    assert talk.shown.count("Which") == 2


def test_an_explanation_is_shown_line_by_line(tmp_path: Path) -> None:
    talk = Talk(tmp_path)
    talk.chat.explain("- Class '\x1b[2J' has no rule.\n- Another.")
    assert "  - Class '\\x1b[2J' has no rule.\n  - Another.\n" in talk.shown
    assert talk.ended == 1


def test_a_prompt_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "none").write_text("a file where the folder should be")
    with pytest.raises(InputError, match="cannot be written"):
        Talk(tmp_path / "none").ask()


def test_the_end_of_the_input_is_passed_on(tmp_path: Path) -> None:
    with pytest.raises(InputEnded):
        Talk(tmp_path, InputEnded).ask()


def test_without_a_terminal_there_is_nobody_to_carry_prompts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(InputError, match="not a terminal") as caught:
        open_chat(Console(file=io.StringIO()), tmp_path, lambda: None, keep=True)
    assert "--llm" in caught.value.hint


SCRIPT = """
import sys
from pathlib import Path
from builder.terminal.console import progress_console
from builder.terminal.pasting import open_chat
chat = open_chat(progress_console(), Path(sys.argv[1]), lambda: None, keep=True)
answer = chat.ask("draft system", "Which groups?")
Path(sys.argv[1], "got").write_text(repr(answer), encoding="utf-8")
print("done", flush=True)
"""
ANSWER = "Here:\n```json\n" + "\n".join(f'{{"n{i}": "δ"}}' for i in range(300)) + "\n```"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("accessible", ["0", "1"])
def test_in_a_terminal(tmp_path: Path, accessible: str) -> None:
    child = pexpect.spawn(
        sys.executable,
        ["-c", SCRIPT, str(tmp_path)],
        encoding="utf-8",
        dimensions=(30, 80),
        timeout=30,
        env={**os.environ, "TERM": "xterm", "ACCESSIBLE": accessible, "TMUX": ""},
    )
    child.expect_exact(f"\x1b]52;c;{base64.b64encode(b'Which groups?').decode()}\x07")
    child.expect_exact("sent to the clipboard")
    child.expect("paste it")
    if accessible == "1":
        child.expect("goes back")
        child.send("p\r")
        child.expect("need a file")
        child.send(f"{ANSWER}\n.\n")
    else:
        child.send("p")
        child.expect("ends it")
        child.send(f"\x1b[200~{ANSWER}\n\x1b[201~.\r")
    child.expect("done")
    child.close()
    got = (tmp_path / "got").read_text(encoding="utf-8")
    assert got == repr(ANSWER)
