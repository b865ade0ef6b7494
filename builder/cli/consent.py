"""Asks before a model costs money or an encoder is downloaded, unless a flag has agreed."""

import typer

from builder.cli.encoder_download import download_needed
from builder.cli.model import may_cost, what_it_takes
from builder.cli.screen import Screen
from builder.cli.settings import RunMode
from builder.errors import InputError
from builder.session.records import Started
from builder.terminal.ask import open_asker
from builder.terminal.asker import Asker, interactive


def asker_for(mode: RunMode) -> Asker | None:
    """Who is asked; None if nobody need be. Raises InputError if somebody must be and isn't."""
    if mode.auto or mode.edits:
        return None
    if not interactive():
        raise InputError(
            "there is nobody to review the proposals: this is not a terminal",
            hint="add --auto to accept what helps on review images, run it in a terminal, or give "
            "proposals with:\ncotbuild resume --edits FILE",
        )
    return open_asker()


def confirm_spending(
    started: Started, mode: RunMode, asker: Asker | None, *, drafted: bool
) -> None:
    """Before a request leaves for a server that may charge for it, somebody must have agreed."""
    if mode.yes or not may_cost(started):
        return
    what = what_it_takes(started, drafted=drafted)
    if asker is None:
        raise InputError(
            f"{what}; nobody has agreed to the cost",
            hint="add --yes to agree, or use a local server with --llm-url",
        )
    if not asker.confirm(f"{what}. Go on?", default=True):
        raise typer.Exit(0)


def confirm_download(
    started: Started, mode: RunMode, asker: Asker | None, screen: Screen, *, named: bool
) -> None:
    """Gigabytes are downloaded only if somebody asked for them; `named`: for this very encoder."""
    needed = download_needed(started.encoder, screen) if started.encoder else None
    if needed is None:
        return
    if asker is not None and not mode.yes:
        if not asker.confirm(f"{needed}. Go on?", default=True):
            raise typer.Exit(0)
    elif named or mode.yes:
        screen.warning(needed)
    else:
        raise InputError(
            f"{needed}; nobody has agreed to that",
            hint="add --yes to agree, or name an encoder that is here with --encoder",
        )
