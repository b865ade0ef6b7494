"""A session's settings and how it is run, from flags and a few questions."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from builder import __version__
from builder.cli.model import ModelOptions, spoken_to
from builder.cli.user_files import expanded
from builder.cli.workspace import scoring_from
from builder.data.classes import ClassEntry
from builder.data.pictures import Crop
from builder.data.sources import ImageSource, known_crop
from builder.encoders.protocol import Encoder
from builder.encoders.spec import EncoderSpec
from builder.errors import InputError
from builder.proposals.requests import DEFAULT_ATTRIBUTES
from builder.session.records import ClassInfo, Started
from builder.system.file import SystemFile, load_system_file
from builder.system.model import Scoring
from builder.terminal.asker import Asker

DEFAULT_ENCODER = "jina-clip-v1"


@dataclass(frozen=True, slots=True)
class RunMode:
    """How a session is run: by whom, how long, and which accuracy counts as success."""

    auto: bool
    yes: bool = False
    rounds: int | None = None
    min_accuracy: float | None = None
    edits: Path | None = None
    # Calls to the model at a time; None: as many as suit the server.
    parallel: int | None = None
    # Seconds that the model may be silent; None: as many as suit the server.
    timeout: float | None = None


def settings_of(
    domain: str,
    classes: Iterable[ClassEntry],
    source: ImageSource | None,
    encoder: str | None,
    crop: Crop | None,
    model: ModelOptions,
    **others: Any,
) -> Started:
    """The settings of a new session: its classes, its images and who measures them, its model.

    `crop` is the part of each image that counts; `others` as `Started` names them. Raises
    EncoderError for what is no encoder, InputError for what is no model.
    """
    if source is not None:
        # A session may be resumed from another folder.
        folder = _folder(source.location)
        others |= {
            "images": str(folder.absolute()) if folder else source.location,
            "image_column": source.image_column,
            "label_column": source.label_column,
            "data_split": source.data_split,
            "encoder": _encoder(encoder or DEFAULT_ENCODER),
        }
    unset = {"images": None, "encoder": None, "llm": None, "attributes": DEFAULT_ATTRIBUTES}
    started = Started(
        cotbuild=__version__,
        domain=domain,
        classes=tuple(ClassInfo(name=each.name, description=each.description) for each in classes),
        crop=astuple(crop) if crop else None,
        **unset | others,
    )
    return spoken_to(started, model)


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
        check=lambda typed: None if not typed or _folder(typed) else f"there is no folder {typed}",
    )
    return ImageSource(str(expanded(answer))) if answer else None


def _folder(path: str) -> Path | None:
    """The folder of that name; None for what is no folder, or not even a path."""
    try:
        found = expanded(path)
        return found if found.is_dir() else None
    except (InputError, OSError):
        return None


def domain_of(wish: str | None, start: SystemFile | None, asker: Asker | None) -> str:
    """What the classes are: as wished, else from the file to begin from, else asked."""
    if wish and wish.strip():
        return wish.strip()
    if start is not None:
        return start.system.domain
    typed = asker.text("What are these classes, in a word? (e.g. Pokémon)") if asker else None
    return typed or "object"


def start_file(path: Path, entries: tuple[ClassEntry, ...]) -> SystemFile:
    """The system to begin from; its classes must be those of the classes file."""
    file = load_system_file(path)
    names, ruled = {entry.name for entry in entries}, set(file.system.rules)
    wrong = {"without a rule": names - ruled, "not in the classes file": ruled - names}
    parts = [f"{what}: {', '.join(sorted(found)[:8])}" for what, found in wrong.items() if found]
    if parts:
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
