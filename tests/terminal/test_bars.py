"""Bars and spinners: drawn on a terminal, two lines elsewhere."""

import io
import time

import pyte
import pytest
from rich.console import Console

from builder.terminal.bars import progress_bar, spinner, tally_bar


@pytest.fixture(autouse=True)
def seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACCESSIBLE", raising=False)


def console(*, terminal: bool, width: int = 80) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return (
        Console(
            file=out,
            force_terminal=terminal,
            width=width,
            color_system=None,
            _environ={"TERM": "xterm"} if terminal else {},
        ),
        out,
    )


@pytest.mark.parametrize("width", [80, 40])
def test_a_bar_on_a_terminal(width: int) -> None:
    target, out = console(terminal=True, width=width)
    with progress_bar("[red] \x1b[2J encoding", target) as on_progress:
        for done in range(0, 101, 10):
            on_progress(done, 100)
    text = out.getvalue()
    assert "100/100" in text
    assert "[red]" in text
    assert "\x1b[2J" not in text


def test_nothing_moves_for_somebody_who_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCESSIBLE", "1")
    target, out = console(terminal=True)
    with progress_bar("encoding", target) as on_progress:
        for done in range(1001):
            on_progress(done, 1000)
    with tally_bar("rules", target) as on_tally:
        on_tally(10, 10, "200 tokens")
    with spinner("measuring", target):
        pass
    assert "\x1b" not in out.getvalue()
    assert "\r" not in out.getvalue()
    assert "measuring …" in out.getvalue()


def test_elsewhere_one_line_at_the_beginning_and_one_at_the_end() -> None:
    target, out = console(terminal=False)
    with progress_bar("encoding", target) as on_progress:
        for done in range(1001):
            on_progress(done, 1000)
    lines = out.getvalue().splitlines()
    assert len(lines) == 2
    assert lines[0] == "encoding: 1,000 …"
    assert lines[1].startswith("encoding: 1,000 of 1,000 in ")


@pytest.mark.parametrize("terminal", [True, False])
def test_nothing_to_do_leaves_no_trace(terminal: bool) -> None:
    target, out = console(terminal=terminal)
    with progress_bar("encoding", target) as on_progress:
        on_progress(0, 0)
    assert shown_by(out) == ""


def test_while_it_is_listed_what_is_to_be_done_there_is_a_sign_of_life() -> None:
    target, out = console(terminal=True)
    with progress_bar("encoding", target) as on_progress:
        for _ in range(1000):
            if "encoding…" in out.getvalue():
                break
            time.sleep(0.01)
        assert "encoding…" in out.getvalue()
        on_progress(3, 3)
    assert "encoding…" not in shown_by(out)
    assert "3/3" in shown_by(out)


def shown_by(out: io.StringIO) -> str:
    """What a terminal shows in the end."""
    screen = pyte.Screen(80, 24)
    pyte.Stream(screen).feed(out.getvalue().replace("\n", "\r\n"))
    return "\n".join(line.rstrip() for line in screen.display).strip()


def test_a_bar_within_a_spinner() -> None:
    target, out = console(terminal=True)
    with spinner("measuring", target), progress_bar("encoding", target) as on_progress:
        on_progress(1, 2)
        on_progress(2, 2)
    assert "2/2" in out.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_a_spinner_is_quiet_after_a_short_step_and_survives_errors(terminal: bool) -> None:
    target, out = console(terminal=terminal)
    with pytest.raises(KeyboardInterrupt), spinner("measuring [red]", target):
        raise KeyboardInterrupt
    text = out.getvalue()
    assert "measuring [red]" in text
    assert " s\n" not in text
    if terminal:
        # The cursor is back.
        assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
