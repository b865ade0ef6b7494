"""Runs a session to its end: the loop, what it saves and shows, and the exit code."""

from collections.abc import Sequence
from pathlib import Path

import typer

from builder.cli import INTERRUPTED
from builder.cli.first_draft import first_draft
from builder.cli.open_workspace import open_workspace
from builder.cli.pictures import SessionPictures
from builder.cli.save import EXPORT_NAME, Running
from builder.cli.screen import Screen
from builder.cli.settings import RunMode
from builder.edits.model import Proposal
from builder.errors import CotbuildError, InputError
from builder.files import command
from builder.proposals.requests import Drafter
from builder.review.loop import Ended, Recorded, StepFailed, Viewed, Working, finished, run
from builder.review.view import AutoReviewer, EditsReviewer, Reviewer, View
from builder.session.journal import Session
from builder.session.records import Started
from builder.terminal.asker import Asker
from builder.terminal.review import TerminalReviewer


def run_session(
    running: Running,
    drafter: Drafter | None,
    asker: Asker | None,
    mode: RunMode,
    edits: Sequence[Proposal] = (),
) -> None:
    """Drafts a system if there is none yet, runs the loop, and says how it ended.

    Raises CotbuildError; ends with typer.Exit where the code is not 0.
    """
    screen, folder = running.screen, running.session.folder
    try:
        open_workspace(running)
        # A crash may have come between the journal and the file that follows from it.
        running.save_best()
        if running.state.system is None and drafter is None:
            running.record(first_draft(running, asker))
        reviewer = _reviewer(running, asker, edits)
        ended = _run_loop(running, drafter, reviewer, rounds=mode.rounds)
        if mode.auto:
            running.export(folder / EXPORT_NAME)
        screen.ended(folder, ended, mode.min_accuracy, exported=mode.auto)
    except KeyboardInterrupt:
        screen.left(folder)
        raise typer.Exit(INTERRUPTED) from None
    except CotbuildError as error:
        screen.over()
        go_on = command("resume", folder)
        error.hint = f"{error.hint}\nEverything so far is saved; go on with:\n{go_on}"
        raise


def is_finished(session: Session, mode: RunMode, screen: Screen) -> bool:
    """Whether the automatic session is over and its export still there; if so, says so.

    Ends with typer.Exit where the code is not 0.
    """
    state, reason = session.state, finished(session.state)
    if reason is None or state.exported is None or not Path(state.exported.path).is_file():
        return False
    screen.resumed(session.folder, state, session.torn_bytes)
    screen.ended(session.folder, Ended(state, reason), mode.min_accuracy, before=True)
    return True


def _run_loop(
    running: Running, drafter: Drafter | None, reviewer: Reviewer, *, rounds: int | None
) -> Ended:
    """Runs the loop to its end; every record is saved before the next question."""
    for event in run(
        running.state,
        evaluator=running.evaluator,
        drafter=drafter,
        reviewer=reviewer,
        export_to=str(running.session.folder / EXPORT_NAME),
        rounds=rounds,
    ):
        match event:
            case Recorded():
                running.keep(event)
            case Working():
                running.screen.working(event)
            case StepFailed():
                running.screen.failed(event)
            case Viewed():
                _show(event.view, running, reviewer)
            case Ended():
                return event
    raise RuntimeError("the loop ended without saying so")


def _show(view: View, running: Running, reviewer: Reviewer) -> None:
    """Shows a round's screen; if the person stops its diagnosis, the menu comes without it."""
    try:
        running.screen.viewed(view, running.encoder if running.workspace else None)
    except KeyboardInterrupt:
        if not reviewer.present:
            raise
        running.screen.failed(StepFailed("drawing the round", None))


def _reviewer(running: Running, asker: Asker | None, edits: Sequence[Proposal]) -> Reviewer:
    if edits:
        return EditsReviewer(edits)
    if asker is None:
        return AutoReviewer()
    images, session = running.images, running.session
    pictures = SessionPictures(session.state.started, images) if images else None
    return TerminalReviewer(asker, running.screen.results, session.folder, pictures)


def check_goal(started: Started, mode: RunMode) -> None:
    """Raises InputError where an accuracy is wanted but there are no images to measure it on."""
    if mode.min_accuracy is not None and started.images is None:
        raise InputError(
            "there are no images, so no accuracy can be reached",
            hint="leave --min-accuracy out, or name images with --images",
        )
