"""Finds images of different splits that show nearly the same: such are not truly held out.

Copies of a file are one image already. A crop, another size or a stronger compression is another
file, but hardly another observation.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from builder.scoring.evaluator import SplitData, Vectors
from builder.system.file import SplitName

# Distances are 1 - cosine. With the miniature, other sizes and compressions of a card are at most
# 0.02 away, and no two cards of a class less than 0.03.
_CLOSE = 0.02
# An encoder may have all images of a class closer together than that.
_OF_USUAL = 0.1
# Cosines are made for this many pairs at a time, which bounds the memory.
_BLOCK = 1 << 22


@dataclass(frozen=True, slots=True)
class Pair:
    """Two images of different splits, by digest, and the cosine of their vectors."""

    first: str
    second: str
    cosine: float


@dataclass(frozen=True, slots=True)
class NearDuplicates:
    """How many `images` have a near-duplicate in another split, and the `closest` pairs.

    Of an image with several near-duplicates in a split the pairs hold the nearest. `cosine` is the
    least that counts.
    """

    images: int
    closest: tuple[Pair, ...]
    cosine: float


def near_duplicates(splits: Mapping[SplitName, SplitData]) -> NearDuplicates:
    """The near-duplicates among L2-normalised vectors: distance 1 - cosine of at most 0.02.

    And of at most a tenth of the median distance of two images of one class, so that an encoder
    whose vectors all lie close together does not take every image for a copy.
    """
    least = 1 - min(_CLOSE, _OF_USUAL * _usual_distance(splits.values()))
    found: list[Pair] = []
    for one, other in combinations(splits.values(), 2):
        nearest = _close(one.vectors, other.vectors, least)
        back = _close(other.vectors, one.vectors, least)
        # Of each image the nearest: a pair may be found from either side.
        close = nearest | {(row, column): cosine for (column, row), cosine in back.items()}
        found += [
            Pair(one.digests[a], other.digests[b], cosine) for (a, b), cosine in close.items()
        ]
    found.sort(key=lambda pair: -pair.cosine)
    images = {digest for pair in found for digest in (pair.first, pair.second)}
    return NearDuplicates(len(images), tuple(found), least)


def _usual_distance(splits: Iterable[SplitData]) -> float:
    """The median distance of consecutive images of one class; 1 without any."""
    distances: list[float] = []
    for data in splits:
        labels = np.array(data.labels, dtype=np.str_)
        # Within a class the order of digests is any order.
        order = np.argsort(labels, kind="stable")
        before, after = order[:-1], order[1:]
        same = labels[before] == labels[after]
        products = np.einsum("nd,nd->n", data.vectors[before[same]], data.vectors[after[same]])
        distances += (1 - products).tolist()
    return float(np.median(distances)) if distances else 1.0


def _close(rows: Vectors, columns: Vectors, least: float) -> dict[tuple[int, int], float]:
    """The nearest column of each row, where its cosine is `least` or more."""
    found: dict[tuple[int, int], float] = {}
    step = max(1, _BLOCK // max(1, len(columns)))
    for start in range(0, len(rows) if len(columns) else 0, step):
        cosines = rows[start : start + step] @ columns.T
        nearest, highest = cosines.argmax(axis=1), cosines.max(axis=1)
        for row in np.flatnonzero(highest >= least).tolist():
            found[start + row, int(nearest[row])] = float(highest[row])
    return found
