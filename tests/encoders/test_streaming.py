"""A stream of pictures: vectors in order, bad files in their place, equal content encoded once."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from builder.data.images import LabelledImage, Skipped, file_digest
from builder.data.pictures import Crop
from builder.encoders.open import open_encoder
from builder.encoders.protocol import Encoder, Pixels, Vectors
from builder.encoders.streaming import Picture, stream_vectors
from builder.encoders.vector_cache import VectorCache, encode_image_files
from builder.errors import EncoderError
from tests.chance import chance


@pytest.fixture(scope="module")
def encoder(clip_folder: Path) -> Encoder:
    return open_encoder(str(clip_folder), device="cpu")


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    random = chance(0)
    found = []
    for number in range(7):
        noise = random.integers(0, 256, (20, 30, 3), dtype=np.uint8)
        found.append(tmp_path / f"{number}.png")
        Image.fromarray(noise).save(found[-1])
    return found


def streamed(
    encoder: Encoder,
    pictures: Sequence[Picture],
    cache: VectorCache | None = None,
    crop: Crop | None = None,
) -> list[Vectors | Skipped]:
    pairs = [
        pair for batch in stream_vectors(encoder, cache, pictures, crop=crop) for pair in batch
    ]
    assert [picture for picture, _ in pairs] == list(pictures)
    return [found for _, found in pairs]


def known(
    encoder: Encoder, files: Sequence[Path], cache: VectorCache | None, crop: Crop | None
) -> Vectors:
    images = [LabelledImage(path, "", file_digest(path)) for path in files]
    return encode_image_files(encoder, cache, images, crop=crop)


@pytest.mark.parametrize("crop", [None, Crop(0, 0, 0.5, 1)])
def test_paths_and_pictures_give_what_files_give(
    encoder: Encoder, files: list[Path], crop: Crop | None
) -> None:
    expected = known(encoder, files, None, crop)
    pictures: list[Picture] = [files[0], str(files[1]), Image.open(files[2]), *files[3:]]
    found = np.stack(streamed(encoder, pictures, None, crop))
    assert np.allclose(found, expected, atol=1e-5)


class Counting:
    """An encoder that counts what it encodes, and may give what is not finite."""

    def __init__(self, encoder: Encoder, value: float = 1.0) -> None:
        self._encoder = encoder
        self._value = np.float32(value)
        self.encoded = 0
        self.largest = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._encoder, name)

    def encode_pixels(self, batch: Sequence[Pixels]) -> Vectors:
        self.encoded += len(batch)
        self.largest = max(self.largest, len(batch))
        return self._encoder.encode_pixels(batch) * self._value


def test_vectors_are_shared_with_the_other_commands(
    encoder: Encoder, files: list[Path], tmp_path: Path
) -> None:
    cache = VectorCache(tmp_path / "cache", encoder.fingerprint)
    expected = known(encoder, files[:3], cache, None)
    counting = Counting(encoder)
    found = streamed(counting, files, cache)
    assert counting.encoded == 4
    assert np.array_equal(np.stack(found[:3]), expected)
    again = streamed(counting, files, cache)
    assert counting.encoded == 4
    assert np.array_equal(np.stack(again), np.stack(found))
    # Another part of the same pictures is something else.
    streamed(counting, files, cache, Crop(0, 0, 0.5, 1))
    assert counting.encoded == 11


def test_bad_files_keep_their_place(encoder: Encoder, files: list[Path], tmp_path: Path) -> None:
    text, cut, pipe = tmp_path / "a.txt", tmp_path / "cut.png", tmp_path / "pipe"
    text.write_text("no image")
    cut.write_bytes(files[0].read_bytes()[:200])
    os.mkfifo(pipe)
    bad: dict[Picture, str] = {
        text: "not an image",
        cut: "",
        pipe: "not a regular file",
        tmp_path: "a folder",
        "no/such.png": "there is no such file",
        "nul\0.png": "null",
        "x" * 5000: "File name too long",
        Skipped("*.tif", "nothing"): "nothing",
    }
    pictures: list[Picture] = []
    for number, each in enumerate(bad):
        pictures += [each, files[number % len(files)]]
    found = streamed(encoder, pictures)
    for picture, each in zip(pictures[::2], found[::2], strict=True):
        assert isinstance(each, Skipped)
        assert each.where == (picture.where if isinstance(picture, Skipped) else str(picture))
        assert bad[picture] in each.reason
        assert str(each.where) not in each.reason or isinstance(picture, Skipped)
    assert all(isinstance(each, np.ndarray) for each in found[1::2])


def test_no_batch_is_larger_than_the_encoder_takes(encoder: Encoder, files: list[Path]) -> None:
    counting = Counting(encoder)
    streamed(counting, files * 20)
    assert counting.encoded == 140
    assert counting.largest <= encoder.batch_size


def test_a_vector_that_is_not_finite_is_the_encoders_fault(
    encoder: Encoder, files: list[Path]
) -> None:
    with pytest.raises(EncoderError, match=r"not finite for .*0\.png"):
        streamed(Counting(encoder, np.nan), files)


def test_nothing_gives_nothing(encoder: Encoder) -> None:
    assert streamed(encoder, []) == []
