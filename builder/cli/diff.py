"""`cotbuild diff`: what leads from one version of a session to another, and what it did."""

from typing import Annotated

import typer

from builder.cli import app, completion, flags, print_json
from builder.cli.flags import flag

WORDS = "[SESSION] A B"


@app.command()
def diff(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar=WORDS,
            help=f"{flags.SESSION} A, B: {flags.VERSION_NAMES}",
            autocompletion=completion.session_and_versions,
        ),
    ],
    as_json: Annotated[
        bool, flag("--json", None, "Print the edits as resume --edits takes them.")
    ] = False,
) -> None:
    """The edits that lead from version A to version B, and what they did to held-out images."""
    from builder.cli.json_values import edits_data
    from builder.cli.version_words import session_and_versions
    from builder.session.journal import read_state
    from builder.session.versions import edits_between_steps, find_point

    folder, (before, after) = session_and_versions(words, WORDS)
    state = read_state(folder)
    one, other = find_point(state, before), find_point(state, after)
    edits = edits_between_steps(one.steps, other.steps)
    if as_json:
        print_json(edits_data(one, other, edits))
        return
    from builder.terminal.console import result_console
    from builder.terminal.difference import difference_screen

    result_console().print(difference_screen(one, other, edits))
