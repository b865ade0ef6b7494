"""What the shell offers after TAB, asked for as bash does."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from builder.cli import app, load_commands
from builder.session.journal import JOURNAL
from tests.cli.test_looking_back import PLAYED, play
from tests.test_imports import HEAVY, loaded_by

VERSIONS = ["1", "2", "best", "last", "now"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two sessions; the one with one version is the latest."""
    os.utime(play(tmp_path / "a/older") / JOURNAL, (1, 1))
    play(tmp_path / "b" / "new [red]", PLAYED[:2])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def offered(line: str) -> list[str]:
    """What is offered for the last word of the line."""
    load_commands()
    words = ["cotbuild", *line.split(" ")]
    asked = {
        "_COTBUILD_COMPLETE": "complete_bash",
        "COMP_WORDS": "\n".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    result = CliRunner().invoke(app, [], env=asked, prog_name="cotbuild")
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout.split("\n")[:-1] if result.stdout.strip() else []


@pytest.mark.parametrize("command", ["log", "resume", "export", "report", "optimize"])
def test_sessions(command: str) -> None:
    assert offered(f"{command} ") == ["b/new [red]", "a/older"]
    assert offered(f"{command} a") == ["a/older"]
    assert offered(f"{command} a/o") == ["a/older"]


def test_sessions_elsewhere(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert offered(f"log {here}/a/") == [f"{here}/a/older"]
    monkeypatch.chdir(here / "b")
    assert offered("log ../a/") == ["../a/older"]
    assert offered("log /no/such/folder/") == []


def test_versions_of_the_latest_session_or_of_the_one_that_is_named() -> None:
    assert offered("diff ") == ["b/new [red]", "a/older", "1", "best", "last", "now"]
    assert offered("diff 1 ") == ["1", "best", "last", "now"]
    assert offered("diff a/older ") == VERSIONS
    assert offered("diff a/older 1 ") == VERSIONS
    assert offered("revert a/older b") == ["best"]
    assert offered("export --version ") == ["1", "best", "last", "now"]
    assert offered("export a/older --version ") == VERSIONS


def test_encoders_optimisers_and_rules() -> None:
    for command in (
        "new",
        "score s.json",
        "questions s.json",
        "classify s.json",
        "optimize s.json",
    ):
        assert offered(f"{command} --encoder ") == ["jina-clip-v1", "jina-clip-v2", "miniature"]
    assert offered("optimize s.json --optimizer ") == ["greedy", "gepa"]
    assert offered("new --rule r") == ["robust-log"]
    assert {"sum", "centred", "all"} < {*offered("score s.json --rule ")}


def test_damage_is_passed_over_in_silence(here: Path) -> None:
    (here / "b/new [red]" / JOURNAL).write_text("{}\n{}\n")
    assert offered("log ") == ["b/new [red]", "a/older"]
    assert offered("export --version ") == []
    assert offered("diff ") == ["b/new [red]", "a/older"]
    assert offered("diff none/at/all ") == []


def test_nothing_where_there_is_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert offered("diff ") == offered("log ") == offered("export --version ") == []


def test_no_heavy_library_is_loaded(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = 'import sys; from builder.cli import main; sys.argv[0] = "cotbuild"; sys.exit(main())'
    monkeypatch.setenv("_COTBUILD_COMPLETE", "complete_bash")
    for line in (f"cotbuild diff {here}/a/older ", "cotbuild new --encoder "):
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(line.count(" ")))
        printed, loaded = loaded_by(code)
        assert "best" in printed or "miniature" in printed
        assert loaded.isdisjoint({*HEAVY, "PIL"})
