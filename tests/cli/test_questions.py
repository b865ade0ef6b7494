"""`cotbuild questions` on a session's export, on a bare system, and its proposal taken back."""

import json
from pathlib import Path
from typing import Any

import pytest

from builder.diagnosis.questions import SmallestSet, best_order, smallest_set
from builder.scoring.score import Indices, Scores
from builder.session.journal import JOURNAL, read_state
from builder.system.file import load_system_file
from builder.system.model import AttributeSystem
from tests.cli.conftest import CLASSES, RULES, Job, cotbuild, failed

GROUPS = [
    {"name": "[bold]color", "prompt": "It is {}.", "options": ["red", "blue", "green"]},
    {"name": "same \x1b[2J for all", "prompt": "It is {}.", "options": ["drawn", "real"]},
    {"name": "form", "prompt": "It looks like {}.", "options": ["a wolf", "a bug"]},
]


def system_file(job: Job, groups: list[dict[str, Any]] = GROUPS) -> Path:
    """A system of the job's classes; the second group tells nothing."""
    chosen = {"[bold]color": "color", "form": "form"}
    rules = {
        name: {
            group["name"]: row[chosen[group["name"]]] if group["name"] in chosen else "real"
            for group in groups
        }
        for name, row in RULES.items()
    }
    path = job.folder / "start.json"
    system = {"domain": "creature", "groups": groups, "rules": rules}
    path.write_text(json.dumps({"version": 1, "system": system}), encoding="utf-8")
    return path


@pytest.fixture
def export(job: Job) -> Path:
    """What a session that starts with that system exports."""
    flags = ["--start", system_file(job), "--llm", "none", "--auto", "--rounds", 1]
    result = cotbuild("new", *job.flags(), *flags)
    assert result.exit_code == 0, result.output
    return job.session / "export.json"


def asked(system: Path, job: Job, *flags: object) -> dict[str, Any]:
    result = cotbuild("questions", system, "--images", job.images, "--json", *flags)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_what_is_chosen_on_review_is_measured_on_held_out(job: Job, export: Path) -> None:
    found = asked(export, job)
    shown = cotbuild("questions", export, "--images", job.images)
    assert "it can't count this look" in " ".join(shown.stderr.split())
    file = load_system_file(export)
    assert file.provenance is not None
    for part, split in (("chosen_on", "review"), ("measured_on", "held_out")):
        known = file.provenance.accuracy[split]  # type: ignore[index]
        assert (found[part]["n"], found[part]["correct"]) == (known.n, known.correct)
    assert found["chosen_on"]["images"] == "review"
    assert found["measured_on"]["images"] == "held-out"
    assert [row["questions"] for row in found["curve"]] == list(
        range(1, 1 + len(file.system.groups))
    )
    last = found["curve"][-1]
    assert last["adaptive"] == last["best_fixed"] == pytest.approx(last["random"])
    assert [row["adaptive"]["threshold"] for row in found["thresholds"]] == [0.8, 0.9, 0.95]
    check = found["smallest_set"]["check"]
    assert check["n"] == found["measured_on"]["n"]


def test_thresholds(job: Job, export: Path) -> None:
    flags = ["--threshold", 0.5, "--threshold", 0.35, "--threshold", 0.5]
    found = asked(export, job, *flags)["thresholds"]
    assert [row["adaptive"]["threshold"] for row in found] == [0.35, 0.5]
    assert 1 <= found[0]["adaptive"]["questions"] <= found[1]["adaptive"]["questions"] <= 3
    for wrong in (1.5, -0.1):
        result = cotbuild("questions", export, "--images", job.images, "--threshold", wrong)
        assert result.exit_code == 2


def test_the_groups_that_can_go_are_a_proposal_that_resume_accepts(job: Job, export: Path) -> None:
    path = job.folder / "new folder" / "drop.json"
    found = asked(export, job, "--proposal", path)
    assert "same \x1b[2J for all" in found["smallest_set"]["dropped"]
    result = cotbuild("resume", job.session, "--edits", path)
    assert result.exit_code == 0, result.output
    system = read_state(job.session).system
    assert system is not None
    assert [group.name for group in system.groups] == found["smallest_set"]["kept"]


