"""`cotbuild export`: the best version of a session as a file for other tools."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from builder.cli import app, completion, flags, print_json

if TYPE_CHECKING:
    from builder.session.state import State


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
    version: Annotated[
        str | None,
        typer.Option(
            "--version",
            help="Its number, best or last; default: best.",
            autocompletion=completion.versions,
        ),
    ] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Measure what was accepted since the last version.")
    ] = False,
    as_json: flags.Json = False,
) -> None:
    """Write the best version, measured once on the final images that nobody has looked at."""
    from builder.cli.json_values import export_data
    from builder.cli.open_workspace import open_all
    from builder.cli.save import EXPORT_NAME, Running
    from builder.cli.screen import Screen
    from builder.cli.user_files import check_drafted, writable
    from builder.errors import InputError
    from builder.review.loop import measure_working, remeasured
    from builder.session.export import version_to_export
    from builder.session.journal import Session, latest_session
    from builder.session.state import is_unmeasured
    from builder.session.versions import find_point
    from builder.system.json_format import write_article
    from builder.terminal.console import progress_console

    if version and measure:
        raise InputError(
            "--version names a version that was measured, --measure makes a new one",
            hint="give one of them",
        )
    folder = (session or latest_session(Path.cwd())).resolve()
    path = writable(output or folder / EXPORT_NAME)
    with Session.open(folder) as opened:
        running = Running(opened, Screen(results=progress_console()) if as_json else Screen())
        check_drafted(running.state, folder)
        point = find_point(running.state, version) if version else None
        chosen = point.version if point else None
        if point and chosen is None:
            raise InputError(f"{point.title} was not measured", hint="measure it with --measure")
        if chosen is None and not measure and running.state.started.images:
            measure = is_unmeasured(running.state) and _wants_measuring(
                running.state, may_ask=not as_json
            )
        if form == "article":
            # What the format can't express must fail before a look at the final images is spent.
            state = running.state_with(chosen)
            write_article(version_to_export(state)[0], state.scoring)
        open_all(running)
        if evaluator := running.evaluator:
            for measured in remeasured(running.state, evaluator):
                running.record(measured)
            if measure and is_unmeasured(running.state):
                running.record(measure_working(running.state, evaluator))
                best, last = running.state.best, len(running.state.versions)
                if best != last:
                    words = f"version {last} is not better than version {best}, which is exported"
                    running.screen.warning(f"{words}; --version last exports it all the same")
        record = running.export(path, form, chosen)
        if as_json:
            print_json({"format": form, **export_data(record, running.state_with(chosen))})


def _wants_measuring(state: "State", *, may_ask: bool) -> bool:
    """Asks whether to measure what was accepted since the last version, or to leave it out.

    Raises InputError where nobody is there to ask; ends with typer.Exit where nothing is wanted.
    """
    from builder.errors import InputError
    from builder.terminal.ask import open_asker
    from builder.terminal.asker import interactive

    what = "the working system was never measured on held-out images"
    as_it_is = f"export version {state.best}, without what was changed since"
    if not (may_ask and interactive()):
        leave = f", or {as_it_is}: --version best" if state.best else ""
        raise InputError(what, hint=f"measure it first: --measure{leave}")
    first = "measure it first, which is one more look at held-out images"
    answers = [first, as_it_is] if state.best else [first]
    picked = open_asker().pick(f"{what[0].upper()}{what[1:]}.", answers, first)
    if picked is None:
        raise typer.Exit(0)
    return picked == first
