"""jina-clip from the command line: the default of `new`, and the article's experiment."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from builder.encoders.catalog import known_model
from builder.resources import resource_folder
from builder.scoring.statistics import wilson
from builder.system.file import load_system_file
from tests.chance import chance
from tests.cli.conftest import RULES, Job, cotbuild, failed, lines_of
from tests.data_hub import serve_hub
from tests.encoders import test_hub
from tests.encoders.jina_fixtures import FILES, folder_of
from tests.encoders.test_hub import hub, served

V1 = known_model("jina-clip-v1")
POKEMON = resource_folder("systems") / "pokemon.json"
__all__ = ["hub", "served"]


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch, served: list[str]) -> Iterator[list[str]]:
    """A hub that has jinaai/jina-clip-v1, at the commit that is known, with a tiny model in it."""
    assert V1 is not None
    monkeypatch.setattr(test_hub, "COMMIT", V1.commit)
    files = {name: (folder_of("v1") / name).read_bytes() for name in FILES}
    monkeypatch.setitem(test_hub.REPOSITORIES, V1.repository, {**files, "onnx/model.onnx": b"no"})
    yield served


def new_flags(job: Job) -> list[object]:
    system = {
        "domain": "creature",
        "groups": [
            {"name": "color", "prompt": "It is {}.", "options": ["red", "blue", "green"]},
            {"name": "form", "prompt": "It looks like {}.", "options": ["a wolf", "a bug"]},
        ],
        "rules": RULES,
    }
    start = job.folder / "start.json"
    start.write_text(json.dumps(system), encoding="utf-8")
    return ["--classes", job.classes, "--images", job.images, "--out", job.session,
            "--start", start, "--llm", "none", "--auto", "--rounds", 1]  # fmt: skip


def test_new_takes_jina_clip_v1_once_somebody_agreed_to_the_download(
    job: Job, published: list[str]
) -> None:
    assert V1 is not None
    said = failed(cotbuild("new", *new_flags(job)), 2, "jina-clip-v1", "2 MB", "--yes")
    assert "nobody has agreed" in said
    assert published == ["config.json"]
    assert not job.session.exists()

    result = cotbuild("new", *new_flags(job), "--yes")
    assert result.exit_code == 0, result.output
    assert sorted(published) == sorted(FILES)
    assert "Licence of jina-clip-v1: Apache-2.0." in result.stderr
    assert "(licence: Apache-2.0)" in said
    started = lines_of(job.session / "session.jsonl")[0]
    assert started["encoder"] == f"{V1.repository}@{V1.commit}"
    provenance = load_system_file(job.session / "export.json").provenance
    assert provenance is not None
    assert provenance.encoder is not None
    assert provenance.encoder.revision == V1.commit
    # What is on this machine needs no agreement, and no network either.
    again = [*new_flags(job)[:4], "--out", job.folder / "other", *new_flags(job)[6:]]
    assert cotbuild("new", *again).exit_code == 0
    assert len(published) == len(FILES)


def test_an_encoder_that_was_named_is_downloaded_without_asking(
    job: Job, published: list[str]
) -> None:
    result = cotbuild("new", *new_flags(job), "--encoder", "jinaai/jina-clip-v1")
    assert result.exit_code == 0, result.output
    assert "must be downloaded" in " ".join(result.stderr.split())
    assert len(published) == len(FILES)


def test_without_a_network_one_message_says_what_to_bring(job: Job) -> None:
    said = failed(cotbuild("new", *new_flags(job), "--yes"), 3, "HF_HUB_OFFLINE", *FILES)
    assert "hf download jinaai/jina-clip-v1" in said
    assert "--local-dir FOLDER" in said
    assert not job.session.exists()


def test_options_of_v2_are_kept_in_the_journal_and_reopened(job: Job) -> None:
    spec = f"{folder_of('v2')}:truncate_dim=32,task=retrieval.query"
    result = cotbuild("new", *new_flags(job), "--encoder", spec)
    assert result.exit_code == 0, result.output
    assert "non-commercial" in result.stderr
    assert lines_of(job.session / "session.jsonl")[0]["encoder"] == spec
    resumed = cotbuild("resume", job.session, "--auto", "--rounds", 1)
    assert resumed.exit_code == 0, resumed.output
    scored = cotbuild("score", job.session / "export.json", "--images", job.images, "--json")
    assert list(json.loads(scored.stdout)["encoders"]) == [spec]


@pytest.mark.parametrize(
    ("version", "options", "words"),
    [
        ("v1", "truncate_dim=32", "truncate_dim"),
        ("v1", "task=retrieval.query", "task"),
        ("v2", "truncate_dim=33", "32, 64"),
        ("v2", "task=poetry", "retrieval.query"),
    ],
)
def test_options_that_a_version_lacks_are_refused(
    job: Job, version: str, options: str, words: str
) -> None:
    encoder = f"{folder_of(version)}:{options}"
    failed(cotbuild("new", *new_flags(job), "--encoder", encoder), 3, words)


def cards() -> list[tuple[str, Image.Image]]:
    """Two cards of each class, one of them respelled, and two that no class bears."""
    random = chance(0)
    names = [*load_system_file(POKEMON).system.classes]
    respelled = {"Blaine's Moltres": "Blaine’s Moltres"}
    found = []
    for name in [*names, *names, "Pikachu", "Absol EX"]:
        noise = random.integers(0, 256, (80, 60, 3), dtype=np.uint8)
        found.append((respelled.get(name, name), Image.fromarray(noise)))
    return found


def run_cotbuild(url: str, folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "HF_ENDPOINT": url,
        "HF_HUB_OFFLINE": "0",
        "HF_HOME": str(folder / "hub"),
        "COTBUILD_CACHE": str(folder / "cache"),
        "COLUMNS": "100",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "builder", *map(str, arguments)]
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=170
    )


@pytest.mark.slow
def test_the_articles_experiment(tmp_path: Path) -> None:
    encoders = [str(folder_of("v1")), str(folder_of("v2"))]
    command = ["score", POKEMON, "--images", "TheFusion21/PokemonCards"]
    command += [word for encoder in encoders for word in ("--encoder", encoder)]
    with serve_hub() as hub:
        hub.add_cards(cards())
        first = run_cotbuild(hub.url, tmp_path, *command, "--json")
        assert first.returncode == 0, first.stderr
        assert len(hub.asked_for_pictures()) == 32
        hub.requests.clear()
        table = run_cotbuild(hub.url, tmp_path, *command)
        assert hub.asked_for_pictures() == []

    found = json.loads(first.stdout)
    images = found["images"]
    assert images["crop"] == "0.1,0.12,0.9,0.46"
    assert (images["used"], images["left_out"], images["other_rows"]) == (32, [], 2)
    assert images["location"] == "TheFusion21/PokemonCards"
    assert len(images["revision"]) == 40
    assert [match["class_name"] for match in images["matched"]] == ["Blaine's Moltres"]
    assert list(found["encoders"]) == encoders
    assert {identity["dtype"] for identity in found["encoders"].values()} == {"float32"}
    (part,) = found["parts"]
    rows = {row["name"]: row for row in part["rows"]}
    assert {name: row["texts"] for name, row in rows.items()} == {
        "name": 16,
        "a photo of {name}": 16,
        "pokemon: {name}": 16,
        f"{POKEMON} at scale 1": 51,
        str(POKEMON): 51,
    }
    best = max(rows[name]["encoders"][encoders[0]]["correct"] for name in list(rows)[:3])
    for encoder in encoders:
        for row in rows.values():
            cell = row["encoders"][encoder]
            assert cell["n"] == 32
            assert (cell["low"], cell["high"]) == (
                wilson(cell["correct"], 32).low,
                wilson(cell["correct"], 32).high,
            )
    assert rows["name"]["scoring"] is None
    assert rows[str(POKEMON)]["scoring"] == {"rule": "sum", "scale": None}
    assert rows[f"{POKEMON} at scale 1"]["scoring"]["scale"] == 1
    ours = rows[str(POKEMON)]["encoders"][encoders[0]]
    names = rows["name"]["encoders"][encoders[0]]
    assert ours["over_names"] == pytest.approx(100 * (ours["correct"] - names["correct"]) / 32)
    assert ours["over_best"] == pytest.approx(100 * (ours["correct"] - best) / 32)
    assert names["over_names"] is None

    assert table.returncode == 0, table.stderr
    shown, said = " ".join(table.stdout.split()), " ".join(table.stderr.split())
    for title in ("at scale 1", "at own scale"):
        assert f"pokemon.json {title}" in shown
    assert "over names" in shown
    assert "32 images" in shown
    assert "Blaine's Moltres as Blaine’s Moltres (2 images)" in said
    assert "2 rows with other labels left out (2 labels" in said
    assert "Apache-2.0" in said
    assert "non-commercial" in said
