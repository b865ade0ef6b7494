"""Single image files: seen as a person sees them, or refused with the reason."""

import io
import math
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps, features

from builder.data import pictures
from builder.data.images import LabelledFile, check_files
from builder.data.matching import Matching
from builder.data.pictures import (
    Crop,
    ImageUnreadable,
    bombs_as_errors,
    check_image,
    decode_image,
    open_image,
)
from builder.errors import InputError
from tests.chance import chance, dice

# Some builds of Pillow know AVIF by name alone.
FORMATS = [name for name in pictures.FORMATS if name != "AVIF" or features.check("avif")]


def encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def quarters() -> Image.Image:
    """Red, green over blue, white."""
    image = Image.new("RGB", (40, 20), "white")
    image.paste("red", (0, 0, 20, 10))
    image.paste((0, 255, 0), (20, 0, 40, 10))
    image.paste("blue", (0, 10, 20, 20))
    return image


def corners(image: Image.Image) -> list[tuple[int, ...]]:
    array = (np.asarray(image) > 127).astype(int)
    return [tuple(array[y, x].tolist()) for y in (2, -3) for x in (2, -3)]


RED, GREEN, BLUE, WHITE = (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_format_is_read(tmp_path: Path, file_format: str) -> None:
    path = tmp_path / "named.dat"
    path.write_bytes(encoded(quarters(), file_format))
    image = open_image(path, None)
    assert (image.mode, image.size) == ("RGB", (40, 20))
    assert corners(image) == [RED, GREEN, BLUE, WHITE]
    check_image(path)


def test_orientation_is_applied_before_the_crop(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned clockwise by a quarter
    path = tmp_path / "turned.png"
    path.write_bytes(encoded(quarters(), "PNG", exif=exif))
    image = open_image(path, None)
    assert image.size == (20, 40)
    assert corners(image) == [BLUE, RED, WHITE, GREEN]
    top = open_image(path, Crop(0, 0, 1, 0.5))
    assert top.size == (20, 20)
    assert corners(top) == [BLUE, RED, BLUE, RED]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGBA", "CMYK", "YCbCr", "I;16", "I"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "image.tiff"
    # Uncompressed, YCbCr is written by Pillow before 13 so that it can't be read back.
    image = quarters().convert("L" if mode.startswith("I") else "RGB").convert(mode)
    image.save(path, compression="tiff_lzw")
    image = open_image(path, None)
    assert (image.mode, image.size) == ("RGB", (40, 20))


def test_sixteen_bit_gray_keeps_its_shades(tmp_path: Path) -> None:
    shades = np.linspace(0, 65535, 256).reshape(16, 16).astype(np.uint16)
    Image.fromarray(shades).save(tmp_path / "gray.png")
    gray = np.asarray(open_image(tmp_path / "gray.png", None))[..., 0]
    assert np.abs(gray.astype(int) - shades // 257).max() <= 1


def _sample(mode: str, size: tuple[int, int] = (40, 20)) -> Image.Image:
    """Noise in a mode, transparent in places where the mode can be."""
    random = chance(5)
    bands = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "CMYK": 4}
    if mode == "P":
        image = _sample("RGB", size).quantize(16)
        image.info["transparency"] = 3
        return image
    shape = (size[1], size[0], bands[mode]) if bands[mode] > 1 else (size[1], size[0])
    return Image.fromarray(random.integers(0, 256, shape, dtype=np.uint8), mode)


def _as_pillow(path: Path) -> Image.Image:
    """What the published preprocessing of encoders makes of a file, upright."""
    with Image.open(path) as image:
        return ImageOps.exif_transpose(image).convert("RGB")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("mode", "suffix"),
    [("L", "png"), ("L", "jpg"), ("LA", "png"), ("P", "png"), ("P", "gif"), ("RGBA", "png"),
     ("RGBA", "webp"), ("CMYK", "jpg"), ("RGB", "jpg")],
)  # fmt: skip
def test_pixels_are_those_of_pillow_upright(
    tmp_path: Path, mode: str, suffix: str, orientation: int
) -> None:
    path = tmp_path / f"image.{suffix}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    _sample(mode).save(path, **({} if suffix == "gif" else {"exif": exif}))
    with Image.open(path) as stored:
        assert stored.mode == mode
    turned = orientation > 4 and suffix != "gif"
    image = open_image(path, None)
    assert image.size == ((20, 40) if turned else (40, 20))
    assert np.array_equal(np.asarray(image), np.asarray(_as_pillow(path)))
    with bombs_as_errors(), ThreadPoolExecutor(2) as pool:
        for decoded in pool.map(decode_image, [path] * 4, [None] * 4):
            assert np.array_equal(np.asarray(decoded), np.asarray(image))


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (8000, 5000)])
def test_images_of_any_size_are_read(tmp_path: Path, size: tuple[int, int]) -> None:
    """Up to 40 megapixels, which a camera makes."""
    path = tmp_path / "image.jpg"
    _sample("L", (40, 20)).resize(size).save(path)
    check_image(path)
    image = open_image(path, None)
    assert image.size == size
    assert np.array_equal(np.asarray(image), np.asarray(_as_pillow(path)))


