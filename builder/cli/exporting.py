"""`cotbuild export`: the best version of a session as a file for other tools."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from builder.cli import app, reports_errors


@app.command()
@reports_errors
def export(
    session: Annotated[
        Path | None, typer.Argument(help="Folder of the session; default: the latest one here.")
    ] = None,
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
    from builder.article import write_article
    from builder.cli.play import EXPORT_NAME
    from builder.cli.screen import Screen
    from builder.cli.setup import bench_of, put
    from builder.errors import InputError, SessionError
    from builder.exporting import exported, version_to_export
    from builder.history import needs_measuring
    from builder.session import Session, latest_session

    folder = (session or latest_session(Path.cwd())).absolute()
    path = (output or folder / EXPORT_NAME).absolute()
    if path.is_dir():
        raise InputError(f"{path} is a folder", hint="name a file: -o system.json")
    screen = Screen.open()
    with Session.open(folder) as opened:
        if opened.state.system is None:
            raise SessionError(
                f"nothing was drafted yet in {folder}", hint=f"go on with: cotbuild resume {folder}"
            )
        if form == "article":
            # What the format can't express must fail before a look at the final images is spent.
            write_article(version_to_export(opened.state)[0])
        bench = bench_of(opened, screen)
        if bench and needs_measuring(opened.state):
            screen.unmeasured()
        record = exported(opened.state, bench.referee if bench else None, str(path))
        put(opened, bench, record, screen, form)
