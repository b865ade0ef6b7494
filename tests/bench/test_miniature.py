"""Throughput of the miniature on card-sized pictures, from PIL image to vector."""

import numpy as np
from PIL import Image
from pytest_benchmark.fixture import BenchmarkFixture

from builder.encoders.miniature import load_miniature


def test_images_a_second(benchmark: BenchmarkFixture) -> None:
    rng = np.random.default_rng(0)
    images = [
        Image.fromarray(rng.integers(0, 256, (200, 200, 3), dtype=np.uint8)) for _ in range(512)
    ]
    miniature = load_miniature()
    vectors = benchmark(miniature.encode_images, images)
    benchmark.extra_info["images_per_second"] = len(images) / benchmark.stats.stats.median
    assert vectors.shape == (512, 256)
