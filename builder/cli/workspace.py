"""The workspace of a session: its images, encoder and evaluator, built from its settings."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import ValidationError

from builder.data.images import ImageSet, LabelledImage
from builder.data.pictures import Crop
from builder.data.sources import ImageSource, read_source
from builder.data.splits import assign_splits
from builder.encoders.cache_folder import default_cache_folder
from builder.encoders.protocol import Encoder, Vectors
from builder.encoders.vector_cache import VectorCache, encode_image_files, encode_phrases
from builder.errors import InputError
from builder.scoring.evaluator import Evaluator, SplitData
from builder.session.records import Started
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
    return EncoderIdentity(
        name=encoder.name,
        revision=encoder.revision,
        fingerprint=encoder.fingerprint,
        logit_scale=encoder.logit_scale,
    )


def list_images(
    started: Started, on_progress: Progress | None, added: Sequence[str] = ()
) -> ImageSet | None:
    """The session's labelled images; None if it has none. Raises InputError.

    added: classes that the session has got since it began.
    """
    if started.images is None:
        return None
    source = ImageSource(
        started.images, started.image_column, started.label_column, started.data_split
    )
    return read_labelled(source, [*(entry.name for entry in started.classes), *added], on_progress)


def read_labelled(
    source: ImageSource, names: Sequence[str], on_progress: Progress | None
) -> ImageSet:
    """The labelled images of those classes in a folder or data set. Raises InputError."""
    downloads = default_cache_folder() / "images"
    return read_source(source, names, downloads=downloads, on_progress=on_progress)


def distinct(images: ImageSet) -> dict[str, LabelledImage]:
    """One image per content, by digest: a copy must not count as a second observation."""
    return {image.digest: image for image in images.images}


def new_splits(
    images: Mapping[str, LabelledImage], known: Mapping[str, SplitName], seed: int
) -> dict[str, SplitName]:
    """The splits of images that have none yet."""
    labels = {digest: image.label for digest, image in images.items()}
    splits = assign_splits(labels, dict(known), seed=seed)
    return {digest: split for digest, split in splits.items() if digest not in known}


def encoded_workspace(
    started: Started,
    images: Mapping[str, LabelledImage],
    splits: Mapping[str, SplitName],
    *,
    encoder: Encoder,
    on_progress: Progress | None,
    on_warning: Callable[[str], None],
) -> Workspace:
    """Encodes what the cache lacks, and opens the evaluator. Raises CotbuildError."""
    cache = VectorCache(default_cache_folder(), encoder.fingerprint, on_warning=on_warning)
    pictures = [images[digest] for digest in sorted(images)]
    crop = Crop(*started.crop) if started.crop else None
    vectors = encode_image_files(encoder, cache, pictures, crop=crop, on_progress=on_progress)
    members = {split: {digest for digest in images if splits[digest] == split} for split in SPLITS}
    return Workspace(
        encoder=encoder,
        evaluator=Evaluator(
            encoder=encoder.fingerprint,
            splits={split: split_data(pictures, members[split], vectors) for split in SPLITS},
            encode=PhraseVectors(encoder, cache),
            scoring=started.scoring,
            logit_scale=encoder.logit_scale,
        ),
        labels={image.digest: image.label for image in pictures},
    )


def split_data(
    images: Sequence[LabelledImage], members: Collection[str], vectors: Vectors
) -> SplitData:
    """Those of the images whose digests are among the `members`; `vectors` [n, d] are of all."""
    rows = [row for row, image in enumerate(images) if image.digest in members]
    return SplitData(
        digests=tuple(images[row].digest for row in rows),
        labels=tuple(images[row].label for row in rows),
        vectors=vectors[rows],
    )


def scoring_from(rule: str, scale: float | None) -> Scoring:
    """The scoring that a plain `--rule` and `--scale` ask for. Raises InputError."""
    try:
        return Scoring.model_validate({"rule": rule, "scale": scale})
    except ValidationError as error:
        raise InputError(
            f"a logit scale of {scale} can't be used",
            hint="give a number above 0 and up to 1000000, e.g. --scale 100",
        ) from error
