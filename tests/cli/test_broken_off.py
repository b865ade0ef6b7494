"""An automatic session on the disk: torn at any record it goes on, finished it does no more."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from builder.cli import begin
from builder.cli.model import ModelOptions
from builder.cli.screen import Screen
from builder.cli.settings import RunMode
from builder.session.journal import read_state
from tests.cli.conftest import Job, cotbuild, lines_of
from tests.cli.pty import start_file
from tests.openai_server import OpenAIServer

AUTO = RunMode(auto=True, yes=False, rounds=None, min_accuracy=None)
OVER = "no new best on held-out images for 2 rounds"


def without_times(session: Path) -> list[dict[str, object]]:
    return [{**line, "at": ""} for line in lines_of(session / "session.jsonl")]


def exported(session: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((session / "export.json").read_text(encoding="utf-8"))
    return {**found, "provenance": {**found["provenance"], "created": ""}}


def cut_everywhere(session: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tears every line of the journal and resumes; images and encoder are read only once."""
    screen = Screen({}, *(Console(file=io.StringIO()) for _ in range(2)))
    started = read_state(session).started
    images, encoder = begin.images_of(started, screen), begin.encoder_of(started, screen)
    monkeypatch.setattr(begin, "images_of", lambda *_: images)
    monkeypatch.setattr(begin, "encoder_of", lambda *_: encoder)
    whole, export = without_times(session), exported(session)
    lines = (session / "session.jsonl").read_bytes().splitlines(keepends=True)
    for place in range(1, len(lines)):
        torn = lines[place][: len(lines[place]) // 2]
        (session / "session.jsonl").write_bytes(b"".join([*lines[:place], torn]))
        begin.resume_session(session, ModelOptions(), AUTO, screen)
        assert without_times(session) == whole, f"torn in record {place + 1}"
        assert exported(session) == export


def test_the_demo_torn_in_any_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.demo.cards.CARDS_PER_CLASS", 4)
    assert cotbuild("demo", "--auto", "--out", tmp_path).exit_code == 0
    cut_everywhere(tmp_path / "session", monkeypatch)


@pytest.mark.parametrize("begins", ["from nothing", "from a file", "from a model"])
def test_sessions_torn_in_any_record(
    begins: str, job: Job, model: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = ["--llm", "m", "--llm-url", model.url]
    flags = {
        "from nothing": ["--llm", "none", "--rounds", 1],
        "from a file": ["--start", start_file(job), *asking],
        "from a model": asking,
    }
    result = cotbuild("new", *job.flags(), *flags[begins], "--auto")
    assert result.exit_code == 0, result.output
    requests = len(model.requests)
    cut_everywhere(job.session, monkeypatch)
    assert len(model.requests) == requests, "what was answered is in the transcript"


def test_a_finished_session_says_so_and_does_no_more_until_rounds_are_asked_for(
    job: Job, model: OpenAIServer
) -> None:
    new = cotbuild("new", *job.flags(), "--llm", "m", "--llm-url", model.url, "--auto")
    assert new.exit_code == 0, new.output
    files = {path: path.read_bytes() for path in job.session.glob("*.json*")}
    asked, export = len(model.requests), job.session / "export.json"

    result = cotbuild("resume", job.session, "--auto")
    said = " ".join(result.stderr.split())
    assert result.exit_code == 0, result.output
    assert f"finished: {OVER}" in said
    assert str(export) in said
    assert f"Go on with: cotbuild resume {job.session} --auto --rounds N" in said
    assert f"or by hand: cotbuild resume {job.session}" in said
    below = cotbuild("resume", job.session, "--auto", "--min-accuracy", 1, "--json")
    assert below.exit_code == 1
    last = json.loads(below.stdout.splitlines()[-1])
    assert (last["event"], last["reason"], last["exit_code"]) == ("ended", OVER, 1)
    assert {path: path.read_bytes() for path in job.session.glob("*.json*")} == files
    assert len(model.requests) == asked

    rounds = read_state(job.session).round
    assert cotbuild("resume", job.session, "--auto", "--rounds", 1).exit_code == 0
    assert read_state(job.session).round == rounds + 1
    # What was exported is no longer there: it is written again, and no round is played for it.
    export.unlink()
    assert cotbuild("resume", job.session, "--auto").exit_code == 0
    assert export.exists()
    assert read_state(job.session).round == rounds + 1
