"""Loading jina-clip: what is refused and how it is said, options, preprocessing, fingerprints."""

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from builder.encoders.jina import clip as jina_clip
from builder.encoders.jina.clip import jina_fingerprint, jina_preprocessing
from builder.encoders.jina.config import jina_clip_version
from builder.encoders.protocol import Encoder, Wanted
from builder.encoders.spec import EncoderSpec
from builder.errors import EncoderError
from tests.chance import chance
from tests.encoders.jina_fixtures import FILES, changed, folder_of, golden, load, shared

both = pytest.mark.parametrize("version", ["v1", "v2"])
V2_LORA = "text_model.transformer.roberta.encoder.layers.0.mixer.Wqkv.parametrizations.weight.0."
V1_WORDS = "text_model.transformer.embeddings.word_embeddings.weight"
V1_DOWN = "text_model.transformer.encoder.layers.0.mlp.wo.weight"


def refusal(folder: Path, version: str, **options: Any) -> str:
    """The one message with which loading ends; it names the checkpoint and has a hint."""
    with pytest.raises(EncoderError) as caught:
        load(version, folder, **options)
    assert f"tiny-{version}" in caught.value.message
    assert caught.value.hint
    return caught.value.message


def put(*path: str, value: object) -> Callable[[dict[str, Any]], None]:
    """A change of one value deep in a JSON file."""

    def change(content: dict[str, Any]) -> None:
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = value

    return change


def drop(*path: str) -> Callable[[dict[str, Any]], None]:
    """A change that takes one key out of a JSON file."""

    def change(content: dict[str, Any]) -> None:
        for key in path[:-1]:
            content = content[key]
        del content[path[-1]]

    return change


KWARGS = ("text_config", "hf_model_config_kwargs")


@pytest.mark.parametrize(
    ("version", "path", "value"),
    [
        ("v1", ("add_projections",), True),
        ("v1", ("matryoshka_dimensions",), [32, 64]),
        ("v1", ("truncate_dim",), 64),
        ("v1", ("vision_config", "post_norm"), True),
        ("v1", ("vision_config", "ls_init_value"), 0.1),
        ("v1", ("vision_config", "proj_type"), "linear"),
        ("v1", ("vision_config", "fused_layer_norm"), True),
        ("v1", ("vision_config", "naive_swiglu"), False),
        ("v1", ("vision_config", "qkv_bias"), False),
        ("v1", ("vision_config", "rope_embeddings"), False),
        ("v1", ("vision_config", "subln"), False),
        ("v1", ("vision_config", "use_rel_pos_bias"), True),
        ("v1", ("vision_config", "use_shared_rel_pos_bias"), True),
        ("v1", ("vision_config", "image_size"), "64"),
        ("v1", ("vision_config", "image_size"), 64.5),
        ("v1", ("vision_config", "patch_size"), 0),
        ("v1", ("vision_config", "layers"), True),
        ("v1", ("vision_config", "layers"), 10**12),
        ("v1", ("vision_config", "layers"), 129),
        ("v1", ("vision_config", "mlp_ratio"), -1.0),
        ("v1", ("vision_config", "mlp_ratio"), 1e30),
        ("v2", ("vision_config", "mlp_ratio"), 16.5),
        ("v1", ("vision_config", "intp_freq"), "no"),
        ("v1", ("vision_config",), None),
        ("v1", ("text_config", "pooler_type"), "cls_pooler"),
        ("v1", ("text_config", "proj_type"), "mlp"),
        ("v1", (*KWARGS, "use_qk_norm"), True),
        ("v1", (*KWARGS, "window_size"), [64, 64]),
        ("v1", (*KWARGS, "lora_alpha"), 4),
        ("v2", (*KWARGS, "lora_alpha"), "4"),
        ("v2", (*KWARGS, "lora_rank"), 4.5),
        ("v2", (*KWARGS, "lora_adaptations"), ["text-matching"]),
        ("v2", (*KWARGS, "lora_adaptations"), ["retrieval.query", "text-matching"]),
        ("v2", (*KWARGS, "task_instructions"), {"text-matching": "x"}),
        ("v2", (*KWARGS, "rotary_emb_base"), 10000),
        ("v2", ("text_config", "default_lora_task"), "text-matching"),
        ("v2", ("text_config", "default_instruction_task"), "retrieval.query"),
        ("v2", ("matryoshka_dimensions",), "all"),
    ],
)
def test_values_for_which_the_towers_are_not_built(
    tmp_path: Path, version: str, path: tuple[str, ...], value: object
) -> None:
    message = refusal(changed(tmp_path, version, config=put(*path, value=value)), version)
    named = ".".join(path)
    assert "config.json" in message
    if isinstance(value, dict):
        assert f"{named}.text-matching" in message or f"lacks {named}" in message
    elif named.endswith("lora_adaptations"):
        assert named in message and "text-matching" in message
    else:
        assert f"{named} = {json.dumps(value)}" in message


