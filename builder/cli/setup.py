"""From flags to a running session: everything is checked before anything is spent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from builder.cli import INTERRUPTED
from builder.cli.first_draft import first_draft
from builder.cli.measured import identity_of, say_what_differs
from builder.cli.model import ModelOptions, may_cost, open_model, spoken_to, what_it_takes
from builder.cli.opening import download_needed, fetch_encoder
from builder.cli.pictures import SessionPictures
from builder.cli.play import EXPORT_NAME, Format, Table, play, save_best, store
from builder.cli.screen import Screen, Shortfall
from builder.cli.settings import pinned
from builder.cli.workspace import (
    Workspace,
    distinct,
    encoded_workspace,
    list_images,
    new_splits,
)
from builder.data import LabelledImage
from builder.edits.apply import EditError, apply
from builder.edits.file import read_proposals
from builder.edits.model import Proposal
from builder.encoders.protocol import Encoder
from builder.errors import CotbuildError, InputError, SessionError
from builder.proposals.requests import Drafter
from builder.review.loop import Recorded
from builder.review.view import AutoReviewer, EditsReviewer, Reviewer
from builder.scoring.near_duplicates import near_duplicates
from builder.session.export import exported
from builder.session.journal import Session, check_free
from builder.session.records import Assigned, Drafted, Record, Started
from builder.session.state import State, advance
from builder.system.file import SystemFile
from builder.terminal.ask import open_asker
from builder.terminal.asker import Asker, interactive
from builder.terminal.review import TerminalReviewer

SESSIONS = Path("cotbuild-sessions")


@dataclass(frozen=True, slots=True)
class RunMode:
    """How a session is played: by whom, how long, and what counts as success."""

    auto: bool
    yes: bool
    rounds: int | None
    min_accuracy: float | None
    edits: Path | None = None
    # Calls to the model at a time; None: as many as suit the server.
    parallel: int | None = None


def begin(
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
    _check_goal(started, mode)
    check_free(folder)
    drafter = open_model(started, folder, screen, parallel=mode.parallel)
    _confirm_spending(started, mode, asker, drafted=start is not None)
    confirm_download(started, mode, asker, screen, named=encoder_named)
    images = images_of(started, screen)
    encoder = encoder_of(started, screen, agreed=True)
    if start and encoder:
        say_what_differs(dict([start]), [identity_of(encoder)], screen)
    with Session.create(folder, pinned(started, encoder)) as session:
        screen.began(session.folder, started)
        if start is not None:
            path, file = start
            put(session, None, Drafted(system=file.system, source=str(path)), screen)
        _play(session, images, encoder, drafter, asker, mode, screen)


def go_on(folder: Path, options: ModelOptions, mode: RunMode, screen: Screen) -> None:
    """`cotbuild resume`. Raises CotbuildError; ends with typer.Exit where the code is not 0."""
    with Session.open(folder.resolve()) as session:
        asker = asker_for(mode)
        started = session.state.started
        _check_goal(started, mode)
        edits = _read_edits(mode.edits, session.state) if mode.edits else ()
        # Another model may answer from here on; the journal keeps what the session began with.
        speaking = spoken_to(started, options)
        # With a file of edits nobody is there to read what a model would propose.
        drafter = (
            None
            if edits
            else open_model(
                speaking, session.folder, screen, parallel=mode.parallel, state=session.state
            )
        )
        if drafter is not None:
            _confirm_spending(speaking, mode, asker, drafted=session.state.system is not None)
        images = images_of(started, screen)
        encoder = encoder_of(started, screen)
        screen.resumed(session.folder, session.state, session.torn_bytes)
        _play(session, images, encoder, drafter, asker, mode, screen, edits)


def _play(
    session: Session,
    images: dict[str, LabelledImage] | None,
    encoder: Encoder | None,
    drafter: Drafter | None,
    asker: Asker | None,
    mode: RunMode,
    screen: Screen,
    edits: Sequence[Proposal] = (),
) -> None:
    try:
        workspace = open_workspace(session, images, encoder, screen)
        # A crash may have come between the journal and the file that follows from it.
        save_best(session, workspace)
        if session.state.system is None and drafter is None:
            drafted = first_draft(session.state.started, workspace, asker, screen)
            put(session, workspace, drafted, screen)
        pictures = SessionPictures.of(session.state.started, images) if images else None
        reviewer = _reviewer(session, asker, edits, screen, pictures)
        ended = play(Table(session, workspace, drafter, reviewer), screen, rounds=mode.rounds)
        if mode.auto:
            record = exported(
                session.state,
                workspace.evaluator if workspace else None,
                str(session.folder / EXPORT_NAME),
            )
            put(session, workspace, record, screen)
        shortfall = _shortfall(session.state, mode)
        screen.ended(session.folder, ended, exported=mode.auto, shortfall=shortfall)
    except KeyboardInterrupt:
        screen.left(session.folder)
        raise typer.Exit(INTERRUPTED) from None
    except CotbuildError as error:
        screen.over()
        saved = f"Everything so far is saved; go on with: cotbuild resume {session.folder}"
        error.hint = f"{error.hint}\n{saved}"
        raise
    if shortfall:
        raise typer.Exit(1)


def put(
    session: Session,
    workspace: Workspace | None,
    record: Record,
    screen: Screen,
    form: Format = "cotbuild",
) -> None:
    """Stores one record outside the loop, and says so."""
    event = Recorded(record, advance(session.state, record))
    store(session, workspace, event, form)
    screen.recorded(event)


def workspace_of(session: Session, screen: Screen) -> Workspace | None:
    """The workbench of a session that was opened."""
    started = session.state.started
    images = images_of(started, screen)
    return open_workspace(session, images, encoder_of(started, screen), screen)


def workspace_to_read(
    state: State, screen: Screen
) -> tuple[Workspace, Mapping[str, LabelledImage]] | None:
    """The workbench of a session that is only looked at, and its images by digest.

    Images that the session does not know stay out: to give them a split is to write. None without
    images or an encoder.
    """
    started = state.started
    found = images_of(started, screen)
    known = {digest: image for digest, image in (found or {}).items() if digest in state.splits}
    encoder = encoder_of(started, screen) if known else None
    if encoder is None:
        return None
    with screen.progress("Encoding images") as on_progress:
        workspace = encoded_workspace(
            started,
            known,
            state.splits,
            encoder=encoder,
            on_progress=on_progress,
            on_warning=screen.warning,
        )
    screen.encoder(encoder, workspace)
    return workspace, known


def _reviewer(
    session: Session,
    asker: Asker | None,
    edits: Sequence[Proposal],
    screen: Screen,
    pictures: SessionPictures | None,
) -> Reviewer:
    if edits:
        return EditsReviewer(edits)
    if asker is None:
        return AutoReviewer()
    return TerminalReviewer(asker, screen.results, session.folder, pictures)


def _read_edits(path: Path, state: State) -> tuple[Proposal, ...]:
    """The proposals of the file, all of which fit one after the other. Raises InputError."""
    try:
        proposals = read_proposals(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InputError(
            f"{path} can't be read: {why}", hint="name a UTF-8 file with proposals: --edits FILE"
        ) from error
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


def asker_for(mode: RunMode) -> Asker | None:
    """Who is asked; None if nobody need be. Raises InputError if somebody must be and isn't."""
    if mode.auto or mode.edits:
        return None
    if not interactive():
        raise InputError(
            "there is nobody to review the proposals: this is not a terminal",
            hint="add --auto to accept what helps on review images, run it in a terminal, or give "
            "proposals with cotbuild resume --edits FILE",
        )
    return open_asker()


