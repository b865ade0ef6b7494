"""The checkpoints of the tests see what they are named for, with room to spare."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from builder.encoders.open import open_encoder
from tests import checkpoints
from tests.checkpoints import COLOURS, GREEN_IS_BLUE, RIGHT, WRONG, Sight

PAINT = {"red": (220, 30, 30), "green": (30, 200, 60), "blue": (40, 60, 220)}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    ("folder", "sight"),
    [
        ("clip_that_is_right", RIGHT),
        ("clip_that_is_wrong", WRONG),
        ("clip_that_takes_green_for_blue", GREEN_IS_BLUE),
    ],
)
def test_each_colour_is_taken_for_what_the_checkpoint_is_named_for(
    folder: str, sight: Sight, dtype: str, request: pytest.FixtureRequest
) -> None:
    path = request.getfixturevalue(folder)
    encoder = open_encoder(str(path), device="cpu", dtype=dtype)
    texts = encoder.encode_texts([f"It is {colour}." for colour in COLOURS])
    pictures = [Image.new("RGB", (24, 24), PAINT[colour]) for colour in COLOURS]
    cosines = encoder.encode_images(pictures) @ texts.T
    told = [COLOURS[k] for k in cosines.argmax(axis=1)]
    assert told == [sight[colour] for colour in COLOURS]
    second, first = np.sort(cosines, axis=1)[:, -2:].T
    assert (first - second > 0.1).all()


@pytest.mark.parametrize("save", [checkpoints.save_clip, checkpoints.save_siglip2])
def test_no_weight_is_left_to_the_library(save: Callable[[Path], Path], tmp_path: Path) -> None:
    """Two checkpoints are equal to the byte, though the library draws other numbers for each."""
    written = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        torch.rand(1)
        written.append((save(tmp_path / name) / "model.safetensors").read_bytes())
    assert written[0] == written[1]


def test_no_test_draws_a_librarys_random_numbers() -> None:
    """They come from tests.chance, where all of them can be dealt anew."""
    library = re.compile(r"manual_seed|default_rng|RandomState|random\.seed|\bRandom\(")
    here = Path(__file__)
    found = [
        str(path.relative_to(here.parent))
        for path in here.parent.rglob("*.py")
        if path not in (here, here.with_name("chance.py")) and "bench" not in path.parts
        if library.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []
