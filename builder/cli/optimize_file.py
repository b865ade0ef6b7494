"""A new session that begins from a system file, for whoever has no classes file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from builder import __version__
from builder.cli.begin import fresh_folder
from builder.cli.consent import confirm_download
from builder.cli.file_inputs import say_what_differs
from builder.cli.model import ModelOptions, spoken_to
from builder.cli.open_workspace import encoder_of, images_of, open_workspace
from builder.cli.save import record_entry
from builder.cli.screen import Screen
from builder.cli.settings import RunMode, crop_of, pinned, with_images
from builder.cli.workspace import Workspace, identity_of
from builder.data.pictures import Crop
from builder.data.sources import ImageSource
from builder.errors import InputError
from builder.proposals.requests import DEFAULT_ATTRIBUTES
from builder.session.journal import Session, check_free
from builder.session.records import ClassInfo, Drafted, Started
from builder.session.state import State, advance, begin
from builder.system.file import SystemFile, load_system_file

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FileOptions:
    """The flags for a system file; without them crop and scoring are those of the file."""

    images: ImageSource | None
    encoder: str | None
    crop: str | None
    device: str
    dtype: str
    split_seed: int
    out: Path | None
    model: ModelOptions


@contextmanager
def session_from_file(
    path: Path,
    options: FileOptions,
    mode: RunMode,
    screen: Screen,
    prepare: Callable[[State, Path], T],
) -> Iterator[tuple[Session, Workspace, T]]:
    """The open session with the file's system as its draft, and the result of `prepare`.

    `prepare` gets the state and the folder before anything is written: what it raises leaves
    nothing behind. Raises CotbuildError.
    """
    file = load_system_file(path)
    if options.images is None:
        raise InputError(
            f"no images were named to measure {path} on",
            hint="name a folder with one sub-folder per class, or a data set: --images FOLDER",
        )
    started = _settings(file, options)
    folder = (options.out or fresh_folder(path)).absolute()
    check_free(folder)
    draft = Drafted(system=file.system, source=str(path))
    prepared = prepare(advance(begin(started), draft), folder)
    confirm_download(started, mode, None, screen, named=options.encoder is not None)
    images = images_of(started, screen)
    encoder = encoder_of(started, screen, agreed=True)
    if encoder:
        say_what_differs({path: file}, [identity_of(encoder)], screen)
    with Session.create(folder, pinned(started, encoder)) as session:
        screen.began(session.folder, started)
        record_entry(session, None, draft, screen)
        workspace = open_workspace(session, images, encoder, screen)
        if workspace is None:
            raise ValueError("a session with images has a workspace")
        yield session, workspace, prepared


def _settings(file: SystemFile, options: FileOptions) -> Started:
    """The settings that `new --start` would give the session."""
    measured = file.provenance.crop if file.provenance else None
    part = (
        Crop(*measured) if measured and not options.crop else crop_of(options.crop, options.images)
    )
    settings = Started(
        cotbuild=__version__,
        domain=file.system.domain,
        classes=tuple(ClassInfo(name=name) for name in file.system.classes),
        images=None,
        encoder=None,
        device=options.device,
        dtype=options.dtype,
        llm=None,
        attributes=DEFAULT_ATTRIBUTES,
        scoring=file.scoring.of_session(),
        seed=options.split_seed,
    )
    return spoken_to(with_images(settings, options.images, options.encoder, part), options.model)