def test_the_check_makes_no_copy_of_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    Image.new("L", (6000, 4000), 7).save(path)
    Image.core.reset_stats()
    check_image(path)
    stats = Image.core.get_stats()
    used = stats["allocated_blocks"] + stats["reused_blocks"]
    whole = math.ceil(6000 * 4000 / Image.core.get_block_size())
    assert whole <= used <= whole + 4  # those are of single pixels


def test_no_more_pictures_are_held_at_a_time_than_there_are_cores(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    NOISE.save(path)
    threads: set[str] = set()

    def note(_done: int, _total: int) -> None:
        names = (thread.name for thread in threading.enumerate())
        threads.update(name for name in names if name.startswith("ThreadPoolExecutor"))

    files = [LabelledFile(path, "a", "b", "a")] * 200
    check_files(files, Matching({}, (), ["a"]), "here", 200, note)
    assert 1 <= len(threads) <= min(8, os.cpu_count() or 1)


def test_the_crop_of_a_card_is_its_picture_in_every_layout() -> None:
    """Inside both layouts' windows, and most of each."""
    crop = Crop.parse("pokemon-card")
    for window in (Crop(0.09, 0.11, 0.91, 0.49), Crop(0.08, 0.10, 0.92, 0.47)):
        assert window.left < crop.left < crop.right < window.right
        assert window.top < crop.top < crop.bottom < window.bottom
        area = (window.right - window.left) * (window.bottom - window.top)
        assert (crop.right - crop.left) * (crop.bottom - crop.top) > 0.8 * area
    with pytest.raises(InputError, match="'pokemon-cards' is neither") as caught:
        Crop.parse("pokemon-cards")
    assert caught.value.hint.endswith("names: pokemon-card.")


def test_a_crop_is_in_fractions_and_never_empty(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    quarters().save(path)
    assert corners(open_image(path, Crop(0.5, 0, 1, 0.5))) == [GREEN] * 4
    assert open_image(path, Crop(0.25, 0.5, 1, 1)).size == (30, 10)
    assert open_image(path, Crop(0.999, 0.999, 1, 1)).size == (1, 1)
    assert open_image(path, Crop(0, 0, 1e-9, 1e-9)).size == (1, 1)


def test_a_crop_is_parsed_from_four_fractions() -> None:
    assert Crop.parse("0.1, 0.05,.9,0.55") == Crop(0.1, 0.05, 0.9, 0.55)
    assert Crop.parse(str(Crop(0.1, 0.2, 1 / 3, 1))) == Crop(0.1, 0.2, 1 / 3, 1)


@pytest.mark.parametrize(
    "text",
    ["", "0,0,1", "0,0,1,1,1", "a,b,c,d", "0.5,0,0.5,1", "0.9,0,0.1,1", "0,0,1,2", "-1,0,1,1",
     "nan,0,1,1", "10,10,90,90"],
)  # fmt: skip
def test_a_crop_that_is_none_is_explained(text: str) -> None:
    with pytest.raises(InputError, match="crop") as caught:
        Crop.parse(text)
    assert "0.1,0.1,0.9,0.55" in caught.value.hint


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)


@pytest.mark.usefixtures("small_limit")
@pytest.mark.parametrize("size", [(30, 20), (300, 200)])
def test_a_decompression_bomb_is_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    """Up to twice the limit Pillow warns, above it raises."""
    path = tmp_path / "bomb.png"
    Image.new("RGB", size).save(path)
    with pytest.raises(ImageUnreadable, match="decompression bomb"):
        open_image(path, None)
    with bombs_as_errors(), pytest.raises(ImageUnreadable, match="decompression bomb"):
        check_image(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "not an image"), (b"words", "not an image"), (b"<svg/>", "not an image"),
     (b"%!PS-Adobe-3.0 EPSF-3.0\n", "not an image"), (None, "No such file")],
)  # fmt: skip
def test_the_reason_is_given(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "image.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ImageUnreadable, match=reason) as caught:
        open_image(path, None)
    assert caught.value.message.count(str(path)) == 1
    assert reason in caught.value.reason
    assert caught.value.hint


NOISE = Image.fromarray(chance(0).integers(0, 256, (30, 40, 3), dtype=np.uint8), mode="RGB")
VALID = {file_format: encoded(NOISE, file_format) for file_format in FORMATS}


# The formats that people have, which are also those whose end can be seen to be missing.
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_half_a_file_is_noticed_by_the_check(tmp_path: Path, file_format: str) -> None:
    path = tmp_path / "image"
    path.write_bytes(VALID[file_format][: len(VALID[file_format]) // 2])
    with pytest.raises(ImageUnreadable):
        check_image(path)


@given(st.sampled_from(FORMATS), st.integers(0, 2**32), st.booleans())
def test_what_passes_the_check_can_be_opened_and_no_damage_escapes(
    tmp_path_factory: pytest.TempPathFactory, file_format: str, seed: int, cut: bool
) -> None:
    drawn = dice(seed)
    data = bytearray(VALID[file_format])
    reach = drawn.choice([40, 400, len(data)])
    for _ in range(drawn.choice([1, 3, 20])):
        data[drawn.randrange(min(reach, len(data)))] = drawn.randrange(256)
    if cut:
        del data[drawn.randrange(len(data)) :]
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(data)
    try:
        with bombs_as_errors():
            check_image(path)
    except ImageUnreadable as error:
        assert error.reason
    else:
        assert open_image(path, None).mode == "RGB"