def images_of(started: Started, screen: Screen) -> dict[str, LabelledImage] | None:
    """The session's images by digest; None if it has none. Raises InputError."""
    with screen.progress("Reading images") as on_progress:
        found = list_images(started, on_progress)
    if found is None:
        screen.no_images()
        return None
    images = distinct(found)
    screen.images(found, copies=len(found.images) - len(images))
    return images


def encoder_of(started: Started, screen: Screen, *, agreed: bool = False) -> Encoder | None:
    """The session's encoder, loaded; None if it has none. Raises EncoderError."""
    if started.encoder is None:
        return None
    located = fetch_encoder(
        started.encoder, device=started.device, dtype=started.dtype, screen=screen, agreed=agreed
    )
    with screen.step(f"Loading the encoder {located.name}"):
        return located.load()


def open_workspace(
    session: Session,
    images: dict[str, LabelledImage] | None,
    encoder: Encoder | None,
    screen: Screen,
) -> Workspace | None:
    if images is None or encoder is None:
        return None
    state = session.state
    fresh = new_splits(images, state.splits, state.started.seed)
    if fresh:
        put(session, None, Assigned(splits=fresh), screen)
    with screen.progress("Encoding images") as on_progress:
        workspace = encoded_workspace(
            state.started,
            images,
            session.state.splits,
            encoder=encoder,
            on_progress=on_progress,
            on_warning=screen.warning,
        )
    screen.encoder(encoder, workspace)
    if fresh:
        names = {digest: str(image.path) for digest, image in images.items()}
        screen.near_duplicates(near_duplicates(workspace.evaluator.splits), names)
    return workspace


def _confirm_spending(
    started: Started, mode: RunMode, asker: Asker | None, *, drafted: bool
) -> None:
    """Before a request leaves for a server that may charge for it, somebody must have agreed."""
    if mode.yes or not may_cost(started):
        return
    what = what_it_takes(started, drafted=drafted)
    if asker is None:
        raise InputError(
            f"{what}; nobody has agreed to the cost",
            hint="add --yes to agree, or use a local server with --llm-url",
        )
    if not asker.confirm(f"{what}. Go on?", default=True):
        raise typer.Exit(0)


def confirm_download(
    started: Started, mode: RunMode, asker: Asker | None, screen: Screen, *, named: bool
) -> None:
    """Gigabytes are downloaded only if somebody asked for them; `named`: for this very encoder."""
    if started.encoder is None:
        return
    needed = download_needed(started.encoder, screen)
    if needed is None:
        return
    if asker is not None and not mode.yes:
        if not asker.confirm(f"{needed}. Go on?", default=True):
            raise typer.Exit(0)
    elif named or mode.yes:
        screen.warning(needed)
    else:
        raise InputError(
            f"{needed}; nobody has agreed to that",
            hint="add --yes to agree, or name an encoder that is here with --encoder",
        )


def fresh_folder(classes: Path) -> Path:
    stem = classes.absolute().parent.name if classes.stem == "classes" else classes.stem
    for number in range(1, 10_000):
        folder = SESSIONS / f"{stem or 'session'}-{number}"
        if not folder.exists():
            return folder
    raise SessionError(
        f"{SESSIONS} is full of sessions named {stem}", hint="name another folder with --out"
    )


def _check_goal(started: Started, mode: RunMode) -> None:
    if mode.min_accuracy is not None and started.images is None:
        raise InputError(
            "there are no images, so no accuracy can be reached",
            hint="leave --min-accuracy out, or name images with --images",
        )


def _shortfall(state: State, mode: RunMode) -> Shortfall | None:
    """How far the best version is from being good enough, if it is not."""
    if mode.min_accuracy is None:
        return None
    best = state.best_version
    reached = best.correct / len(best.held_out) if best and best.held_out else 0.0
    return Shortfall(reached, mode.min_accuracy) if reached < mode.min_accuracy else None
