"""`export` never leaves out in silence what was accepted since the last version."""

import json
import sys
from pathlib import Path

import pytest

from builder.edits.model import Proposal, RenameClass
from builder.session.journal import JOURNAL, Session, read_state
from builder.session.records import Decided
from builder.session.state import advance
from builder.system.file import load_system_file
from tests.cli.conftest import CLASSES, Job, cotbuild, failed, kinds
from tests.cli.pty import Terminal


@pytest.fixture
def accepted(session: Path, job: Job) -> Path:
    """A session with final images, a version, and a change that was accepted since."""
    for name in CLASSES:
        first = next((job.images / name).iterdir()).read_bytes()
        for number in range(14):
            (job.images / name / f"more{number}.png").write_bytes(first + bytes([number]))
    rename = RenameClass(class_name=CLASSES[2], to="Celebi")
    decided = Decided(
        proposal=Proposal(edits=(rename,), source="person"), decision="accepted", by="person"
    )
    with Session.open(session) as opened:
        opened.append(decided, advance(opened.state, decided))
    return session


def test_nobody_there_is_told_before_any_look(accepted: Path) -> None:
    before = (accepted / JOURNAL).read_bytes()
    said = failed(cotbuild("export", accepted), 2, "never measured", "--measure")
    assert "--version best" in said
    assert (accepted / JOURNAL).read_bytes() == before
    assert not (accepted / "export.json").exists()


def test_it_is_measured_first_where_that_is_asked_for(accepted: Path) -> None:
    result = cotbuild("export", accepted, "--measure")
    assert result.exit_code == 0, result.output
    assert kinds(accepted)[-3:] == ["measured", "measured", "exported"]
    state = read_state(accepted)
    assert (len(state.versions), state.final_looks) == (2, 1)
    # Once it is measured, nothing is asked for any more.
    assert cotbuild("export", accepted, "--measure").exit_code == 0
    assert cotbuild("export", accepted).exit_code == 0
    assert len(read_state(accepted).versions) == 2


@pytest.mark.parametrize("name", ["best", "last", "1"])
def test_a_version_is_exported_as_it_is(accepted: Path, name: str) -> None:
    result = cotbuild("export", accepted, "--version", name)
    assert result.exit_code == 0, result.output
    assert len(read_state(accepted).versions) == 1
    assert load_system_file(accepted / "export.json").system.classes == CLASSES


def test_another_version_than_the_best_is_exported_with_its_own_figures(accepted: Path) -> None:
    result = cotbuild("export", accepted, "--measure")
    assert result.exit_code == 0, result.output
    said = " ".join(result.stderr.split())
    assert "version 2 is not better than version 1" in said
    assert "--version last exports it all the same" in said
    state = read_state(accepted)
    assert state.best == 1
    assert cotbuild("export", accepted, "--version", 2).exit_code == 0
    file = load_system_file(accepted / "export.json")
    assert file.system.classes == (*CLASSES[:2], "Celebi")
    assert file.provenance
    assert file.provenance.accuracy["held_out"].correct == state.versions[1].correct
    assert read_state(accepted).final_looks == 2
    assert "2 times" in file.provenance.note


def test_as_json(accepted: Path) -> None:
    failed(cotbuild("export", accepted, "--json"), 2, "never measured", "--measure")
    result = cotbuild("export", accepted, "--measure", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert "Version 2 on held-out images" in " ".join(result.stderr.split())
    told = json.loads(cotbuild("log", accepted, "--json").stdout)
    (delivery,) = told["exports"]
    assert {key: found[key] for key in ("path", "version", "final")} == {
        key: delivery[key] for key in ("path", "version", "final")
    }
    file = load_system_file(accepted / "export.json")
    assert file.provenance
    assert (found["format"], found["version"]) == ("cotbuild", 1)
    assert found["held_out"] == told["versions"][0]["held_out"]
    assert (found["final_looks"], found["note"]) == (1, file.provenance.note)
    article = accepted / "article.json"
    again = cotbuild("export", accepted, "-o", article, "--format", "article", "--json")
    found = json.loads(again.stdout)
    assert (found["format"], found["path"]) == ("article", str(article))
    assert "seen already" in found["note"]


def test_a_version_that_was_gone_back_to_is_measured_already(accepted: Path) -> None:
    assert cotbuild("export", accepted, "--measure").exit_code == 0
    assert cotbuild("revert", accepted, 1).exit_code == 0
    assert cotbuild("export", accepted).exit_code == 0
    assert len(read_state(accepted).versions) == 2


def test_what_can_not_be_exported_is_said_before_any_look(accepted: Path) -> None:
    before = (accepted / JOURNAL).read_bytes()
    failed(cotbuild("export", accepted, "--version", "7"), 2, "no version", "best (1)")
    failed(cotbuild("export", accepted, "--version", "now"), 2, "not measured", "--measure")
    failed(cotbuild("export", accepted, "--version", "1", "--measure"), 2, "one of them")
    assert (accepted / JOURNAL).read_bytes() == before


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(
    ("keys", "versions"),
    [
        ("\r", 2),
        pytest.param("\x1b[B\r", 1, marks=pytest.mark.slow),
        pytest.param("\x1b", 1, marks=pytest.mark.slow),
    ],
)
def test_in_a_terminal_it_asks(accepted: Path, keys: str, versions: int) -> None:
    terminal = Terminal("export", accepted)
    terminal.sees("never measured on held-out images")
    terminal.sees("export version 1")
    terminal.types(keys)
    assert terminal.ends() == 0
    state = read_state(accepted)
    assert (len(state.versions), state.final_looks) == (versions, int(keys != "\x1b"))
