"""What --encoder takes, and what it says to everything else."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import constants

from builder.encoders.open import locate, open_encoder
from builder.errors import EncoderError, InputError
from tests.encoders.jina_fixtures import folder_of

COMMIT = "c0ffee" + "0" * 34


def test_a_local_folder_is_opened_with_its_content_as_revision(
    clip_folder: Path, tmp_path: Path
) -> None:
    encoder = open_encoder(str(clip_folder), device="cpu")
    assert encoder.name == str(clip_folder)
    assert len(encoder.revision) == 64
    assert encoder.encode_texts(["red"]).shape == (1, 24)

    copy = open_encoder(str(shutil.copytree(clip_folder, tmp_path / "copy")), device="cpu")
    assert (copy.revision, copy.fingerprint) == (encoder.revision, encoder.fingerprint)

    config = json.loads((tmp_path / "copy" / "config.json").read_text())
    config["text_config"]["layer_norm_eps"] = 1e-3
    (tmp_path / "copy" / "config.json").write_text(json.dumps(config))
    changed = open_encoder(str(tmp_path / "copy"), device="cpu")
    assert changed.revision != encoder.revision
    assert changed.fingerprint != encoder.fingerprint


@pytest.mark.parametrize("spec", ["org/tiny", f"org/tiny@{COMMIT}"])
def test_a_hub_id_is_opened_from_the_hubs_cache(
    clip_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str
) -> None:
    """Offline, from a cache as the hub's library lays it out."""
    home = tmp_path / "models--org--tiny"
    shutil.copytree(clip_folder, home / "snapshots" / COMMIT)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(COMMIT)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    encoder = open_encoder(spec, device="cpu")
    assert (encoder.name, encoder.revision) == ("org/tiny", COMMIT)
    local = open_encoder(str(clip_folder), device="cpu")
    expected = local.encode_texts(["red"])
    assert np.allclose(encoder.encode_texts(["red"]), expected, atol=1e-6)
    assert encoder.fingerprint != local.fingerprint


def test_a_folder_wins_over_a_hub_id(
    clip_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(clip_folder, tmp_path / "org" / "tiny")
    monkeypatch.chdir(tmp_path)
    assert len(open_encoder("org/tiny", device="cpu").revision) == 64


@pytest.mark.parametrize(
    "spec", ["", "clip", "./no/such/folder", "~/nowhere", "/no/such", "a/b/c", "org/name@", "x y/z"]
)
def test_an_unknown_encoder_is_told_what_is_possible(spec: str) -> None:
    with pytest.raises(EncoderError, match="Unknown encoder") as caught:
        open_encoder(spec)
    for possible in ("miniature", "hub", "@revision", "local folder"):
        assert possible in caught.value.hint


def test_a_hub_id_that_is_not_here_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(EncoderError, match="org/absent is not on this machine") as caught:
        open_encoder("org/absent")
    assert "hf download org/absent config.json" in caught.value.hint


def test_a_file_is_not_a_checkpoint(clip_folder: Path) -> None:
    with pytest.raises(EncoderError, match="is a file"):
        open_encoder(str(clip_folder / "model.safetensors"))


def test_an_empty_folder_is_not_a_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"no config\.json"):
        open_encoder(str(tmp_path))


@pytest.mark.parametrize("device", ["auto", "cpu", "cpu:0"])
def test_the_miniature_computes_on_the_cpu(device: str) -> None:
    assert open_encoder("miniature", device=device).name == "miniature"


def test_the_miniature_computes_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EncoderError, match="'abacus' cannot be used"):
        open_encoder("miniature", device="abacus")
    # As on a machine that has such a device.
    monkeypatch.setattr("builder.encoders.miniature.pick_device", torch.device)
    with pytest.raises(InputError, match="on the CPU only, not on cuda:1"):
        open_encoder("miniature", device="cuda:1")


def test_half_a_download_is_said_before_anything_is_loaded(
    clip_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "models--org--tiny"
    folder = shutil.copytree(clip_folder, home / "snapshots" / COMMIT)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(COMMIT)
    (folder / "model.safetensors").unlink()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    for spec in ("org/tiny", f"org/tiny@{COMMIT}"):
        with pytest.raises(EncoderError, match="org/tiny is not on this machine") as caught:
            locate(spec)
        assert "hf download org/tiny" in caught.value.hint


@pytest.mark.parametrize(
    ("version", "licence"),
    [("v1", "Apache-2.0"), ("v2", "CC-BY-NC-4.0, non-commercial use only")],
)
def test_the_licence_of_a_folder_is_known_by_its_version(version: str, licence: str) -> None:
    assert locate(str(folder_of(version))).licence == licence