@pytest.mark.parametrize(
    ("version", "path"),
    [
        ("v2", (*KWARGS, "lora_alpha")),
        ("v2", (*KWARGS, "lora_rank")),
        ("v2", (*KWARGS, "task_instructions")),
        ("v2", ("matryoshka_dimensions",)),
        ("v1", ("vision_config", "rope_embeddings")),
        ("v1", ("vision_config", "width")),
        ("v1", KWARGS),
    ],
)
def test_values_that_are_missing(tmp_path: Path, version: str, path: tuple[str, ...]) -> None:
    message = refusal(changed(tmp_path, version, config=drop(*path)), version)
    assert f"lacks {'.'.join(path)}" in message


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("vision_config", "head_width"), 36, "heads of head_width 36"),
        (("vision_config", "head_width"), 6, "heads of head_width 6 (a multiple of 4)"),
        (("vision_config", "patch_size"), 65, "patch_size 65 exceeds image_size 64"),
        (("vision_config", "pt_hw_seq_len"), 16, "pt_hw_seq_len 16 must be the grid of 4"),
        (("vision_config", "embed_dim"), 64, "embed_dim 64 is not width 96"),
        (("text_config", "embed_dim"), 64, "text_config.embed_dim 64 is not"),
    ],
)
def test_sizes_that_do_not_fit_together(
    tmp_path: Path, path: tuple[str, ...], value: int, said: str
) -> None:
    assert said in refusal(changed(tmp_path, "v1", config=put(*path, value=value)), "v1")


def test_matryoshka_dimensions_beyond_the_vectors(tmp_path: Path) -> None:
    change = put("matryoshka_dimensions", value=[64, 256])
    assert "exceed 128" in refusal(changed(tmp_path, "v2", config=change), "v2")


def test_several_problems_are_named_at_once(tmp_path: Path) -> None:
    def change(config: dict[str, Any]) -> None:
        for key in ("naive_swiglu", "qkv_bias", "rope_embeddings", "subln"):
            config["vision_config"][key] = None

    message = refusal(changed(tmp_path, "v1", config=change), "v1")
    assert message.count(" = null") == 3
    assert "and 1 more" in message


@both
def test_fields_that_change_no_vector_may_be_anything(tmp_path: Path, version: str) -> None:
    def change(config: dict[str, Any]) -> None:
        config |= {"torch_dtype": "x", "something": 1, "logit_scale_init_value": None}
        config["vision_config"] |= {"x_attention": "maybe", "patch_dropout": 7, "new": [1]}
        config["text_config"] |= {"proj_bias": 3, "output_scores": "?"}
        config["text_config"]["hf_model_config_kwargs"]["use_flash_attn"] = True

    sentences = golden(version).cases["sentences"]
    vectors = load(version, changed(tmp_path, version, config=change)).encode_texts(sentences)
    assert np.array_equal(vectors, shared(version).encode_texts(sentences))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("resize_mode",), "longest"),
        (("interpolation",), "bilinear"),
        (("mean",), [0.5, 0.5]),
        (("std",), [0.5, 0.0, 0.5]),
        (("size",), "64"),
    ],
)
def test_other_preprocessing_is_refused(
    tmp_path: Path, path: tuple[str, ...], value: object
) -> None:
    folder = changed(tmp_path, "v1", preprocessing=put(*path, value=value))
    message = refusal(folder, "v1")
    assert "preprocessor_config.json" in message
    assert path[0] in message
    with pytest.raises(EncoderError, match=path[0]):
        jina_preprocessing(folder, "tiny-v1")


