"""What every image-text encoder offers, and what passes between its family and who opens it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from builder.encoders.spec import EncoderSpec

Vectors = NDArray[np.float32]
# One image as the encoder's image tower takes it: arrays by the names of the tower's inputs.
Pixels = Mapping[str, NDArray[Any]]


class Encoder(Protocol):
    """A frozen image-text encoder. Vectors are float32, L2-normalised, one row per input."""

    # How the user names it, e.g. `miniature` or a hub id.
    name: str
    # Pinned hub commit, content hash of a local folder's weights, or version.
    revision: str
    # Key of the vector cache: changes whenever the vectors could (model, revision, preprocessing,
    # dtype class).
    fingerprint: str
    # The checkpoint's own factor on cosines before a softmax (already exponentiated).
    logit_scale: float
    # How many images one pass through the image tower takes: bounds the memory.
    batch_size: int

    def preprocess(self, image: Image.Image) -> Pixels:
        """An RGB image, resized, cropped and so on. Needs no weights; threads may call it."""

    def encode_pixels(self, batch: Sequence[Pixels]) -> Vectors:
        """What `preprocess` gave -> [n, d]."""

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """RGB images -> [n, d]."""
        return self.encode_pixels([self.preprocess(image) for image in images])

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Texts -> [m, d]."""

    def unknown_words(self, texts: Sequence[str]) -> list[tuple[str, ...]]:
        """For each text, the words this encoder is known never to have seen.

        Empty tuples for encoders that cannot tell (all but the miniature).
        """
        return [() for _ in texts]


@dataclass(frozen=True, slots=True)
class Wanted:
    """An encoder that is to be opened; what comes with the package has no folder and revision.

    `device` and `dtype` are words, as `devices` understands them.
    """

    spec: EncoderSpec
    device: str
    dtype: str
    folder: Path = Path()
    revision: str = ""

    @property
    def name(self) -> str:
        return f"{self.spec.name}{self.spec.options}"


@dataclass(frozen=True, slots=True)
class Located:
    """An encoder whose files are on this machine, before its weights are read.

    `preprocess` is the encoder's own; `licence` is empty where it isn't known.
    """

    name: str
    revision: str
    licence: str
    preprocess: Callable[[Image.Image], Pixels]
    load: Callable[[], Encoder]
