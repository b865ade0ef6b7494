"""`cotbuild revert`: go on from an earlier version."""

from pathlib import Path
from typing import Annotated

import typer

from builder.cli import app


@app.command()
def revert(
    session: Annotated[Path, typer.Argument(help="Folder of the session.")],
    version: Annotated[str, typer.Argument(metavar="VERSION", help="Its number, or best.")],
) -> None:
    """Make an earlier version the working system again; `u` in the review takes that back."""
    from builder.session.journal import Session
    from builder.session.records import Reverted
    from builder.session.state import advance
    from builder.session.versions import edits_between_steps, find_point
    from builder.terminal.console import progress_console, result_console
    from builder.terminal.difference import difference_screen

    with Session.open(session.resolve()) as opened:
        now, goal = find_point(opened.state, "now"), find_point(opened.state, version)
        asides = progress_console()
        if goal.version is None or goal.system == now.system:
            asides.print("Nothing to do: that is the working system already.")
            return
        record = Reverted(version=goal.version.number)
        opened.append(record, advance(opened.state, record))
        edits = edits_between_steps(now.steps, goal.steps)
        result_console().print(difference_screen(now, goal, edits))
        asides.print(f"The working system is {goal.title} again; u in the review takes that back.")
        asides.print(f"Go on with: cotbuild resume {opened.folder}", crop=False, soft_wrap=True)