def test_preprocessing_for_another_tower(tmp_path: Path) -> None:
    folder = changed(tmp_path, "v1", preprocessing=put("size", value=80))
    message = refusal(folder, "v1")
    assert "80" in message and "64" in message


def test_mean_and_std_are_those_of_the_file(tmp_path: Path) -> None:
    def change(config: dict[str, Any]) -> None:
        config |= {"mean": [0.0, 0.0, 0.5], "std": [1.0, 2.0, 1.0]}

    encoder = load("v1", changed(tmp_path, "v1", preprocessing=change))
    white = encoder.preprocess(Image.new("RGB", (64, 64), "white"))
    assert encoder.normalised_pixels([white])[0, :, 5, 5].tolist() == [1.0, 0.5, 0.5]


@both
@pytest.mark.parametrize("file", FILES)
def test_a_missing_file_is_named(tmp_path: Path, version: str, file: str) -> None:
    folder = changed(tmp_path, version)
    (folder / file).unlink()
    assert f"holds no {file}" in refusal(folder, version)


@both
@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("content", ["", '{"a": [1,', "[]", "\udcff", "{}"])
def test_a_damaged_file_is_named(tmp_path: Path, version: str, file: str, content: str) -> None:
    folder = changed(tmp_path, version)
    (folder / file).write_bytes(content.encode(errors="surrogateescape"))
    message = refusal(folder, version)
    assert file in message or content == "{}"


@both
def test_half_a_download_is_named(tmp_path: Path, version: str) -> None:
    folder = changed(tmp_path, version)
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    assert "model.safetensors cannot be read" in refusal(folder, version)


def test_the_version_is_read_from_the_text_towers_repository(tmp_path: Path) -> None:
    assert jina_clip_version(folder_of("v1"), "x") == "v1"
    assert jina_clip_version(folder_of("v2"), "x") == "v2"
    change = put("text_config", "hf_model_name_or_path", value="jinaai/jina-embeddings-v9")
    folder = changed(tmp_path, "v1", config=change)
    with pytest.raises(EncoderError, match=r"no jina-clip of a version that cotbuild knows.*-v9"):
        jina_clip_version(folder, "x")
    for value in (None, 3, ["jinaai/jina-embeddings-v3"]):
        changed(tmp_path, "v1", config=put("text_config", "hf_model_name_or_path", value=value))
        assert "that cotbuild knows" in refusal(folder, "v1")
    changed(tmp_path, "v1", config=put("text_config", value=7))
    assert "that cotbuild knows" in refusal(folder, "v1")
    changed(tmp_path, "v1", config=put("model_type", value="clip"))
    assert 'model_type = "clip"' in refusal(folder, "v1")


@both
def test_missing_tensors_are_named(tmp_path: Path, version: str) -> None:
    def change(weights: dict[str, Tensor]) -> None:
        for key in [key for key in weights if "blocks.1" in key]:
            del weights[key]

    message = refusal(changed(tmp_path, version, weights=change), version)
    assert (
        "lack tensors that the model needs: vision_model.blocks.1.attn.inner_attn_ln.b" in message
    )
    assert message.count("vision_model.blocks.1") == 3
    assert "and 18 more" in message


@both
def test_unexpected_tensors_are_named(tmp_path: Path, version: str) -> None:
    change = put("vision_model.head.weight", value=torch.zeros(2))
    message = refusal(changed(tmp_path, version, weights=change), version)
    assert "hold tensors that the model does not have: vision_model.head.weight." in message


