import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from builder.demo.card import ART_BOX, ART_CROP, ART_SIZE, CARD_SIZE, draw_card
from tests.chance import chance


def noise(size: int = ART_SIZE) -> Image.Image:
    return Image.fromarray(chance(1).integers(0, 256, (size, size, 3), dtype=np.uint8))


def card(name: str = "Quorvane", seed: int = 0, art: Image.Image | None = None) -> Image.Image:
    return draw_card(name, art or noise(), chance(seed))


def title(name: str) -> bytes:
    return card(name).crop((0, 0, CARD_SIZE[0], ART_BOX[1] - 4)).tobytes()


def test_size_and_mode() -> None:
    assert card().size == CARD_SIZE
    assert card().mode == "RGB"


def test_the_crop_as_fractions_is_the_box_in_whole_pixels() -> None:
    width, height = CARD_SIZE
    left, top, right, bottom = ART_CROP
    assert (left * width, top * height, right * width, bottom * height) == ART_BOX


@pytest.mark.parametrize("seed", range(5))
def test_cropping_gives_back_exactly_the_art(seed: int) -> None:
    assert card("Beedrill δ", seed).crop(ART_BOX).tobytes() == noise().tobytes()


def test_art_of_another_size_fills_the_window() -> None:
    art = Image.new("RGB", (96, 96), (10, 200, 30))
    window = card(art=art).crop(ART_BOX)
    assert window.getcolors() == [(ART_SIZE * ART_SIZE, (10, 200, 30))]


def test_the_art_shows_in_its_window_alone() -> None:
    one, other = np.asarray(card()), np.asarray(card(art=Image.new("RGB", (ART_SIZE, ART_SIZE))))
    outside = np.ones(one.shape[:2], dtype=bool)
    left, top, right, bottom = ART_BOX
    outside[top:bottom, left:right] = False
    assert (one[outside] == other[outside]).all()


def test_same_seed_same_card_and_another_seed_another() -> None:
    assert card().tobytes() == card().tobytes()
    assert card(seed=1).tobytes() != card(seed=2).tobytes()


def test_the_name_is_written_in_the_title_only() -> None:
    assert title("Quorvane") != title("Tazmirel")
    below = (0, ART_BOX[3], *CARD_SIZE)
    assert card("Quorvane").crop(below).tobytes() == card("Tazmirel").crop(below).tobytes()


def test_signs_outside_the_font_are_spelt() -> None:
    assert title("Beedrill δ") == title("Beedrill delta") != title("Beedrill")
    assert title("Zorra 火") == title("Zorra ?")


@settings(deadline=None, max_examples=40)
@given(st.text(max_size=60))
def test_any_name_draws_and_leaves_the_art_alone(name: str) -> None:
    drawn = card(name)
    assert drawn.size == CARD_SIZE
    assert drawn.crop(ART_BOX).tobytes() == noise().tobytes()
