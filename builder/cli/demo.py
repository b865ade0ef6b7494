"""`cotbuild demo`: the whole loop on drawn cards, offline, through the same code as `new`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from builder.cli import app


@app.command()
def demo(
    out: Annotated[
        Path, typer.Option("--out", help="Folder for the cards, classes.txt and the session.")
    ] = Path("cotbuild-demo"),
    auto: Annotated[
        bool, typer.Option("--auto", help="No person: accept what helps, print each round, export.")
    ] = False,
) -> None:
    """See everything work in a minute: drawn cards, a toy encoder, recorded model replies."""
    from builder.cli.begin import begin_session
    from builder.cli.consent import asker_for
    from builder.cli.model import ModelOptions
    from builder.cli.screen import Screen
    from builder.cli.settings import RunMode, settings_of
    from builder.data.classes import read_classes
    from builder.data.pictures import Crop
    from builder.data.sources import ImageSource
    from builder.demo.card import ART_CROP
    from builder.demo.cards import CARDS_PER_CLASS, DOMAIN, write_cards
    from builder.demo.recorded import RECORDING
    from builder.errors import InputError, SessionError
    from builder.files import command
    from builder.session.journal import JOURNAL

    words = json.loads(Path(__file__).with_name("demo_words.json").read_text(encoding="utf-8"))
    session = out / "session"
    screen = Screen(words["hints"])
    if (session / JOURNAL).exists():
        raise SessionError(
            f"{session} already holds a session of the demo",
            hint=f"begin another (--out FOLDER), or go on with it:\n{command('resume', session)}",
        )
    mode = RunMode(auto)
    asker_for(mode)  # before a minute is spent on drawing
    for paragraph in words["begins"]:
        screen.paragraph(paragraph.format(folder=out))
    try:
        with screen.progress("Drawing cards") as on_progress:
            classes, images = write_cards(out, CARDS_PER_CLASS, on_progress=on_progress)
    except OSError as error:
        raise InputError(
            f"the cards can't be written below {out}: {error.strerror or error}",
            hint="name a folder with 150 MB of free space:\ncotbuild demo --out FOLDER",
        ) from error
    source, model = ImageSource(str(images)), ModelOptions(f"replay:{RECORDING}")
    entries, art = read_classes(classes), Crop(*ART_CROP)
    settings = settings_of(DOMAIN, entries, source, "miniature", art, model, device="cpu")
    begin_session(settings, None, session.resolve(), mode, screen)
