"""A table that becomes a list of short blocks where the screen is too narrow for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from builder.terminal.text import SHORT, plain, shortened

# Below this a table is always stacked.
NARROW = 60
_INDENT = 2
# rich clamps what a table needs to what there is.
_UNBOUNDED = 10_000


@dataclass(frozen=True, slots=True)
class Rows:
    """Headers and rows of equal length; the first column names the row, `right` ones hold figures.

    Cells may hold anything: they are shown as text, shortened to `longest` columns. Empty cells are
    left out of a stack.
    """

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: frozenset[int] = frozenset()
    longest: int = SHORT

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if options.max_width >= NARROW:
            table = self._table()
            unbounded = options.update(max_width=_UNBOUNDED)
            if Measurement.get(console, unbounded, table).minimum <= options.max_width:
                yield table
                return
        yield from self._stack()

    def _table(self) -> Table:
        table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="dim", show_edge=False)
        for index, header in enumerate(self.headers):
            right = index in self.right
            table.add_column(
                Text(header),
                justify="right" if right else "left",
                no_wrap=right,
                overflow="fold",
            )
        for row in self.rows:
            table.add_row(*(plain(cell, self.longest) for cell in row))
        return table

    def _stack(self) -> RenderResult:
        if self.headers[0]:
            yield Text(self.headers[0], style="dim")
        for name, *cells in self.rows:
            yield plain(name, style="bold")
            yield Pieces(
                [
                    f"{header} {shortened(cell, self.longest)}"
                    for header, cell in zip(self.headers[1:], cells, strict=True)
                    if cell
                ],
                indent=_INDENT,
            )


@dataclass(frozen=True, slots=True)
class Pieces:
    """Safe texts one after the other, in as few lines as they need; none is broken if it fits."""

    pieces: Sequence[str]
    indent: int = 0

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in _filled(self.pieces, options.max_width - self.indent):
            yield Padding(Text(line), (0, 0, 0, self.indent), expand=False)


def _filled(pieces: Sequence[str], width: int) -> list[str]:
    """The pieces in as few lines as they need, none broken unless it is wider than a line."""
    lines: list[str] = []
    for piece in pieces:
        if lines and cell_len(f"{lines[-1]} · {piece}") <= width:
            lines[-1] += f" · {piece}"
        else:
            lines.append(piece)
    return lines
