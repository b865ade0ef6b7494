"""A heat map as a table: it has headings, can be read aloud, and stays put when scrolled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from builder.report.markup import Markup, element, joined

# (at most so many columns, pixels of a cell)
_SIZES = ((16, 34), (40, 24), (10**9, 15))
# From here on the cell is so dark that its text must be light, and the other way round.
_DEEP = 0.6


@dataclass(frozen=True, slots=True)
class Cell:
    """heat: in [0, 1]. title: what it says, in words. href: where a click leads."""

    text: str
    heat: float
    title: str
    href: str | None = None


def heat_map(
    names: Sequence[str], cells: Mapping[tuple[int, int], Cell], *, corner: str, **attributes: str
) -> Markup:
    """A square map: `cells` at (row, column), both indices of `names`; others stay blank.

    corner: what rows and columns are.
    """
    size = next(pixels for most, pixels in _SIZES if len(names) <= most)
    head = element(
        "tr",
        element("td", corner, class_="corner"),
        *(element("th", element("span", name), scope="col") for name in names),
    )
    body = joined(
        element(
            "tr",
            element("th", name, scope="row"),
            *(_cell(cells.get((row, column)), row == column) for column in range(len(names))),
        )
        for row, name in enumerate(names)
    )
    made = element(
        "table",
        element("thead", head),
        element("tbody", body),
        class_="heat",
        style=f"--cell:{size}px",
        **attributes,
    )
    return element("div", made, class_="scrolls", tabindex=0, role="group", aria_label=corner)


def _cell(cell: Cell | None, diagonal: bool) -> Markup:
    kind = "diagonal" if diagonal else None
    if cell is None:
        return element("td", class_=kind)
    kinds = [*([kind] if kind else []), *(["deep"] if cell.heat >= _DEEP else [])]
    inside = element("a", cell.text, href=cell.href) if cell.href else cell.text
    return element(
        "td",
        inside,
        class_=" ".join(kinds) or None,
        style=f"--heat:{100 * cell.heat:.0f}%",
        title=cell.title,
    )
