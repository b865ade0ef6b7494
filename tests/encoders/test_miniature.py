"""The miniature: what it sees, what it must not know, and how it fails."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from builder.demo.art import depart, draw_art
from builder.demo.attributes import ATTRIBUTES, HARD_DEPARTURE, HARD_NUISANCE
from builder.demo.deck import CLASSES
from builder.encoders.miniature import SHIPPED_WEIGHTS, Miniature, load_miniature
from builder.encoders.protocol import Encoder, Vectors
from builder.errors import EncoderError
from tests.chance import chance

CARDS_A_CLASS = 20

# A reference system of five groups, written once in plain words: prompt, option of each value.
REFERENCE = {
    "colour": (
        "This creature's body is mainly {} in color.",
        {value: value for value in ATTRIBUTES["colour"]},
    ),
    "form": (
        "It looks like {}.",
        {
            "quadruped": "a wolf or deer on four legs",
            "bird": "a bird",
            "blob": "a slime",
            "fish": "a fish",
            "snake": "a snake",
            "octopus": "an octopus",
            "biped": "an upright two-legged beast",
            "insect": "an insect",
        },
    ),
    "trait": (
        "Its most notable feature is {}.",
        {
            "horn": "a single horn on its forehead",
            "feather_wings": "feathered wings",
            "bat_wings": "bat wings",
            "flower": "a flower on its head",
            "shell": "a snail shell",
            "gem": "a gem on its forehead",
            "antlers": "antlers",
            "horns": "two bull horns",
            "mane": "a thick mane",
        },
    ),
    "pattern": (
        "The body is covered with {}.",
        {
            "plain": "one plain color",
            "spots": "spots",
            "stripes": "stripes",
            "scales": "scales",
            "zigzag": "zigzag lines",
            "pale_belly": "a pale belly",
        },
    ),
    "scene": (
        "The background looks like {}.",
        {
            "night": "a starry night sky",
            "volcano": "a volcano with lava",
            "storm": "a rainy storm",
            "forest": "a forest",
            "underwater": "the deep sea",
            "desert": "a sandy desert",
            "snow": "snowy mountains",
            "cave": "a dark cave",
            "meadow": "a green meadow",
        },
    ),
}


@pytest.fixture(scope="module")
def miniature() -> Miniature:
    return load_miniature()


@pytest.fixture(scope="module")
def hard_cards() -> list[Image.Image]:
    """Twenty hard drawings of each class, class by class."""
    rng = chance(20_251)
    return [
        draw_art(depart(c.creature, rng, HARD_DEPARTURE), rng, nuisance=HARD_NUISANCE, size=192)
        for c in CLASSES
        for _ in range(CARDS_A_CLASS)
    ]


@pytest.fixture(scope="module")
def card_vectors(miniature: Miniature, hard_cards: list[Image.Image]) -> Vectors:
    return miniature.encode_images(hard_cards)


def accuracy(scores: Vectors) -> float:
    truth = np.repeat(np.arange(len(CLASSES)), CARDS_A_CLASS)
    return float((scores.argmax(1) == truth).mean())


def probabilities(miniature: Miniature, images: Vectors, prompts: list[str]) -> Vectors:
    logits = miniature.logit_scale * images @ miniature.encode_texts(prompts).T
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def test_it_is_an_encoder(miniature: Miniature) -> None:
    encoder: Encoder = miniature
    assert encoder.name == "miniature"
    assert encoder.revision in encoder.fingerprint
    assert 1 < encoder.logit_scale < 200


def test_weights_are_small() -> None:
    assert SHIPPED_WEIGHTS.stat().st_size < 8_000_000


def test_reference_system_tells_hard_cards_apart(
    miniature: Miniature, card_vectors: Vectors
) -> None:
    scores = np.zeros((len(card_vectors), len(CLASSES)), dtype=np.float32)
    for attribute, (prompt, options) in REFERENCE.items():
        prompts = [prompt.replace("{}", option) for option in options.values()]
        columns = [list(options).index(getattr(c.creature, attribute)) for c in CLASSES]
        scores += probabilities(miniature, card_vectors, prompts)[:, columns]
    assert accuracy(scores) > 0.80


def test_names_tell_it_nothing(miniature: Miniature, card_vectors: Vectors) -> None:
    names = miniature.encode_texts([c.name for c in CLASSES])
    assert accuracy(card_vectors @ names.T) < 0.20


def test_deck_names_are_unknown_words(miniature: Miniature) -> None:
    unknown = miniature.unknown_words([c.name for c in CLASSES])
    assert all(words for words in unknown)


def test_vectors_are_unit_float32_rows(miniature: Miniature, hard_cards: list[Image.Image]) -> None:
    for vectors in (
        miniature.encode_images(hard_cards[:3]),
        miniature.encode_texts(["a red bird", "", "?!", "Mwx " * 200, "x" * 10_000]),
    ):
        assert vectors.dtype == np.float32
        assert vectors.shape[1] == 256
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    assert miniature.encode_images([]).shape == miniature.encode_texts([]).shape == (0, 256)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1"])
@pytest.mark.parametrize("size", [(1, 1), (500, 20), (96, 96)])
def test_images_of_any_kind(miniature: Miniature, mode: str, size: tuple[int, int]) -> None:
    assert np.isfinite(miniature.encode_images([Image.new(mode, size)])).all()


def test_size_of_a_drawing_matters_little(
    miniature: Miniature, hard_cards: list[Image.Image]
) -> None:
    smaller = [card.resize((100, 100), Image.Resampling.BOX) for card in hard_cards[:20]]
    cosines = (miniature.encode_images(hard_cards[:20]) * miniature.encode_images(smaller)).sum(1)
    assert np.median(cosines) > 0.9


def test_image_vectors_do_not_depend_on_the_batch(
    miniature: Miniature, hard_cards: list[Image.Image], card_vectors: Vectors
) -> None:
    for i in (0, 7, 257):
        alone = miniature.encode_images([hard_cards[i]])[0]
        np.testing.assert_allclose(alone, card_vectors[i], atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(texts=st.lists(st.text(max_size=80), min_size=2, max_size=6))
def test_text_vectors_do_not_depend_on_the_batch(miniature: Miniature, texts: list[str]) -> None:
    together = miniature.encode_texts([*texts, "a long sentence with a good many words in it"])
    for text, vector in zip(texts, together, strict=False):
        np.testing.assert_allclose(miniature.encode_texts([text])[0], vector, atol=1e-5)


def test_loading_leaves_the_random_numbers_alone() -> None:
    before = torch.get_rng_state()
    load_miniature()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("This creature's body is mainly black in color.", ()),
        ("Its colour is grey", ()),
        ("striped wolves, horned birds and a spotted fish", ()),
        ("7 b 12 x", ()),
        ("A borogove borogove beside a Slithy WOLF", ("borogove", "slithy")),
        ("an Übermut-like bird", ("übermut",)),
        ("", ()),
    ],
)
def test_unknown_words(miniature: Miniature, text: str, unknown: tuple[str, ...]) -> None:
    assert miniature.unknown_words([text]) == [unknown]


def test_missing_weights(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"none\.safetensors"):
        load_miniature(tmp_path / "none.safetensors")


def test_truncated_weights(tmp_path: Path) -> None:
    path = tmp_path / "short.safetensors"
    path.write_bytes(SHIPPED_WEIGHTS.read_bytes()[:100_000])
    with pytest.raises(EncoderError) as caught:
        load_miniature(path)
    assert "builder.demo.train" in caught.value.hint


def _rewritten(path: Path, changes: dict[str, torch.Tensor], metadata: dict[str, str]) -> Path:
    with safe_open(SHIPPED_WEIGHTS, framework="pt") as file:
        original = file.metadata()
    save_file(load_file(SHIPPED_WEIGHTS) | changes, path, original | metadata)
    return path


def test_weights_of_wrong_shape(tmp_path: Path) -> None:
    path = _rewritten(tmp_path / "w.safetensors", {"vision.skip.weight": torch.zeros(256, 7)}, {})
    with pytest.raises(EncoderError, match=r"vision\.skip\.weight"):
        load_miniature(path)


def test_non_finite_weights(tmp_path: Path) -> None:
    broken = {"text.out.bias": torch.full((256,), float("nan"))}
    with pytest.raises(EncoderError, match=r"non-finite .*text\.out\.bias"):
        load_miniature(_rewritten(tmp_path / "w.safetensors", broken, {}))


@pytest.mark.parametrize("metadata", [{"format": "other-1"}, {"words": "one two"}])
def test_foreign_metadata(tmp_path: Path, metadata: dict[str, str]) -> None:
    with pytest.raises(EncoderError):
        load_miniature(_rewritten(tmp_path / "w.safetensors", {}, metadata))


def test_a_rewritten_file_has_another_fingerprint(tmp_path: Path, miniature: Miniature) -> None:
    changed = {"vision.skip.bias": torch.zeros(256, dtype=torch.float16)}
    other = load_miniature(_rewritten(tmp_path / "w.safetensors", changed, {}))
    assert other.fingerprint != miniature.fingerprint