@pytest.mark.parametrize(
    ("version", "key", "shape", "said"),
    [
        ("v1", "vision_model.pos_embed", (1, 26, 96), "[1, 26, 96] instead of [1, 17, 96]"),
        ("v1", "logit_scale", (1,), "logit_scale (shape [1] instead of [])"),
        ("v1", "vision_model.blocks.0.mlp.w1.weight", (255, 96), "[255, 96] instead of [256, 96]"),
        ("v1", V1_WORDS, (172,), f"lack the matrix {V1_WORDS}"),
        ("v1", V1_WORDS, (172, 92), "the text tower is 92 wide"),
        ("v2", V2_LORA + "lora_B", (1, 384, 8), "[1, 384, 8] instead of [1, 384, 4]"),
        ("v2", V2_LORA + "lora_A", (2, 4, 128), "[2, 4, 128] instead of [1, 4, 128]"),
    ],
)
def test_misshapen_tensors_are_named(
    tmp_path: Path, version: str, key: str, shape: tuple[int, ...], said: str
) -> None:
    change = put(key, value=torch.zeros(shape))
    assert said in refusal(changed(tmp_path, version, weights=change), version)


def test_a_layer_in_the_middle_is_missed(tmp_path: Path) -> None:
    def change(weights: dict[str, Tensor]) -> None:
        for key in [key for key in weights if "text_model" in key and "layers.0" in key]:
            if key != V1_DOWN:
                del weights[key]

    message = refusal(changed(tmp_path, "v1", weights=change), "v1")
    assert "lack tensors" in message and "layers.0.mixer.Wqkv" in message


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(
    ("version", "key"),
    [("v1", "vision_model.norm.bias"), ("v2", V2_LORA + "lora_A"), ("v1", "logit_scale")],
)
def test_numbers_that_are_not_finite_are_named(
    tmp_path: Path, version: str, key: str, value: float
) -> None:
    def change(weights: dict[str, Tensor]) -> None:
        weights[key].view(-1)[-1] = value

    message = refusal(changed(tmp_path, version, weights=change), version)
    assert f"{key} holds numbers that are not finite" in message


def test_weights_of_another_type_are_named(tmp_path: Path) -> None:
    change = put("vision_model.norm.bias", value=torch.zeros(96, dtype=torch.int32))
    message = refusal(changed(tmp_path, "v1", weights=change), "v1")
    assert "vision_model.norm.bias is of type torch.int32" in message


def test_lora_in_the_config_but_not_in_the_weights(tmp_path: Path) -> None:
    def change(weights: dict[str, Tensor]) -> None:
        for key in [key for key in weights if "lora_" in key]:
            del weights[key]

    message = refusal(changed(tmp_path, "v2", weights=change), "v2")
    assert "gives a lora_alpha, but the weights hold no LoRA" in message


def test_lora_in_the_weights_of_a_model_without(tmp_path: Path) -> None:
    change = put(f"{V1_WORDS}.lora_A", value=torch.zeros(1, 172, 4))
    message = refusal(changed(tmp_path, "v1", weights=change), "v1")
    assert "does not have" not in message.split(":")[0]
    assert f"{V1_WORDS}.lora_A" in message


def test_a_rank_that_is_not_that_of_the_weights(tmp_path: Path) -> None:
    folder = changed(tmp_path, "v2", config=put(*KWARGS, "lora_rank", value=8))
    message = refusal(folder, "v2")
    assert "lora_A (shape [1, 191, 4] instead of [1, 191, 8])" in message


def test_weights_of_the_other_version(tmp_path: Path) -> None:
    folder = changed(tmp_path, "v1")
    shutil.copy(folder_of("v2") / "model.safetensors", folder)
    assert f"lack the matrix {V1_WORDS}" in refusal(folder, "v1")


@pytest.mark.parametrize(("version", "other"), [("v1", "v2"), ("v2", "v1")])
def test_the_tokenizer_of_the_other_version(tmp_path: Path, version: str, other: str) -> None:
    folder = changed(tmp_path, version)
    shutil.copy(folder_of(other) / "tokenizer.json", folder)
    message = refusal(folder, version)
    assert "tokenizer.json does not belong to the text tower" in message


