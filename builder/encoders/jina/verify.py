"""How far two implementations of an encoder are apart, and which were compared and agreed.

What agreed on this machine is kept in a small JSON file beside the caches. A damaged or missing one
means that nothing was compared, and what another version of cotbuild computes was not compared.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from builder.encoders.catalog import KnownModel
from builder.encoders.jina.config import PREPARATION
from builder.encoders.protocol import Vectors
from builder.errors import EncoderError
from builder.files import replace_file

# Largest difference allowed in any component of the unit vectors. Float32 implementations that
# only add up in another order: 4e-7 measured on tiny towers, 5e-6 on v1's full size with random
# weights. Wrong epsilons of the layer norms, the smallest mistake that could change a ranking,
# cost 4e-4 and more. (The tanh form of GELU, 6e-5, passes.)
TOLERANCE = 1e-4
_FILE = "verified.json"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two implementations on `n` inputs of one kind (texts, images).

    largest: difference in any component of the unit vectors, absolute; worst: the input where it
    is; smallest_cosine: over all inputs.
    """

    kind: str
    n: int
    largest: float
    smallest_cosine: float
    worst: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """The comparisons, one a kind, and what difference is allowed."""

    comparisons: tuple[Comparison, ...]
    tolerance: float = TOLERANCE

    @property
    def differing(self) -> tuple[Comparison, ...]:
        """Those that differ by more than is allowed."""
        return tuple(found for found in self.comparisons if found.largest > self.tolerance)

    @property
    def agrees(self) -> bool:
        return not self.differing


def compare(kind: str, names: Sequence[str], native: Vectors, reference: Vectors) -> Comparison:
    """Rows [n, d] of both for the inputs of these names, n > 0; neither need be normalised.

    Raises EncoderError if the shapes differ, or a row is zero or not finite.
    """
    if native.shape != reference.shape:
        raise EncoderError(
            f"The two implementations give {kind} vectors of different shapes: "
            f"{native.shape} and {reference.shape}.",
            hint="Compare with the files of the same model.",
        )
    ours, theirs = _unit(native, kind, names), _unit(reference, kind, names)
    apart = np.abs(ours - theirs).max(axis=1)
    worst = int(apart.argmax())
    largest, smallest_cosine = float(apart[worst]), float((ours * theirs).sum(axis=1).min())
    return Comparison(kind, len(names), largest, smallest_cosine, names[worst])


def _unit(vectors: Vectors, kind: str, names: Sequence[str]) -> NDArray[np.float64]:
    # In float64, so that the comparison adds nothing to what it measures.
    rows = vectors.astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1)
    unusable = np.flatnonzero(~np.isfinite(lengths) | (lengths == 0))
    if unusable.size:
        raise EncoderError(
            f"One implementation gives a vector without a direction for the {kind} input "
            f"{names[unusable[0]]!r}: zeros, or values that are not finite.",
            hint="Download the files again; one of them may be damaged.",
        )
    return np.asarray(rows / lengths[:, None])


def is_verified(folder: Path, model: KnownModel, version: str) -> bool:
    """Whether just these weights agreed as this version loads them; `folder`: of the caches."""
    return _key(model, version) in _read(folder / _FILE)


def remember(folder: Path, model: KnownModel, version: str, verdict: Agreement) -> None:
    """Keeps that the model's published weights agreed. Raises EncoderError if it can't be kept."""
    path = folder / _FILE
    differences = {found.kind: found.largest for found in verdict.comparisons}
    entries = {**_read(path), _key(model, version): differences}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(path, json.dumps(entries, indent=1))
    except OSError as error:
        raise EncoderError(
            f"{path} can't be written, so this is not remembered: {error.strerror or error}.",
            hint="Set COTBUILD_CACHE to a folder that can be written.",
        ) from error


def _key(model: KnownModel, version: str) -> str:
    weights = f"{model.name}@{model.commit}:{model.weights_sha256}"
    return f"{weights}:cotbuild-{version}:{PREPARATION}"


def _read(path: Path) -> dict[str, Any]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    # Nesting without end is one more way to be damaged.
    except (OSError, ValueError, RecursionError):
        return {}
    return entries if isinstance(entries, dict) else {}
