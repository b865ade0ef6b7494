"""`cotbuild demo`: the whole loop on drawn cards, offline, through the same code as `new`."""

from pathlib import Path
from typing import Annotated

import typer

from builder.cli import app, reports_errors


@app.command()
@reports_errors
def demo(
    out: Annotated[
        Path, typer.Option("--out", help="Folder for the cards, classes.txt and the session.")
    ] = Path("cotbuild-demo"),
    auto: Annotated[
        bool, typer.Option("--auto", help="No person: accept what helps, print each round, export.")
    ] = False,
) -> None:
    """See everything work in a minute: drawn cards, a toy encoder, recorded model replies."""
    from builder.cli.model import ModelOptions
    from builder.cli.screen import Screen
    from builder.cli.settings import SessionOptions
    from builder.cli.setup import RunMode, asker_for, begin
    from builder.data import ImageSource
    from builder.demo.card import ART_CROP
    from builder.demo.cards import CARDS_PER_CLASS, DOMAIN, write_cards
    from builder.demo.recorded import RECORDING
    from builder.errors import InputError, SessionError
    from builder.session.journal import JOURNAL

    session = out / "session"
    screen = Screen.open(explains=True)
    if (session / JOURNAL).exists():
        raise SessionError(
            f"{session} already holds a session of the demo",
            hint=f"go on with it: cotbuild resume {session}   or begin another: --out FOLDER",
        )
    mode = RunMode(auto, yes=False, rounds=None, min_accuracy=None)
    asker_for(mode)  # before a minute is spent on drawing
    screen.demo_begins(out)
    try:
        with screen.progress("Drawing cards") as on_progress:
            classes, images = write_cards(out, CARDS_PER_CLASS, on_progress=on_progress)
    except OSError as error:
        raise InputError(
            f"the cards can't be written below {out}: {error.strerror or error}",
            hint="name a folder with 150 MB of free space: cotbuild demo --out FOLDER",
        ) from error
    options = SessionOptions(
        classes=classes,
        images=ImageSource(str(images)),
        no_images=False,
        encoder="miniature",
        model=ModelOptions(f"replay:{RECORDING}"),
        transcript=True,
        language="en",
        context=None,
        domain=DOMAIN,
        attributes=(),
        start=None,
        crop=",".join(repr(edge) for edge in ART_CROP),
        rule=None,
        scale=None,
        device="cpu",
        dtype="float32",
        seed=0,
        patience=2,
    )
    begin(options, session, mode, screen)