@both
@pytest.mark.parametrize("value", [200.0, -200.0, 60000.0])
def test_a_logit_scale_that_ends_every_score(tmp_path: Path, version: str, value: float) -> None:
    def change(weights: dict[str, Tensor]) -> None:
        weights["logit_scale"].fill_(value)

    message = refusal(changed(tmp_path, version, weights=change), version)
    assert f"its logit_scale is {value:g}" in message


def test_a_tokenizer_with_fewer_tokens_than_the_tower(tmp_path: Path) -> None:
    def change(weights: dict[str, Tensor]) -> None:
        weights[V1_WORDS] = torch.zeros(165 + spare, weights[V1_WORDS].shape[1])

    # Real ones have 6 rows more than tokens, or none.
    spare = 63
    assert load("v1", changed(tmp_path, "v1", weights=change)).encode_texts(["a"]).shape == (1, 96)
    spare = 64
    message = refusal(changed(tmp_path, "v1", weights=change), "v1")
    assert "it has 165 tokens, but the tower knows 229" in message


def test_a_tokenizer_whose_numbers_have_a_gap(tmp_path: Path) -> None:
    def change(tokenizer: dict[str, Any]) -> None:
        vocabulary = tokenizer["model"]["vocab"]
        vocabulary[max(vocabulary, key=vocabulary.get)] = 170

    message = refusal(changed(tmp_path, "v1", tokenizer=change), "v1")
    assert "the numbers of its tokens have gaps" in message


def test_a_tokenizer_that_tells_capital_letters(tmp_path: Path) -> None:
    folder = changed(tmp_path, "v1", tokenizer=put("normalizer", "lowercase", value=False))
    assert "it tells capital letters from small ones" in refusal(folder, "v1")


def test_a_tokenizer_with_more_tokens_than_the_tower(tmp_path: Path) -> None:
    def change(tokenizer: dict[str, Any]) -> None:
        tokenizer["model"]["vocab"] |= {f"new{number}": number for number in range(165, 173)}

    message = refusal(changed(tmp_path, "v1", tokenizer=change), "v1")
    assert "it has a token 172, but the tower knows 172" in message


@both
def test_a_tokenizer_without_the_template(tmp_path: Path, version: str) -> None:
    folder = changed(tmp_path, version, tokenizer=put("post_processor", value=None))
    assert "does not put texts between" in refusal(folder, version)


def test_a_tokenizer_that_pads_with_another_token(tmp_path: Path) -> None:
    def change(tokenizer: dict[str, Any]) -> None:
        vocab = tokenizer["model"]["vocab"]
        vocab[1], vocab[3] = vocab[3], vocab[1]
        added = tokenizer["added_tokens"]
        added[1]["content"], added[3]["content"] = "<unk>", "<pad>"

    message = refusal(changed(tmp_path, "v2", tokenizer=change), "v2")
    assert "its token 1 is not <pad>" in message


@pytest.mark.parametrize("value", [0, -1, 1, 33, 129, 256])
def test_dimensions_that_were_not_trained(value: int) -> None:
    with pytest.raises(EncoderError, match=f"truncate_dim = {value}") as caught:
        load("v2", truncate_dim=value)
    assert "16, 32, 64, 128" in caught.value.hint
    with pytest.raises(EncoderError, match="v1 cannot be used with truncate_dim") as caught:
        load("v1", truncate_dim=value)
    assert "only jina-clip v2" in caught.value.hint


def test_tasks_that_do_not_exist() -> None:
    with pytest.raises(EncoderError, match="task = separation") as caught:
        load("v2", task="separation")
    assert "retrieval.query" in caught.value.hint
    with pytest.raises(EncoderError, match="v1 cannot be used with task"):
        load("v1", task="retrieval.query")


def test_the_instruction_is_the_one_in_the_config(tmp_path: Path) -> None:
    instructions = {"retrieval.query": "a red car "}
    folder = changed(tmp_path, "v2", config=put(*KWARGS, "task_instructions", value=instructions))
    encoder = load("v2", folder, task="retrieval.query")
    expected = shared("v2").encode_texts(["a red car in the city"])
    assert np.array_equal(encoder.encode_texts(["in the city"]), expected)


