"""The inputs of `score` and `questions`: system files, images, and encoders one by one."""

import gc
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from builder.cli import file_inputs
from builder.cli.encoder_download import fetch_encoder
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


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """The inputs, found before anything is encoded. `images`: distinct, in digest order.

    `screen`: where it is told what becomes of them.
    """

    files: Mapping[Path, SystemFile]
    source: ImageSource
    found: ImageSet
    images: Sequence[LabelledImage]
    crop: Crop | None
    dtype: str
    located: Mapping[str, Located]
    screen: Screen

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes of all systems, each once."""
        names = (name for file in self.files.values() for name in file.system.classes)
        return tuple(dict.fromkeys(names))

    def images_json(self) -> object:
        """The images as JSON: where they are from, and which were used."""
        found = self.found
        return {
            **asdict(self.source),
            "revision": found.revision,
            "crop": str(self.crop) if self.crop else None,
            "used": len(self.images),
            "left_out": [asdict(each) for each in (*found.skipped, *found.conflicting)],
            "empty_classes": list(found.empty_classes),
            "matched": [asdict(each) for each in found.matched],
            "other_rows": found.other_rows,
        }

    def encoder_json(self, identity: EncoderIdentity) -> object:
        return {**identity.model_dump(), "dtype": self.dtype}


def gather(
    files: Mapping[Path, SystemFile],
    source: ImageSource,
    encoders: Sequence[str],
    crop: str | None,
    device: str,
    dtype: str,
    screen: Screen,
) -> Inputs:
    """Fetches the encoders and lists the images. Raises CotbuildError."""
    specs = tuple(dict.fromkeys(encoders)) or file_inputs.measured_by(files.values())
    part = file_inputs.crop_for(crop, source, files.values())
    # Before any image is read: a slip in a name is said at once.
    located = {
        spec: fetch_encoder(spec, device=device, dtype=dtype, screen=screen) for spec in specs
    }
    names = dict.fromkeys(name for file in files.values() for name in file.system.classes)
    found = file_inputs.read_images(source, tuple(names), screen)
    pictures = distinct(found)
    images = [pictures[digest] for digest in sorted(pictures)]
    file_inputs.say_unknown_classes(files, images, screen)
    return Inputs(files, source, found, images, part, dtype, located, screen)


def with_each_encoder(
    inputs: Inputs, work: Callable[[Encoder, Vectors, PhraseVectors], T]
) -> dict[str, tuple[T, EncoderIdentity]]:
    """The results of `work` on each encoder's image vectors [n, d], by the encoder's spec.

    Encoders are loaded one after the other, used, and freed before the next.
    """
    measured, screen = {}, inputs.screen
    preprocess = [each.preprocess for each in inputs.located.values()]
    folder = default_cache_folder()
    with closing(decoded_once(preprocess, crop=inputs.crop, folder=folder)) as readers:
        for (spec, each), read in zip(inputs.located.items(), readers, strict=False):
            title = EncoderSpec.parse(each.name).title
            with screen.step(f"Loading the encoder {title}"):
                encoder = each.load()
            what = f"Encoding with {title}"
            vectors, phrases = file_inputs.encode_images(
                encoder, inputs.images, inputs.crop, screen, what, read
            )
            measured[spec] = (work(encoder, vectors, phrases), identity_of(encoder))
            # Weights may be in reference cycles, and two large encoders need not fit in memory.
            del encoder
            gc.collect()
    file_inputs.say_what_differs(
        inputs.files, [identity for _, identity in measured.values()], screen
    )
    return measured
