"""The line of a step tells how an answer comes along, and nothing scrolls away for it."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pyte
import pytest
from rich.console import Console

from builder.cli.json_events import JsonScreen
from builder.cli.screen import Screen
from builder.cli.stream_words import stream_words
from builder.llm.cost import Spent
from builder.llm.events import CallFinished, CallStreams, DraftProgress, Waiting
from builder.review.loop import Working
from builder.session.journal import JOURNAL
from tests.cli.conftest import Job, cotbuild, failed
from tests.openai_server import Answer, openai_server

STREAMS = CallStreams(("draft groups",), 1214, 12.4)
FINISHED = CallFinished("draft groups", 100, 1214, 60.0, total=Spent(input_tokens=1314))


@pytest.fixture(autouse=True)
def _seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACCESSIBLE", raising=False)


class Shown:
    """A screen of a session on a terminal that is so wide, or on none."""

    def __init__(self, width: int, *, terminal: bool = True, kind: type[Screen] = Screen) -> None:
        self.width, self.out, self.stdout = width, io.StringIO(), io.StringIO()
        environ = {"TERM": "xterm"} if terminal else {}
        progress = Console(
            file=self.out, force_terminal=terminal, width=width, color_system=None, _environ=environ
        )
        results = Console(file=self.stdout, width=width)
        self.screen = kind(results=results, progress_to=progress)

    @property
    def text(self) -> str:
        """What stands there once the step has been drawn again."""
        for live in (self.screen.progress_to._live_stack, []):
            for each in live:
                each.refresh()
        seen = pyte.Screen(self.width, 24)
        pyte.Stream(seen).feed(self.out.getvalue().replace("\n", "\r\n"))
        return " ".join(" ".join(seen.display).split())


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (STREAMS, ("draft groups, 1,214 tokens", ", 12 tokens/s")),
        (CallStreams(("revise",), 1, None), ("revise, 1 token", "")),
        (CallStreams(("a", "b", "c"), 5, 2.54), ("3 calls, 5 tokens", ", 2.5 tokens/s")),
        (FINISHED, ("", "")),
        (Waiting("slow", 2.0), ("", "")),
    ],
)
def test_words(event: CallStreams, words: tuple[str, str]) -> None:
    assert stream_words(event) == words


@pytest.mark.parametrize("width", [80, 40])
def test_the_line_of_a_step_tells_tokens_until_the_call_has_ended(width: int) -> None:
    shown = Shown(width)
    shown.screen.working(Working("drafting the attribute system"))
    assert "Drafting the attribute system…" in shown.text
    shown.screen.llm_event(STREAMS)
    line = "Drafting the attribute system: draft groups, 1,214 tokens, 12 tokens/s"
    assert line in shown.text
    shown.screen.llm_event(FINISHED)
    assert "Drafting the attribute system…" in shown.text and line not in shown.text
    shown.screen.over()
    assert shown.text == "draft groups: 100 + 1,214 tokens, 60.0 s"


@pytest.mark.parametrize("width", [80, 40])
def test_beside_a_bar_there_is_room_for_the_rate(width: int) -> None:
    shown = Shown(width)
    shown.screen.working(Working("drafting the attribute system"))
    shown.screen.llm_event(replace(FINISHED, total=Spent(input_tokens=123_456, cost=0.12)))
    shown.screen.llm_event(DraftProgress(125, 150))
    shown.screen.llm_event(STREAMS)
    for part in ("Rules", "125/150", "123,456 tokens", "$0.12", "12 tokens/s", "-:--"):
        assert part in shown.text
    shown.screen.llm_event(FINISHED)
    assert "tokens/s" not in shown.text
    shown.screen.over()


def test_a_search_keeps_its_own_words() -> None:
    shown = Shown(80)
    shown.screen.searching("GEPA: 3 of 10 calls")
    shown.screen.llm_event(STREAMS)
    assert "GEPA: 3 of 10 calls, draft groups, 1,214 tokens, 12 tokens/s" in shown.text
    shown.screen.over()


@pytest.mark.parametrize("kind", [Screen, JsonScreen])
def test_a_pipe_stays_quiet(kind: type[Screen]) -> None:
    shown = Shown(80, terminal=False, kind=kind)
    shown.screen.working(Working("drafting the attribute system"))
    shown.screen.searching("GEPA: 3 of 10 calls")
    for _ in range(100):
        shown.screen.llm_event(STREAMS)
    shown.screen.over()
    assert shown.out.getvalue() == "Drafting the attribute system …\n"
    assert "token" not in shown.stdout.getvalue()


def test_the_silence_that_is_allowed_is_no_setting_of_the_session(job: Job) -> None:
    with openai_server(lambda _request: Answer({}, delay=60)) as server:
        flags = ["--classes", job.classes, "--no-images", "--auto", "--out", job.session]
        model = ["--domain", "creature", "--llm", "m", "--llm-url", server.url]
        for command in (["new", *flags, *model], ["resume", job.session, "--auto"]):
            result = cotbuild(*command, "--llm-timeout", 1)
            failed(result, 4, "did not answer within 1 s", "--llm-timeout SECONDS")
    started = json.loads(Path(job.session, JOURNAL).read_text("utf-8").splitlines()[0])
    assert not any("timeout" in name for name in started)


def test_a_silence_of_nothing_is_none(job: Job) -> None:
    result = cotbuild("new", *job.flags(), "--llm", "m", "--llm-timeout", 0)
    assert result.exit_code == 2
