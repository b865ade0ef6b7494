"""The inputs of `cotbuild score`: system files, images, and encoders one after the other."""

import gc
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import typer

from builder.cli.encoder_download import fetch_encoder
from builder.cli.file_inputs import (
    crop_for,
    encode_images,
    measured_by,
    read_images,
    say_unknown_classes,
    say_what_differs,
)
from builder.cli.screen import Screen
from builder.cli.workspace import PhraseVectors, distinct, identity_of
from builder.data.images import ImageSet, LabelledImage
from builder.data.pictures import Crop
from builder.data.sources import ImageSource
from builder.encoders.cache_folder import default_cache_folder
from builder.encoders.protocol import Encoder, Located, Vectors
from builder.encoders.reading import decoded_once
from builder.encoders.spec import EncoderSpec
from builder.system.file import EncoderIdentity, SystemFile

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Comparison:
    """The flags of `score`."""

    systems: tuple[Path, ...]
    images: ImageSource
    encoders: tuple[str, ...]
    classes: Path | None
    crop: str | None
    rule: str | None
    scale: float | None
    device: str
    dtype: str
    controls: bool
    as_json: bool
    save: Path | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """The inputs, found before anything is encoded. `images`: distinct, in digest order."""

    files: Mapping[Path, SystemFile]
    located: Mapping[str, Located]
    found: ImageSet
    images: Sequence[LabelledImage]
    crop: Crop | None

    @property
    def class_names(self) -> tuple[str, ...]:
        return class_names(self.files.values())


def class_names(files: Iterable[SystemFile]) -> tuple[str, ...]:
    """The classes of all systems, each once."""
    return tuple(dict.fromkeys(name for file in files for name in file.system.classes))


def gather(wanted: Comparison, files: Mapping[Path, SystemFile], screen: Screen) -> Inputs:
    """Fetches the encoders and lists the images. Raises CotbuildError."""
    encoders = tuple(dict.fromkeys(wanted.encoders)) or measured_by(files.values())
    crop = crop_for(wanted.crop, wanted.images, files.values())
    # Before any image is read: a slip in a name is said at once.
    located = {
        spec: fetch_encoder(spec, device=wanted.device, dtype=wanted.dtype, screen=screen)
        for spec in encoders
    }
    found = read_images(wanted.images, class_names(files.values()), screen)
    pictures = distinct(found)
    images = [pictures[digest] for digest in sorted(pictures)]
    say_unknown_classes(files, images, screen)
    return Inputs(files, located, found, images, crop)


def with_each_encoder(
    inputs: Inputs, screen: Screen, work: Callable[[Encoder, Vectors, PhraseVectors], T]
) -> dict[str, tuple[T, EncoderIdentity]]:
    """The results of `work` on each encoder's image vectors [n, d], by the encoder's spec.

    Encoders are loaded one after the other, used, and freed before the next.
    """
    measured = {}
    preprocess = [each.preprocess for each in inputs.located.values()]
    folder = default_cache_folder()
    with closing(decoded_once(preprocess, crop=inputs.crop, folder=folder)) as readers:
        for (spec, each), read in zip(inputs.located.items(), readers, strict=False):
            title = EncoderSpec.parse(each.name).title
            with screen.step(f"Loading the encoder {title}"):
                encoder = each.load()
            vectors, phrases = encode_images(encoder, inputs.images, inputs.crop, screen, read)
            made = work(encoder, vectors, phrases)
            measured[spec] = (made, identity_of(encoder))
            # Weights may be in reference cycles, and two large encoders need not fit in memory.
            del encoder
            gc.collect()
    say_what_differs(inputs.files, [identity for _, identity in measured.values()], screen)
    return measured


def check_accuracy(worst: float, min_accuracy: float | None, screen: Screen) -> None:
    """Raises typer.Exit with 1 where the worst of all is below what was asked for."""
    if min_accuracy is not None and worst < min_accuracy:
        screen.below(worst, min_accuracy)
        raise typer.Exit(1)