@pytest.mark.parametrize("width", ["80", "40"])
def test_the_screen_shows_any_name_and_stays_in_its_width(
    job: Job, export: Path, monkeypatch: pytest.MonkeyPatch, width: str
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    result = cotbuild("questions", export, "--images", job.images)
    assert result.exit_code == 0, result.output
    assert "[bold]color" in result.stdout
    assert "\\x1b[2J for" in result.stdout
    assert "\x1b" not in result.output
    assert max(map(len, result.stdout.splitlines())) <= int(width)
    words = " ".join(result.output.split())
    assert "best fixed order and the fewest groups are chosen on review (12 images)" in words


def test_without_a_session_everything_is_measured_where_it_is_chosen(job: Job) -> None:
    path = job.folder / "drop.json"
    flags = ["--encoder", job.encoder, "--proposal", path]
    one = system_file(job, GROUPS[:1])
    result = cotbuild("questions", one, "--images", job.images, *flags)
    assert result.exit_code == 0, result.output
    assert "None of 1 group can go." in result.stdout
    said = " ".join(result.stderr.split())
    assert "chosen and measured on the same 24 images" in said
    assert "nothing was written" in said
    assert not path.exists()
    found = asked(one, job, "--encoder", job.encoder)
    assert found["measured_on"]["images"] == found["chosen_on"]["images"] == "all images"
    assert found["smallest_set"]["check"] is None


def resplit(export: Path, splits: dict[str, list[str]]) -> Path:
    file = json.loads(export.read_text(encoding="utf-8"))
    file["provenance"]["splits"] = splits
    path = export.parent.parent / "resplit.json"
    path.write_text(json.dumps(file), encoding="utf-8")
    return path


def test_final_images_are_left_alone(job: Job, export: Path) -> None:
    file = load_system_file(export)
    assert file.provenance is not None
    review, held_out = (list(file.provenance.splits[s]) for s in ("review", "held_out"))
    only = resplit(export, {"final": review, "held_out": held_out})
    found = asked(only, job)
    assert found["chosen_on"]["images"] == found["measured_on"]["images"] == "held-out"
    assert found["measured_on"]["n"] == len(held_out)
    unseen = asked(resplit(export, {"review": review}), job)
    assert unseen["measured_on"]["images"] == "images that the session had not seen"
    assert unseen["measured_on"]["n"] == len(held_out)
    spent = resplit(export, {"final": review + held_out})
    failed(cotbuild("questions", spent, "--images", job.images), 2, "final images")


def test_errors_come_before_anything_is_measured(job: Job, export: Path) -> None:
    start = system_file(job)
    failed(cotbuild("questions", start, "--images", job.images), 2, "--encoder")
    journal = export.parent / JOURNAL
    before = journal.read_bytes()
    flags = ["--images", job.images, "--proposal"]
    failed(cotbuild("questions", export, *flags, journal), 2, "belongs to the session")
    failed(cotbuild("questions", export, *flags, job.folder), 2, "is a folder", "--proposal")
    assert journal.read_bytes() == before
    failed(cotbuild("questions", job.folder / "no.json", "--images", job.images), 2, "no.json")
    assert CLASSES[0] in load_system_file(start).system.classes


def test_held_out_images_choose_nothing(
    job: Job, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provenance = load_system_file(export).provenance
    assert provenance is not None
    images = [digest for found in provenance.splits.values() for digest in found]
    uneven = resplit(export, {"review": images[:7], "held_out": images[7:]})
    seen = []

    def order(system: AttributeSystem, scores: Scores) -> Indices:
        seen.append(scores.n)
        return best_order(system, scores)

    def smallest(*given: Any, **how: Any) -> SmallestSet:
        found = smallest_set(*given, **how)
        seen.append(found.full.n)
        return found

    monkeypatch.setattr("builder.cli.questions_measure.questions.best_order", order)
    monkeypatch.setattr("builder.cli.questions_measure.questions.smallest_set", smallest)
    assert asked(uneven, job)["measured_on"]["n"] == 17
    assert seen == [7, 7]
