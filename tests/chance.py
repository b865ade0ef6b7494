"""Every random number of the tests: one place, so that all of them can be drawn anew.

A test whose outcome hangs on the numbers it was dealt is a test of luck. `COTBUILD_TEST_SEED=7
python -m pytest` deals other numbers to the whole suite, which must pass with them as well.
Checkpoints and the like, which must be the same in every library version and on every processor,
are filled from `fixed_noise`.
"""

import hashlib
import os
from collections.abc import Sequence
from random import Random

import numpy as np
from numpy.typing import NDArray

SEED = int(os.environ.get("COTBUILD_TEST_SEED", "0"))


def chance(seed: int | Sequence[int] = 0) -> np.random.Generator:
    """A generator for one use in a test; equal seeds deal equal numbers within a run."""
    return np.random.default_rng([SEED, *([seed] if isinstance(seed, int) else seed)])


def dice(seed: int = 0) -> Random:
    """The same as Python's own generator, for choices among values that are no numbers."""
    return Random(f"{SEED} {seed}")


def fixed_noise(name: str, shape: Sequence[int]) -> NDArray[np.float32]:
    """Numbers in [-1, 1) that depend on the name, the shape and `SEED` alone, on any machine."""
    count = int(np.prod(shape, dtype=int))
    drawn = hashlib.shake_256(f"{SEED} {name}".encode()).digest(2 * count)
    return (np.frombuffer(drawn, "<i2").astype(np.float32) / 32768).reshape(shape)
