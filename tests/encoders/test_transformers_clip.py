"""Any CLIP, SigLIP or SigLIP 2 checkpoint: right vectors, and clear errors for broken ones."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import AutoModel

from builder.encoders.protocol import Wanted
from builder.encoders.spec import EncoderSpec
from builder.encoders.transformers_clip import PretrainedEncoder
from builder.errors import EncoderError
from tests.chance import chance

FOLDERS = ["clip_folder", "siglip_folder", "siglip2_folder"]


@pytest.fixture(params=FOLDERS)
def folder(request: pytest.FixtureRequest) -> Path:
    path = request.getfixturevalue(request.param)
    assert isinstance(path, Path)
    return path


@pytest.fixture
def clip_copy(clip_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(clip_folder, tmp_path / "clip"))


def load(
    folder: Path, revision: str = "r", dtype: torch.dtype = torch.float32
) -> PretrainedEncoder:
    dtype_name = str(dtype).split(".")[1]
    return PretrainedEncoder(Wanted(EncoderSpec("it"), "cpu", dtype_name, folder, revision))


def pictures(count: int = 5) -> list[Image.Image]:
    """Noise in several shapes, one of them a single pixel, one three pixels high."""
    random = chance(0)
    shapes = [(40, 40), (32, 64), (64, 32), (1, 1), (3, 50)]
    return [
        Image.fromarray(random.integers(0, 256, (*shapes[i % 5], 3), dtype=np.uint8))
        for i in range(count)
    ]


def rewrite_weights(folder: Path, change: "dict[str, torch.Tensor | None]") -> None:
    weights = load_file(folder / "model.safetensors")
    for key, value in change.items():
        weights.pop(key, None)
        if value is not None:
            weights[key] = value
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def test_vectors_are_float32_unit_rows_of_one_size(folder: Path) -> None:
    encoder = load(folder)
    images, texts = encoder.encode_images(pictures()), encoder.encode_texts(["red", "a blue one"])
    assert images.dtype == texts.dtype == np.float32
    assert images.shape == (5, texts.shape[1])
    assert np.allclose(np.linalg.norm(images, axis=1), 1, atol=1e-5)
    assert np.allclose(np.linalg.norm(texts, axis=1), 1, atol=1e-5)
    assert not np.allclose(texts[0], texts[1], atol=1e-3)
    assert not np.allclose(images[0], images[1], atol=1e-3)


def test_no_inputs_give_no_rows_of_the_same_size(folder: Path) -> None:
    encoder = load(folder)
    dimension = encoder.encode_texts(["red"]).shape[1]
    assert encoder.encode_images([]).shape == encoder.encode_texts([]).shape == (0, dimension)


def test_a_row_does_not_depend_on_its_neighbours(folder: Path) -> None:
    encoder, images = load(folder), pictures()
    together = encoder.encode_images(images)
    alone = np.concatenate([encoder.encode_images([image]) for image in images])
    assert np.allclose(together, alone, atol=1e-5)
    texts = ["a", "a longer text", "x y"]
    alone = np.concatenate([encoder.encode_texts([text]) for text in texts])
    assert np.allclose(encoder.encode_texts(texts), alone, atol=1e-5)


def test_clip_vectors_are_those_of_the_model(clip_folder: Path) -> None:
    """Against the model called by hand with token ids and pixels worked out by hand."""
    model = AutoModel.from_pretrained(clip_folder)
    tokenizer = json.loads((clip_folder / "tokenizer.json").read_text())["model"]["vocab"]
    ids = torch.tensor([[1, *(tokenizer[letter] for letter in "Red"), 3]])
    gray = Image.new("RGB", (32, 32), (128, 64, 255))
    mean = torch.tensor([0.48145466, 0.4578275, 0.40821073])
    std = torch.tensor([0.26862954, 0.26130258, 0.27577711])
    pixels = (torch.tensor([128, 64, 255]) / 255 - mean) / std
    with torch.inference_mode():
        text = model.get_text_features(input_ids=ids).pooler_output
        image = model.get_image_features(
            pixel_values=pixels[None, :, None, None].expand(1, 3, 32, 32)
        ).pooler_output
    encoder = load(clip_folder)
    assert np.allclose(encoder.encode_texts(["Red"]), text / text.norm(), atol=1e-5)
    assert np.allclose(encoder.encode_images([gray]), image / image.norm(), atol=1e-5)


@pytest.mark.parametrize("name", ["siglip_folder", "siglip2_folder"])
def test_siglip_texts_are_lower_case_and_padded_to_the_limit_unmasked(
    name: str, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(name)
    model = AutoModel.from_pretrained(folder)
    vocabulary = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    ids = [*(vocabulary[letter] for letter in "red"), 3]
    ids += [0] * (16 - len(ids))
    with torch.inference_mode():
        text = model.get_text_features(input_ids=torch.tensor([ids])).pooler_output
    assert np.allclose(load(folder).encode_texts(["Red"]), text / text.norm(), atol=1e-5)


def test_clip_texts_keep_their_case_for_the_tokenizer(clip_folder: Path) -> None:
    vectors = load(clip_folder).encode_texts(["red", "RED"])
    assert not np.allclose(vectors[0], vectors[1], atol=1e-3)


def test_long_texts_are_cut_to_the_towers_limit(folder: Path) -> None:
    encoder = load(folder)
    vectors = encoder.encode_texts(["abcdefghijklmn" + "x" * 10_000, "abcdefghijklmnx" * 2, "abc"])
    # 14 letters are left beside CLIP's two marks, 15 beside SigLIP's one: both texts agree there.
    assert np.allclose(vectors[0], vectors[1], atol=1e-5)
    assert not np.allclose(vectors[0], vectors[2], atol=1e-3)


def test_logit_scale_is_exponentiated(folder: Path) -> None:
    assert load(folder).logit_scale == pytest.approx(np.exp(2.5))


def test_unknown_words_cannot_be_told(clip_folder: Path) -> None:
    assert load(clip_folder).unknown_words(["qwzx", ""]) == [(), ()]


def test_half_precision_weights_are_computed_in_float32(clip_copy: Path) -> None:
    weights = load_file(clip_copy / "model.safetensors")
    rewrite_weights(clip_copy, {key: value.half() for key, value in weights.items()})
    encoder = load(clip_copy)
    assert next(encoder._model.parameters()).dtype == torch.float32


def test_older_weight_and_tokenizer_files_are_read(clip_folder: Path, clip_copy: Path) -> None:
    torch.save(load_file(clip_copy / "model.safetensors"), clip_copy / "pytorch_model.bin")
    (clip_copy / "model.safetensors").unlink()
    expected = load(clip_folder).encode_texts(["red"])
    assert np.allclose(load(clip_copy).encode_texts(["red"]), expected, atol=1e-5)

    (clip_copy / "tokenizer.json").unlink()
    (clip_copy / "tokenizer_config.json").unlink()
    special = ["<|startoftext|>", "x", "y", "<|endoftext|>"]
    words = {token: number for number, token in enumerate([*special, "r", "e", "d</w>"])}
    (clip_copy / "vocab.json").write_text(json.dumps(words))
    (clip_copy / "merges.txt").write_text("#version: 0.2\n")
    assert load(clip_copy).encode_texts(["red"]).shape == (1, 24)


def test_the_fingerprint_follows_revision_and_preprocessing(clip_copy: Path) -> None:
    before = load(clip_copy).fingerprint
    assert load(clip_copy).fingerprint == before
    assert load(clip_copy, "r2").fingerprint != before
    assert load(clip_copy, dtype=torch.bfloat16).fingerprint != before
    path = clip_copy / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"image_mean": [0.5, 0.5, 0.5]}))
    assert load(clip_copy).fingerprint != before


def test_loading_prints_nothing(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load(folder)
    assert capfd.readouterr() == ("", "")


def test_position_numbers_stored_by_older_versions_are_harmless(clip_copy: Path) -> None:
    key = "text_model.embeddings.position_ids"
    rewrite_weights(clip_copy, {key: torch.arange(16)[None]})
    assert load(clip_copy).encode_texts(["red"]).shape == (1, 24)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"visual_projection.weight": None}, "lack .*visual_projection.weight"),
        ({"surplus.weight": torch.zeros(2)}, "does not have: surplus.weight"),
        ({"logit_scale": torch.tensor(float("nan"))}, "not finite, in: logit_scale"),
        ({"logit_scale": torch.tensor(200.0)}, "its logit_scale is 200"),
        ({"logit_scale": torch.tensor(-200.0)}, "its logit_scale is -200"),
        ({"text_projection.weight": torch.zeros(24, 32)}, "zeros alone for 'a'"),
        ({"text_projection.weight": torch.full((24, 32), torch.inf)}, "text_projection.weight"),
        ({"text_projection.weight": torch.zeros(7, 32)}, "cannot be loaded"),
    ],
)
def test_unusable_weights_are_named(
    clip_copy: Path, change: "dict[str, torch.Tensor | None]", named: str
) -> None:
    rewrite_weights(clip_copy, change)
    with pytest.raises(EncoderError, match=named) as caught:
        load(clip_copy)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("file", "content", "named"),
    [
        ("model.safetensors", None, "no weights"),
        ("model.safetensors", b"not weights at all", "cannot be loaded"),
        ("preprocessor_config.json", None, "cannot be loaded"),
        ("tokenizer.json", None, "no tokenizer.json"),
        ("tokenizer.json", b"{", "cannot be loaded"),
        ("tokenizer_config.json", None, "does not say with which token"),
        ("config.json", None, "no config.json"),
        ("config.json", b"{", "cannot be read"),
        ("config.json", b'{"model_type": "bert"}', "type 'bert'"),
        ("config.json", b"[]", "is not a JSON object"),
        ("config.json", b'{"model_type": "clip", "text_config": 3}', "cannot be loaded"),
    ],
)
def test_unusable_files_are_named(
    clip_copy: Path, file: str, content: bytes | None, named: str
) -> None:
    if content is None:
        (clip_copy / file).unlink()
    else:
        (clip_copy / file).write_bytes(content)
    with pytest.raises(EncoderError, match=named) as caught:
        load(clip_copy)
    assert caught.value.hint


def test_a_tokenizer_of_another_model_is_refused(clip_copy: Path, siglip_folder: Path) -> None:
    shutil.copy(siglip_folder / "tokenizer.json", clip_copy)
    path = clip_copy / "tokenizer.json"
    tokenizer = json.loads(path.read_text())
    tokenizer["post_processor"] = None
    path.write_text(json.dumps(tokenizer))
    with pytest.raises(EncoderError, match="does not end texts"):
        load(clip_copy)

    vocabulary = tokenizer["model"]["vocab"]
    vocabulary["a"], vocabulary["b"] = 5000, vocabulary["a"]
    path.write_text(json.dumps(tokenizer))
    with pytest.raises(EncoderError, match="more than"):
        load(clip_copy)


def test_values_that_overflow_are_an_error_that_names_the_input(clip_copy: Path) -> None:
    weights = load_file(clip_copy / "model.safetensors")
    huge = torch.full_like(weights["visual_projection.weight"], 3e38)
    rewrite_weights(clip_copy, {"visual_projection.weight": huge})
    with pytest.raises(EncoderError, match="image 1 of 1"):
        load(clip_copy).encode_images(pictures(1))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_gives_nearly_the_same_vectors(folder: Path, dtype: torch.dtype) -> None:
    exact, half = load(folder), load(folder, dtype=dtype)
    for encode in ("encode_images", "encode_texts"):
        inputs = pictures() if encode == "encode_images" else ["red", "a blue one"]
        vectors = getattr(half, encode)(inputs)
        assert vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
        assert ((vectors * getattr(exact, encode)(inputs)).sum(axis=1) > 0.99).all()
