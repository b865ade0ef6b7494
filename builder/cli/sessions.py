"""`cotbuild sessions`: the sessions below a folder, from their journals alone."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from builder.cli import app, flags, print_json

if TYPE_CHECKING:
    from builder.cli.json_values import Data
    from builder.terminal.sessions import SessionRow


@app.command()
def sessions(
    folder: Annotated[
        Path, typer.Argument(help="Where to look; default: here.", show_default=False)
    ] = Path(),
    as_json: flags.Json = False,
) -> None:
    """List the sessions below a folder, at most two levels deep, the last changed first."""
    from builder.errors import InputError
    from builder.session.journal import session_folders

    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder", hint="name one, or none for this one")
    rows = [_row(each) for each in session_folders(folder)]
    if as_json:
        print_json({"sessions": [_data(row) for row in rows]})
        return
    from builder.terminal.console import progress_console, result_console
    from builder.terminal.sessions import sessions_screen

    if rows:
        result_console().print(sessions_screen(rows, datetime.now()))
    else:
        progress_console().print("There is no session here, nor one or two levels below.")


def _row(folder: Path) -> "SessionRow":
    from builder.errors import SessionError
    from builder.session.journal import JOURNAL, in_use_by, read_state
    from builder.terminal.sessions import SessionRow

    changed = datetime.fromtimestamp((folder / JOURNAL).stat().st_mtime).astimezone()
    try:
        return SessionRow(str(folder), changed, read_state(folder), in_use_by(folder))
    except SessionError as error:
        return SessionRow(str(folder), changed, None, damaged=error.message)


def _data(row: "SessionRow") -> "Data":
    from builder.cli.json_values import version_data

    state = row.state
    best = state.best_version if state else None
    return {
        "folder": row.folder,
        "changed": row.changed.astimezone(UTC).isoformat(timespec="milliseconds"),
        "domain": state.started.domain if state else None,
        "classes": len(state.started.classes) if state else None,
        "versions": len(state.versions) if state else None,
        "best": version_data(best, state) if state and best else None,
        "in_use": row.in_use or None,
        "damaged": row.damaged or None,
    }
