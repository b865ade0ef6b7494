"""The workspace of a session: its images, encoder and evaluator, built from its settings."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import ValidationError

from builder.data.images import ImageSet, LabelledImage
from builder.encoders.protocol import Encoder, Vectors
from builder.encoders.vector_cache import VectorCache, encode_phrases
from builder.errors import InputError
from builder.scoring.evaluator import Evaluator, SplitData
from builder.system.file import EncoderIdentity, SplitName
from builder.system.model import Scoring

SPLITS: tuple[SplitName, ...] = ("review", "held_out", "final")
Progress = Callable[[int, int], None]


class PhraseVectors:
    """Turns texts into vectors [m, d]: from memory, else from the cache, else encoded."""

    def __init__(self, encoder: Encoder, cache: VectorCache) -> None:
        self._encoder = encoder
        self._cache = cache
        self._known: dict[str, Vectors] = {}

    def __call__(self, texts: Sequence[str]) -> Vectors:
        missing = [text for text in dict.fromkeys(texts) if text not in self._known]
        if missing:
            vectors = encode_phrases(self._encoder, self._cache, missing)
            self._known.update(zip(missing, vectors, strict=True))
        return np.stack([self._known[text] for text in texts])


@dataclass(frozen=True, slots=True, eq=False)
class Workspace:
    """The images, encoder and evaluator of a session. `labels`: digest -> class name."""

    encoder: Encoder
    evaluator: Evaluator
    labels: Mapping[str, str]


def identity_of(encoder: Encoder) -> EncoderIdentity:
    """The encoder as a system file names it."""
    return EncoderIdentity.model_validate(encoder, from_attributes=True)


def distinct(images: ImageSet) -> dict[str, LabelledImage]:
    """One image per content, by digest: a copy must not count as a second observation."""
    return {image.digest: image for image in images.images}


def evaluator_of(
    encoder: Encoder,
    images: Sequence[LabelledImage],
    vectors: Vectors,
    members: Mapping[SplitName, Collection[str]],
    phrases: PhraseVectors,
    scoring: Scoring,
) -> Evaluator:
    """The evaluator of images with the vectors [n, d]; `members`: the digests in each split."""
    splits = split_data(images, members, vectors)
    return Evaluator(encoder.fingerprint, splits, phrases, scoring, encoder.logit_scale)


def split_data(
    images: Sequence[LabelledImage], members: Mapping[SplitName, Collection[str]], vectors: Vectors
) -> dict[SplitName, SplitData]:
    """The images by split; `members`: the digests in each, `vectors` [n, d] are of all images."""
    found: dict[SplitName, SplitData] = {}
    for split in SPLITS:
        inside = members.get(split, ())
        rows = [row for row, image in enumerate(images) if image.digest in inside]
        digests = tuple(images[row].digest for row in rows)
        labels = tuple(images[row].label for row in rows)
        found[split] = SplitData(digests=digests, labels=labels, vectors=vectors[rows])
    return found


def scoring_from(rule: str, scale: float | None) -> Scoring:
    """The scoring that a plain `--rule` and `--scale` ask for. Raises InputError."""
    try:
        return Scoring.model_validate({"rule": rule, "scale": scale})
    except ValidationError as error:
        raise InputError(
            f"a logit scale of {scale} can't be used",
            hint="give a number above 0 and up to 1000000, e.g. --scale 100",
        ) from error
