"""The PNG files that the demo writes: read by others, and the same bytes everywhere."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from builder.demo.png import _code_lengths, encoded
from builder.demo.raster import Picture
from tests.chance import chance


def read(file: bytes) -> Picture:
    with Image.open(io.BytesIO(file)) as image:
        assert (image.format, image.mode) == ("PNG", "RGB")
        return np.asarray(image)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 256), st.integers(0, 2**32))
def test_a_reader_gets_the_picture_back(height: int, width: int, levels: int, seed: int) -> None:
    rng = chance(seed)
    picture = rng.integers(0, levels, (height, width, 3), dtype=np.uint8)
    assert (read(encoded(picture)) == picture).all()


def test_a_plain_picture_is_small() -> None:
    plain = np.full((300, 200, 3), 90, dtype=np.uint8)
    assert len(encoded(plain)) < plain.size / 7
    assert (read(encoded(plain)) == plain).all()


@pytest.mark.parametrize("symbols", [2, 20, 40])
def test_no_code_is_longer_than_the_format_allows(symbols: int) -> None:
    counts = [1, 1]
    while len(counts) < symbols:
        counts.append(counts[-1] + counts[-2])  # what makes codes longest
    lengths = _code_lengths(counts)
    assert max(lengths) <= 15
    assert sum(2.0**-length for length in lengths) == 1
