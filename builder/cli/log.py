"""`cotbuild log`: what happened in a session, from its files alone."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from builder.cli import app, flags

if TYPE_CHECKING:
    from builder.llm.cost import Price, Spent
    from builder.session.story import Stretch


@app.command()
def log(session: flags.SessionFolder = None, as_json: flags.Json = False) -> None:
    """The story of a session: versions, what was accepted for each, by whom, and what it cost.

    Needs no images and no encoder, and may be read while another process works on the session.
    """
    from builder.cli.log_json import log_data
    from builder.cli.model import price_of
    from builder.cli.screen import spent_words
    from builder.session.journal import TRANSCRIPT, latest_session, read_story

    folder = (session or latest_session(Path.cwd())).resolve()
    story = read_story(folder)
    price = price_of(story.state.started)
    costs = spent_per_stretch(folder / TRANSCRIPT, story.stretches, price)
    if as_json:
        typer.echo(json.dumps(log_data(folder, story, costs)))
        return
    from builder.llm.cost import Spent
    from builder.terminal.console import result_console
    from builder.terminal.log import log_screen

    console = result_console()
    console.print(f"Session {folder}", crop=False, soft_wrap=True)
    words = [spent_words(cost) if cost.tokens else "" for cost in costs]
    total = sum(costs, Spent())
    console.print(log_screen(story, words, spent_words(total) if total.tokens else ""))


def spent_per_stretch(
    transcript: Path, stretches: "Sequence[Stretch]", price: "Price | None"
) -> "list[Spent]":
    """What was spent on the model in each stretch. Raises InputError for a broken transcript."""
    from builder.llm.transcript import Exchange, read, spent_in

    exchanges: list[list[Exchange]] = [[] for _ in stretches]
    ends = [_moment(stretch.at) for stretch in stretches]
    for exchange in read(transcript).exchanges if transcript.exists() else ():
        at = _moment(exchange.time)
        place = next((i for i, end in enumerate(ends) if end and at and at <= end), -1)
        exchanges[place].append(exchange)
    return [spent_in(found, price) for found in exchanges]


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None
