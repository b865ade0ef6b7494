"""`cotbuild report`: a session as one HTML file, to be read, sent or printed."""

from pathlib import Path
from typing import Annotated

import typer

from builder.cli import app, reports_errors
from builder.cli.flags import SessionFolder


@app.command()
@reports_errors
def report(
    session: SessionFolder = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="File; default: report.html in the session."),
    ] = None,
    no_images: Annotated[
        bool,
        typer.Option("--no-images", help="The system and its history alone; needs no encoder."),
    ] = False,
) -> None:
    """Write one HTML file: accuracy by version, confusions with their images, groups, the system.

    The session is only read. Of held-out images nothing but their accuracy is shown.
    """
    from builder.cli.export import target
    from builder.cli.report_write import REPORT_NAME, write_report
    from builder.cli.screen import Screen
    from builder.session.journal import latest_session

    folder = (session or latest_session(Path.cwd())).resolve()
    path = target(output or folder / REPORT_NAME, f"-o {REPORT_NAME}")
    write_report(folder, path, Screen.open(), no_images=no_images)
