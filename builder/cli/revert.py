"""`cotbuild revert`: go on from an earlier version."""

from typing import Annotated

import typer

from builder.cli import app, completion, flags, print_json

WORDS = "[SESSION] VERSION"


@app.command()
def revert(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar=WORDS,
            help=f"{flags.SESSION} The version's number, or best.",
            autocompletion=completion.session_and_versions,
        ),
    ],
    as_json: flags.Json = False,
) -> None:
    """Make an earlier version the working system again; `u` in the review takes that back."""
    from builder.cli.json_values import edits_data
    from builder.cli.screen import Screen
    from builder.cli.version_words import session_and_versions
    from builder.session.journal import Session
    from builder.session.records import Reverted
    from builder.session.state import advance
    from builder.session.versions import edits_between_steps, find_point
    from builder.terminal.difference import difference_screen

    folder, (version,) = session_and_versions(words, WORDS)
    with Session.open(folder) as opened:
        now, goal = find_point(opened.state, "now"), find_point(opened.state, version)
        number = goal.version.number if goal.version else None
        edits = edits_between_steps(now.steps, goal.steps)
        changed = number is not None and goal.system != now.system
        if number is not None and changed:
            record = Reverted(version=number)
            opened.append(record, advance(opened.state, record))
    screen = Screen()
    if as_json:
        edited = edits_data(now, goal, edits) if changed else []
        print_json({"version": number, "changed": changed, "edits": edited})
    elif changed:
        screen.results.print(difference_screen(now, goal, edits))
    if not changed:
        screen.progress_to.print("Nothing to do: that is the working system already.")
        return
    again = f"The working system is {goal.title} again; u in the review takes that back."
    screen.progress_to.print(again)
    screen.next_command("Go on with:", "resume", folder)
