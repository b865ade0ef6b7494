"""A stream of files against the bare encoder, and the memory that a long one takes.

Run with: python -m pytest -n 0 -s tests/bench/test_classify.py
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from builder.api import Classifier
from builder.encoders.open import open_encoder
from builder.encoders.vector_cache import VectorCache
from builder.system.file import SystemFile
from tests import conftest
from tests.worlds import GOOD

DISTINCT = 50
PEAK = """
import resource, sys
from pathlib import Path
from builder.api import Classifier, open_encoder
from builder.system.file import SystemFile
from tests.worlds import GOOD

folder, encoder, count = sys.argv[1:]
files = sorted(Path(folder).iterdir())
ready = Classifier(SystemFile(system=GOOD), open_encoder(encoder, device="cpu"))
paths = (files[number % len(files)] for number in range(int(count)))
assert sum(1 for _ in ready.stream(paths)) == int(count)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """JPEG files of 640 x 480 pixels."""
    folder = tmp_path_factory.mktemp("noise")
    random = np.random.default_rng(0)
    for number in range(DISTINCT):
        noise = Image.fromarray(random.integers(0, 256, (48, 64, 3), dtype=np.uint8))
        noise.resize((640, 480)).save(folder / f"{number:03}.jpg", quality=90)
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def vit_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CLIP of the size of a small published one (ViT-S/32), with random weights."""
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    folder = tmp_path_factory.mktemp("vit")
    vision = {
        "hidden_size": 384,
        "intermediate_size": 1536,
        "num_hidden_layers": 12,
        "num_attention_heads": 6,
        "image_size": 224,
        "patch_size": 32,
        "projection_dim": 24,
    }
    text = conftest._text_config(bos_token_id=1, eos_token_id=3, pad_token_id=0)
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=24)
    conftest._save(CLIPModel, config, folder)
    CLIPImageProcessorPil().save_pretrained(folder)
    conftest._save_tokenizer(folder, template="<start> $A <end>")
    return folder


def medians(runs: dict[str, Callable[[], object]], times: int = 3) -> dict[str, float]:
    """Median seconds of each, run in turns so that a noisy neighbour disturbs all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(times + 1):
        for name, run in runs.items():
            begun = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - begun)
    return {name: statistics.median(taken[1:]) for name, taken in seconds.items()}


@pytest.mark.parametrize(("name", "count"), [("miniature", 400), ("vit", 128)])
def test_a_stream_beside_the_bare_encoder(
    files: list[Path], vit_folder: Path, tmp_path: Path, name: str, count: int
) -> None:
    """The encoder alone gets pixels that lie ready; the stream opens and prepares files, too."""
    encoder = open_encoder(name if name == "miniature" else str(vit_folder), device="cpu")
    file = SystemFile(system=GOOD)
    paths = [files[number % DISTINCT] for number in range(count)]
    prepared = [encoder.preprocess(Image.open(path).convert("RGB")) for path in files]
    pixels = [prepared[number % DISTINCT] for number in range(count)]
    size = encoder.batch_size

    def bare() -> None:
        for start in range(0, count, size):
            encoder.encode_pixels(pixels[start : start + size])

    def opened() -> None:
        """One file after the other, no thread."""
        for path in paths:
            encoder.preprocess(Image.open(path).convert("RGB"))

    streaming = Classifier(file, encoder)
    cached = Classifier(file, encoder, cache=VectorCache(tmp_path, encoder.fingerprint))
    taken = medians(
        {
            "the encoder alone": bare,
            "opening files alone": opened,
            "stream": lambda: list(streaming.stream(paths)),
            "stream, vectors kept": lambda: list(cached.stream(paths)),
        }
    )
    print(f"\n{name}: {count} files of 640 x 480, batches of {size}")
    for what, seconds in taken.items():
        ratio = seconds / taken["the encoder alone"]
        print(f"  {what:22} {count / seconds:8.0f} images/s  {ratio:6.2f} x the encoder alone")
    # Opening files overlaps with encoding; the margin is for a machine that others use too.
    one_by_one = taken["the encoder alone"] + taken["opening files alone"]
    assert taken["stream"] < 2 * one_by_one


def test_memory_does_not_grow_with_the_stream(files: list[Path], clip_folder: Path) -> None:
    peaks = {}
    for count in (200, 4000):
        done = subprocess.run(
            [sys.executable, "-c", PEAK, str(files[0].parent), str(clip_folder), str(count)],
            capture_output=True,
            encoding="utf-8",
            check=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        peaks[count] = int(done.stdout)
    ratio = peaks[4000] / peaks[200]
    print(f"\npeak memory: {peaks[200]:,} kB for 200 images, x {ratio:.3f} for 4,000")
    assert ratio < 1.1