@both
def test_vectors_that_are_not_finite_end_with_the_text(tmp_path: Path, version: str) -> None:
    def change(weights: dict[str, Tensor]) -> None:
        key = "norm2.weight" if version == "v1" else "norm1.weight"
        for name in [name for name in weights if name.endswith(f"layers.1.{key}")]:
            weights[name].fill_(60000.0)
        for name in [name for name in weights if name.endswith(("wo.weight", "fc2.bias"))]:
            weights[name].fill_(60000.0)

    encoder = load(version, changed(tmp_path, version, weights=change), dtype=torch.float16)
    with pytest.raises(EncoderError, match=f"tiny-{version} gave values .* 'a cat'") as caught:
        encoder.encode_texts(["a cat"])
    assert "--dtype float32" in caught.value.hint


@both
def test_images_whose_vectors_are_not_finite(tmp_path: Path, version: str) -> None:
    def change(weights: dict[str, Tensor]) -> None:
        weights["vision_model.norm.weight"].fill_(65000.0)
        weights["vision_model.norm.bias"].fill_(65000.0)

    encoder = load(version, changed(tmp_path, version, weights=change), dtype=torch.float16)
    with pytest.raises(EncoderError, match="not finite for an image"):
        encoder.encode_images(golden(version).images)


@both
def test_vectors_of_zeros_alone_are_refused(tmp_path: Path, version: str) -> None:
    def change(weights: dict[str, Tensor]) -> None:
        for name in ("weight", "bias"):
            weights[f"vision_model.norm.{name}"].zero_()
        for name in [name for name in weights if "layers.1.norm2." in name]:
            weights[name].zero_()

    encoder = load(version, changed(tmp_path, version, weights=change))
    with pytest.raises(EncoderError, match="zeros alone for an image"):
        encoder.encode_images(golden(version).images)
    with pytest.raises(EncoderError, match="zeros alone for 'a cat'"):
        encoder.encode_texts(["a cat"])


@both
def test_it_is_an_encoder(version: str) -> None:
    encoder: Encoder = shared(version)
    assert (encoder.name, encoder.revision) == (f"tiny-{version}", "abc")
    stored = load_file(folder_of(version) / "model.safetensors")["logit_scale"]
    assert encoder.logit_scale == pytest.approx(float(stored.float().exp()), rel=1e-6)
    assert encoder.batch_size >= 1
    assert encoder.unknown_words(["zyx", ""]) == [(), ()]
    dimensions = golden(version)["image.embeds"].shape[1]
    for vectors in (encoder.encode_texts([]), encoder.encode_images([]), encoder.encode_pixels([])):
        assert vectors.shape == (0, dimensions)
        assert vectors.dtype == np.float32


def test_empty_input_is_cut_too() -> None:
    encoder = load("v2", truncate_dim=32)
    assert encoder.encode_texts([]).shape == encoder.encode_images([]).shape == (0, 32)


@both
def test_padding_that_a_text_spells_out_is_not_seen(version: str) -> None:
    pad = {"v1": "[PAD]", "v2": "<pad>"}[version]
    tokens = shared(version).tokenize([f"a {pad} cat {pad}", "a cat on the old house by day"])
    ids, mask = tokens["input_ids"], tokens["attention_mask"]
    pad_id = golden(version).cases["pad_token_id"]
    assert torch.equal(mask.bool(), ids != pad_id)
    assert 0 in mask[0, : int(mask[0].nonzero().max())]
    # The vector of such a text does not depend on what is encoded with it.
    alone = shared(version).encode_texts([f"a {pad} cat {pad}"])
    company = shared(version).encode_texts(["a cat", f"a {pad} cat {pad}", "on the old house"])
    assert np.allclose(alone[0], company[1], atol=1e-5)


