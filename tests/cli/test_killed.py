"""A session that is killed shows the same screen when it is resumed, and has lost no decision."""

import sys

import pytest

from builder.session.journal import read_state
from tests.cli.conftest import Job
from tests.cli.pty import Terminal, flags
from tests.openai_server import OpenAIServer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")

# What the person does before each time the power goes: keys, and what they see of it.
MOMENTS = (
    # In the midst of the proposals, a decision just made.
    (("p", "best of"), ("a", "Accepted"), ("\x1b", "explain")),
    (("p", "best of"), ("w", "Why not"), ("not [red]\r", "Rejected"), ("\x1b", "explain")),
    (("u", "Taken back"), ("y", "Done again"), ("u", "Taken back"), ("", "explain")),
    (("k", "Lock what"), ("g", "Which group"), ("\r", "Locked"), ("", "explain")),
    # Half a line typed.
    (("n", "Note to"), ("mind the horns\r", "Noted"), ("n", "Note to"), ("half a no", "half a no")),
)


@pytest.mark.slow
def test_five_times_killed_and_resumed(job: Job, model: OpenAIServer) -> None:
    terminal = Terminal("new", *flags(job), "--llm", "m", "--llm-url", model.url)
    terminal.sees("explain")
    calls = len(model.requests)
    for moment in MOMENTS:
        for keys, seen in moment:
            terminal.types(keys)
            terminal.sees(seen)
        half_typed = moment is MOMENTS[-1]
        terminal.types("\x1b" if half_typed else "")
        terminal.types("s")
        before = terminal.round_screen()
        if half_typed:
            terminal.sees("explain")
            terminal.types("nhalf a")
            terminal.sees("half a")
        known = read_state(job.session)
        terminal.killed()

        terminal = Terminal("resume", job.session)
        assert terminal.round_screen() == before
        terminal.sees("explain")
        assert read_state(job.session) == known
    terminal.types("q")
    assert terminal.ends() == 0
    assert read_state(job.session) == known
    assert [decided.decision for decided in known.decisions] == ["accepted"]
    assert known.notes == ("mind the horns",)
    assert known.locks
    assert len(model.requests) == calls, "what was proposed is not asked for again"
