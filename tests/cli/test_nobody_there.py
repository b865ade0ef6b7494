"""Without a terminal nothing is asked and nothing is spent, whatever stdin holds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from builder.session.journal import JOURNAL
from tests.cli.conftest import Job, cotbuild, failed
from tests.openai_server import OpenAIServer

# Answers to all that could be asked.
TYPED = b"y\n\n1\ny\n" * 50


def run(
    folder: Path, stdin: bytes | None, *arguments: object
) -> subprocess.CompletedProcess[bytes]:
    """The command in a process of its own; `stdin` None is /dev/null, else a pipe."""
    return subprocess.run(
        [sys.executable, "-m", "builder", *map(str, arguments)],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, "OPENAI_API_KEY": KEY, "PYTHONPATH": str(Path.cwd())},
        cwd=folder,
    )


@pytest.fixture
def played(job: Job, model: OpenAIServer) -> Job:
    """A session that has ended, with a model on this machine, which costs nothing."""
    result = cotbuild("new", *job.flags(), "--llm", "m", "--llm-url", model.url, "--auto")
    assert result.exit_code == 0, result.output
    return job


KEY = "sk-0123456789abcdef"
ELSEWHERE = ("--llm", "gpt", "--llm-url", "http://models.example/v1")


def unchanged(job: Job) -> tuple[bytes, bytes, bool]:
    """What would differ if anything had been decided, sent or begun."""
    journal, answers = (job.session / name for name in (JOURNAL, "llm.jsonl"))
    return journal.read_bytes(), answers.read_bytes(), (job.folder / "another").exists()


def test_every_command_of_a_session_goes_without_questions(
    played: Job, model: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    session, asked, before = played.session, len(model.requests), unchanged(played)
    begins = ("new", *played.flags(), "--out", played.folder / "another", *ELSEWHERE)
    more = ("resume", session, "--auto", "--rounds", 1)
    refused = [
        (begins, "--auto"),
        ((*begins, "--auto"), "--yes"),
        (("resume", session), "--auto"),
        ((*more, *ELSEWHERE), "--yes"),
        ((*more, "--llm", "paste"), "not a terminal"),
    ]
    for arguments, words in refused:
        failed(cotbuild(*arguments, typed=TYPED), 2, words)
        assert unchanged(played) == before, arguments
    for arguments in (("log", session), ("diff", session, 1, "now"), ("revert", session, "last")):
        result = cotbuild(*arguments, typed=TYPED)
        assert (result.exit_code, "?" in result.stderr) == (0, False), result.output
        assert unchanged(played) == before, arguments
    assert cotbuild("export", session, typed=TYPED).exit_code == 0
    assert len(model.requests) == asked


@pytest.mark.parametrize("stdin", [None, TYPED], ids=["/dev/null", "a pipe"])
def test_real_streams_that_are_no_terminal(played: Job, stdin: bytes | None) -> None:
    before = unchanged(played)
    begun = run(played.folder, stdin, "new", *played.flags(), "--out", "another", *ELSEWHERE)
    assert (begun.returncode, b"--auto" in begun.stderr) == (2, True), begun.stderr
    more = ("resume", played.session, "--auto", "--rounds", 1, *ELSEWHERE)
    resumed = run(played.folder, stdin, *more)
    assert (resumed.returncode, b"--yes" in resumed.stderr) == (2, True), resumed.stderr
    assert unchanged(played) == before
