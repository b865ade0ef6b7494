"""How the keys of a menu stand on the screen, and what is behind them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from rich.cells import cell_len

from builder.terminal.asker import Key

T = TypeVar("T")

# Blanks before each entry.
INDENT = 2


def menu_lines(keys: Sequence[Key], width: int) -> Iterator[list[tuple[Key, str]]]:
    """Lines of entries in columns, each with the blanks that follow it; never split, never cut."""
    room = max((_size(key) for key in keys), default=1)
    columns = max(1, width // (room + INDENT))
    # As many lines as needed, evenly filled: 7 entries in 5 columns make 4 + 3.
    lines = -(-len(keys) // columns)
    columns = -(-len(keys) // lines) if lines else 1
    for start in range(0, len(keys), columns):
        yield [(key, " " * (room - _size(key))) for key in keys[start : start + columns]]


def behind(menu: Mapping[Key, T], pressed: str | None) -> T | None:
    """What the menu holds for the key that was pressed; None for going back."""
    return next((entry for key, entry in menu.items() if key.key == pressed), None)


def _size(key: Key) -> int:
    return cell_len(f"{key.key} {key.label}")
