"""`cotbuild new` and `resume` from end to end: a real encoder, a real server, no person."""

import json
import re
import stat
from pathlib import Path

import pytest
from PIL import Image

from builder.cli.begin import fresh_folder
from builder.data.images import file_digest
from builder.scoring.fit import RULE_NAMES
from builder.session.export import SEEN
from builder.session.journal import read_state
from builder.system.file import load_system_file
from builder.system.model import Scoring
from tests.cli.conftest import CLASSES, RULES, Job, cotbuild, failed, kinds, lines_of
from tests.openai_server import OpenAIServer


def test_from_classes_to_an_exported_system(job: Job, model: OpenAIServer) -> None:
    result = cotbuild("new", *job.flags(), "--llm", "m", "--llm-url", model.url, "--auto")
    assert result.exit_code == 0, result.output
    for name in CLASSES:
        assert name in result.output
    assert "Round 1" in result.stdout
    file = load_system_file(job.session / "export.json")
    assert file.system.classes == CLASSES
    assert file.provenance is not None
    assert file.provenance.accuracy["held_out"].n == 12
    assert file.provenance.note == "no untouched estimate: too few images for a final split"
    assert set(file.provenance.baselines) >= {"name", "name + description"}
    assert load_system_file(job.session / "system.json").system == file.system
    found = kinds(job.session)
    assert found[:3] == ["started", "assigned", "drafted"]
    assert found[-1] == "exported"


def test_what_is_sent_and_what_is_kept(job: Job, model: OpenAIServer) -> None:
    cotbuild("new", *job.flags(), "--llm", "m", "--llm-url", model.url, "--auto", "--rounds", 1)
    sent = [request.text for request in model.requests]
    assert "a creature" in sent[0]
    assert all(json.dumps(name, ensure_ascii=False) in sent[1] for name in CLASSES)
    transcript = job.session / "llm.jsonl"
    assert len([line for line in lines_of(transcript) if line.get("messages")]) == len(sent)
    assert stat.S_IMODE(transcript.stat().st_mode) == 0o600


def test_a_session_is_replayed_from_its_transcript(job: Job, model: OpenAIServer) -> None:
    cotbuild("new", *job.flags(), "--llm", "m", "--llm-url", model.url, "--auto")
    recording = job.session.rename(job.folder / "first") / "llm.jsonl"
    result = cotbuild("new", *job.flags(), "--llm", f"replay:{recording}", "--auto")
    assert result.exit_code == 0, result.output
    assert read_state(job.session).system == read_state(job.folder / "first").system


def test_resume_encodes_nothing_and_adds_new_images_without_moving_old_ones(
    job: Job, model: OpenAIServer
) -> None:
    flags = ["--llm", "m", "--llm-url", model.url, "--auto"]
    cotbuild("new", *job.flags(), *flags)
    before = read_state(job.session)
    first = next((job.images / CLASSES[0]).iterdir())
    (job.images / CLASSES[0] / "more.png").write_bytes(first.read_bytes() + b"\0")
    result = cotbuild("resume", job.session, "--auto", "--rounds", 1)
    assert result.exit_code == 0, result.output
    assert "Encoding images: 1 " in result.stderr
    after = read_state(job.session)
    assert before.splits.items() < after.splits.items()
    assert len(after.splits) == len(before.splits) + 1
    lengths = {len(version.held_out) + len(version.review) for version in after.versions}
    assert lengths == {25}


