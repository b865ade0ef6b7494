"""A session's settings and how it is run, from flags and a few questions."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from builder.cli.workspace import scoring_from
from builder.data.classes import ClassEntry
from builder.data.pictures import Crop
from builder.data.sources import ImageSource, known_crop
from builder.encoders.protocol import Encoder
from builder.encoders.spec import EncoderSpec
from builder.errors import InputError
from builder.session.records import ClassInfo, Started
from builder.system.file import SystemFile, load_system_file
from builder.system.model import Scoring
from builder.terminal.asker import Asker

DEFAULT_ENCODER = "jina-clip-v1"


@dataclass(frozen=True, slots=True)
class RunMode:
    """How a session is run: by whom, how long, and which accuracy counts as success."""

    auto: bool
    yes: bool
    rounds: int | None
    min_accuracy: float | None
    edits: Path | None = None
    # Calls to the model at a time; None: as many as suit the server.
    parallel: int | None = None


def class_infos(entries: Iterable[ClassEntry]) -> tuple[ClassInfo, ...]:
    """The classes in the journal's form."""
    return tuple(ClassInfo(name=entry.name, description=entry.description) for entry in entries)


def with_images(
    started: Started, source: ImageSource | None, encoder: str | None, crop: Crop | None
) -> Started:
    """The settings with the images, the part of each that counts, and the encoder to measure them.

    Raises EncoderError for what is no encoder.
    """
    update: dict[str, object] = {}
    if crop is not None:
        update["crop"] = (crop.left, crop.top, crop.right, crop.bottom)
    if source is not None:
        update |= {
            "images": _absolute_if_folder(source.location),
            "image_column": source.image_column,
            "label_column": source.label_column,
            "data_split": source.data_split,
            "encoder": _encoder(encoder or DEFAULT_ENCODER),
        }
    return started.model_copy(update=update)


def scoring_of(rule: str | None, scale: float | None, start: SystemFile | None) -> Scoring:
    """The scoring by the flags, else by the file to begin from. Raises InputError."""
    if rule is None and scale is None and start is not None:
        return start.scoring.of_session()
    return scoring_from(rule or "sum", scale)


def crop_of(wish: str | None, images: ImageSource | None) -> Crop | None:
    """The part of each image to look at: as wished, else what a known data set needs; or None."""
    if wish is None and images is not None:
        wish = known_crop(images.location)
    return Crop.parse(wish) if wish else None


def ask_for_images(asker: Asker | None) -> ImageSource | None:
    """Asks for the image folder; None for none. Raises InputError if there is nobody to ask."""
    if asker is None:
        raise InputError(
            "no images were named, and there is nobody to ask",
            hint="name a folder with one sub-folder per class, or a data set on the hub: "
            "--images FOLDER; or draft without scoring anything: --no-images",
        )
    answer = asker.text(
        "Folder with the images (empty: none, nothing is scored):",
        check=_folder_complaint,
    )
    return ImageSource(str(expanded(answer))) if answer else None


def _folder_complaint(typed: str) -> str | None:
    try:
        found = not typed or expanded(typed).is_dir()
    except (InputError, OSError):
        found = False
    return None if found else f"there is no folder {typed}"


def expanded(path: str) -> Path:
    """The path with `~` resolved. Raises InputError."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise InputError(f"{path}: {error}", hint="write the folder's name out") from error


def domain_of(wish: str | None, start: SystemFile | None, asker: Asker | None) -> str:
    """What the classes are: as wished, else from the file to begin from, else asked."""
    if wish and wish.strip():
        return wish.strip()
    if start is not None:
        return start.system.domain
    typed = asker.text("What are these classes, in a word? (e.g. Pokémon)") if asker else None
    return typed or "object"


def _absolute_if_folder(spec: str) -> str:
    # A session may be resumed from another folder.
    try:
        folder = expanded(spec)
        return str(folder.absolute()) if folder.is_dir() else spec
    except (InputError, OSError):
        return spec  # not a path; opening it says what it is not


def start_file(path: Path, entries: tuple[ClassEntry, ...]) -> SystemFile:
    """The system to begin from; its classes must be those of the classes file."""
    file = load_system_file(path)
    names = {entry.name for entry in entries}
    missing = [name for name in names if name not in file.system.rules]
    extra = [name for name in file.system.rules if name not in names]
    if missing or extra:
        parts = [
            f"{what}: {', '.join(sorted(found)[:8])}"
            for what, found in (("without a rule", missing), ("not in the classes file", extra))
            if found
        ]
        raise InputError(
            f"{path} is for other classes than the classes file ({'; '.join(parts)})",
            hint="make the names the same in both files, letter by letter",
        )
    return file


def _encoder(spec: str) -> str:
    """The encoder in the journal's form, for a session may be resumed from another folder."""
    found = EncoderSpec.parse(spec)
    return f"{found.folder.absolute()}{found.options}" if found.folder else spec


def pinned(started: Started, encoder: Encoder | None) -> Started:
    """The settings with the hub commit that was opened, so that resuming opens the same one.

    And with the scoring for that encoder: without one, nothing is left of what was fitted.
    """
    if encoder is None or started.encoder is None:
        return started.model_copy(update={"scoring": started.scoring.for_encoder("")})
    spec = EncoderSpec.parse(started.encoder).pinned(encoder.revision)
    scoring = started.scoring.for_encoder(encoder.fingerprint)
    return started.model_copy(update={"encoder": spec, "scoring": scoring})
