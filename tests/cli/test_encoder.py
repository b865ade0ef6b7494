"""`cotbuild encoder`, with tiny checkpoints and what they export in the place of real ones."""

import dataclasses
import hashlib
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import constants
from torch import Tensor

from builder.encoders import catalog, miniature
from builder.encoders.catalog import KnownModel
from tests.cli.conftest import cotbuild, failed
from tests.encoders.jina_fixtures import FILES, changed, folder_of
from tests.encoders.onnx_export import export_v1, export_v2

EXPORTS: dict[str, Callable[[Path], Path]] = {"v1": export_v1, "v2": export_v2}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {v: export(tmp_path_factory.mktemp(v)) for v, export in EXPORTS.items()}


@pytest.fixture(autouse=True)
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The hub's cache, empty; the models in the catalogue are the tiny ones."""
    folder = tmp_path / "hub"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(catalog, "KNOWN", tuple(map(_as_tiny, catalog.KNOWN)))
    return folder


def _as_tiny(model: KnownModel) -> KnownModel:
    weights = (folder_of(model.version) / "model.safetensors").read_bytes()
    return dataclasses.replace(
        model,
        weights_bytes=len(weights),
        weights_sha256=hashlib.sha256(weights).hexdigest(),
    )


def snapshot(hub: Path, version: str, commit: str) -> Path:
    """The folder in the hub's cache that stands for that commit."""
    repository = hub / f"models--jinaai--jina-clip-{version}"
    folder = repository / "snapshots" / commit
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def download(hub: Path, version: str, exported: Path) -> Path:
    """As if the checkpoint and its ONNX files had been downloaded: the checkpoint's folder."""
    model = catalog.known_model(f"jina-clip-{version}")
    assert model is not None
    folder = snapshot(hub, version, model.commit)
    for name in FILES:
        shutil.copy(folder_of(version) / name, folder / name)
    onnx = snapshot(hub, version, model.onnx_commit)
    shutil.copytree(exported / "onnx", onnx / "onnx")
    return folder


def double_a_row(weights: dict[str, Tensor]) -> None:
    weights["vision_model.blocks.0.mlp.w1.weight"][0] *= 2


# --- list -------------------------------------------------------------------------------------


def test_the_list_says_what_is_not_verified() -> None:
    result = cotbuild("encoder", "list")
    assert result.exit_code == 0
    said = " ".join(result.stdout.split())
    assert "jina-clip-v1: text tower not yet verified against published weights." in said
    assert "jina-clip-v2: non-commercial use only; not verified on this machine." in said
    assert "miniature Apache-2.0 none 256 72 px yes" in said
    assert "any CLIP or SigLIP checkpoint" in said
    assert result.stderr == ""


def test_the_list_as_json(hub: Path, exported: dict[str, Path]) -> None:
    download(hub, "v2", exported["v2"])
    v1, v2, toy = json.loads(cotbuild("encoder", "list", "--json").stdout)["encoders"]
    assert (v1["name"], v1["here"], v1["verified"]) == ("jina-clip-v1", False, False)
    assert (v2["name"], v2["here"], v2["verified"]) == ("jina-clip-v2", True, False)
    assert (v1["dimensions"], v1["image_size"], v2["licence"]) == (768, 224, "CC-BY-NC-4.0")
    assert toy["dimensions"] == miniature.DIMENSIONS
    assert toy["image_size"] == miniature.IMAGE_SIZE
    assert toy["verified"] is None


def test_another_commit_is_not_here(hub: Path) -> None:
    older = snapshot(hub, "v1", "0" * 40)
    (older / "model.safetensors").write_bytes(b"older")
    (older.parent.parent / "refs").mkdir()
    (older.parent.parent / "refs" / "main").write_text("0" * 40)
    assert not json.loads(cotbuild("encoder", "list", "--json").stdout)["encoders"][0]["here"]


