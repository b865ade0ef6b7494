"""Which wrong images a report shows: some of every confused pair of classes, the worst first."""

from collections import defaultdict
from dataclasses import dataclass

from builder.diagnosis.images import Case, Seen, wrong_cases
from builder.scoring.score import Scores
from builder.system.model import AttributeSystem

# Of each cell of the confusion matrix.
PER_CELL = 6
# Of all cells. An image takes a row a group, and the rows are what makes a page long.
_CASES, _ROWS = 400, 6000


@dataclass(frozen=True, slots=True)
class ConfusedCell:
    """Images of the class at `row` that went to the one at `column`: so many, and some of them.

    `cases` are the worst first, and may be none.
    """

    row: int
    column: int
    count: int
    cases: tuple[Case, ...]

    @property
    def id(self) -> str:
        """The name of its place on the page."""
        return f"cell-{self.row}-{self.column}"


@dataclass(frozen=True, slots=True)
class Failures:
    """The wrong images of classes that the system knows: `count` of them, `worst` to show first.

    unknown: images of other classes, which can't be right.
    """

    cells: tuple[ConfusedCell, ...]
    count: int
    worst: tuple[tuple[ConfusedCell, Case], ...]
    unknown: int

    @property
    def shown(self) -> int:
        """How many of them the page shows."""
        return len(self.worst)

    @property
    def panels(self) -> dict[tuple[int, int], ConfusedCell]:
        """The cells of which the page shows images, by row and column."""
        return {(cell.row, cell.column): cell for cell in self.cells if cell.cases}


def failures(scores: Scores, system: AttributeSystem) -> Failures:
    """The cells with the most images first. Raises ValueError for another system's scores."""
    wrong = wrong_cases(scores, system)
    known = [case for case in wrong if case.label is not None]
    place = {name: index for index, name in enumerate(scores.classes)}
    by_cell: defaultdict[tuple[int, int], list[Case]] = defaultdict(list)
    for case in known:
        by_cell[int(scores.labels[case.index]), place[case.predicted]].append(case)
    left = min(_CASES, _ROWS // max(1, len(system.groups)))
    cells = []
    for (row, column), cases in sorted(by_cell.items(), key=lambda item: (-len(item[1]), item[0])):
        shown = tuple(cases[: min(PER_CELL, left)])
        left -= len(shown)
        cells.append(ConfusedCell(row, column, len(cases), shown))
    worst = [(cell, case) for cell in cells for case in cell.cases]
    worst.sort(key=lambda entry: -(entry[1].margin or 0.0))
    return Failures(tuple(cells), len(known), tuple(worst), len(wrong) - len(known))


def most_misleading(case: Case) -> Seen | None:
    """The group that speaks most for the predicted class against the true one."""
    misled = [seen for seen in case.groups if seen.misled]
    return max(misled, key=lambda seen: seen.p_predicted - (seen.p_ruled or 0.0), default=None)
