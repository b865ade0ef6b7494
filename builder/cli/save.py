"""Saves what happens in a session, then writes the files that follow from it."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from builder import __version__
from builder.cli.file_outputs import writing
from builder.cli.screen import Screen
from builder.cli.workspace import Workspace, identity_of
from builder.files import replace_file
from builder.review.loop import Recorded
from builder.session.classes import described
from builder.session.export import calibration_of, estimate, export_file, version_to_export
from builder.session.journal import Session
from builder.session.records import (
    Decided,
    Drafted,
    Exported,
    Measured,
    Record,
    Redone,
    Reverted,
    Undone,
)
from builder.session.state import State, advance
from builder.system.file import Estimate, SplitName, SystemFile, write_system_file
from builder.system.json_format import write_article

# Records after which the working system may be another one.
_CHANGES = Drafted | Decided | Undone | Redone | Reverted
Format = Literal["cotbuild", "article"]
EXPORT_NAME = "export.json"


def show_recorded(
    session: Session,
    workspace: Workspace | None,
    event: Recorded,
    screen: Screen,
    form: Format = "cotbuild",
) -> None:
    """Saves a recorded event, then shows it."""
    save_record(session, workspace, event, form)
    screen.recorded(event)


def save_record(
    session: Session, workspace: Workspace | None, event: Recorded, form: Format = "cotbuild"
) -> None:
    """Saves the record, then writes the files that follow from it.

    An export's record comes first: a look at the final images counts even if writing fails.
    """
    record, state = event.record, event.state
    session.append(record, state)
    if isinstance(record, Exported):
        # Another version than the best may have been asked for.
        chosen = replace(state, best=record.version or None)
        file = system_file(chosen, workspace, final=_final(record))
        text = (
            write_system_file(file)
            if form == "cotbuild"
            else write_article(file.system, file.scoring)
        )
        path = Path(record.path)
        with writing(path, "cotbuild export -o FILE"):
            replace_file(path, text)
    # Measuring an old version again may make another one the best.
    measured = isinstance(record, Measured)
    if measured or (isinstance(record, _CHANGES) and workspace is None):
        save_best(session, workspace)


def record_entry(
    session: Session,
    workspace: Workspace | None,
    record: Record,
    screen: Screen,
    form: Format = "cotbuild",
) -> None:
    """Saves one record that comes from outside the loop, and shows it."""
    event = Recorded(record, advance(session.state, record))
    show_recorded(session, workspace, event, screen, form)


def save_best(session: Session, workspace: Workspace | None) -> None:
    """Writes system.json from the journal's state; nothing without a draft."""
    if session.state.system is not None:
        session.save_best(write_system_file(system_file(session.state, workspace, final=None)))


def system_file(state: State, workspace: Workspace | None, *, final: Estimate | None) -> SystemFile:
    """The envelope of the session's best version as of now."""
    return export_file(
        state,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        cotbuild=__version__,
        encoder=identity_of(workspace.encoder) if workspace else None,
        labels=workspace.labels if workspace else {},
        calibration=calibration_of(state, workspace.evaluator) if workspace else None,
        baselines=_baselines(state, workspace, looked=final is not None) if workspace else {},
        final=final,
        evaluator=workspace.evaluator if workspace else None,
    )


def _final(record: Exported) -> Estimate | None:
    bits = record.final
    return estimate(bits.count("1"), len(bits)) if bits else None


def _baselines(
    state: State, workspace: Workspace, *, looked: bool
) -> dict[str, dict[SplitName, Estimate]]:
    splits: tuple[SplitName, ...] = ("review", "held_out", "final")
    version = version_to_export(state)[1]
    step = version.steps[-1] if version else state.steps[-1]
    classes = described(state.started, workspace.labels.values(), step)
    found: dict[str, dict[SplitName, Estimate]] = {}
    for split in splits[: 3 if looked else 2]:
        scores = workspace.evaluator.baselines(state.started.domain, classes, split)
        for name, result in scores.items():
            measured = estimate(int(result.correct.sum()), result.n)
            if measured:
                found.setdefault(name, {})[split] = measured
    return found
