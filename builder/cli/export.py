"""`cotbuild export`: the best version of a session as a file for other tools."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from builder.cli import app, flags


@app.command()
def export(
    session: flags.SessionFolder = None,
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
    from builder.cli.open_workspace import open_all
    from builder.cli.save import EXPORT_NAME, Running
    from builder.cli.screen import Screen
    from builder.cli.user_files import check_drafted, writable
    from builder.review.loop import remeasured
    from builder.session.export import version_to_export
    from builder.session.journal import Session, latest_session
    from builder.session.state import needs_measuring
    from builder.system.json_format import write_article

    folder = (session or latest_session(Path.cwd())).resolve()
    path = writable(output or folder / EXPORT_NAME)
    with Session.open(folder) as opened:
        running = Running(opened, Screen())
        check_drafted(running.state, folder)
        if form == "article":
            # What the format can't express must fail before a look at the final images is spent.
            write_article(version_to_export(running.state)[0], running.state.scoring)
        open_all(running)
        if evaluator := running.evaluator:
            for measured in remeasured(running.state, evaluator):
                running.record(measured)
            if needs_measuring(running.state):
                running.screen.unmeasured()
        running.export(path, form)
