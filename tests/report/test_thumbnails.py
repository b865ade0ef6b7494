"""A picture inside the page is small, and the same picture."""

import base64
from io import BytesIO

import numpy as np
from PIL import Image

from builder.report.thumbnails import SIDE, data_uri


def opened(uri: str) -> Image.Image:
    head, _, data = uri.partition(",")
    assert head == "data:image/webp;base64"
    return Image.open(BytesIO(base64.b64decode(data)))


def test_small_and_alike() -> None:
    picture = Image.new("RGB", (400, 200), (200, 30, 40))
    small = opened(data_uri(picture))
    assert small.size == (SIDE, SIDE // 2)
    assert np.abs(np.array(small).mean(axis=(0, 1)) - (200, 30, 40)).max() < 6
    assert picture.size == (400, 200)


def test_a_smaller_picture_is_not_blown_up() -> None:
    assert opened(data_uri(Image.new("RGB", (7, 300)))).height == SIDE
    assert opened(data_uri(Image.new("RGB", (7, 3)))).size == (7, 3)