def test_fingerprints_tell_all_that_changes_vectors(tmp_path: Path) -> None:
    folder = folder_of("v2")
    other = changed(tmp_path, "v2", preprocessing=put("std", value=[1.0, 1.0, 1.0]))

    def fingerprint(
        folder: Path = folder, revision: str = "abc", dtype: str = "float32", **options: Any
    ) -> str:
        spec = EncoderSpec("tiny-v2", **options)
        return jina_fingerprint(Wanted(spec, "cpu", dtype, folder, revision))

    found = [
        fingerprint(),
        fingerprint(revision="abd"),
        fingerprint(dtype="float16"),
        fingerprint(dtype="bfloat16"),
        fingerprint(truncate_dim=32),
        fingerprint(truncate_dim=64),
        fingerprint(task="retrieval.query"),
        fingerprint(other),
    ]
    assert len(set(found)) == len(found)
    assert found[0] == shared("v2").fingerprint
    (tmp_path / "model.safetensors").unlink()
    assert fingerprint(other) == found[-1]
    loaded = load("v2", dtype=torch.float16, truncate_dim=32, task="retrieval.query")
    assert loaded.fingerprint == fingerprint(
        dtype="float16", truncate_dim=32, task="retrieval.query"
    )


@both
def test_pixels_are_small_and_need_no_weights(tmp_path: Path, version: str) -> None:
    folder = changed(tmp_path, version)
    (folder / "model.safetensors").unlink()
    prepare = jina_preprocessing(folder, "x")
    images = golden(version).images
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(prepare, images * 5))
    for result, image in zip(results, images * 5, strict=True):
        pixels = result["pixel_values"]
        assert (pixels.dtype, pixels.shape) == (np.uint8, (3, 64, 64))
        assert np.array_equal(pixels, shared(version).preprocess(image)["pixel_values"])


@both
def test_sizes_and_crops_are_the_references(version: str) -> None:
    prepare, cases = jina_preprocessing(folder_of(version), "x"), golden(version).cases
    for image, key in zip(golden(version).images, cases["image_order"], strict=True):
        case = cases["images"][key]
        resized = image.convert("RGB").resize(case["resized_wh"], Image.Resampling.BICUBIC)
        left, top = case["crop_left_top"]
        expected = np.asarray(resized.crop((left, top, left + 64, top + 64)))
        assert np.array_equal(prepare(image)["pixel_values"].transpose(1, 2, 0), expected)


@pytest.mark.parametrize(("long", "start"), [(71, 4), (77, 6), (79, 8), (65, 0), (66, 1)])
def test_a_crop_between_two_pixels_goes_to_the_even_one(long: int, start: int) -> None:
    # The shorter side fits already, so that nothing is resampled.
    noise = chance(5).integers(0, 256, (64, long, 3), dtype=np.uint8)
    prepare = jina_preprocessing(folder_of("v1"), "x")
    cut = noise[:, start : start + 64].transpose(2, 0, 1)
    assert np.array_equal(prepare(Image.fromarray(noise))["pixel_values"], cut)
    upright = prepare(Image.fromarray(noise.transpose(1, 0, 2)))["pixel_values"]
    assert np.array_equal(upright, cut.transpose(0, 2, 1))


@given(
    width=st.integers(1, 150),
    height=st.integers(1, 150),
    mode=st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"]),
)
def test_every_size_and_mode_gives_pixels(width: int, height: int, mode: str) -> None:
    pixels = jina_preprocessing(folder_of("v1"), "x")(Image.new(mode, (width, height)))
    assert pixels["pixel_values"].shape == (3, 64, 64)


@pytest.mark.parametrize("size", [(3, 5000), (5000, 3), (33, 1100), (64, 3000), (1, 20000)])
def test_a_very_slender_image_gives_the_same_pixels_in_little_memory(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = chance(3).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    image, prepare = Image.fromarray(noise), jina_preprocessing(folder_of("v1"), "x")
    cropped = prepare(image)["pixel_values"].astype(int)
    monkeypatch.setattr(jina_clip, "_SLENDER", 10**9)
    assert np.abs(cropped - prepare(image)["pixel_values"]).max() <= 1


def test_a_line_of_a_million_pixels_is_no_danger() -> None:
    prepare = jina_preprocessing(folder_of("v1"), "x")
    assert prepare(Image.new("L", (1_000_000, 1), 255))["pixel_values"].min() == 255
