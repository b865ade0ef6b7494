"""`cotbuild export`: the best version of a session as a file for other tools."""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from builder.cli import app, reports_errors
from builder.cli.flags import SessionFolder


@app.command()
@reports_errors
def export(
    session: SessionFolder = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="File; default: export.json in the session."),
    ] = None,
    form: Annotated[
        Literal["cotbuild", "article"],
        typer.Option("--format", help="cotbuild (with provenance) or article."),
    ] = "cotbuild",
) -> None:
    """Write the best version, measured once on the final images that nobody has looked at."""
    from builder.cli.open_workspace import workspace_of
    from builder.cli.save import EXPORT_NAME, record_entry
    from builder.cli.screen import Screen
    from builder.errors import SessionError
    from builder.review.loop import remeasured
    from builder.session.export import exported, version_to_export
    from builder.session.journal import Session, latest_session
    from builder.session.state import needs_measuring
    from builder.system.json_format import write_article

    folder = (session or latest_session(Path.cwd())).resolve()
    path = target(output or folder / EXPORT_NAME)
    screen = Screen.open()
    with Session.open(folder) as opened:
        if opened.state.system is None:
            raise SessionError(
                f"nothing was drafted yet in {folder}", hint=f"go on with: cotbuild resume {folder}"
            )
        if form == "article":
            # What the format can't express must fail before a look at the final images is spent.
            write_article(version_to_export(opened.state)[0], opened.state.scoring)
        workspace = workspace_of(opened, screen)
        if workspace:
            for measured in remeasured(opened.state, workspace.evaluator):
                record_entry(opened, workspace, measured, screen)
            if needs_measuring(opened.state):
                screen.unmeasured()
        record = exported(opened.state, workspace.evaluator if workspace else None, str(path))
        record_entry(opened, workspace, record, screen, form)


def target(path: Path, flag: str = "-o export.json") -> Path:
    """The path to write to, links followed. Raises InputError for what must not be replaced."""
    from builder.errors import InputError
    from builder.session.journal import JOURNAL, OWN_FILES

    found = path.resolve()
    if found.is_dir():
        raise InputError(f"{path} is a folder", hint=f"name a file: {flag}")
    if found.exists() and not found.is_file():
        raise InputError(f"{path} is not a regular file", hint=f"name a file: {flag}")
    if found.name in OWN_FILES and (found.parent / JOURNAL).exists():
        raise InputError(f"{path} belongs to the session itself", hint=f"name another file: {flag}")
    folder = _nearest_folder(found)
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise InputError(
            f"{path} can't be written", hint="name a file in a folder that you may write to"
        )
    return found


def _nearest_folder(path: Path) -> Path:
    """The closest thing above the path that exists: where a new folder or file would be made."""
    return next(parent for parent in path.parents if parent.exists())
