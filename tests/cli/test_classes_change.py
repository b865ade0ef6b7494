"""Classes and pictures change while a session runs, and two people's edits come together."""

import json
import shutil
from pathlib import Path

import pytest

from builder.edits.model import AddClass, DropClass, Edit, Proposal, RenameClass
from builder.session.journal import read_state
from builder.system.file import load_system_file
from tests.cli.conftest import CLASSES, RULES, Job, cotbuild, lines_of

ABSOL, BEEDRILL, CELEBI = CLASSES
NEW = "Dratini 'x'"


def resumed(session: Path, *edits: Edit) -> str:
    path = session.parent / "edits.json"
    proposal = Proposal(edits=edits, source="person")
    path.write_text(json.dumps([proposal.model_dump(mode="json")]), encoding="utf-8")
    result = cotbuild("resume", session, "--edits", path)
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def held_out(session: Path) -> list[int]:
    return [len(version.held_out) for version in read_state(session).versions]


def test_a_class_is_added_and_its_images_are_read_when_the_session_is_resumed(
    session: Path, job: Job
) -> None:
    shutil.copytree(job.images / ABSOL, job.images / NEW)
    for picture in (job.images / NEW).iterdir():
        # Other pictures of the same: a copy would not count.
        picture.write_bytes(picture.read_bytes() + b"other")
    begun = read_state(session)
    rules = {group: (option,) for group, option in RULES[ABSOL].items()}
    said = resumed(session, AddClass(class_name=NEW, rules=rules))
    assert "cotbuild resume reads the images of" in said
    assert held_out(session) == [12, 12]
    said = resumed(session, RenameClass(class_name=NEW, to="Dragonair"))
    assert "8 new images: 4 for review, 4 held out." in said
    assert held_out(session) == [12, 16, 16]
    state = read_state(session)
    assert {d: s for d, s in state.splits.items() if d in begun.splits} == begun.splits
    assert state.versions[0].held_out == begun.versions[0].held_out
    assert state.best in (2, 3)
    log = " ".join(cotbuild("log", session).stdout.split())
    assert f"on other classes (with {NEW})" in log
    assert "4 classes" in log


def test_a_class_is_retired_and_its_images_count_no_more(session: Path) -> None:
    said = resumed(session, DropClass(class_name=CELEBI))
    assert f"the first on other classes (without {CELEBI})" in said
    assert held_out(session) == [12, 8]
    state = read_state(session)
    assert state.best == 2
    said = cotbuild("diff", session, 1, 2).stdout
    assert f"on other classes (without {CELEBI}), so they can't be compared" in " ".join(
        said.split()
    )
    exported = cotbuild("export", session)
    assert exported.exit_code == 0, exported.output
    file = load_system_file(session / "export.json")
    assert file.system.classes == (ABSOL, BEEDRILL)
    assert file.provenance
    assert file.provenance.accuracy["held_out"].n == 8
    assert {found["held_out"].n for found in file.provenance.baselines.values()} == {8}


def test_pictures_are_added_and_all_versions_measured_on_them(session: Path, job: Job) -> None:
    resumed(session, RenameClass(class_name=CELEBI, to="Celebi"))
    before = read_state(session)
    for number in range(4):
        picture = (job.images / ABSOL / "0.png").read_bytes() + bytes([number])
        (job.images / ABSOL / f"new-{number}.png").write_bytes(picture)
    resumed(session, RenameClass(class_name="Celebi", to="Celebii"))
    after = read_state(session)
    assert held_out(session) == [14, 14, 14]
    assert len({version.images for version in after.versions}) == 1
    assert all(after.splits[digest] == split for digest, split in before.splits.items())


@pytest.mark.parametrize("clash", [False, True])
def test_what_another_person_did_to_the_same_draft_is_taken_over(
    session: Path, tmp_path: Path, clash: bool
) -> None:
    """README tells how: `diff B 1 now --json`, then `resume A --edits`."""
    theirs = tmp_path / "theirs"
    shutil.copytree(session, theirs)
    resumed(theirs, RenameClass(class_name=CELEBI, to="Celebi"))
    mine = RenameClass(class_name=CELEBI if clash else ABSOL, to="Absol")
    resumed(session, mine)
    edits = tmp_path / "theirs.json"
    edits.write_text(cotbuild("diff", theirs, 1, "now", "--json").stdout, encoding="utf-8")
    records = len(lines_of(session / "session.jsonl"))
    result = cotbuild("resume", session, "--edits", edits)
    state = read_state(session)
    assert state.system
    if clash:
        assert result.exit_code == 2, result.output
        assert "theirs.json,[0].edits" in "".join(result.stderr.split())
        assert len(lines_of(session / "session.jsonl")) == records
    else:
        assert result.exit_code == 0, result.output
        assert state.system.classes == ("Absol", BEEDRILL, "Celebi")
        assert len(state.versions) == 3
