"""Real keystrokes in a real pseudo-terminal."""

import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from builder.session.journal import read_state
from tests.cli.conftest import Job, answer, cotbuild
from tests.cli.pty import Terminal, flags
from tests.openai_server import Answer, Request, openai_server

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")


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


@pytest.mark.slow
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


@pytest.mark.slow
def test_escape_resizing_and_ctrl_c_in_one_session(job: Job) -> None:
    """Typed words outlive Esc and a window of another size; Ctrl-C stops a step, then leaves."""
    late = False

    def respond(request: Request) -> Answer:
        return replace(answer(request), delay=20.0 if late else 0.0)

    with openai_server(respond) as server:
        terminal = Terminal("new", *flags(job), "--llm", "m", "--llm-url", server.url, columns=100)
        terminal.sees("explain")
        terminal.types("n")
        terminal.sees("Note to")
        terminal.types("half a thou")
        terminal.sees("half a thou")
        terminal.types("\x1b")
        terminal.sees("explain")
        terminal.child.setwinsize(40, 40)
        terminal.sees("explain")
        terminal.types("n")
        terminal.sees("half a thou")
        terminal.types("ght\r")
        terminal.sees("Noted")
        terminal.sees("explain")
        late = True
        terminal.types("l")
        terminal.sees("Asking the language model")
        terminal.types("\x03")
        terminal.sees("Press Ctrl-C again to leave")
        terminal.sees("explain")
        terminal.types("\x03")
        terminal.sees("cotbuild resume")
        assert terminal.ends() == 130
    state = read_state(job.session)
    assert state.notes == ("half a thought",)
    assert state.asked == 1


def slowly(purpose: str) -> Callable[[Request], Answer]:
    """Answers at once, but for requests whose schema speaks of `purpose`."""

    def respond(request: Request) -> Answer:
        late = purpose in request.schema.get("properties", {})
        return replace(answer(request), delay=20.0 if late else 0.0)

    return respond


@pytest.mark.slow
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


@pytest.mark.slow
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
