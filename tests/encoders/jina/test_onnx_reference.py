"""The native towers beside ONNX files, which are exported here from the tiny checkpoints."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import constants
from torch import Tensor, nn

from builder.encoders.jina.onnx_reference import (
    OnnxReference,
    Port,
    fetch_onnx,
    input_role,
    open_reference,
    output_name,
    verify,
)
from builder.encoders.jina.verify import Agreement
from builder.encoders.samples import sample_images, sample_texts
from builder.errors import EncoderError
from tests.encoders.jina_fixtures import changed, load, shared
from tests.encoders.onnx_export import export, export_v1, export_v2
from tests.encoders.test_hub import COMMIT, REPOSITORIES, hub, served

__all__ = ["hub", "served"]

IDS = torch.tensor([[3, 4]])
PIXELS = torch.ones(1, 3, 2, 2)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("onnx")
    return {"v1": export_v1(folder / "v1"), "v2": export_v2(folder / "v2")}


def compared(version: str, onnx: Path, checkpoint: Path | None = None) -> Agreement:
    encoder = shared(version) if checkpoint is None else load(version, checkpoint)
    return verify(encoder, open_reference(onnx), sample_texts(), sample_images())


# --- Samples ----------------------------------------------------------------------------------


def test_the_samples_are_many_kinds() -> None:
    texts, images = sample_texts(), sample_images()
    assert 10 <= len(texts) <= 20
    assert all(texts)
    assert len(set(texts)) == len(texts)
    assert any("δ" in text for text in texts)
    assert any(not text.isascii() for text in texts)
    assert min(map(len, texts)) == 1
    # Both tokenizers make at least a token of a word.
    assert max(len(text.split()) for text in texts) > 100
    assert len(images) >= 4
    assert len({image.size for image in images.values()}) == len(images)
    assert all(image.mode == "RGB" for image in images.values())


# --- Verdict, and mistakes --------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_native_towers_agree_with_an_export_of_them(
    version: str, exported: dict[str, Path]
) -> None:
    found = compared(version, exported[version])
    assert found.agrees
    assert [(c.kind, c.n) for c in found.comparisons] == [("texts", 15), ("images", 6)]
    # Far within the tolerance: what is left of it is for towers ten times as deep.
    assert all(c.largest < 2e-6 and c.smallest_cosine > 1 - 1e-9 for c in found.comparisons)


@pytest.mark.parametrize(
    ("version", "key", "differing"),
    [
        ("v1", "text_model.transformer.encoder.layers.0.mlp.gated_layers.weight", ["texts"]),
        ("v1", "text_model.transformer.emb_ln.bias", ["texts"]),
        ("v1", "vision_model.blocks.0.attn.q_proj.weight", ["images"]),
        ("v2", "vision_model.blocks.1.mlp.w3.weight", ["images"]),
        (
            "v2",
            "text_model.transformer.roberta.encoder.layers.1.mlp.fc1"
            ".parametrizations.weight.0.lora_B",
            ["texts"],
        ),
    ],
)
def test_one_changed_row_of_one_weight_is_found(
    version: str, key: str, differing: list[str], exported: dict[str, Path], tmp_path: Path
) -> None:
    def double_a_row(weights: dict[str, Tensor]) -> None:
        weights[key].view(-1, weights[key].shape[-1])[0] *= 2

    checkpoint = changed(tmp_path, version, weights=double_a_row)
    found = compared(version, exported[version], checkpoint)
    assert [comparison.kind for comparison in found.differing] == differing


def test_one_changed_number_is_found(exported: dict[str, Path], tmp_path: Path) -> None:
    def change(weights: dict[str, Tensor]) -> None:
        weights["vision_model.norm.bias"][3] += 0.01

    found = compared("v1", exported["v1"], changed(tmp_path, "v1", weights=change))
    assert [comparison.kind for comparison in found.differing] == ["images"]


def test_files_of_another_model_are_no_comparison(exported: dict[str, Path]) -> None:
    with pytest.raises(EncoderError, match="onnxruntime can't use") as caught:
        compared("v2", exported["v1"])
    assert "same model" in caught.value.hint


# --- Which files ------------------------------------------------------------------------------


def test_the_files_may_lie_in_the_folder_itself(exported: dict[str, Path]) -> None:
    assert isinstance(open_reference(exported["v1"] / "onnx"), OnnxReference)


@pytest.mark.parametrize(
    "names",
    [
        [],
        ["model_quantized.onnx", "model_fp16.onnx"],
        ["text_model.onnx"],
        ["text_model_q4.onnx", "vision_model.onnx"],
    ],
)
def test_other_files_are_no_reference(tmp_path: Path, names: Sequence[str]) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(EncoderError, match="wanted are text_model") as caught:
        open_reference(tmp_path)
    assert all(name in caught.value.message for name in names)
    assert ("no ONNX file" in caught.value.message) == (not names)
    assert "float32" in caught.value.hint


def test_a_file_cut_short_is_said(exported: dict[str, Path], tmp_path: Path) -> None:
    whole = (exported["v2"] / "onnx" / "model.onnx").read_bytes()
    (tmp_path / "model.onnx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(EncoderError, match=r"onnxruntime can't use .*model\.onnx") as caught:
        open_reference(tmp_path)
    assert "model.onnx_data" in caught.value.hint


def test_without_onnxruntime_the_message_is_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EncoderError, match="not installed") as caught:
        open_reference(tmp_path)
    assert caught.value.hint.endswith("pip install onnxruntime")
    assert "cotbuild" not in caught.value.hint


# --- Which inputs and outputs -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("port", "role"),
    [
        (Port("input_ids", "tensor(int64)", ("n", "t")), "input_ids"),
        (Port("tokens", "tensor(int64)", ("n", "t")), "input_ids"),
        (Port("attention_mask", "tensor(int64)", ("n", "t")), "attention_mask"),
        (Port("token_type_ids", "tensor(int64)", ("n", "t")), "token_type_ids"),
        (Port("pixel_values", "tensor(float)", ("n", 3, "h", "w")), "pixel_values"),
        (Port("image", "tensor(float)", (1, 3, 224, 224)), "pixel_values"),
        (Port("pixel_values", "tensor(float16)", ("n", 3, "h", "w")), None),
        (Port("input_ids", "tensor(int32)", ("n", "t")), None),
        (Port("task_id", "tensor(int64)", ()), None),
        (Port("scale", "tensor(float)", ("n", "t")), None),
        (Port("lengths", "tensor(int64)", ("n", "t")), None),
    ],
)
def test_inputs_are_known_by_name_type_and_rank(port: Port, role: str | None) -> None:
    assert input_role(port) == role


def rows(*names: str) -> list[Port]:
    return [Port(name, "tensor(float)", ("n", 64)) for name in names]


BOTH = ("text_embeddings", "image_embeddings", "l2norm_text_embeddings", "l2norm_image_embeddings")


@pytest.mark.parametrize(
    ("outputs", "alone", "text", "image"),
    [
        (rows(*BOTH), False, "text_embeddings", "image_embeddings"),
        (rows(*reversed(BOTH)), False, "text_embeddings", "image_embeddings"),
        (rows(*BOTH[2:]), False, BOTH[2], BOTH[3]),
        (rows("text_embeds"), True, "text_embeds", "text_embeds"),
        (rows("output"), True, "output", "output"),
        (rows("output"), False, None, None),
        (rows("pooler", "other"), True, None, None),
        (rows("text_a", "text_b", "vision"), False, None, "vision"),
        ([Port("text_embeds", "tensor(float)", ("n", "t", 64))], True, None, None),
        ([Port("text_embeds", "tensor(float16)", ("n", 64))], True, None, None),
        ([], True, None, None),
    ],
)
def test_outputs_are_known_by_name_type_and_rank(
    outputs: list[Port], alone: bool, text: str | None, image: str | None
) -> None:
    assert output_name("text", outputs, alone=alone) == text
    assert output_name("image", outputs, alone=alone) == image


class Toy(nn.Module):
    """Means of ids and pixels: takes any number of either, none too."""

    def forward(self, input_ids: Tensor, pixel_values: Tensor) -> tuple[Tensor, Tensor]:
        text = torch.stack([input_ids.float().mean(1), input_ids.float().amax(1)], 1)
        image = torch.stack([pixel_values.mean((1, 2, 3)), pixel_values.amax((1, 2, 3))], 1)
        return text, image


def test_a_file_for_both_kinds_is_given_one_of_the_other_kind_if_it_wants_one(
    exported: dict[str, Path], tmp_path: Path
) -> None:
    """The toy puts up with no image, the exported towers want one: both give their vectors."""
    inputs = {"input_ids": IDS, "pixel_values": PIXELS}
    export(Toy(), tmp_path / "model.onnx", inputs, BOTH[:2], any_batch=True)
    texts = [{"input_ids": np.array([[1, 3]])}, {"input_ids": np.array([[5, 5, 8]])}]
    pixels = np.stack([np.full((3, 2, 2), value, np.float32) for value in (1, 2, 3)])
    text, image = open_reference(tmp_path).encode(texts, pixels)
    np.testing.assert_allclose(text, [[2, 3], [6, 8]])
    np.testing.assert_allclose(image, [[1, 1], [2, 2], [3, 3]])

    reference = open_reference(exported["v2"])
    size = shared("v2").vision.config.image_size
    nothing = np.zeros((0, 3, size, size), np.float32)
    with pytest.raises(EncoderError):
        reference.text.vectors({"input_ids": np.array([[5, 6]]), "pixel_values": nothing})


class Typed(nn.Module):
    """A text tower that also asks for token types."""

    def forward(self, input_ids: Tensor, token_type_ids: Tensor) -> Tensor:
        return torch.stack([input_ids.float().mean(1), 1 + token_type_ids.float().mean(1)], 1)


def test_token_types_are_those_of_a_first_text(tmp_path: Path) -> None:
    inputs = {"input_ids": IDS, "token_type_ids": torch.zeros_like(IDS)}
    export(Typed(), tmp_path / "text_model.onnx", inputs, ["out"])
    pixels_only = {"pixel_values": PIXELS}
    export(nn.Flatten(), tmp_path / "vision_model.onnx", pixels_only, ["out"])
    text, _ = open_reference(tmp_path).encode([{"input_ids": np.array([[1, 3]])}], PIXELS.numpy())
    np.testing.assert_allclose(text, [[2, 1]])


def test_a_file_without_an_output_for_images_is_listed(tmp_path: Path) -> None:
    inputs = {"input_ids": IDS, "pixel_values": PIXELS}
    export(Toy(), tmp_path / "model.onnx", inputs, ["text_embeddings", "other"])
    with pytest.raises(EncoderError, match="can't be used as jina-clip's image tower") as caught:
        open_reference(tmp_path)
    for part in (
        "pixel_values tensor(float) [1, 3, 2, 2]",
        "text_embeddings tensor(float)",
        "other",
    ):
        assert part in caught.value.message


class Tasked(nn.Module):
    def forward(self, input_ids: Tensor, task: Tensor) -> Tensor:
        return input_ids.float() + task


def test_an_unknown_input_is_not_guessed(tmp_path: Path) -> None:
    inputs = {"input_ids": IDS, "task": torch.tensor([1.5])}
    export(Tasked(), tmp_path / "text_model.onnx", inputs, ["text_embeds"])
    shutil.copy(tmp_path / "text_model.onnx", tmp_path / "vision_model.onnx")
    with pytest.raises(EncoderError, match=r"text tower.*task tensor\(float\) \[1\]"):
        open_reference(tmp_path)


def test_a_text_file_in_an_image_files_place_is_said(
    exported: dict[str, Path], tmp_path: Path
) -> None:
    text = exported["v1"] / "onnx" / "text_model.onnx"
    shutil.copy(text, tmp_path / "text_model.onnx")
    shutil.copy(text, tmp_path / "vision_model.onnx")
    with pytest.raises(EncoderError, match=r"vision_model\.onnx can't be used .* image tower"):
        open_reference(tmp_path)


# --- Downloads --------------------------------------------------------------------------------


def test_only_the_float32_files_are_downloaded(
    served: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["onnx/model.onnx", "onnx/model.onnx_data", "onnx/text_model.onnx"]
    others = ["onnx/model_fp16.onnx", "onnx/text_model_q4.onnx", "model.safetensors", "model.onnx"]
    files = {name: name.encode() for name in names + others}
    monkeypatch.setitem(REPOSITORIES, "org/onnx", files)
    folder = fetch_onnx("org/onnx", COMMIT)
    assert sorted(served) == names
    # Weights first: a download that ended early lacks the file that would be opened.
    assert served.index("onnx/model.onnx_data") < served.index("onnx/model.onnx")
    assert (folder / "model.onnx_data").read_bytes() == b"onnx/model.onnx_data"


@pytest.mark.parametrize(
    ("repository", "says"),
    [
        ("org/missing", "no public model 'org/missing'"),
        ("org/old-clip", "could not be downloaded"),
    ],
)
@pytest.mark.usefixtures("served")
def test_what_cannot_be_fetched_can_be_brought(repository: str, says: str) -> None:
    with pytest.raises(EncoderError, match=says) as caught:
        fetch_onnx(repository, COMMIT)
    assert "--onnx" in caught.value.hint


@pytest.mark.parametrize(
    ("names", "enough"),
    [
        (["onnx/model.onnx"], True),
        (["onnx/text_model.onnx", "onnx/vision_model.onnx"], True),
        (["onnx/text_model.onnx"], False),
        (["onnx/model.onnx_data"], False),
    ],
)
def test_without_a_network_only_what_can_be_opened_counts(
    names: list[str], enough: bool, served: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(REPOSITORIES, "org/onnx", {name: name.encode() for name in names})
    folder = fetch_onnx("org/onnx", COMMIT)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    if enough:
        assert fetch_onnx("org/onnx", COMMIT) == folder
    else:
        with pytest.raises(EncoderError, match="HF_HUB_OFFLINE is set") as caught:
            fetch_onnx("org/onnx", COMMIT)
        assert "--onnx" in caught.value.hint
    assert sorted(served) == names