def test_without_images_a_draft_is_made_and_nothing_is_scored(
    job: Job, model: OpenAIServer
) -> None:
    result = cotbuild(
        "new", "--classes", job.classes, "--no-images", "--domain", "creature", "--out",
        job.session, "--llm", "m", "--llm-url", model.url, "--auto",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "nothing will be scored" in result.stderr
    file = load_system_file(job.session / "export.json")
    assert {name: dict(rule) for name, rule in file.system.rules.items()} == {
        name: {group: (option,) for group, option in rule.items()} for name, rule in RULES.items()
    }
    assert file.provenance is not None
    assert file.provenance.note == "never scored: there were no images"


def test_a_session_from_a_system_without_any_model(job: Job, model: OpenAIServer) -> None:
    cotbuild("new", *job.flags(), "--llm", "m", "--llm-url", model.url, "--auto")
    start = job.session.rename(job.folder / "first") / "system.json"
    asked = len(model.requests)
    result = cotbuild("new", *job.flags(), "--start", start, "--llm", "none", "--auto")
    assert result.exit_code == 0, result.output
    assert len(model.requests) == asked


def test_score_shows_the_sessions_splits_and_the_baselines(job: Job, model: OpenAIServer) -> None:
    cotbuild("new", *job.flags(), "--llm", "m", "--llm-url", model.url, "--auto")
    export = job.session / "export.json"
    result = cotbuild("score", export, "--images", job.images, "--json")
    assert result.exit_code == 0, result.output
    parts = {part["images"]: part["rows"] for part in json.loads(result.stdout)["parts"]}
    assert list(parts) == ["review", "held-out", "all images"]
    for row in (row for rows in parts.values() for row in rows):
        (cell,) = row["encoders"].values()
        # Here each class has as many images as the others, and there are three.
        assert cell["class_mean"] == pytest.approx(cell["accuracy"])
        assert cell["among_best_5"] == 1.0
    (held_out,) = [row for row in parts["held-out"] if row["name"] == str(export)]
    (cell,) = held_out["encoders"].values()
    provenance = load_system_file(export).provenance
    assert provenance is not None
    assert (cell["correct"], cell["n"]) == (
        provenance.accuracy["held_out"].correct,
        provenance.accuracy["held_out"].n,
    )
    table = cotbuild("score", export, "--images", job.images)
    assert "a photo of {name}" in table.stdout
    assert "class mean" not in table.stdout
    assert cotbuild("score", export, "--images", job.images, "--min-accuracy", 1).exit_code == 1
    # Of Absol, which is right, more than twice as many images are left as of the others.
    for name in CLASSES[1:]:
        for path in sorted((job.images / name).iterdir())[3:]:
            path.unlink()
    table = cotbuild("score", export, "--images", job.images)
    assert "class mean" in table.stdout and "best 5" not in table.stdout
    parts = json.loads(cotbuild("score", export, "--images", job.images, "--json").stdout)["parts"]
    (cell,) = parts[-1]["rows"][-1]["encoders"].values()
    assert cell["accuracy"] == pytest.approx(11 / 14)
    assert cell["class_mean"] == pytest.approx(2 / 3)


def test_score_with_controls(job: Job, model: OpenAIServer) -> None:
    cotbuild("new", *job.flags(), "--llm", "m", "--llm-url", model.url, "--auto")
    export = job.session / "export.json"
    flags = ["score", export, "--images", job.images, "--controls"]
    report = json.loads(cotbuild(*flags, "--json").stdout)
    (rows,) = report["controls"].values()
    kinds_of = [row["control"].split()[0] for row in rows]
    assert kinds_of == ["names"] * 3 + ["rules", "random"]
    for row in rows:
        assert row["n"] == 24
        assert row["least"] <= row["mean"] <= row["most"]
        assert row["accuracy"] == pytest.approx(row["mean"] / 24)
    # Where the rules stay with their classes a shuffle is right, elsewhere it is wrong.
    (rules,) = [row for row in rows if row["control"].startswith("rules")]
    assert rules["least"] < rules["most"]
    shown = cotbuild(*flags)
    assert "rules shuffled" in " ".join(shown.stdout.split())
    assert re.search(r"looked \d times? at its held-out images", " ".join(shown.stderr.split()))
    assert "controls" not in cotbuild(*flags[:-1]).stdout


def test_an_image_in_another_size_is_found_in_the_other_split(
    job: Job, model: OpenAIServer
) -> None:
    name = CLASSES[0]
    for path in sorted((job.images / name).iterdir()):
        with Image.open(path) as image:
            large = image.resize((48, 48), Image.Resampling.NEAREST)
        large.save(path.with_stem(f"{path.stem} large"))
    flags = [*job.flags(), "--llm", "m", "--llm-url", model.url, "--auto"]
    said = " ".join(cotbuild("new", *flags).stderr.split())
    assert "nearly repeat one of another split" in said
    # A row of the closest: an image, and the same in the other size.
    assert any(f"{number} large.png" in said for number in range(8))
    # Said when images come, not every time; and again of the images that are scored.
    again = cotbuild("resume", job.session, "--auto", "--rounds", 1)
    assert "Encoder" in again.stderr
    assert "nearly repeat" not in again.stderr
    scored = cotbuild("score", job.session / "export.json", "--images", job.images)
    assert "nearly repeat one of another split" in " ".join(scored.stderr.split())


def test_scoring_rules_side_by_side_and_one_in_a_file(job: Job, model: OpenAIServer) -> None:
    cotbuild("new", *job.flags(), "--llm", "m", "--llm-url", model.url, "--auto")
    export, saved = job.session / "export.json", job.folder / "centred.json"
    flags = ["score", export, "--images", job.images]
    result = cotbuild(*flags, "--rule", "all", "--json")
    assert result.exit_code == 0, result.output
    (table,) = json.loads(result.stdout)["systems"]
    provenance = load_system_file(export).provenance
    assert provenance is not None
    sizes = [len(provenance.splits[split]) for split in ("review", "held_out")]
    assert [table["fitted_on"], table["shown_on"]] == sizes
    assert (table["split"], table["compared"]) == ("session", 8)
    rules = {row["rule"]: row for row in table["rules"]}
    assert list(rules) == ["in use", *RULE_NAMES]
    assert rules["in use"]["correct"] == provenance.accuracy["held_out"].correct
    assert all(row["n"] == sizes[1] for row in rules.values())

    written = cotbuild(*flags, "--rule", "centred", "--save", saved)
    assert written.exit_code == 0, written.output
    assert "in use: sum" in written.stdout
    file = load_system_file(saved)
    assert file.scoring.model_dump(mode="json") == rules["centred"]["scoring"]
    assert file.provenance is not None
    assert list(file.provenance.accuracy) == ["held_out"]
    assert file.provenance.accuracy["held_out"].correct == rules["centred"]["correct"]

    # Without a provenance half of the images are fitted on, and the others shown.
    bare = job.folder / "bare.json"
    bare.write_text(load_system_file(export).system.model_dump_json(), encoding="utf-8")
    flags = ["score", bare, "--images", job.images, "--encoder", job.encoder]
    halves = cotbuild(*flags, "--rule", "weighted", "--json")
    assert halves.exit_code == 0, halves.output
    (table,) = json.loads(halves.stdout)["systems"]
    assert table["split"] == "seed 0"
    assert [row["rule"] for row in table["rules"]] == ["in use", "weighted"]
    many = ["--rule", "all"]
    wrong = (["--save", saved], [*many, "--scale", 2], [*many, "--controls"])
    for each in wrong:
        assert cotbuild(*flags, *each).exit_code == 2


def test_rules_are_never_fitted_on_held_out_images(job: Job, model: OpenAIServer) -> None:
    cotbuild("new", *job.flags(), "--llm", "m", "--llm-url", model.url, "--auto")
    export = job.session / "export.json"
    flags = ["score", export, "--images", job.images, "--rule", "centred"]
    looks = " ".join(cotbuild(*flags).stderr.split())
    assert re.search(r"looked \d times? at its held-out images; it can't count this look", looks)
    provenance = load_system_file(export).provenance
    assert provenance is not None
    for path in job.images.glob("*/*"):
        if file_digest(path) in provenance.splits["review"]:
            path.unlink()
    failed(cotbuild(*flags), 2, "held-out and final ones, which nothing is fitted on")


def test_a_session_begins_with_the_scoring_of_its_file(job: Job, model: OpenAIServer) -> None:
    cotbuild("new", *job.flags(), "--llm", "m", "--llm-url", model.url, "--auto")
    export, saved = job.session / "export.json", job.folder / "centred.json"
    cotbuild("score", export, "--images", job.images, "--rule", "centred", "--save", saved)

    def scoring(folder: str, *flags: str) -> Scoring:
        out = job.folder / folder
        begun = cotbuild(
            "new", *job.flags(), "--llm", "none", "--start", saved, "--out", out, "--auto", *flags
        )
        assert begun.exit_code == 0, begun.output
        return load_system_file(out / "export.json").scoring

    assert scoring("again").means == pytest.approx(load_system_file(saved).scoring.means)
    assert scoring("log", "--rule", "log") == Scoring(rule="log")


def test_min_accuracy_decides_the_exit_code(job: Job, model: OpenAIServer) -> None:
    flags = [*job.flags(), "--llm", "m", "--llm-url", model.url, "--auto"]
    assert cotbuild("new", *flags, "--min-accuracy", 1).exit_code == 1
    assert cotbuild("resume", job.session, "--auto", "--min-accuracy", 0).exit_code == 0


def test_export_measures_on_final_images_once_and_counts_the_looks(
    job: Job, model: OpenAIServer
) -> None:
    for name in CLASSES:
        first = next((job.images / name).iterdir()).read_bytes()
        for number in range(14):
            (job.images / name / f"more{number}.png").write_bytes(first + bytes([number]))
    flags = [*job.flags(), "--llm", "m", "--llm-url", model.url, "--auto"]
    first_export = cotbuild("new", *flags)
    provenance = load_system_file(job.session / "export.json").provenance
    assert provenance is not None
    assert (provenance.final_looks, provenance.note) == (1, "")
    assert provenance.accuracy["final"].n == len(provenance.splits["final"])
    second = job.folder / "second.json"
    result = cotbuild("export", job.session, "-o", second)
    assert result.exit_code == 0, result.output
    again = load_system_file(second).provenance
    assert again is not None
    # The same version on the same images: no new look, but the figure was known before.
    assert (again.final_looks, again.note) == (1, SEEN)
    assert "seen already" in " ".join(result.stdout.split())
    assert "seen already" not in " ".join(first_export.stdout.split())
    assert again.accuracy["final"] == provenance.accuracy["final"]


def test_an_export_after_images_were_added_measures_on_them_first(
    job: Job, model: OpenAIServer
) -> None:
    cotbuild("new", *job.flags(), "--llm", "m", "--llm-url", model.url, "--auto")
    for name in CLASSES:
        first = next((job.images / name).iterdir()).read_bytes()
        for number in range(20):
            (job.images / name / f"more{number}.png").write_bytes(first + bytes([number]))
    result = cotbuild("export", job.session)
    assert result.exit_code == 0, result.output
    provenance = load_system_file(job.session / "export.json").provenance
    assert provenance is not None
    for split in ("review", "held_out", "final"):
        assert provenance.accuracy[split].n == len(provenance.splits[split])


def test_export_in_the_articles_format(job: Job, model: OpenAIServer) -> None:
    cotbuild("new", *job.flags(), "--llm", "m", "--llm-url", model.url, "--auto")
    path = job.folder / "article.json"
    result = cotbuild("export", job.session, "-o", path, "--format", "article")
    assert result.exit_code == 0, result.output
    assert "creature_rules" in json.loads(path.read_text(encoding="utf-8"))
    assert load_system_file(path).system == load_system_file(job.session / "system.json").system


@pytest.mark.parametrize("flags", [(), ("--auto",)])
def test_nobody_pays_by_accident(
    job: Job, flags: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789abcdef")
    result = cotbuild("new", *job.flags(), "--llm", "gpt", *flags)
    failed(result, 2, "--auto" if not flags else "--yes")
    assert not job.session.exists()


def test_edits_from_a_file_are_applied_completely_or_not_at_all(
    job: Job, model: OpenAIServer
) -> None:
    cotbuild("new", *job.flags(), "--llm", "m", "--llm-url", model.url, "--auto")
    asked = len(model.requests)
    before = read_state(job.session)
    path = job.folder / "edits.json"
    fits = {"kind": "rename_option", "group": "color", "option": "red", "to": "crimson [red]"}
    unfit = {"kind": "drop_group", "group": "no such group"}
    proposals = [{"edits": [fits], "reason": "by hand"}, {"edits": [unfit]}]
    path.write_text(json.dumps(proposals), encoding="utf-8")
    failed(cotbuild("resume", job.session, "--edits", path), 2, "no such group")
    assert read_state(job.session) == before

    # Sound as a whole, but not one after the other: the second leaves the group one option.
    assert before.system is not None
    form = before.system.group("form").options
    drops = [{"kind": "drop_option", "group": "form", "option": o} for o in form]
    adds = [{"kind": "add_option", "group": "form", "option": o} for o in ("a cat", "a cow")]
    path.write_text(json.dumps([{"edits": drops}, {"edits": adds}]), encoding="utf-8")
    failed(cotbuild("resume", job.session, "--edits", path), 2, "options")
    assert read_state(job.session) == before

    path.write_text(json.dumps(proposals[:1]), encoding="utf-8")
    result = cotbuild("resume", job.session, "--edits", path)
    assert result.exit_code == 0, result.output
    after = read_state(job.session)
    assert after.system is not None
    assert "crimson [red]" in after.system.group("color").options
    assert after.versions[-1].system == after.system
    assert after.decisions[-1].proposal.reason == "by hand"
    assert len(model.requests) == asked
    failed(cotbuild("resume", job.session, "--edits", job.folder / "none.json"), 2, "none.json")


def test_a_session_is_named_after_the_folder_of_its_classes(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = job.folder / "below" / "deeper"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert fresh_folder(Path("../../classes.txt")).name == f"{job.folder.name}-1"
    assert fresh_folder(Path("../../birds of Asia.txt")).name == "birds of Asia-1"
