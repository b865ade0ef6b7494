"""Real keystrokes in a real pseudo-terminal."""

import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pexpect
import pytest

from builder.session import read_state
from tests.cli.conftest import CLASSES, GROUPS, RULES, Job, answer, cotbuild
from tests.openai_server import Answer, OpenAIServer, Request, openai_server

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")


def start_file(job: Job) -> Path:
    """A system for the job's classes, written by hand, with one rule that is plainly wrong."""
    path = job.folder / "start.json"
    rules = {**RULES, CLASSES[0]: {"color": "green", "form": "a wolf"}}
    system = {"domain": "creature", "groups": GROUPS["groups"], "rules": rules}
    path.write_text(json.dumps(system), encoding="utf-8")
    return path


class Terminal:
    """cotbuild in a terminal of 80 columns; `sees` waits for words, blanks and colours aside."""

    def __init__(self, *arguments: object, columns: int = 80) -> None:
        self.child = pexpect.spawn(
            sys.executable,
            ["-m", "builder", *map(str, arguments)],
            encoding="utf-8",
            dimensions=(40, columns),
            timeout=60,
            env={**os.environ, "TERM": "xterm", "COLUMNS": str(columns)},
        )

    def sees(self, words: str) -> str:
        gap = r"(?:\s|\x1b\[[0-9;?]*[a-zA-Z])*"
        self.child.expect(gap.join(re.escape(character) for character in words.replace(" ", "")))
        return str(self.child.before)

    def types(self, keys: str) -> None:
        self.child.send(keys)

    def ends(self) -> int:
        self.child.expect(pexpect.EOF)
        self.child.close()
        status = self.child.exitstatus
        assert status is not None
        return status


def flags(job: Job) -> list[str]:
    return [*job.flags(), "--llm", "none", "--start", str(start_file(job))]


def test_review_undo_quit_and_resume(job: Job) -> None:
    terminal = Terminal("new", *flags(job))
    terminal.sees("Round 1")
    terminal.sees("quit")
    terminal.types("?")
    terminal.sees("held-out")
    terminal.types("q")
    terminal.sees("cotbuild resume")
    assert terminal.ends() == 0
    assert len(read_state(job.session).steps) == 1

    terminal = Terminal("resume", job.session)
    terminal.sees("Round 1")
    terminal.sees("quit")
    terminal.types("p")
    terminal.sees("accept")
    terminal.types("a")
    terminal.sees("Accepted")
    terminal.types("u")
    terminal.sees("Taken back")
    terminal.types("\x1b")
    terminal.types("q")
    assert terminal.ends() == 0
    assert len(read_state(job.session).steps) == 1


def test_two_ctrl_c_leave_with_130_and_lose_nothing(job: Job) -> None:
    terminal = Terminal("new", *flags(job), columns=40)
    terminal.sees("quit")
    terminal.types("\x03")
    terminal.sees("Press Ctrl-C again")
    terminal.sees("quit")
    terminal.types("\x03")
    terminal.sees("cotbuild resume")
    assert terminal.ends() == 130
    assert read_state(job.session).system is not None


def test_new_asks_for_images_and_the_first_group_when_there_is_nothing(job: Job) -> None:
    terminal = Terminal("new", "--classes", job.classes, "--out", job.session, "--llm", "none")
    terminal.sees("Folder with the images")
    terminal.types("\r")
    terminal.sees("What are these classes")
    terminal.types("creature\r")
    terminal.sees("Name of the")
    terminal.types("\x03")
    terminal.sees("Press Ctrl-C again")
    terminal.types("\x03")
    terminal.sees("cotbuild resume")
    assert terminal.ends() == 130


def test_killed_in_the_middle_of_a_review_nothing_decided_is_lost(
    job: Job, model: OpenAIServer
) -> None:
    terminal = Terminal("new", *flags(job), "--llm", "m", "--llm-url", model.url)
    terminal.sees("quit")
    terminal.types("n")
    terminal.sees("Note to")
    terminal.types("mind the [red] ones\r")
    terminal.sees("Noted")
    terminal.types("p")
    terminal.sees("accept")
    terminal.types("s")
    terminal.sees("Skipped")
    before = read_state(job.session)
    terminal.child.kill(9)
    terminal.child.close()
    assert len(before.decisions) == 1
    assert before.notes == ("mind the [red] ones",)
    result = cotbuild("resume", job.session, "--auto", "--llm-url", model.url)
    assert result.exit_code == 0, result.output
    assert read_state(job.session).decisions[0] == before.decisions[0]


def slowly(purpose: str) -> Callable[[Request], Answer]:
    """Answers at once, but for requests whose schema speaks of `purpose`."""

    def respond(request: Request) -> Answer:
        late = purpose in request.schema.get("properties", {})
        return replace(answer(request), delay=20.0 if late else 0.0)

    return respond


def test_ctrl_c_while_drafting_leaves_a_session_that_goes_on(job: Job) -> None:
    with openai_server(slowly("rules")) as server:
        terminal = Terminal("new", *job.flags(), "--llm", "m", "--llm-url", server.url)
        terminal.sees("draft groups:")
        terminal.types("\x03")
        terminal.sees("cotbuild resume")
        assert terminal.ends() == 130
    with openai_server(answer) as server:
        result = cotbuild("resume", job.session, "--auto", "--llm-url", server.url)
        assert result.exit_code == 0, result.output
        # The groups were paid for before the stop, and are not asked for again.
        assert "draft groups: taken from the transcript" in result.stderr


def test_ctrl_c_while_the_model_is_asked_stops_only_that(job: Job) -> None:
    with openai_server(slowly("proposals")) as server:
        terminal = Terminal("new", *job.flags(), "--llm", "m", "--llm-url", server.url)
        terminal.sees("Asking the language model")
        terminal.types("\x03")
        terminal.sees("goes on without it")
        terminal.sees("quit")
        terminal.types("q")
        assert terminal.ends() == 0
    assert read_state(job.session).asked == 0
