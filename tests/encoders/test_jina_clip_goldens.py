"""jina-clip v1 and v2 against values that the published code (v1's texts: a second
implementation) got from the same tiny checkpoints."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from builder.encoders.jina import bert as jina_bert
from builder.encoders.jina import clip as jina_clip
from builder.encoders.jina import eva02, xlm_roberta
from builder.encoders.jina.config import read_config
from tests.chance import dice
from tests.encoders.jina_fixtures import (
    CPU,
    FIXTURES,
    LOGITS,
    NORMALISED,
    RAW,
    difference,
    folder_of,
    golden,
    image_difference,
    load,
    recorded,
    shared,
    text_difference,
)

both = pytest.mark.parametrize("version", ["v1", "v2"])
QUERY = "retrieval.query"


def pixel_values(version: str) -> Tensor:
    encoder = shared(version)
    return encoder.normalised_pixels([encoder.preprocess(i) for i in golden(version).images])


@both
def test_pixels_are_exact(version: str) -> None:
    assert torch.equal(pixel_values(version), golden(version)["image.pixel_values"])


@both
def test_the_modes_of_the_cases_are_those_that_need_converting(version: str) -> None:
    assert {image.mode for image in golden(version).images} == {"RGB", "RGBA", "P", "L"}


@both
def test_image_embeddings(version: str) -> None:
    raw = shared(version).image_features(golden(version)["image.pixel_values"])
    assert difference(raw, golden(version)["image.embeds_raw"]) <= RAW
    assert image_difference(shared(version), version) <= NORMALISED


@both
def test_text_embeddings(version: str) -> None:
    tokens = shared(version).tokenize(golden(version).cases["sentences"])
    for name, ids in tokens.items():
        assert torch.equal(ids.int(), golden(version)[f"text.none.{name}"])
    raw = shared(version).text_features(**tokens)
    assert difference(raw, golden(version)["text.none.embeds_raw"]) <= RAW
    assert text_difference(shared(version), version) <= NORMALISED


def test_query_embeddings() -> None:
    reference, encoder = golden("v2"), load("v2", task=QUERY)
    tokens = encoder.tokenize(reference.cases["sentences"])
    for name, ids in tokens.items():
        assert torch.equal(ids.int(), reference[f"text.query.{name}"])
    raw = encoder.text_features(**tokens)
    assert difference(raw, reference["text.query.embeds_raw"]) <= RAW
    vectors = encoder.encode_texts(reference.cases["sentences"])
    assert difference(vectors, reference["text.query.embeds"]) <= NORMALISED
    assert image_difference(encoder, "v2") <= NORMALISED


@pytest.mark.parametrize(("task", "name"), [(None, "none"), (QUERY, "query")])
def test_truncated_embeddings(task: str | None, name: str) -> None:
    reference = golden("v2")
    encoder = load("v2", truncate_dim=reference.cases["truncate_dim"], task=task)
    images = encoder.encode_images(reference.images)
    assert difference(images, reference["image.embeds_trunc32"]) <= NORMALISED
    texts = encoder.encode_texts(reference.cases["sentences"])
    assert difference(texts, reference[f"text.{name}.embeds_trunc32"]) <= NORMALISED
    # The raw features stay whole: whoever cuts them gets the reference's.
    raw = encoder.text_features(**encoder.tokenize(reference.cases["sentences"]))[:, :32]
    assert difference(raw, reference[f"text.{name}.embeds_trunc32_raw"]) <= RAW
    raw = encoder.image_features(reference["image.pixel_values"])[:, :32]
    assert difference(raw, reference["image.embeds_trunc32_raw"]) <= RAW


@both
def test_a_long_text_is_cut_off_after_512_tokens(version: str) -> None:
    reference, encoder = golden(version), shared(version)
    sentence = reference.cases["long_sentence"]
    ids = encoder.tokenize([sentence])["input_ids"]
    assert torch.equal(ids.int(), reference["text.long.input_ids_default"])
    vectors = encoder.encode_texts([sentence])
    assert difference(vectors, reference["text.long.embeds_default"]) <= NORMALISED
    if version == "v1":
        raw = encoder.text_features(**encoder.tokenize([sentence]))
        assert difference(raw, reference["text.long.embeds_default_raw"]) <= RAW


def test_a_long_text_as_a_whole() -> None:
    reference, encoder = golden("v2"), shared("v2")
    limit = reference.cases["max_length_full"]
    tokens = encoder.tokenize([reference.cases["long_sentence"]], max_length=limit)
    assert torch.equal(tokens["input_ids"].int(), reference["text.long.input_ids_full"])
    raw = encoder.text_features(**tokens)
    assert difference(raw, reference["text.long.embeds_full_raw"]) <= RAW
    unit = torch.nn.functional.normalize(raw, dim=-1)
    assert difference(unit, reference["text.long.embeds_full"]) <= NORMALISED


@both
def test_logits_of_pairs(version: str) -> None:
    reference, encoder = golden(version), shared(version)
    images = encoder.encode_images(reference.images)
    texts = encoder.encode_texts(reference.cases["sentences"])
    logits = encoder.logit_scale * texts @ images.T
    assert difference(logits, reference["pair.logits_per_text"]) <= LOGITS
    assert difference(logits.T, reference["pair.logits_per_image"]) <= LOGITS


@both
def test_each_step_of_the_vision_tower(version: str) -> None:
    reference, vision = golden(version), shared(version).vision
    block = vision.blocks[0]
    steps = {
        "patch_embed": vision.patch_embed,
        "block0_attn": block.attn,
        "block0_out": block,
        "final_norm": vision.norm,
    }
    inputs: list[Tensor] = []
    hook = block.register_forward_pre_hook(lambda _module, args: inputs.append(args[0]))
    with recorded(**steps) as outputs:
        shared(version).image_features(reference["image.pixel_values"][:2])
    hook.remove()
    for name, output in {**outputs, "block0_in": inputs[0]}.items():
        assert difference(output, reference[f"image.step.{name}"]) <= RAW, name
    config = read_config(folder_of(version), version).vision
    tables = eva02.rope_table(eva02.rope_positions(config), config.head_width)
    for name, table in zip(("rope_cos", "rope_sin"), tables, strict=True):
        assert difference(table, reference[f"image.step.{name}"]) <= 1e-6
    checked = {*outputs, "block0_in", "rope_cos", "rope_sin"}
    assert {f"image.step.{name}" for name in checked} == steps_of(version, "image")


@both
def test_each_step_of_the_text_tower(version: str) -> None:
    reference, encoder = golden(version), shared(version)
    layers = encoder.text.encoder.layers
    steps = {
        "embeddings": encoder.text.embeddings,
        "emb_ln": encoder.text.emb_ln,
        "layer0_mixer": layers[0].mixer,
        "layer0_out": layers[0],
        "last_hidden": layers[-1],
    }
    with recorded(**steps) as outputs:
        tokens = encoder.tokenize(reference.cases["step_sentences"])
        encoder.text_features(**tokens)
    assert torch.equal(tokens["input_ids"].int(), reference["text.step.input_ids"])
    # The reference's v1 leaves padding out, so that its rows there are zero.
    valid = tokens["attention_mask"][:, :, None]
    for name, output in outputs.items():
        expected = reference[f"text.step.{name}"]
        assert difference(output * valid, expected * valid) <= RAW, name
    checked = {*outputs, "input_ids"}
    if version == "v1":
        assert torch.equal(tokens["attention_mask"].int(), reference["text.step.attention_mask"])
        slopes = torch.tensor(jina_bert.alibi_slopes(jina_bert.HEADS))
        assert torch.equal(slopes, reference["text.step.alibi_slopes"])
        checked |= {"attention_mask", "alibi_slopes"}
    assert {f"text.step.{name}" for name in checked} == steps_of(version, "text")


def steps_of(version: str, modality: str) -> set[str]:
    return {key for key in golden(version).tensors if key.startswith(f"{modality}.step.")}


@both
@pytest.mark.parametrize(
    ("dtype", "tolerance", "cosine"),
    [(torch.float16, 2e-3, 0.99999), (torch.bfloat16, 2e-2, 0.999)],
)
def test_half_precision(version: str, dtype: torch.dtype, tolerance: float, cosine: float) -> None:
    reference, encoder = golden(version), load(version, dtype=dtype)
    assert {weight.dtype for weight in encoder.vision.parameters()} == {dtype}
    assert {weight.dtype for weight in encoder.text.parameters()} == {dtype}
    for vectors, name in (
        (encoder.encode_images(reference.images), "image.embeds"),
        (encoder.encode_texts(reference.cases["sentences"]), "text.none.embeds"),
    ):
        assert vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
        assert 1e-5 < difference(vectors, reference[name]) <= tolerance
        assert (vectors * reference[name].numpy()).sum(axis=1).min() >= cosine


@both
@given(data=st.data())
def test_texts_do_not_depend_on_their_company(version: str, data: st.DataObject) -> None:
    reference, encoder = golden(version), shared(version)
    sentences = reference.cases["sentences"]
    picks = data.draw(st.lists(st.integers(0, len(sentences) - 1), max_size=12))
    vectors = encoder.encode_texts([sentences[pick] for pick in picks])
    assert vectors.shape == (len(picks), reference["text.none.embeds"].shape[1])
    if picks:
        assert difference(vectors, reference["text.none.embeds"][picks]) <= NORMALISED


@both
def test_texts_in_small_batches_keep_their_order(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference, encoder = golden(version), shared(version)
    picks = dice(7).choices(range(9), k=40)
    monkeypatch.setattr(jina_clip, "_TOKENS_AT_ONCE", 50)
    shapes = []
    text_features = encoder.text_features
    monkeypatch.setattr(
        encoder,
        "text_features",
        lambda ids, mask: shapes.append(ids.shape) or text_features(ids, mask),
    )
    vectors = encoder.encode_texts([reference.cases["sentences"][pick] for pick in picks])
    assert difference(vectors, reference["text.none.embeds"][picks]) <= NORMALISED
    assert len(shapes) > 5
    assert all(rows * length <= 50 for rows, length in shapes)
    # Sorted by length, little of the work is spent on padding.
    assert sum(rows * length for rows, length in shapes) < 1.3 * sum(
        int(reference["text.none.attention_mask"][pick].sum()) for pick in picks
    )


@both
def test_images_go_through_the_tower_in_passes(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder, reference = load(version), golden(version)
    encoder.batch_size = 4
    sizes = []
    image_features = encoder.image_features
    monkeypatch.setattr(
        encoder,
        "image_features",
        lambda pixels: sizes.append(len(pixels)) or image_features(pixels),
    )
    vectors = encoder.encode_images(reference.images)
    assert difference(vectors, reference["image.embeds"]) <= NORMALISED
    pixels = [encoder.preprocess(image) for image in reference.images]
    assert np.array_equal(encoder.encode_pixels(pixels), vectors)
    assert sizes == [4, 2, 4, 2]


@pytest.mark.parametrize(("version", "parameters"), [("v1", 222_647_041), ("v2", 865_278_477)])
def test_the_towers_have_the_published_keys(version: str, parameters: int) -> None:
    published = published_shapes(version)
    assert sum(int(np.prod(shape)) for shape in published.values()) == parameters
    sizes = {"width": 768, "embed_dim": 768, "layers": 12, "image_size": 224, "patch_size": 16}
    positions = {"intp_freq": False, "pt_hw_seq_len": 14}
    if version == "v2":
        sizes = {"width": 1024, "embed_dim": 1024, "layers": 24, "image_size": 512}
        sizes["patch_size"] = 14
        positions = {"intp_freq": True, "pt_hw_seq_len": 16}
    tiny = read_config(folder_of(version), version).vision
    config = tiny.model_copy(update=sizes | positions | {"head_width": 64})
    with torch.device("meta"):
        vision = eva02.EVA02(config)
        if version == "v1":
            text = shapes_of(jina_bert.JinaBert(30528, 768, 3072, 12))
            prefix = "text_model.transformer."
        else:
            text = shapes_of(xlm_roberta.XLMRoberta(250002, 1024, 4096, 24))
            text = xlm_roberta.stored_shapes(text, rank=4)
            prefix = "text_model.transformer.roberta."
    keys = {f"vision_model.{key}": shape for key, shape in shapes_of(vision).items()}
    keys |= {prefix + key: shape for key, shape in text.items()}
    assert keys | {"logit_scale": ()} == published


def shapes_of(tower: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    return {key: tuple(weight.shape) for key, weight in tower.state_dict().items()}


def published_shapes(version: str) -> dict[str, tuple[int, ...]]:
    text = (FIXTURES / f"{version}_published_keys.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    return {name: tuple(map(int, filter(None, shape.split(",")))) for name, _, shape in rows}


@both
def test_no_tensor_of_a_loaded_tower_is_without_memory(version: str) -> None:
    for tower in (shared(version).vision, shared(version).text):
        tensors = [*tower.parameters(), *tower.buffers()]
        assert {tensor.device for tensor in tensors} == {CPU}
        assert not any(tensor.requires_grad for tensor in tensors)
