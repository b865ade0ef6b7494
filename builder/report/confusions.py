"""What is taken for what: the confusion matrix, and behind each cell its images and evidence."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from builder.diagnosis.confusions import ClassReport, ConfusedPair
from builder.diagnosis.images import Case, Seen
from builder.report.chosen_failures import ConfusedCell
from builder.report.contents import FromImages, Picture
from builder.report.heatmap import Cell, heat_map
from builder.report.markup import Markup, element, joined, void
from builder.report.ordering import similar_side_by_side
from builder.report.tables import Column, table
from builder.scoring.score import Scores, group_rules
from builder.scoring.wording import accuracy_interval, counted, percent
from builder.system.model import AttributeSystem

# A larger map can't be read, and makes the page slow.
LARGEST = 120
_LISTED = 3


def confusions_section(measured: FromImages) -> Markup:
    """The map, the images of each of its cells, the confused pairs, and all classes."""
    findings = measured.findings
    counts = confusion_counts(findings.review)
    shown = shown_classes(counts, findings.system)
    parts = [_introduction(measured, len(shown)), _map(measured, counts, shown)]
    if findings.pairs:
        parts += [element("h3", "Classes taken for each other"), table(_PAIRS, findings.pairs)]
    worst = worst_first(findings.classes)
    summary = element("summary", f"All {counted(len(worst), 'class', 'classes')}, the worst first")
    parts.append(element("details", summary, table(_CLASSES, worst)))
    return joined(parts)


def worst_first(reports: Sequence[ClassReport]) -> list[ClassReport]:
    """Classes by accuracy; of equals those with more images first, those without any last."""
    return sorted(reports, key=lambda report: (not report.n, report.accuracy, -report.n))


def confusion_counts(scores: Scores) -> NDArray[np.intp]:
    """[C, C] images of the row's class that went to the column's."""
    size = len(scores.classes)
    known = scores.labels >= 0
    pairs = scores.labels[known] * size + scores.predictions[known]
    return np.bincount(pairs, minlength=size * size).reshape(size, size)


def shown_classes(counts: NDArray[np.intp], system: AttributeSystem) -> tuple[int, ...]:
    """The classes of the map, similar ones side by side: what is confused, or ruled alike.

    Of very many classes those with the most confusions.
    """
    errors = counts + counts.T
    np.fill_diagonal(errors, 0)
    chosen = np.sort(np.argsort(-errors.sum(axis=1), kind="stable")[:LARGEST])
    alike = np.mean(
        [rule.of_class[chosen][:, None] == rule.of_class[chosen] for rule in group_rules(system)],
        axis=0,
    )
    between = errors[np.ix_(chosen, chosen)]
    sizes = np.maximum(1, counts.sum(axis=1)[chosen])
    confused = between / np.minimum(sizes[:, None], sizes)
    order = similar_side_by_side(confused + alike)
    return tuple(int(chosen[place]) for place in order)


def _introduction(measured: FromImages, shown: int) -> Markup:
    failures, scores = measured.failures, measured.findings.review
    lines = [
        f"{counted(failures.count, 'review image')} of {scores.n} went to another class than their "
        "own. Rows are the true classes, columns what the system said; similar classes stand side "
        "by side. Choose a cell to see its images, and what each group made of them."
    ]
    if shown < len(scores.classes):
        lines.append(f"The map shows the {shown} of {len(scores.classes)} classes confused most.")
    if failures.unknown:
        lines.append(
            f"{counted(failures.unknown, 'image')} of classes that the system does not have count "
            "as wrong and appear nowhere here."
        )
    if failures.shown < failures.count:
        lines.append(
            f"The evidence is shown for {failures.shown} of them, the worst of each cell, "
            "to keep the page small."
        )
    return joined(element("p", line) for line in lines)


def _map(measured: FromImages, counts: NDArray[np.intp], shown: Sequence[int]) -> Markup:
    names = measured.findings.review.classes
    panels = {(cell.row, cell.column): cell for cell in measured.failures.cells}
    totals = counts.sum(axis=1)
    cells = {}
    for row, true in enumerate(shown):
        for column, predicted in enumerate(shown):
            count = int(counts[true, predicted])
            if not count:
                continue
            said = "right" if true == predicted else f"taken for {names[predicted]}"
            panel = panels.get((true, predicted))
            cells[row, column] = Cell(
                text=str(count),
                heat=float(count / totals[true]),
                title=f"{names[true]}: {count} of {counted(int(totals[true]), 'image')} {said}",
                href=f"#{panel.id}" if panel and panel.cases else None,
            )
    hides = element(
        "label", void("input", type="checkbox", id="hide-diagonal"), " Hide the right ones"
    )
    matrix = heat_map([names[i] for i in shown], cells, corner="true ↓  said →", id="confusions")
    hint = element("p", "Choose a coloured cell beside the diagonal.", class_="hint")
    evidence = [_panel(cell, measured) for cell in measured.failures.cells if cell.cases]
    return element(
        "div",
        element("div", hides, matrix, class_="map"),
        element("div", hint, *evidence, class_="panels", aria_live="polite"),
        class_="confusions",
    )


def _panel(cell: ConfusedCell, measured: FromImages) -> Markup:
    names, digests = measured.findings.review.classes, measured.findings.digests
    more = cell.count - len(cell.cases)
    rest = f"{counted(more, 'more image')} not shown." if more else ""
    order = ", the worst first" if len(cell.cases) > 1 else ""
    return element(
        "section",
        element("h3", f"{names[cell.row]} taken for {names[cell.column]}"),
        element("p", f"{counted(cell.count, 'image')}{order}."),
        *(_case(case, measured.pictures.get(digests[case.index])) for case in cell.cases),
        element("p", rest, class_="aside"),
        element("a", "Back to the map", href="#confusions", class_="back"),
        id=cell.id,
        class_="panel",
        tabindex=-1,
    )


def _case(case: Case, picture: Picture | None) -> Markup:
    head = element(
        "tr",
        *(
            element("th", title, scope="col")
            for title in ("group", "its rule", "seen", f"rule of {case.predicted}")
        ),
    )
    rows = joined(_evidence(seen) for seen in case.groups)
    evidence = element("table", element("thead", head), element("tbody", rows), class_="evidence")
    return element("figure", shown_picture(picture), element("div", evidence, class_="scrolls"))


def shown_picture(picture: Picture | None) -> Markup:
    """The thumbnail with its file's name, or words in its place."""
    if picture is None:
        return element("figcaption", "no picture", class_="no-picture")
    # The name stands below it: read aloud twice it would be noise.
    image = void("img", src=picture.source, alt="")
    return element("figcaption", image, element("span", picture.name))


