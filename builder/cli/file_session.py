"""A new session that begins from a system file, for whoever has no classes file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from builder.cli.measured import identity_of, say_what_differs
from builder.cli.model import ModelOptions
from builder.cli.screen import Screen
from builder.cli.settings import SessionOptions, pinned, settings_of
from builder.cli.setup import (
    RunMode,
    confirm_download,
    encoder_of,
    fresh_folder,
    images_of,
    open_workspace,
    put,
)
from builder.cli.workspace import Workspace
from builder.data import ClassEntry, ImageSource
from builder.errors import InputError
from builder.session.journal import Session, check_free
from builder.session.records import Drafted
from builder.session.state import State, advance, begin
from builder.system.file import SystemFile, load_system_file

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FileWishes:
    """What the flags say; crop and scoring are otherwise those of the file."""

    images: ImageSource | None
    encoder: str | None
    crop: str | None
    device: str
    dtype: str
    seed: int
    out: Path | None
    model: ModelOptions


@contextmanager
def session_from_file(
    path: Path,
    options: FileWishes,
    mode: RunMode,
    screen: Screen,
    prepare: Callable[[State, Path], T],
) -> Iterator[tuple[Session, Workspace, T]]:
    """The open session with the file's system as its draft, and what `prepare` made of that.

    `prepare` gets the state and the folder before anything is written: what it raises leaves
    nothing behind. Raises CotbuildError.
    """
    file = load_system_file(path)
    if options.images is None:
        raise InputError(
            f"no images were named to measure {path} on",
            hint="name a folder with one sub-folder per class, or a data set: --images FOLDER",
        )
    entries = tuple(ClassEntry(name) for name in file.system.classes)
    started = settings_of(_options(path, file, options), entries, file, None)
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
        put(session, None, draft, screen)
        workspace = open_workspace(session, images, encoder, screen)
        if workspace is None:
            raise ValueError("a session with images has a workspace")
        yield session, workspace, prepared


def _options(path: Path, file: SystemFile, options: FileWishes) -> SessionOptions:
    """As `new --start` has them."""
    crop = file.provenance.crop if file.provenance else None
    return SessionOptions(
        classes=path,
        images=options.images,
        no_images=False,
        encoder=options.encoder,
        model=options.model,
        transcript=True,
        language="en",
        context=None,
        domain=None,
        attributes=(),
        start=path,
        crop=options.crop or (",".join(map(repr, crop)) if crop else None),
        rule=None,
        scale=None,
        device=options.device,
        dtype=options.dtype,
        seed=options.seed,
        patience=2,
    )
