"""Tables that become a card a row on a narrow screen."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from builder.report.markup import Markup, element, joined

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """What a column shows of a row; `help` says what it means. Numbers stand to the right."""

    title: str
    cell: Callable[[Row], str]
    help: str = ""
    number: bool = False


def table(columns: Sequence[Column[Row]], rows: Iterable[Row], **attributes: str) -> Markup:
    """The rows in their order; the first column names them."""
    head = element("tr", *(_head(column) for column in columns))
    body = joined(element("tr", *_cells(columns, row)) for row in rows)
    made = element(
        "table", element("thead", head), element("tbody", body), class_="stacks", **attributes
    )
    return element("div", made, class_="scrolls")


def legend(columns: Sequence[Column[Row]]) -> Markup:
    """What the columns mean, folded away; nothing where none says."""
    entries = [
        joined((element("dt", column.title), element("dd", column.help)))
        for column in columns
        if column.help
    ]
    if not entries:
        return Markup()
    return element("details", element("summary", "What the columns mean"), element("dl", *entries))


def _head(column: Column[Row]) -> Markup:
    return element("th", column.title, scope="col", class_="number" if column.number else None)


def _cells(columns: Sequence[Column[Row]], row: Row) -> Iterable[Markup]:
    first, *others = columns
    yield element("th", first.cell(row), scope="row")
    for column in others:
        kind = "number" if column.number else None
        yield element("td", column.cell(row), class_=kind, data_label=column.title)
