"""`cotbuild sessions`: what lies below a folder, from the journals alone."""

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from builder.session.journal import JOURNAL, Session, latest_session
from tests.cli.conftest import cotbuild, failed
from tests.cli.test_looking_back import PLAYED, play
from tests.test_imports import HEAVY, loaded_by


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four sessions, the last changed first: one is damaged, one has no system yet."""
    folders = [tmp_path / name for name in ("a/[red] one", "two", "a/three", "four")]
    for number, folder in enumerate(folders):
        play(folder, PLAYED if number < 2 else ())
    with (folders[2] / JOURNAL).open("a") as file:
        file.write('{"kind": "undone"}\n')
    play(tmp_path / "too/deep/down")
    now = int(time.time())
    for number, folder in enumerate(folders):
        os.utime(folder / JOURNAL, (now - 60 * number,) * 2)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def listed(*flags: object) -> list[dict[str, object]]:
    result = cotbuild("sessions", "--json", *flags)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["sessions"]
    assert isinstance(found, list)
    return found


def test_the_last_changed_comes_first_and_a_damaged_one_says_why(here: Path) -> None:
    one, two, three, four = listed()
    assert [row["folder"] for row in (one, two, three, four)] == [
        "a/[red] one", "two", "a/three", "four"
    ]  # fmt: skip
    assert here / str(one["folder"]) == latest_session(here)
    told = json.loads(cotbuild("log", "two", "--json").stdout)
    best = {key: told["versions"][1][key] for key in ("version", "best", "held_out", "review")}
    assert (two["domain"], two["classes"], two["versions"]) == ("creature", 3, 2)
    assert (two["best"], two["in_use"], two["damaged"]) == (best, None, None)
    changed = datetime.fromtimestamp((here / "two" / JOURNAL).stat().st_mtime, UTC)
    assert datetime.fromisoformat(str(two["changed"])) == changed
    assert "contradicts itself" in str(three["damaged"])
    assert (three["domain"], three["versions"], three["best"]) == (None, None, None)
    assert (four["versions"], four["best"]) == (0, None)


def test_as_a_table_and_as_a_stack(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _, *lines = cotbuild("sessions").stdout.splitlines()
    heads = ["session", "domain", "classes", "versions", "best", "changed", "now"]
    assert first.split() == heads
    at = datetime.fromtimestamp((here / "two" / JOURNAL).stat().st_mtime)
    assert lines[1].split() == [
        "two",
        "creature",
        "3",
        "2",
        "70.0",
        "%",
        *f"{at:%b %d %H:%M}".split(),
    ]
    assert lines[2].split()[-1] == "damaged"
    assert "a/three can't be read:" in lines
    monkeypatch.setenv("COLUMNS", "40")
    said = cotbuild("sessions").stdout.splitlines()
    assert all(len(line) <= 40 for line in said)
    assert "a/[red] one" in said


def test_one_in_use_says_by_whom_and_one_that_was_left_by_a_crash_is_free(here: Path) -> None:
    with Session.open(here / "two"):
        (row,) = [row for row in listed() if row["folder"] == "two"]
        assert f"process {os.getpid()} of" in str(row["in_use"])
        assert "in use by process" in " ".join(cotbuild("sessions").stdout.split())
        owner = (here / "two/session.owner").read_bytes()
    (here / "two/session.owner").write_bytes(owner)
    (row,) = [row for row in listed() if row["folder"] == "two"]
    assert row["in_use"] is None


def test_another_folder_an_empty_one_and_none(here: Path) -> None:
    assert [row["folder"] for row in listed("a")] == ["a/[red] one", "a/three"]
    assert [row["folder"] for row in listed(here / "two")] == [str(here / "two")]
    (here / "empty").mkdir()
    assert listed("empty") == []
    result = cotbuild("sessions", "empty")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no session" in result.stderr
    failed(cotbuild("sessions", "none"), 2, "none is not a folder")


def test_two_hundred_take_no_time_and_no_heavy_library(tmp_path: Path) -> None:
    text = (play(tmp_path / "0") / JOURNAL).read_bytes()
    for number in range(1, 200):
        folder = tmp_path / "more" / str(number)
        folder.mkdir(parents=True)
        (folder / JOURNAL).write_bytes(text)
    code = 'import sys; from builder.cli import main; sys.argv[0] = "cotbuild"; sys.exit(main())'
    before = time.monotonic()
    printed, loaded = loaded_by(code, "sessions", str(tmp_path), "--json")
    # Below a second by itself; the machine may be busy.
    assert time.monotonic() - before < 30
    assert len(json.loads(printed)["sessions"]) == 200
    assert loaded.isdisjoint({*HEAVY, "PIL"})
