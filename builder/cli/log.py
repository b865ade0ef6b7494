"""`cotbuild log`: what happened in a session, from its files alone."""

from pathlib import Path

from builder.cli import app, flags, print_json


@app.command()
def log(session: flags.SessionFolder = None, as_json: flags.Json = False) -> None:
    """The story of a session: versions, what was accepted for each, by whom, and what it cost.

    Needs no images and no encoder, and may be read while another process works on the session.
    """
    from builder.cli.log_json import log_data, spent_per_stretch
    from builder.cli.model import price_of
    from builder.cli.screen import spent_words
    from builder.session.journal import TRANSCRIPT, latest_session, read_story

    folder = (session or latest_session(Path.cwd())).resolve()
    story = read_story(folder)
    price = price_of(story.state.started)
    costs = spent_per_stretch(folder / TRANSCRIPT, story.stretches, price)
    if as_json:
        print_json(log_data(folder, story, costs))
        return
    from builder.llm.cost import Spent
    from builder.terminal.console import result_console
    from builder.terminal.log import log_screen

    console = result_console()
    console.print(f"Session {folder}", crop=False, soft_wrap=True)
    words = [spent_words(cost) for cost in costs]
    console.print(log_screen(story, words, spent_words(sum(costs, Spent()))))
