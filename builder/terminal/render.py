"""What the commands print: errors, the checks of a file, systems beside baselines."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from builder.checks import Checks
from builder.errors import CotbuildError
from builder.system import AttributeSystem
from builder.terminal.figures import counted, interval, percent, points
from builder.terminal.tables import Rows
from builder.terminal.text import LONG, paragraphs, plain, shortened


def error_panel(error: CotbuildError) -> RenderableType:
    """What went wrong and why, and what to do next."""
    first, *others = paragraphs(error.message) or ["unknown"]
    lines: list[RenderableType] = [Text.assemble(("Error: ", "bold red"), first)]
    lines += [Padding(Text(line), (0, 0, 0, 2), expand=False) for line in others]
    for index, line in enumerate(paragraphs(error.hint)):
        lines.append(Padding(Text(line if index else f"next: {line}"), (0, 0, 0, 2), expand=False))
    return Group(*lines)


@dataclass(frozen=True, slots=True)
class ScoreCell:
    """One system's accuracy with one encoder: counts, Wilson's interval as fractions in [0, 1].

    points: percentage points above the best baseline; None for baselines.
    """

    correct: int
    n: int
    low: float
    high: float
    points: float | None


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """A baseline or a system, of so many texts; one cell per encoder, in their order."""

    name: str
    n_texts: int
    cells: tuple[ScoreCell, ...]


def score_table(rows: Sequence[ScoreRow], encoders: Sequence[str]) -> RenderableType:
    """Rows: baselines and systems. Columns: per encoder accuracy, interval and improvement."""
    named = len(encoders) > 1
    headers = ["", "texts"]
    for encoder in encoders:
        of = f" ({shortened(encoder, 20)})" if named else ""
        headers += [f"correct{of}", "accuracy", "95 % interval", "better by"]
    table = Rows(
        headers,
        [
            (row.name, f"{row.n_texts:,}", *(text for cell in row.cells for text in _score(cell)))
            for row in rows
        ],
        right=frozenset(range(1, len(headers))),
    )
    images = rows[0].cells[0].n if rows and rows[0].cells else 0
    note = f"{counted(images, 'image')}. Better by: percentage points above the best baseline."
    return Group(table, Text(note, style="dim"))


def _score(cell: ScoreCell) -> tuple[str, str, str, str]:
    change = "" if cell.points is None else points(cell.points)
    correct = f"{cell.correct} of {cell.n}"
    return correct, percent(cell.correct, cell.n), interval(cell.low, cell.high), change


def checks_table(name: str, system: AttributeSystem, checks: Checks) -> RenderableType:
    """What was found in the system of that name: each weakness with its place in the JSON."""
    size = ", ".join(
        (
            counted(len(system.classes), "class", "classes"),
            counted(len(system.groups), "group"),
            counted(len(system.phrases()), "option"),
        )
    )
    lines: list[RenderableType] = [Text.assemble(plain(name, style="bold"), f": {size}"), Text()]
    for finding in checks.findings:
        lines.append(Text(shortened(finding.path, LONG), style="bold"))
        lines.append(Padding(plain(finding.message, LONG), (0, 0, 0, 2), expand=False))
    if checks.findings:
        lines.append(Text())
    found = counted(len(checks.findings), "weakness", "weaknesses")
    ceiling = "the rules tell all classes apart"
    if checks.ceiling < 1:
        ceiling = f"no encoder can exceed {100 * checks.ceiling:.1f} % with these rules"
    lines.append(Text(f"{found}; {ceiling}."))
    return Group(*lines)
