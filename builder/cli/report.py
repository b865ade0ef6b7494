"""`cotbuild report`: a session as one HTML file, to be read, sent or printed."""

from pathlib import Path
from typing import Annotated

import typer

from builder.cli import app, flags, print_json
from builder.cli.flags import flag


@app.command()
def report(
    session: flags.SessionFolder = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="File; default: report.html in the session."),
    ] = None,
    no_images: Annotated[
        bool, flag("--no-images", None, "The system and its history alone; needs no encoder.")
    ] = False,
    as_json: flags.Json = False,
) -> None:
    """Write one HTML file: accuracy by version, confusions with their images, groups, the system.

    The session is only read. Of held-out images nothing but their accuracy is shown.
    """
    from builder.cli.report_write import REPORT_NAME, write_report
    from builder.cli.screen import Screen
    from builder.cli.user_files import writable
    from builder.session.journal import latest_session

    folder = (session or latest_session(Path.cwd())).resolve()
    path = writable(output or folder / REPORT_NAME, f"-o {REPORT_NAME}")
    screen = Screen()
    size = write_report(folder, path, screen, no_images=no_images)
    if as_json:
        print_json({"path": str(path), "bytes": size})
    else:
        screen.report_written(path, size)
