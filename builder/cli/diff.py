"""`cotbuild diff`: what leads from one version of a session to another, and what it did."""

import json
from pathlib import Path
from typing import Annotated

import typer

from builder.cli import app, flags
from builder.cli.flags import flag


@app.command()
def diff(
    session: Annotated[Path, typer.Argument(help="Folder of the session.")],
    before: Annotated[str, typer.Argument(metavar="A", help=flags.VERSION_NAMES)],
    after: Annotated[str, typer.Argument(metavar="B", help="The same.")],
    as_json: Annotated[
        bool, flag("--json", None, "Print the edits as resume --edits takes them.")
    ] = False,
) -> None:
    """The edits that lead from version A to version B, and what they did to held-out images."""
    from builder.edits.model import Proposal
    from builder.session.journal import read_state
    from builder.session.versions import edits_between_steps, find_point

    state = read_state(session.resolve())
    one, other = find_point(state, before), find_point(state, after)
    edits = edits_between_steps(one.steps, other.steps)
    if as_json:
        reason = f"from {one.title} to {other.title}"
        found = [Proposal(edits=edits, source="person", reason=reason)] if edits else []
        typer.echo(json.dumps([proposal.model_dump(mode="json") for proposal in found]))
        return
    from builder.terminal.console import result_console
    from builder.terminal.difference import difference_screen

    result_console().print(difference_screen(one, other, edits))
