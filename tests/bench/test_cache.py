"""What the vector cache saves. Run with `pytest -n 0 tests/bench/test_cache.py`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytest_benchmark.fixture import BenchmarkFixture

from builder.data.folders import read_images
from builder.data.images import LabelledImage, file_digest
from builder.encoders.open import open_encoder
from builder.encoders.vector_cache import VectorCache, encode_image_files

Keep = Callable[[int, int], tuple[VectorCache, list[bytes]]]


@pytest.fixture
def keep(tmp_path: Path) -> Keep:
    def build(count: int, dimension: int) -> tuple[VectorCache, list[bytes]]:
        cache = VectorCache(tmp_path, "bench")
        keys = [f"{number:032}".encode() for number in range(count)]
        vectors = np.random.default_rng(0).normal(size=(count, dimension)).astype(np.float32)
        cache.put(dict(zip(keys, vectors, strict=True)))
        return cache, keys

    return build


@pytest.fixture
def images(tmp_path: Path) -> list[LabelledImage]:
    """200 JPEG files of 640 x 480 pixels."""
    (tmp_path / "noise").mkdir()
    random = np.random.default_rng(0)
    listed = []
    for number in range(200):
        noise = Image.fromarray(random.integers(0, 256, (48, 64, 3), dtype=np.uint8))
        path = tmp_path / "noise" / f"{number}.jpg"
        noise.resize((640, 480)).save(path, quality=90)
        listed.append(LabelledImage(path, "noise", file_digest(path)))
    return listed


@pytest.mark.parametrize("count", [10_000, 50_000])
def test_reading_vectors(benchmark: BenchmarkFixture, keep: Keep, count: int) -> None:
    cache, keys = keep(count, 768)
    found = benchmark(cache.get, keys, 768)
    assert len(found) == count


def test_keeping_a_batch(benchmark: BenchmarkFixture, keep: Keep) -> None:
    cache, keys = keep(10_000, 768)
    batch = cache.get(keys[:64], 768)
    benchmark(cache.put, batch)


def test_listing_images(benchmark: BenchmarkFixture, images: list[LabelledImage]) -> None:
    """Each file is hashed and decoded."""
    found = benchmark(read_images, images[0].path.parents[1], ["noise", "other"])
    assert len(found.images) == 200


@pytest.mark.parametrize("cached", [True, False])
def test_image_vectors_from_a_tiny_clip(
    benchmark: BenchmarkFixture,
    tmp_path: Path,
    clip_folder: Path,
    images: list[LabelledImage],
    cached: bool,
) -> None:
    """Even with two layers of 32 dimensions, encoding is what takes the time."""
    encoder = open_encoder(str(clip_folder), device="cpu")
    cache = VectorCache(tmp_path, encoder.fingerprint) if cached else None
    encode_image_files(encoder, cache, images, crop=None)
    vectors = benchmark.pedantic(
        encode_image_files, (encoder, cache, images), {"crop": None}, rounds=2
    )
    assert vectors.shape == (200, 24)
