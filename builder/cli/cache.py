"""`cotbuild cache`: what is kept so that nothing is encoded or downloaded twice."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from builder.cli import app, flags, print_json
from builder.cli.flags import flag

if TYPE_CHECKING:
    from builder.encoders.cache_folder import Cached
    from builder.terminal.cache_screen import CacheRow

cache = typer.Typer(name="cache", help="The vectors and images that are kept on this machine.")
app.add_typer(cache)


@cache.command()
def info(as_json: flags.Json = False) -> None:
    """Where the cache is, and what it holds: a file of vectors per encoder, downloaded images."""
    from builder.encoders.cache_folder import cached_in, default_cache_folder

    found = cached_in(default_cache_folder())
    if as_json:
        print_json(_as_data(found))
        return
    from builder.terminal.cache_screen import cache_screen
    from builder.terminal.console import result_console

    result_console().print(cache_screen(found.folder, _rows(found)))


@cache.command()
def clear(
    yes: Annotated[bool, flag("--yes", None, "Do not ask.")] = False,
    as_json: flags.Json = False,
) -> None:
    """Remove the cache's own files: everything is encoded and downloaded again when needed."""
    from builder.encoders.cache_folder import cached_in, default_cache_folder
    from builder.encoders.cache_folder import clear as clear_cache
    from builder.terminal.cache_screen import size
    from builder.terminal.console import progress_console

    found = cached_in(default_cache_folder())
    if found.size and not yes and not _agreed(found):
        raise typer.Exit(0)
    clear_cache(found.folder)
    if as_json:
        print_json({"removed": _as_data(found)})
    else:
        progress_console().print(f"{size(found.size)} removed from {found.folder}")


def _agreed(found: "Cached") -> bool:
    """Whether the person agrees. Raises InputError where nobody can be asked."""
    from builder.errors import InputError
    from builder.terminal.ask import open_asker
    from builder.terminal.asker import interactive
    from builder.terminal.cache_screen import size
    from builder.terminal.text import shortened

    what = f"{size(found.size)} in {shortened(str(found.folder), 120)}"
    if not interactive():
        raise InputError(f"{what} would be removed; nobody has agreed to that", hint="add --yes")
    return open_asker().confirm(f"Remove {what}?", default=False) is True


def _rows(found: "Cached") -> "list[CacheRow]":
    from builder.terminal.cache_screen import CacheRow

    rows = [CacheRow(file.name, "vectors", file.vectors, file.size) for file in found.files]
    if found.damaged_size:
        rows.append(CacheRow("vectors-*", "damaged files", found.damaged, found.damaged_size))
    if found.images:
        rows.append(CacheRow("images", "downloads", found.images, found.images_size))
    return rows


def _as_data(found: "Cached") -> dict[str, object]:
    return {**asdict(found), "folder": str(found.folder), "size": found.size}
