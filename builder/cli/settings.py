"""From the flags of `new`, and a few questions, to the settings that a session keeps."""

from dataclasses import dataclass
from pathlib import Path

from builder import __version__
from builder.cli.context import read_context
from builder.cli.model import ModelOptions, llm_spec, spoken_to
from builder.cli.workspace import scoring_from
from builder.data import ClassEntry, Crop, ImageSource, known_crop
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
class SessionOptions:
    """What the flags of `new` ask for."""

    classes: Path
    images: ImageSource | None
    no_images: bool
    encoder: str | None
    model: ModelOptions
    transcript: bool
    language: str
    context: Path | None
    domain: str | None
    attributes: tuple[str, ...]
    start: Path | None
    crop: str | None
    rule: str | None
    scale: float | None
    device: str
    dtype: str
    seed: int
    patience: int


def settings_of(
    options: SessionOptions,
    entries: tuple[ClassEntry, ...],
    start: SystemFile | None,
    asker: Asker | None,
) -> Started:
    """The session's settings; asks for what is missing if there is somebody to ask.

    Raises InputError, or EncoderError for what is no encoder.
    """
    images = _images(options, asker)
    crop = crop_of(options.crop, images)
    started = Started(
        cotbuild=__version__,
        domain=_domain(options, start, asker),
        classes=tuple(ClassInfo(name=e.name, description=e.description) for e in entries),
        images=_absolute_if_folder(images.location) if images else None,
        image_column=images.image_column if images else None,
        label_column=images.label_column if images else None,
        data_split=images.data_split if images else None,
        crop=(crop.left, crop.top, crop.right, crop.bottom) if crop else None,
        encoder=_encoder(options.encoder or DEFAULT_ENCODER) if images else None,
        device=options.device,
        dtype=options.dtype,
        llm=llm_spec(options.model.spec),
        llm_url=options.model.url,
        transcript=options.transcript,
        language=options.language,
        context=read_context(options.context),
        attributes=options.attributes or DEFAULT_ATTRIBUTES,
        scoring=_scoring(options, start),
        seed=options.seed,
        patience=options.patience,
    )
    return spoken_to(started, options.model)


def _scoring(options: SessionOptions, start: SystemFile | None) -> Scoring:
    """As the flags say, else as the file to begin from does."""
    if options.rule is None and options.scale is None and start is not None:
        return start.scoring.of_session()
    return scoring_from(options.rule or "sum", options.scale)


def crop_of(wish: str | None, images: ImageSource | None) -> Crop | None:
    """The part of each image to look at: as wished, else as a known data set needs it."""
    if wish is None and images is not None:
        wish = known_crop(images.location)
    return Crop.parse(wish) if wish else None


def _images(options: SessionOptions, asker: Asker | None) -> ImageSource | None:
    if options.images is not None or options.no_images:
        return None if options.no_images else options.images
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


def _domain(options: SessionOptions, start: SystemFile | None, asker: Asker | None) -> str:
    if options.domain and options.domain.strip():
        return options.domain.strip()
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
    """The encoder as the journal keeps it. A session may be resumed from another folder."""
    found = EncoderSpec.parse(spec)
    return f"{found.folder.absolute()}{found.options}" if found.folder else spec


def pinned(started: Started, encoder: Encoder | None) -> Started:
    """With the hub commit that was opened, so that a resumed session opens the same one.

    And with the scoring for that encoder: without one, nothing is left of what was fitted.
    """
    if encoder is None or started.encoder is None:
        return started.model_copy(update={"scoring": started.scoring.for_encoder("")})
    spec = EncoderSpec.parse(started.encoder).pinned(encoder.revision)
    scoring = started.scoring.for_encoder(encoder.fingerprint)
    return started.model_copy(update={"encoder": spec, "scoring": scoring})
