"""jina-clip at its full size with random weights: from files to vectors, against the bare tower.

Run with `pytest -n 0 tests/bench/test_jina_clip.py`; ratios of one run are in the extra columns.
"""

import json
import resource
import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pytest_benchmark.fixture import BenchmarkFixture

from builder.data.images import LabelledImage, file_digest
from builder.data.pictures import Crop, open_image
from builder.encoders.jina.bert import JinaBert
from builder.encoders.jina.clip import JinaClipEncoder, jina_preprocessing
from builder.encoders.jina.config import read_config
from builder.encoders.jina.eva02 import EVA02
from builder.encoders.jina.xlm_roberta import XLMRoberta
from builder.encoders.vector_cache import encode_image_files
from tests.encoders.jina_fixtures import folder_of, load

pytestmark = pytest.mark.timeout(3600)
CPU = torch.device("cpu")
CROP = Crop(0.1, 0.12, 0.9, 0.47)
SIZES = {
    "v1": {"width": 768, "embed_dim": 768, "layers": 12, "head_width": 64, "image_size": 224,
           "pt_hw_seq_len": 14},
    "v2": {"width": 1024, "embed_dim": 1024, "layers": 24, "head_width": 64, "image_size": 512,
           "pt_hw_seq_len": 16},
}  # fmt: skip
TEXT_TOWERS = {
    "v1": lambda: JinaBert(30_528, 768, 3072, 12),
    "v2": lambda: XLMRoberta(250_002, 1024, 4096, 24),
}


def full_size(version: str, folder: Path, *, texts: bool = False) -> JinaClipEncoder:
    """With the real sizes of the image tower and, if `texts`, of the text tower."""
    encoder = load(version)
    shutil.copytree(folder_of(version), folder, dirs_exist_ok=True)
    config = json.loads((folder / "config.json").read_text())
    config["vision_config"] |= SIZES[version]
    config["projection_dim"] = config["text_config"]["embed_dim"] = SIZES[version]["embed_dim"]
    (folder / "config.json").write_text(json.dumps(config))
    preprocessing = json.loads((folder / "preprocessor_config.json").read_text())
    preprocessing["size"] = SIZES[version]["image_size"]
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessing))
    read = read_config(folder, "x")
    torch.manual_seed(0)
    encoder.vision = EVA02(read.vision).eval().requires_grad_(False)
    encoder.vision.init_rope(CPU, torch.float32)
    if texts:
        encoder.text = TEXT_TOWERS[version]().eval().requires_grad_(False)
    encoder._preprocessing = jina_preprocessing(folder, "x")
    encoder._dimensions = read.dimensions
    return encoder


def cards(folder: Path, count: int) -> list[LabelledImage]:
    """JPEG files of 734 x 1024 pixels, as large as scans of cards are."""
    folder.mkdir()
    random = np.random.default_rng(0)
    listed = []
    for number in range(count):
        noise = Image.fromarray(random.integers(0, 256, (64, 46, 3), dtype=np.uint8))
        path = folder / f"{number}.jpg"
        noise.resize((734, 1024)).save(path, quality=90)
        listed.append(LabelledImage(path, "card", file_digest(path)))
    return listed


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def cpu_seconds(work: Callable[[], object]) -> float:
    """Of all threads: says the same on a machine that others use too."""
    start = time.process_time()
    work()
    return time.process_time() - start


@pytest.mark.parametrize(("version", "count", "rounds"), [("v1", 32, 2), ("v2", 4, 2)])
def test_from_files_to_vectors(
    benchmark: BenchmarkFixture, tmp_path: Path, version: str, count: int, rounds: int
) -> None:
    """`of_bare_tower`: 1 is the speed of the tower on tensors that are ready."""
    encoder = full_size(version, tmp_path / "model")
    images = cards(tmp_path / "cards", count)
    ready = [encoder.preprocess(open_image(image.path, CROP)) for image in images]
    tensors = encoder.normalised_pixels(ready).split(encoder.batch_size)

    def files() -> None:
        encode_image_files(encoder, None, images, crop=CROP)

    def bare() -> None:
        for batch in tensors:
            encoder.image_features(batch)

    def one_by_one() -> None:
        for image in images:
            encoder.encode_images([open_image(image.path, CROP)])

    bare()
    times = [(seconds(files), seconds(bare), seconds(one_by_one)) for _ in range(rounds)]
    benchmark.extra_info["of_bare_tower_in_cpu_time"] = statistics.median(
        cpu_seconds(bare) / cpu_seconds(files) for _ in range(rounds)
    )
    benchmark.pedantic(files, rounds=1)
    benchmark.extra_info["of_bare_tower"] = statistics.median(b / f for f, b, _ in times)
    benchmark.extra_info["times_one_by_one"] = statistics.median(o / f for f, _, o in times)
    benchmark.extra_info["images_per_second"] = count / statistics.median(f for f, _, _ in times)


@pytest.mark.parametrize(("version", "sizes"), [("v1", (1, 4, 8, 16)), ("v2", (1, 2, 4))])
def test_batch_sizes(
    benchmark: BenchmarkFixture, tmp_path: Path, version: str, sizes: tuple[int, ...]
) -> None:
    """Images a second by batch size, and with channels last; what the default was chosen by."""
    encoder = full_size(version, tmp_path / "model")
    side = SIZES[version]["image_size"]
    tensors = torch.randn(max(sizes), 3, side, side)

    def speed(batch_size: int, inputs: torch.Tensor) -> float:
        batches = inputs.split(batch_size)
        taken = seconds(lambda: [encoder.image_features(batch) for batch in batches])
        return len(inputs) / taken

    encoder.image_features(tensors[:1])
    for batch_size in sizes:
        benchmark.extra_info[f"batch_{batch_size}"] = speed(batch_size, tensors)
    last = tensors.to(memory_format=torch.channels_last)
    encoder.vision.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    benchmark.extra_info["channels_last"] = speed(encoder.batch_size, last)
    benchmark.pedantic(encoder.image_features, (tensors[:1],), rounds=1)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_texts_a_second(benchmark: BenchmarkFixture, tmp_path: Path, version: str) -> None:
    """64 phrases of an attribute system; the tiny tokenizer makes them longer than they are."""
    encoder = full_size(version, tmp_path / "model", texts=True)
    phrases = [f"This creature's body is mainly {n} in color." for n in range(64)]
    benchmark.pedantic(encoder.encode_texts, (phrases,), rounds=2, warmup_rounds=1)
    tokens = encoder.tokenize(phrases)["input_ids"]
    benchmark.extra_info["texts_per_second"] = len(phrases) / benchmark.stats.stats.median
    benchmark.extra_info["tokens_per_text"] = tokens.shape[1]


def test_memory_does_not_grow_with_the_number_of_images(
    benchmark: BenchmarkFixture, tmp_path: Path
) -> None:
    """The same towers see 4 and then 40 times 40 megapixels."""
    encoder = load("v2")
    path = tmp_path / "large.jpg"
    Image.new("RGB", (8000, 5000), (9, 99, 199)).save(path)
    # A byte behind the end gives each copy a content of its own.
    few, many = ([_large(path, number) for number in range(n)] for n in (4, 40))
    encode_image_files(encoder, None, few, crop=None)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    benchmark.pedantic(encode_image_files, (encoder, None, many), {"crop": None}, rounds=1)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    benchmark.extra_info["peak_ratio"] = after / before


def _large(path: Path, number: int) -> LabelledImage:
    copy = path.with_name(f"{number}-{path.name}")
    copy.write_bytes(path.read_bytes() + bytes([number]))
    return LabelledImage(copy, "large", file_digest(copy))