# --- verify -----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_model_that_agrees_is_remembered(
    version: str, hub: Path, exported: dict[str, Path]
) -> None:
    download(hub, version, exported[version])
    result = cotbuild("encoder", "verify", f"jina-clip-{version}")
    assert result.exit_code == 0, result.output
    assert "as its publisher states" in result.stdout
    assert result.stdout.endswith("Verdict: it agrees.\n")
    assert "Licence of jina-clip-" in result.stderr
    listed = json.loads(cotbuild("encoder", "list", "--json").stdout)["encoders"]
    assert [row["verified"] for row in listed[:2]] == [version == "v1", version == "v2"]
    assert ("not yet verified" in cotbuild("encoder", "list").stdout) == (version == "v2")


def test_one_perturbed_weight_fails_and_is_not_remembered(
    hub: Path, exported: dict[str, Path]
) -> None:
    changed(download(hub, "v1", exported["v1"]), "v1", weights=double_a_row)
    where = ("--onnx", exported["v1"])
    result = cotbuild("encoder", "verify", "jina-clip-v1", *where, "--json")
    assert result.exit_code == 1, result.output
    found = json.loads(result.stdout)
    assert found["agrees"] is False
    assert found["weights"]["as_stated"] is False
    texts, images = found["compared"]
    assert texts["largest"] <= found["tolerance"] < images["largest"]
    assert "These are not the published weights" in " ".join(result.stderr.split())
    assert "not yet verified" in cotbuild("encoder", "list").stdout


