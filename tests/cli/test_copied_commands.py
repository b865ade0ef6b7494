"""A command that is printed can be copied, whatever the folder is called and how narrow it is."""

import shlex
from pathlib import Path

import pytest
from typer.testing import Result

from builder.session.journal import JOURNAL, Session
from builder.session.state import advance
from tests.cli.conftest import Job, cotbuild, failed
from tests.cli.pty import start_file
from tests.cli.test_looking_back import PLAYED, play
from tests.worlds import started

NAMES = ("two  blanks [red] and more than forty columns", 'it\'s "quoted" $HOME', "-dash", "a/b")


@pytest.fixture(autouse=True)
def narrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.chdir(tmp_path)


def copied(result: Result, *words: str) -> list[str]:
    """The words of the one command that is printed in one line and begins with these."""
    lines = [line for line in result.stderr.splitlines() if "cotbuild" in line]
    commands = [shlex.split(line[line.index("cotbuild") :])[1:] for line in lines]
    (found,) = [each for each in commands if each[: len(words)] == [*words]]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_of_a_session(name: str) -> None:
    session = play(Path(name).absolute())
    shortest = f"./{name}" if name.startswith("-") else name
    again = copied(cotbuild("revert", session, 1), "resume")
    assert again == ["resume", shortest]
    failed(cotbuild(*again), 2, "nobody to review")
    with Session.open(session):
        look = copied(cotbuild("resume", session, "--auto"), "log")
        assert look == ["log", shortest]
        assert cotbuild(*look).exit_code == 0


@pytest.mark.parametrize("name", NAMES)
def test_in_an_error(job: Job, name: str) -> None:
    session = play(Path(name).absolute(), ())
    shortest = f"./{name}" if name.startswith("-") else name
    anew = cotbuild("new", "--classes", job.classes, "--no-images", "--out", session, "--auto",
                    "--start", start_file(job), "--llm", "none")  # fmt: skip
    undrafted = cotbuild("report", session, "--no-images")
    for result in (anew, undrafted):
        assert copied(result, "resume") == ["resume", shortest]
    with Session.create(session / "drafted", started(images=None)) as opened:
        opened.append(PLAYED[0], advance(opened.state, PLAYED[0]))
    no_images = copied(cotbuild("optimize", session / "drafted"), "optimize")
    assert no_images == ["optimize", f"{shortest}/drafted/system.json", "--images", "FOLDER"]
    with (session / JOURNAL).open("a") as file:
        file.write('{"kind": "undone"}\n')
    start = copied(cotbuild("log", session), "new")
    assert start == ["new", "--classes", "classes.txt", "--start", f"{shortest}/system.json"]
    (session / JOURNAL).write_bytes(b"")
    begin = copied(cotbuild("log", session), "new")
    assert begin == ["new", "--classes", "classes.txt", "--out", shortest]


def test_at_the_end_of_a_run(job: Job) -> None:
    out = Path("two  blanks [red] and more than forty columns").absolute()
    result = cotbuild("new", *job.flags(), "--out", out, "--start", start_file(job), "--llm",
                      "none", "--auto")  # fmt: skip
    assert result.exit_code == 0, result.output
    again = copied(result, "resume")
    assert again == ["resume", out.name]
    assert cotbuild(*again, "--auto").exit_code == 0


def test_elsewhere_the_whole_path_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = play(tmp_path / "my session")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert copied(cotbuild("revert", session, 1), "resume") == ["resume", str(session)]
    monkeypatch.chdir(session)
    assert copied(cotbuild("revert", 2), "resume") == ["resume", "."]
