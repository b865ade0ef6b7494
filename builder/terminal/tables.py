"""A table that becomes a list of short blocks where the screen is too narrow for it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.containers import Lines
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from builder.scoring.wording import accuracy, accuracy_interval, percent
from builder.terminal.text import SHORT, apart, plain, shortened

T = TypeVar("T")

# Below this a table is always stacked.
NARROW = 60
_INDENT = 2
# rich clamps what a table needs to what there is.
_UNBOUNDED = 10_000
# Longer words are broken in a table.
_LONGEST_WORD = 24


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
            natural = [self._width(index) for index in range(len(self.headers))]
            gaps = Measurement.get(console, unbounded, table).maximum - sum(natural)
            least = [self._least(index) for index in range(len(self.headers))]
            if widths := _shared(natural, least, options.max_width - gaps):
                for column, width in zip(table.columns, widths, strict=True):
                    column.width = width
                yield table
                return
        yield from self._stack()

    def _column(self, index: int) -> list[str]:
        cells = [shortened(row[index], self.longest) for row in self.rows]
        return [self.headers[index], *cells]

    def _width(self, index: int) -> int:
        return max(map(cell_len, self._column(index)))

    def _least(self, index: int) -> int:
        """Columns below which a figure would be cut, or a word that is not very long."""
        if index in self.right:
            return self._width(index)
        words = [word for cell in self._column(index) for word in cell.split()]
        longest = max(map(cell_len, words), default=0)
        return min(longest, _LONGEST_WORD)

    def _table(self) -> Table:
        table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="dim", show_edge=False)
        for index, header in enumerate(self.headers):
            right = index in self.right
            table.add_column(
                Text(header), justify="right" if right else "left", no_wrap=right, overflow="fold"
            )
        for row in self.rows:
            table.add_row(*(_Cell(shortened(cell, self.longest)) for cell in row))
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


class _Cell(Text):
    """Text of which each line keeps apart from the cells beside it, in whatever script it is."""

    def wrap(self, *args: Any, **options: Any) -> Lines:
        lines = super().wrap(*args, **options)
        for line in lines:
            line.append(apart(line.plain)[len(line) :])
        return lines


def table_of(
    items: Iterable[T],
    columns: Mapping[str, Callable[[T], str]],
    right: Iterable[int] = (),
    longest: int = SHORT,
) -> Rows:
    """A row for each item; under its header every column says what stands in it."""
    rows = [[cell(item) for cell in columns.values()] for item in items]
    return Rows(tuple(columns), rows, frozenset(right), longest)


def figures(correct: int, n: int) -> tuple[str, str, str]:
    """Cells of an accuracy: the counts, the share, and Wilson's 95 % interval."""
    if not n:
        return "no images", "", ""
    return f"{correct} of {n}", percent(correct, n), accuracy_interval(correct, n)


def accuracy_words(correct: int, n: int) -> str:
    """E.g. "26 of 48, 54.2 % (40–67 %)"."""
    return accuracy(correct, n) + (f" ({accuracy_interval(correct, n)})" if n else "")


def _shared(natural: Sequence[int], least: Sequence[int], width: int) -> list[int]:
    """Widths of columns in `width`, the widest made narrower first; empty if they don't fit.

    rich would make them so narrow that names are broken, rather than wait to be stacked.
    """
    widths = list(natural)
    for _ in range(sum(natural) - width):
        spare = [index for index, now in enumerate(widths) if now > least[index]]
        if not spare:
            return []
        widths[max(spare, key=widths.__getitem__)] -= 1
    return widths


@dataclass(frozen=True, slots=True)
class Pieces:
    """Safe texts one after the other, in as few lines as they need; none is broken if it fits."""

    pieces: Sequence[str]
    indent: int = 0

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in _filled(self.pieces, options.max_width - self.indent):
            yield Padding.indent(Text(line), self.indent)


def _filled(pieces: Sequence[str], width: int) -> list[str]:
    """The pieces in as few lines as they need, none broken unless it is wider than a line."""
    lines: list[str] = []
    for piece in pieces:
        if lines and cell_len(f"{lines[-1]} · {piece}") <= width:
            lines[-1] += f" · {piece}"
        else:
            lines.append(piece)
    return lines
