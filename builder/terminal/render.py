"""What the commands print: errors, the checks of a file, systems beside baselines."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text

from builder.errors import CotbuildError
from builder.scoring.beside_accuracy import Beside
from builder.scoring.wording import counted, interval, percent, points
from builder.system.checks import Checks
from builder.system.model import AttributeSystem
from builder.terminal.tables import Rows, table_of
from builder.terminal.text import LONG, indented, paragraphs, plain, shortened, to_copy

# Short, so that a score table fits 80 columns with them, and in words.
_BESIDE: dict[Beside, tuple[str, str]] = {
    "class_mean": ("↳ class mean", "Class mean: the mean over classes."),
    "among_best_5": ("↳ in best 5", "In best 5: the right class is among the best five."),
}
# A line of a hint that begins so is to be copied.
_COMMANDS = ("hf ", "cotbuild ")


def error_panel(error: CotbuildError) -> RenderableType:
    """What went wrong and why, and what to do next."""
    first, *others = paragraphs(error.message) or ["unknown"]
    lines: list[RenderableType] = [Text.assemble(("Error: ", "bold red"), first)]
    lines += [indented(line) for line in others]
    for index, line in enumerate(paragraphs(error.hint, _COMMANDS)):
        if line.startswith(_COMMANDS):
            lines.append(to_copy(line))
            continue
        lines.append(indented(line if index else f"next: {line}"))
    return Group(*lines)


@dataclass(frozen=True, slots=True)
class ScoreCell:
    """One row's accuracy with one encoder: counts, Wilson's interval as fractions in [0, 1].

    class_mean: the mean over classes of each one's accuracy. among_best_5: the part of the images
    whose class has one of the 5 highest totals. over_names, over_best: percentage points above the
    bare names and above the best baseline; None for baselines.
    """

    correct: int
    n: int
    low: float
    high: float
    class_mean: float
    among_best_5: float
    over_names: float | None
    over_best: float | None


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """A baseline or a system, of so many texts; one cell per encoder, in their order."""

    name: str
    n_texts: int
    cells: tuple[ScoreCell, ...]


@dataclass(frozen=True, slots=True)
class ControlRow:
    """A control of the system or baseline `of`, in so many draws on n images.

    mean, least, most: correct images of the draws. low, high: Wilson's interval of the mean.
    """

    of: str
    control: str
    draws: int
    mean: float
    n: int
    low: float
    high: float
    least: int
    most: int


def control_table(rows: Sequence[ControlRow]) -> RenderableType:
    """What each control gets right on average and at its extremes, and what it means."""
    columns: dict[str, Callable[[ControlRow], str]] = {
        "": lambda row: f"{row.of}: {row.control.split(':')[0]}",
        "draws": lambda row: str(row.draws),
        "mean": lambda row: percent(row.mean, row.n),
        "images": lambda row: f"{row.n:,}",
        "interval": lambda row: interval(row.low, row.high),
        "least to most": lambda r: f"{percent(r.least, r.n)} to {percent(r.most, r.n)}",
    }
    meanings = dict.fromkeys(row.control for row in rows)
    notes = [Text(f"{meaning[0].upper()}{meaning[1:]}.", style="dim") for meaning in meanings]
    advice = "A system that is not clearly above its controls tells nothing about the classes."
    table = table_of(rows, columns, right=range(1, len(columns)))
    return Group(table, *notes, Text(advice, style="dim"))


def score_table(
    rows: Sequence[ScoreRow],
    encoders: Sequence[str],
    *,
    looked_at: str = "",
    beside: Sequence[Beside] = (),
) -> RenderableType:
    """Rows: baselines and systems. With several encoders a column each, gains below each system.

    `beside`: the figures to show below each accuracy.
    """
    table = (
        _one_encoder(rows, beside) if len(encoders) == 1 else _side_by_side(rows, encoders, beside)
    )
    images = rows[0].cells[0].n if rows and rows[0].cells else 0
    crop = f", cropped to {looked_at}" if looked_at else ""
    note = (
        f"{counted(images, 'image')}{crop}. Intervals: 95 %. Over: percentage points above "
        "matching images to bare names, or above the best baseline."
    )
    notes = [note, *(_BESIDE[figure][1] for figure in beside)]
    return Group(table, Text(" ".join(notes), style="dim"))


def _one_encoder(rows: Sequence[ScoreRow], beside: Sequence[Beside]) -> Rows:
    headers = ("", "texts", "correct", "accuracy", "interval", "over names", "over best")
    lines: list[Sequence[str]] = []
    for row in rows:
        (cell,) = row.cells
        figures = (
            f"{row.n_texts:,}",
            f"{cell.correct} of {cell.n}",
            percent(cell.correct, cell.n),
            interval(cell.low, cell.high),
            _gain(cell.over_names),
            _gain(cell.over_best),
        )
        lines.append((row.name, *figures))
        lines += [(name, "", "", part, "", "", "") for name, part in _beside(row, beside)]
    return Rows(headers, lines, right=frozenset(range(1, len(headers))))


def _beside(row: ScoreRow, beside: Sequence[Beside]) -> list[tuple[str, ...]]:
    """The figures beside the accuracy: each one's name, then with each encoder."""
    return [
        (_BESIDE[figure][0], *(percent(getattr(cell, figure), 1) for cell in row.cells))
        for figure in beside
    ]


def _side_by_side(
    rows: Sequence[ScoreRow], encoders: Sequence[str], beside: Sequence[Beside]
) -> Rows:
    """The layout of the article's table: a row per method, a column per encoder."""
    lines: list[Sequence[str]] = []
    for row in rows:
        accuracies = (f"{percent(c.correct, c.n)} ({interval(c.low, c.high)})" for c in row.cells)
        lines.append((row.name, f"{row.n_texts:,}", *accuracies))
        lines += [(name, "", *parts) for name, *parts in _beside(row, beside)]
        if any(cell.over_names is not None for cell in row.cells):
            lines.append(("↳ over names", "", *(_gain(cell.over_names) for cell in row.cells)))
            lines.append(("↳ over best", "", *(_gain(cell.over_best) for cell in row.cells)))
    headers = ["", "texts", *encoders]
    return Rows(headers, lines, right=frozenset(range(1, len(headers))))


def _gain(value: float | None) -> str:
    return "" if value is None else points(value)


def system_size(system: AttributeSystem) -> str:
    """E.g. "16 classes, 5 groups, 51 options"."""
    classes = counted(len(system.classes), "class", "classes")
    groups, options = len(system.groups), len(system.phrases())
    return f"{classes}, {counted(groups, 'group')}, {counted(options, 'option')}"


def checks_table(name: str, system: AttributeSystem, checks: Checks) -> RenderableType:
    """What was found in the system of that name: each weakness with its place in the JSON."""
    title = Text.assemble(plain(name, style="bold"), f": {system_size(system)}")
    lines: list[RenderableType] = [title, Text()]
    for finding in checks.findings:
        lines.append(Text(shortened(finding.path, LONG), style="bold"))
        lines.append(indented(shortened(finding.message, LONG)))
    if checks.findings:
        lines.append(Text())
    found = counted(len(checks.findings), "weakness", "weaknesses")
    ceiling = "the rules tell all classes apart"
    if checks.ceiling < 1:
        ceiling = f"no encoder can exceed {100 * checks.ceiling:.1f} % with these rules alone"
    lines.append(Text(f"{found}; {ceiling}."))
    return Group(*lines)
