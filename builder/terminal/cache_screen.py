"""The cache folder on the screen."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from builder.terminal.encoders import megabytes
from builder.terminal.tables import Rows
from builder.terminal.text import visible


@dataclass(frozen=True, slots=True)
class CacheRow:
    """A part of the cache. `count`: vectors or images, None where it can't be known now."""

    name: str
    holds: str
    count: int | None
    size: int


def cache_screen(folder: Path, rows: Sequence[CacheRow]) -> RenderableType:
    """Where the cache is, what it holds, and how much that is together."""
    where = Text(f"Cache: {visible(str(folder))}", style="bold")
    if not rows:
        return Group(where, Text("It is empty."))
    cells = [
        (row.name, row.holds, "unknown" if row.count is None else f"{row.count:,}", size(row.size))
        for row in rows
    ]
    total = Text(f"Together {size(sum(row.size for row in rows))}.")
    table = Rows(["", "holds", "how many", "size"], cells, right=frozenset({2, 3}))
    return Group(where, Text(), table, Text(), total)


def size(count: int) -> str:
    """E.g. "12 kB", "891 MB"."""
    return megabytes(count) if count >= 1e6 else f"{count / 1e3:.0f} kB"