@pytest.fixture
def other_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is on this machine, its publisher states something else."""
    stated = tuple(dataclasses.replace(m, weights_sha256="0" * 64) for m in catalog.KNOWN)
    monkeypatch.setattr(catalog, "KNOWN", stated)


@pytest.mark.usefixtures("other_weights")
def test_other_weights_are_no_agreement_even_if_they_agree(
    hub: Path, exported: dict[str, Path]
) -> None:
    download(hub, "v1", exported["v1"])
    result = cotbuild("encoder", "verify", "jina-clip-v1", "--onnx", exported["v1"])
    assert result.exit_code == 1
    assert "No difference exceeds" in result.stdout
    assert result.stdout.endswith("Verdict: it does not agree.\n")
    assert "not yet verified" in cotbuild("encoder", "list").stdout


@pytest.mark.usefixtures("other_weights")
def test_nothing_is_fetched_to_compare_other_weights_with(
    hub: Path, exported: dict[str, Path]
) -> None:
    folder = download(hub, "v1", exported["v1"])
    result = cotbuild("encoder", "verify", "jina-clip-v1", "--json")
    said = failed(result, 1, "These are not the published weights", "Delete", folder.name)
    assert "ONNX" not in said
    found = json.loads(result.stdout)
    assert (found["agrees"], found["compared"]) == (False, [])
    assert found["weights"]["as_stated"] is False
    assert cotbuild("encoder", "verify", "jina-clip-v1").stdout == ""


def test_weights_cut_short_are_named_as_such_before_they_fail(
    hub: Path, exported: dict[str, Path]
) -> None:
    weights = download(hub, "v1", exported["v1"]) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    where = ("--onnx", exported["v1"])
    said = failed(cotbuild("encoder", "verify", "jina-clip-v1", *where), 3)
    assert said.index("These are not the published weights") < said.index("Error:")


@pytest.mark.parametrize("subject", ["jina-clip-v1", folder_of("v1")])
def test_files_that_somebody_named_are_no_reason_to_remember(
    subject: object, hub: Path, exported: dict[str, Path], tmp_path: Path
) -> None:
    download(hub, "v1", exported["v1"])
    result = cotbuild("encoder", "verify", subject, "--onnx", exported["v1"])
    assert result.exit_code == 0, result.output
    assert not (tmp_path / "cache" / "verified.json").exists()


def test_a_folder_with_published_weights_is_that_model(
    hub: Path, exported: dict[str, Path]
) -> None:
    model = catalog.known_model("jina-clip-v2")
    assert model is not None
    onnx = snapshot(hub, "v2", model.onnx_commit) / "onnx"
    shutil.copytree(exported["v2"] / "onnx", onnx)
    result = cotbuild("encoder", "verify", folder_of("v2"), "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["agrees"], found["weights"]["as_stated"]) == (True, True)
    assert "Reading the weights" in result.stderr
    v1, v2, _ = json.loads(cotbuild("encoder", "list", "--json").stdout)["encoders"]
    assert (v1["verified"], v2["verified"]) == (False, True)


@pytest.mark.usefixtures("other_weights")
def test_a_folder_beside_the_files_it_was_exported_to(
    tmp_path: Path, exported: dict[str, Path]
) -> None:
    result = cotbuild("encoder", "verify", folder_of("v2"), "--onnx", exported["v2"], "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["agrees"] is True
    assert found["weights"]["as_stated"] is None
    assert [(c["kind"], c["n"]) for c in found["compared"]] == [("texts", 15), ("images", 6)]
    # A folder's files may be anybody's: nothing is known of the model from now on.
    assert not (tmp_path / "cache" / "verified.json").exists()

    perturbed = tmp_path / "perturbed"
    perturbed.mkdir()
    changed(perturbed, "v2", weights=double_a_row)
    result = cotbuild("encoder", "verify", perturbed, "--onnx", exported["v2"])
    assert result.exit_code == 1
    said = " ".join(result.stdout.split())
    assert "The images differ by" in said
    assert "The texts differ" not in said
    assert said.endswith("Verdict: it does not agree.")


def test_a_verdict_that_cannot_be_kept_stands(
    hub: Path, exported: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    download(hub, "v1", exported["v1"])
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COTBUILD_CACHE", str(tmp_path / "file"))
    result = cotbuild("encoder", "verify", "jina-clip-v1")
    assert result.exit_code == 0
    assert "Verdict: it agrees" in result.stdout
    assert "not remembered" in " ".join(result.stderr.split())


# --- What can't be compared ---------------------------------------------------------------------


@pytest.mark.usefixtures("other_weights")
def test_a_folder_needs_its_onnx_files_named() -> None:
    failed(cotbuild("encoder", "verify", folder_of("v1")), 2, "which ONNX files", "--onnx")


@pytest.mark.parametrize(
    "name",
    [
        "jina-clip-v3",
        "openai/clip-vit-base-patch32",
        "miniature",
        "jina-clip-v1@main",
        "jina-clip-v2:truncate_dim=64",
        "",
    ],
)
def test_a_model_without_such_files_is_said(name: str) -> None:
    failed(cotbuild("encoder", "verify", name), 3, "jina-clip-v1, jina-clip-v2")


def test_a_folder_without_weights(tmp_path: Path) -> None:
    result = cotbuild("encoder", "verify", tmp_path, "--onnx", tmp_path)
    failed(result, 3, "holds no model.safetensors")


def test_quantised_files_are_no_reference(tmp_path: Path, exported: dict[str, Path]) -> None:
    shutil.copy(exported["v2"] / "onnx/model.onnx", tmp_path / "model_quantized.onnx")
    result = cotbuild("encoder", "verify", folder_of("v2"), "--onnx", tmp_path)
    failed(result, 3, "only model_quantized.onnx", "float32")


def test_onnx_files_that_are_not_here(hub: Path, exported: dict[str, Path]) -> None:
    onnx = download(hub, "v2", exported["v2"]) / "onnx"
    shutil.rmtree(onnx)
    failed(cotbuild("encoder", "verify", "jina-clip-v2"), 3, "ONNX files", "--onnx")


def test_the_extra_is_asked_for_before_anything_is_downloaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    said = failed(cotbuild("encoder", "verify", "jina-clip-v1"), 3, "pip install onnxruntime")
    assert "Licence" not in said


def test_an_unknown_device(exported: dict[str, Path]) -> None:
    where = ("--onnx", exported["v1"], "--device", "abacus")
    failed(cotbuild("encoder", "verify", folder_of("v1"), *where), 3, "'abacus'")
