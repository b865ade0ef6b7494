import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.demo.card import ART_BOX, ART_CROP, ART_SIZE, CARD_SIZE, draw_card
from builder.demo.raster import Picture
from tests.chance import chance

LEFT, TOP, RIGHT, BOTTOM = ART_BOX


def noise() -> Picture:
    return chance(1).integers(0, 256, (ART_SIZE, ART_SIZE, 3), dtype=np.uint8)


def card(name: str = "Quorvane", seed: int = 0, art: Picture | None = None) -> Picture:
    return draw_card(name, noise() if art is None else art, chance(seed))


def window(drawn: Picture) -> Picture:
    return drawn[TOP:BOTTOM, LEFT:RIGHT]


def title(name: str) -> bytes:
    return card(name)[: TOP - 4].tobytes()


def test_size() -> None:
    width, height = CARD_SIZE
    assert card().shape == (height, width, 3)


def test_the_crop_as_fractions_is_the_box_in_whole_pixels() -> None:
    width, height = CARD_SIZE
    left, top, right, bottom = ART_CROP
    assert (left * width, top * height, right * width, bottom * height) == ART_BOX


@pytest.mark.parametrize("seed", range(5))
def test_cropping_gives_back_exactly_the_art(seed: int) -> None:
    assert (window(card("Beedrill δ", seed)) == noise()).all()


def test_the_art_shows_in_its_window_alone() -> None:
    one, other = card(), card(art=np.zeros_like(noise()))
    outside = np.ones(one.shape[:2], dtype=bool)
    outside[TOP:BOTTOM, LEFT:RIGHT] = False
    assert (one[outside] == other[outside]).all()


def test_same_seed_same_card_and_another_seed_another() -> None:
    assert card().tobytes() == card().tobytes()
    assert card(seed=1).tobytes() != card(seed=2).tobytes()


def test_the_name_is_written_in_the_title_only() -> None:
    assert title("Quorvane") != title("Tazmirel")
    assert (card("Quorvane")[BOTTOM:] == card("Tazmirel")[BOTTOM:]).all()


def test_signs_outside_the_font_are_spelt() -> None:
    assert title("Beedrill δ") == title("Beedrill delta") != title("Beedrill")
    assert title("Zorra 火") == title("Zorra ?")


@settings(deadline=None, max_examples=40)
@given(st.text(max_size=60))
def test_any_name_draws_and_leaves_the_art_alone(name: str) -> None:
    drawn, other = card(name), card()
    assert (window(drawn) == noise()).all()
    assert (drawn[BOTTOM:] == other[BOTTOM:]).all()


def test_a_long_name_is_cut_off_before_the_health() -> None:
    assert title("W" * 40) == title("W" * 60)
    assert title("W" * 5) != title("W" * 40)
