"""Near-duplicates across splits, against a search through all pairs."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from builder.scoring import near_duplicates as module
from builder.scoring.evaluator import SplitData
from builder.scoring.near_duplicates import near_duplicates
from builder.system.file import SplitName
from tests.chance import chance

SPLITS: tuple[SplitName, ...] = ("review", "held_out", "final")
Vectors = NDArray[np.float32]


def unit(vectors: NDArray[np.float64]) -> Vectors:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def split_up(vectors: Vectors, where: list[int], label: str = "a") -> dict[SplitName, SplitData]:
    """Image i, called so, in split `where[i]`."""
    found: dict[SplitName, SplitData] = {}
    for index, split in enumerate(SPLITS):
        rows = [row for row, place in enumerate(where) if place == index]
        digests = tuple(str(row) for row in rows)
        found[split] = SplitData(digests, tuple(label for _ in rows), vectors[rows])
    return found


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 2), min_size=1, max_size=30))
def test_the_same_images_as_in_a_search_through_all_pairs(seed: int, where: list[int]) -> None:
    rng = chance(seed)
    # Some images are others again, with a little noise or a little more.
    origins = rng.normal(size=(8, 16))[rng.integers(8, size=len(where))]
    noise = rng.choice([0.0, 0.01, 0.1, 1.0], size=(len(where), 1))
    vectors = unit(origins + noise * rng.normal(size=origins.shape))
    found = near_duplicates(split_up(vectors, where))
    expected = {
        str(image)
        for one, other in itertools.permutations(range(len(where)), 2)
        if where[one] != where[other] and vectors[one] @ vectors[other] >= found.cosine
        for image in (one, other)
    }
    assert {digest for pair in found.closest for digest in (pair.first, pair.second)} == expected
    assert found.images == len(expected)
    cosines = [pair.cosine for pair in found.closest]
    assert cosines == sorted(cosines, reverse=True)
    for pair in found.closest:
        assert where[int(pair.first)] != where[int(pair.second)]
        exact = float(vectors[int(pair.first)] @ vectors[int(pair.second)])
        assert pair.cosine == pytest.approx(exact, abs=1e-6)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = chance(1)
    origins = np.tile(rng.normal(size=(10, 8)), (6, 1))
    vectors = unit(origins + 0.015 * rng.normal(size=origins.shape))
    splits = split_up(vectors, [row % 3 for row in range(60)])
    whole = near_duplicates(splits)
    assert whole.images > 40
    for block in (1, 50, 120):
        monkeypatch.setattr(module, "_BLOCK", block)
        found = near_duplicates(splits)
        assert {(p.first, p.second) for p in found.closest} == {
            (p.first, p.second) for p in whole.closest
        }


def test_what_is_close_depends_on_how_close_a_class_is() -> None:
    """An encoder to which all images are nearly the same does not make them copies."""
    rng = chance(2)
    vectors = unit(np.ones(64) + 0.05 * rng.normal(size=(40, 64)))
    where = [row % 2 for row in range(40)]
    found = near_duplicates(split_up(vectors, where))
    assert found.cosine > 0.999
    assert found.images == 0
    vectors[7] = vectors[6]
    found = near_duplicates(split_up(vectors, where))
    assert [(pair.first, pair.second) for pair in found.closest] == [("6", "7")]


def test_within_a_split_images_may_repeat() -> None:
    vectors = unit(chance(3).normal(size=(4, 8)))
    vectors[1] = vectors[0]
    assert near_duplicates(split_up(vectors, [0, 0, 1, 2])).images == 0
    assert near_duplicates(split_up(vectors, [0, 2, 1, 1])).images == 2


def test_no_images_no_duplicates() -> None:
    none = np.empty((0, 8), np.float32)
    assert near_duplicates(split_up(none, [])).closest == ()
    assert near_duplicates({}).images == 0
