"""`cotbuild export`: the best version of a session as a file for other tools."""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from builder.cli import app, reports_errors
from builder.cli.flags import SessionFolder

if TYPE_CHECKING:
    from builder.session.state import State


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
    version: Annotated[
        str | None, typer.Option("--version", help="Its number, best or last; default: best.")
    ] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Measure what was accepted since the last version.")
    ] = False,
) -> None:
    """Write the best version, measured once on the final images that nobody has looked at."""
    from builder.cli.open_workspace import workspace_of
    from builder.cli.save import EXPORT_NAME, record_entry
    from builder.cli.screen import Screen
    from builder.errors import InputError, SessionError
    from builder.review.loop import measure_working, remeasured
    from builder.session.export import exported, version_to_export
    from builder.session.journal import Session, latest_session
    from builder.session.state import needs_measuring
    from builder.session.versions import find_point
    from builder.system.json_format import write_article

    if version and measure:
        raise InputError(
            "--version names a version that was measured, --measure makes a new one",
            hint="give one of them",
        )
    folder = (session or latest_session(Path.cwd())).resolve()
    path = target(output or folder / EXPORT_NAME)
    screen = Screen.open()
    with Session.open(folder) as opened:
        if opened.state.system is None:
            raise SessionError(
                f"nothing was drafted yet in {folder}", hint=f"go on with: cotbuild resume {folder}"
            )
        point = find_point(opened.state, version) if version else None
        if point and point.version is None:
            raise InputError(f"{point.title} was not measured", hint="measure it with --measure")
        if point is None and not measure and opened.state.started.images:
            measure = needs_measuring(opened.state) and _wants_measuring(opened.state)

        def chosen() -> "State":
            """The state in which the wanted version is the best."""
            number = point.version.number if point and point.version else opened.state.best
            return replace(opened.state, best=number)

        if form == "article":
            # What the format can't express must fail before a look at the final images is spent.
            write_article(version_to_export(chosen())[0], opened.state.scoring)
        workspace = workspace_of(opened, screen)
        judge = workspace.evaluator if workspace else None
        if judge:
            for measured in remeasured(opened.state, judge):
                record_entry(opened, workspace, measured, screen)
            if measure and needs_measuring(opened.state):
                record_entry(opened, workspace, measure_working(opened.state, judge), screen)
        record_entry(opened, workspace, exported(chosen(), judge, str(path)), screen, form)


def _wants_measuring(state: "State") -> bool:
    """Asks whether to measure what was accepted since the last version, or to leave it out.

    Raises InputError where nobody is there to ask; ends with typer.Exit where nothing is wanted.
    """
    from builder.errors import InputError
    from builder.terminal.ask import open_asker
    from builder.terminal.asker import interactive

    what = "the working system was never measured on held-out images"
    as_it_is = f"export version {state.best}, without what was changed since"
    if not interactive():
        leave = f", or {as_it_is}: --version best" if state.best else ""
        raise InputError(what, hint=f"measure it first: --measure{leave}")
    first = "measure it first, which is one more look at held-out images"
    answers = [first, as_it_is] if state.best else [first]
    picked = open_asker().pick(f"{what[0].upper()}{what[1:]}.", answers, first)
    if picked is None:
        raise typer.Exit(0)
    return picked == first


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
