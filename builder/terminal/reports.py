"""The tables of the diagnosis: classes, confused pairs and groups."""

from collections.abc import Sequence

from builder.diagnosis import ClassReport, ConfusedPair, GroupReport
from builder.terminal.figures import (
    accuracy_interval,
    percent,
    points,
)
from builder.terminal.tables import Rows
from builder.terminal.text import shortened

_NAME = 28


def class_table(reports: Sequence[ClassReport]) -> Rows:
    """In the order given; a class without images says so."""
    misled = any(report.misleading_groups for report in reports)
    headers = [
        "class",
        "correct",
        "accuracy",
        "95 % interval",
        "taken for",
        *(["misled by"] if misled else []),
    ]
    rows = []
    for report in reports:
        row = [
            shortened(report.name, _NAME),
            f"{report.correct} of {report.n}" if report.n else "no images",
            percent(report.correct, report.n) if report.n else "",
            accuracy_interval(report.correct, report.n),
            _counts(report.mistaken_for),
        ]
        rows.append([*row, _counts(report.misleading_groups, limit=1)] if misled else row)
    return Rows(headers, rows, right=frozenset({1, 2, 3}))


def worst_classes(reports: Sequence[ClassReport], limit: int) -> list[ClassReport]:
    """Those with the most images to win, of those with any mistake."""
    wrong = [report for report in reports if report.correct < report.n]
    return sorted(wrong, key=lambda report: (report.correct - report.n, report.accuracy))[:limit]


def pair_table(pairs: Sequence[ConfusedPair]) -> Rows:
    rows = []
    for pair in pairs:
        if pair.identical:
            apart = "nothing: identical rules"
        else:
            groups = [
                f"{shortened(n, 20)} {100 * part:.0f} %" for n, part in pair.separating_groups
            ]
            apart = ", ".join(groups[:2])
        names = f"{shortened(pair.first, _NAME)} ↔ {shortened(pair.second, _NAME)}"
        rows.append((names, str(pair.count), apart))
    return Rows(("taken for each other", "images", "told apart by"), rows, right=frozenset({1}))


def group_table(reports: Sequence[GroupReport]) -> Rows:
    rows = []
    for report in reports:
        change = report.without
        left_out = "the only group"
        if change is not None:
            left_out = f"{points(change.points)} ({change.fixed} fixed, {change.broken} broken)"
        rows.append(
            (
                shortened(report.name, _NAME),
                percent(report.alone.count, report.alone.n),
                left_out,
                percent(report.agreement.count, report.agreement.n),
                f"{report.bits_given_others:.1f} / {report.bits:.1f}",
            )
        )
    headers = ("group", "alone", "left out", "as ruled", "own bits")
    return Rows(headers, rows, right=frozenset({1, 2, 3, 4}))


def _counts(items: Sequence[tuple[str, int]], limit: int = 2) -> str:
    shown = ", ".join(f"{shortened(name, 20)} {count}" for name, count in items[:limit])
    return f"{shown}, …" if len(items) > limit else shown
