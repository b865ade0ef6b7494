"""What it takes to measure a system file again: its encoder, its crop, and image vectors."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from builder.cli.screen import Screen
from builder.cli.settings import crop_of
from builder.cli.workspace import PhraseVectors
from builder.data.images import ImageSet, LabelledImage
from builder.data.pictures import Crop
from builder.data.sources import ImageSource, read_source
from builder.encoders.cache_folder import default_cache_folder
from builder.encoders.protocol import Encoder, Vectors
from builder.encoders.reading import PixelReader
from builder.encoders.spec import EncoderSpec
from builder.encoders.vector_cache import VectorCache, encode_image_files
from builder.errors import InputError
from builder.scoring.wording import counted
from builder.system.file import EncoderIdentity, SplitName, SystemFile


def measured_by(files: Iterable[SystemFile]) -> tuple[str, ...]:
    """The encoders that measured the systems, as `--encoder` takes them. Raises InputError."""
    known = {
        spec_of(file.provenance.encoder)
        for file in files
        if file.provenance and file.provenance.encoder
    }
    if not known:
        raise InputError(
            "no encoder was named, and the files do not say which one measured them",
            hint="name one or more with --encoder, e.g. --encoder jina-clip-v1",
        )
    return tuple(sorted(known))


def spec_of(encoder: EncoderIdentity) -> str:
    """The spec that opens that encoder again; a hub checkpoint at the commit that was used."""
    return EncoderSpec.parse(encoder.name).pinned(encoder.revision)


def crop_for(flag: str | None, source: ImageSource, files: Iterable[SystemFile]) -> Crop | None:
    """The crop by `--crop`, else the one the systems were measured with. Raises InputError."""
    crops = {file.provenance.crop for file in files if file.provenance}
    if flag is not None or not crops:
        return crop_of(flag, source)
    if len(crops) > 1:
        raise InputError(
            "the systems were measured on different crops of the images",
            hint="say which part of each image to look at: --crop left,top,right,bottom",
        )
    measured = next(iter(crops))
    return Crop(*measured) if measured else None


def read_images(source: ImageSource, names: Sequence[str], screen: Screen) -> ImageSet:
    """The labelled images of those classes; says what was left out. Raises InputError."""
    downloads = default_cache_folder() / "images"
    with screen.progress("Reading images") as on_progress:
        found = read_source(source, names, downloads=downloads, on_progress=on_progress)
    screen.images(found)
    return found


def say_unknown_classes(
    files: Mapping[Path, SystemFile], images: Sequence[LabelledImage], screen: Screen
) -> None:
    """Warns of images whose classes a system doesn't have: they can only count as wrong."""
    present = {image.label for image in images}
    for path, file in files.items():
        if missing := present - set(file.system.classes):
            classes = counted(len(missing), "class", "classes")
            screen.warning(f"{path.name} does not have {classes}, whose images count as wrong")


def say_what_differs(
    files: Mapping[Path, SystemFile], identities: Iterable[EncoderIdentity], screen: Screen
) -> None:
    """Warns where an encoder is not as it was: other weights, preprocessing or dtype."""
    identities = tuple(identities)
    by_name = {identity.name: identity for identity in identities}
    for path, file in files.items():
        before = file.provenance.encoder if file.provenance else None
        now = by_name.get(before.name) if before else None
        if before and now and before.fingerprint != now.fingerprint:
            screen.warning(
                f"{now.name} is not as it was when {path.name} was measured (weights, "
                "preprocessing or --dtype)"
            )
        fitted = file.scoring.fitted
        for other in identities:
            if fitted and other.fingerprint != fitted.encoder:
                screen.warning(
                    f"the scoring of {path.name} was fitted with another encoder: {other.name} "
                    f"scores by the rule {file.scoring.rule} without what was fitted"
                )


def say_looks(
    files: Mapping[Path, SystemFile], shown: Collection[SplitName], screen: Screen
) -> None:
    """Says how often sessions have looked at the splits shown, as far as the files know."""
    for path, file in files.items():
        if (before := file.provenance) is None:
            continue
        # Older files count versions only, each of which was a look.
        held_out = max(before.held_out_looks, before.versions_tried)
        looks: list[str] = []
        if "held_out" in shown:
            looks.append(f"{counted(held_out, 'time')} at its held-out images")
        if "final" in shown:
            looks.append(f"{counted(before.final_looks, 'time')} at its final ones")
        if looks:
            screen.warning(
                f"the session of {path.name} looked {' and '.join(looks)}; it can't count this "
                "look, and every look makes such figures worth less"
            )


def encode_images(
    encoder: Encoder,
    images: Sequence[LabelledImage],
    crop: Crop | None,
    screen: Screen,
    what: str = "Encoding images",
    read: PixelReader | None = None,
) -> tuple[Vectors, PhraseVectors]:
    """Vectors [n, d] of the images, and an encoder of phrases; both use the cache."""
    cache = VectorCache(default_cache_folder(), encoder.fingerprint, on_warning=screen.warning)
    with screen.progress(what) as on_progress:
        vectors = encode_image_files(
            encoder, cache, images, crop=crop, on_progress=on_progress, read=read
        )
    return vectors, PhraseVectors(encoder, cache)
