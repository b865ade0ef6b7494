"""What the shell offers after TAB. Reads names and journals only; where that fails, it is nothing.

Nobody waits for a library in the middle of a word, or reads an error there.
"""

import contextlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import typer

Complete = Callable[[typer.Context, str], list[str]]


def _offering(names: Callable[[typer.Context, str], Iterable[str]]) -> Complete:
    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        with contextlib.suppress(Exception):
            return [name for name in names(ctx, incomplete) if name.startswith(incomplete)]
        return []

    return complete


def _sessions(_: typer.Context, incomplete: str) -> Iterable[str]:
    from builder.session.journal import session_folders

    above = incomplete[: incomplete.rfind("/") + 1]
    under = Path(above)
    return [f"{above}{each.relative_to(under)}" for each in session_folders(under)]


def _versions(ctx: typer.Context, _: str) -> Iterable[str]:
    # An option that still lacks its value keeps the words before it from being told apart.
    named = [word for word in (ctx.params.get("session"), *ctx.args) if word]
    return _versions_in(Path(named[0]) if named else None)


def _session_and_versions(ctx: typer.Context, incomplete: str) -> Iterable[str]:
    from builder.cli.version_words import names_session

    words: Sequence[str] = ctx.params.get("words") or ()
    if words:
        return _versions_in(Path(words[0]) if names_session(words[0]) else None)
    with contextlib.suppress(Exception):
        return [*_sessions(ctx, incomplete), *_versions_in(None)]
    return _sessions(ctx, incomplete)


def _versions_in(session: Path | None) -> list[str]:
    from builder.session.journal import latest_session, read_state
    from builder.session.versions import NAMES

    state = read_state(session or latest_session(Path()))
    return [*(str(version.number) for version in state.versions), *NAMES]


def _encoders(_: typer.Context, __: str) -> Iterable[str]:
    from builder.encoders.catalog import FAMILIES, KNOWN

    return [*(model.name for model in KNOWN), *(f.built_in for f in FAMILIES if f.built_in)]


def _optimisers(_: typer.Context, __: str) -> Iterable[str]:
    from builder.session.records import GEPA, GREEDY

    return [GREEDY, GEPA]


sessions, versions = _offering(_sessions), _offering(_versions)
session_and_versions = _offering(_session_and_versions)
encoders, optimisers = _offering(_encoders), _offering(_optimisers)
