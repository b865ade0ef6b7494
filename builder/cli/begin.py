"""Begins or resumes a session: everything is checked before any money or time is spent."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from builder.cli.consent import asker_for, confirm_download, confirm_spending
from builder.cli.file_inputs import say_what_differs
from builder.cli.model import ModelOptions, open_model, spoken_to
from builder.cli.open_workspace import encoder_of, images_of
from builder.cli.run import check_goal, is_finished, run_session
from builder.cli.save import Running
from builder.cli.screen import Screen
from builder.cli.settings import RunMode, pinned
from builder.cli.user_files import read_text
from builder.cli.workspace import identity_of
from builder.edits.apply import EditError, apply
from builder.edits.file import read_proposals
from builder.edits.model import Proposal
from builder.errors import InputError
from builder.session.journal import Session, check_free
from builder.session.records import Drafted, Started
from builder.session.state import State
from builder.system.file import SystemFile, load_system_file

SESSIONS = Path("cotbuild-sessions")


def begin_session(
    started: Started,
    start: tuple[Path, SystemFile] | None,
    folder: Path,
    mode: RunMode,
    screen: Screen,
    *,
    encoder_named: bool = True,
) -> None:
    """Begins a session in `folder`, from the system of the file `start` if there is one.

    `encoder_named`: somebody asked for this very encoder, and so for its download.
    Raises CotbuildError; ends with typer.Exit where the code is not 0.
    """
    asker = asker_for(mode)
    if start is None and started.llm is None and started.images is None and asker is None:
        raise InputError(
            "there is no system to begin with, no language model to draft one, and no image to "
            "fit rules of general attributes on",
            hint="name a model with --llm, images with --images, or begin from a system with "
            "--start FILE",
        )
    check_goal(started, mode)
    check_free(folder)
    drafter = open_model(started, folder, screen, parallel=mode.parallel, timeout=mode.timeout)
    confirm_spending(started, mode, asker, drafted=start is not None)
    confirm_download(started, mode, asker, screen, named=encoder_named)
    with created(started, start, folder, screen) as running:
        run_session(running, drafter, asker, mode)


@contextmanager
def created(
    started: Started, start: tuple[Path, SystemFile] | None, folder: Path, screen: Screen
) -> Iterator[Running]:
    """A new session in `folder`; its images are read and its encoder is loaded before."""
    images = images_of(started, screen)
    encoder = encoder_of(started, screen, agreed=True)
    if start and encoder:
        say_what_differs(dict([start]), [identity_of(encoder)], screen)
    with Session.create(folder, pinned(started, encoder)) as session:
        running = Running(session, screen, images, encoder)
        screen.began(session.folder, started)
        if start is not None:
            path, file = start
            running.record(Drafted(system=file.system, source=started.start or str(path)))
        yield running


def resume_session(folder: Path, options: ModelOptions, mode: RunMode, screen: Screen) -> None:
    """Resumes the session in `folder`.

    Raises CotbuildError; ends with typer.Exit where the code is not 0.
    """
    with Session.open(folder.resolve()) as session:
        asker, state, folder = asker_for(mode), session.state, session.folder
        check_goal(state.started, mode)
        if mode.auto and not (mode.rounds or mode.edits) and is_finished(session, mode, screen):
            return
        edits = _read_edits(mode.edits, state) if mode.edits else ()
        # Another model may answer from here on; the journal keeps what the session began with.
        speaking = spoken_to(state.started, options)
        drafter = None
        # With a file of edits nobody is there to read what a model would propose.
        if not edits:
            drafter = open_model(
                speaking, folder, screen, parallel=mode.parallel, timeout=mode.timeout, state=state
            )
        if drafter is not None:
            drafted = state.system is not None or state.started.start is not None
            confirm_spending(speaking, mode, asker, drafted=drafted)
        images, encoder = images_of(state.started, screen, state), encoder_of(state.started, screen)
        screen.resumed(folder, state, session.torn_bytes)
        running = Running(session, screen, images, encoder)
        if state.system is None and (start := state.started.start):
            running.record(Drafted(system=load_system_file(Path(start)).system, source=start))
        run_session(running, drafter, asker, mode, edits)


def _read_edits(path: Path, state: State) -> tuple[Proposal, ...]:
    """Reads the proposals of a file, which must all fit, one after the other. Raises InputError."""
    hint = "name a UTF-8 file with proposals: --edits FILE"
    proposals = read_proposals(read_text(path, hint))
    if not proposals or state.system is None:
        raise InputError(
            f"{path} holds no proposals" if not proposals else "nothing was drafted yet",
            hint="the format is described in systems/README.md",
        )
    # Tried one after the other before anything is recorded: all of a file is applied, or nothing.
    system = state.system
    for number, proposal in enumerate(proposals):
        try:
            system = apply(system, proposal.edits)
        except EditError as error:
            error.message = f"{path}, [{number}].edits: {error.message}"
            raise
    return proposals


def fresh_folder(classes: Path) -> Path:
    """A folder for a new session, named after the file of its classes."""
    # Resolved: the folder above "../classes.txt" has a name of its own.
    stem = classes.resolve().parent.name if classes.stem == "classes" else classes.stem
    folders = (SESSIONS / f"{stem or 'session'}-{number}" for number in count(1))
    return next(folder for folder in folders if not folder.exists())
