"""Runs a session to its end: the loop, what it saves and shows, and the exit code."""

from collections.abc import Sequence
from pathlib import Path

import typer

from builder.cli import INTERRUPTED
from builder.cli.events import Shortfall
from builder.cli.first_draft import first_draft
from builder.cli.open_workspace import open_workspace
from builder.cli.pictures import SessionPictures
from builder.cli.save import EXPORT_NAME, record_entry, save_best, show_recorded
from builder.cli.screen import Screen
from builder.cli.settings import RunMode
from builder.cli.workspace import Workspace
from builder.data.images import LabelledImage
from builder.edits.model import Proposal
from builder.encoders.protocol import Encoder
from builder.errors import CotbuildError, InputError
from builder.proposals.requests import Drafter
from builder.review.loop import Ended, Recorded, StepFailed, Viewed, Working, finished, run
from builder.review.view import AutoReviewer, EditsReviewer, Reviewer, View
from builder.session.export import exported
from builder.session.journal import Session
from builder.session.records import Started
from builder.session.state import State
from builder.terminal.asker import Asker
from builder.terminal.review import TerminalReviewer


def run_session(
    session: Session,
    images: dict[str, LabelledImage] | None,
    encoder: Encoder | None,
    drafter: Drafter | None,
    asker: Asker | None,
    mode: RunMode,
    screen: Screen,
    edits: Sequence[Proposal] = (),
) -> None:
    """Drafts a system if there is none yet, runs the loop, and says how it ended.

    Raises CotbuildError; ends with typer.Exit where the code is not 0.
    """
    try:
        workspace = open_workspace(session, images, encoder, screen)
        # A crash may have come between the journal and the file that follows from it.
        save_best(session, workspace)
        if session.state.system is None and drafter is None:
            drafted = first_draft(session.state.started, workspace, asker, screen)
            record_entry(session, workspace, drafted, screen)
        pictures = SessionPictures.of(session.state.started, images) if images else None
        reviewer = _reviewer(session, asker, edits, screen, pictures)
        ended = _run_loop(session, workspace, drafter, reviewer, screen, rounds=mode.rounds)
        if mode.auto:
            record = exported(
                session.state,
                workspace.evaluator if workspace else None,
                str(session.folder / EXPORT_NAME),
            )
            record_entry(session, workspace, record, screen)
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


def is_finished(session: Session, mode: RunMode, screen: Screen) -> bool:
    """Whether the automatic session is over and its export still there; if so, says so.

    Ends with typer.Exit where the code is not 0.
    """
    state, reason = session.state, finished(session.state)
    if reason is None or state.exported is None or not Path(state.exported.path).is_file():
        return False
    shortfall = _shortfall(state, mode)
    screen.resumed(session.folder, state, session.torn_bytes)
    screen.finished(session.folder, Ended(state, reason), state.exported.path, shortfall)
    if shortfall:
        raise typer.Exit(1)
    return True


def _run_loop(
    session: Session,
    workspace: Workspace | None,
    drafter: Drafter | None,
    reviewer: Reviewer,
    screen: Screen,
    *,
    rounds: int | None,
) -> Ended:
    """Runs the loop to its end; every record is saved before the next question."""
    for event in run(
        session.state,
        evaluator=workspace.evaluator if workspace else None,
        drafter=drafter,
        reviewer=reviewer,
        export_to=str(session.folder / EXPORT_NAME),
        rounds=rounds,
    ):
        match event:
            case Recorded():
                show_recorded(session, workspace, event, screen)
            case Working():
                screen.working(event)
            case StepFailed():
                screen.failed(event)
            case Viewed():
                _show(event.view, workspace, reviewer, screen)
            case Ended():
                return event
    raise RuntimeError("the loop ended without saying so")


def _show(view: View, workspace: Workspace | None, reviewer: Reviewer, screen: Screen) -> None:
    """Shows a round's screen; if the person stops its diagnosis, the menu comes without it."""
    try:
        screen.viewed(view, workspace.encoder if workspace else None)
    except KeyboardInterrupt:
        if not reviewer.present:
            raise
        screen.failed(StepFailed("drawing the round", None))


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


def check_goal(started: Started, mode: RunMode) -> None:
    """Raises InputError where an accuracy is wanted but there are no images to measure it on."""
    if mode.min_accuracy is not None and started.images is None:
        raise InputError(
            "there are no images, so no accuracy can be reached",
            hint="leave --min-accuracy out, or name images with --images",
        )


def _shortfall(state: State, mode: RunMode) -> Shortfall | None:
    """The best accuracy and the wanted one, if the best falls short; else None."""
    if mode.min_accuracy is None:
        return None
    best = state.best_version
    reached = best.correct / len(best.held_out) if best and best.held_out else 0.0
    return Shortfall(reached, mode.min_accuracy) if reached < mode.min_accuracy else None