def _evidence(seen: Seen) -> Markup:
    alike = seen.ruled == seen.of_predicted
    said = "the same" if alike else _chosen(seen.of_predicted)
    misled = seen.misled and _percentage(seen.p_predicted) != _percentage(seen.p_ruled or 0.0)
    marked = [element("b", " misled")] if misled else []
    return element(
        "tr",
        element("th", seen.group, *marked, scope="row"),
        _probability(_chosen(seen.ruled), seen.p_ruled),
        _probability(seen.seen, seen.p_seen),
        element("td", said) if alike else _probability(said, seen.p_predicted),
        class_="misled" if misled else None,
    )


def _chosen(options: Sequence[str]) -> str:
    return " or ".join(options) or "nothing"


def _probability(words: str, p: float | None) -> Markup:
    if p is None:
        return element("td", words)
    # Kept in one line, with the blank that the figure is written with.
    figure = f" {_percentage(p)}\u00a0%"
    return element("td", words, figure, style=f"--p:{_percentage(p)}%")


def _percentage(p: float) -> int:
    """A probability as it is shown."""
    return round(100 * p)


def _counts(items: Sequence[tuple[str, int]]) -> str:
    shown = ", ".join(f"{name} {count}" for name, count in items[:_LISTED])
    return f"{shown}, …" if len(items) > _LISTED else shown


_PAIRS: tuple[Column[ConfusedPair], ...] = (
    Column("classes", lambda pair: f"{pair.first} ↔ {pair.second}"),
    Column("images", lambda pair: str(pair.count), number=True),
    Column("what tells them apart (50 % is a coin)", ConfusedPair.verdict),
)
_CLASSES: tuple[Column[ClassReport], ...] = (
    Column("class", lambda report: report.name),
    Column(
        "correct",
        lambda report: f"{report.correct} of {report.n}" if report.n else "no images",
        number=True,
    ),
    Column("accuracy", lambda report: percent(report.correct, report.n), number=True),
    Column(
        "95 % interval", lambda report: accuracy_interval(report.correct, report.n), number=True
    ),
    Column("taken for", lambda report: _counts(report.mistaken_for)),
    Column(
        "misled by",
        lambda report: _counts([(m.group, m.images) for m in report.misleading_groups]),
    ),
)
