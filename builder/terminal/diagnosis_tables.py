"""The tables of the diagnosis: classes, confused pairs and groups."""

from collections.abc import Callable, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from builder.diagnosis.confusions import ClassReport, ConfusedPair
from builder.diagnosis.groups import GroupReport
from builder.diagnosis.information import Redundancy, SeenBits, redundancy
from builder.diagnosis.permutation_test import NullTest
from builder.review.findings import Findings
from builder.scoring.wording import percent, points
from builder.terminal.tables import Rows, figures, table_of
from builder.terminal.text import LONG, labels, shortened

_NAME = 28
# A matrix of more groups than this no screen holds.
_MOST_IN_MATRIX = 12
_MOST_PAIRS = 10


def class_table(reports: Sequence[ClassReport]) -> Rows:
    """The classes in the order given; one without images says so."""
    headers = ["class", "correct", "accuracy", "95 % interval", "taken for"]
    rows = [
        [shortened(r.name, _NAME), *figures(r.correct, r.n), _counts(r.mistaken_for)]
        for r in reports
    ]
    if any(report.misleading_groups for report in reports):
        headers.append("misled by")
        rows = [[*row, _misled(report)] for row, report in zip(rows, reports, strict=True)]
    return Rows(headers, rows, right=frozenset({1, 2, 3}))


def worst_classes(reports: Sequence[ClassReport], limit: int) -> list[ClassReport]:
    """The classes with the most images to win, of those with any mistake."""
    wrong = [report for report in reports if report.correct < report.n]
    return sorted(wrong, key=lambda report: (report.correct - report.n, report.accuracy))[:limit]


def pair_table(pairs: Sequence[ConfusedPair]) -> Rows:
    rows = []
    for pair in pairs:
        names = f"{shortened(pair.first, _NAME)} ↔ {shortened(pair.second, _NAME)}"
        verdict = pair.verdict(lambda name: shortened(name, 20))
        rows.append((names, str(pair.count), verdict))
    headers = ("taken for each other", "images", "what should tell them apart")
    return Rows(headers, rows, right=frozenset({1}), longest=LONG)


def group_block(findings: Findings) -> RenderableType:
    """Every group with all its measures, and what the groups' rules tell alike."""
    alike = redundancy(findings.system)
    return Group(group_table(findings.groups), redundancy_block(alike))


def weak_table(reports: Sequence[GroupReport]) -> Rows:
    """What the round's screen says of a weak group; `group_table` says the rest."""
    rows = [(shortened(r.name, _NAME), _left_out(r), _verdict(r)) for r in reports]
    return Rows(("group", "left out", "verdict"), rows)


def group_table(reports: Sequence[GroupReport]) -> Rows:
    """All measures of every group, in the order given, and what they come to."""
    columns: dict[str, Callable[[GroupReport], str]] = {
        "group": lambda report: shortened(report.name, _NAME),
        "alone": lambda report: percent(report.alone.count, report.alone.n),
        "left out": _left_out,
        "p": _p_left_out,
        "own bits": lambda report: f"{report.bits_given_others:.1f} of {report.bits:.1f}",
        "bits seen": lambda report: _seen(report.seen),
        "told by": _repeated,
        "as ruled": lambda report: percent(report.agreement.count, report.agreement.n),
        "shuffled p": lambda report: _shuffled(report.shuffled),
        "verdict": _verdict,
    }
    return table_of(reports, columns, right={1})


def redundancy_block(found: Redundancy) -> RenderableType:
    """What groups' rules tell about each other: a matrix of 2 to 12, else the pairs with most."""
    size = len(found.groups)
    if size < 2:
        return Text()
    title = "What two groups tell alike, of what the smaller one tells (from the rules)"
    table = _matrix(found) if size <= _MOST_IN_MATRIX else _shared_pairs(found)
    return Group(Text(), Text(title), table)


def _matrix(found: Redundancy) -> Rows:
    """The half below the diagonal; the other is its mirror image."""
    size = len(found.groups)
    names = labels([shortened(name, 16) for name in found.groups])
    rows = []
    for one in range(1, size):
        cells = [_whole(found.fraction(one, other)) for other in range(one)]
        rows.append((names[one], *cells, *[""] * (size - 1 - one)))
    return Rows(("", *names[:-1]), rows, right=frozenset(range(1, size)))


def _shared_pairs(found: Redundancy) -> Rows:
    names = [shortened(name, _NAME) for name in found.groups]
    rows = [
        (f"{names[one]} ↔ {names[other]}", _whole(fraction))
        for one, other, fraction in found.pairs()[:_MOST_PAIRS]
    ]
    return Rows(("the most alike", "told alike"), rows, right=frozenset({1}))


def _whole(fraction: float) -> str:
    return f"{100 * fraction:.0f} %"


def _verdict(report: GroupReport) -> str:
    return report.verdict.words(lambda name: shortened(name, 20))


def _left_out(report: GroupReport) -> str:
    if report.without is None:
        return "the only group"
    change = report.without
    return f"{points(change.points)} ({change.fixed} fixed, {change.broken} broken)"


def _p_left_out(report: GroupReport) -> str:
    left = report.left_out
    if left is None:
        return "–"
    return _p(left.p) if left.can_tell else "too few images"


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.2g}"


def _seen(seen: SeenBits) -> str:
    return f"from {seen.fewest:,} images on" if seen.bits is None else f"{seen.bits:.1f}"


def _repeated(report: GroupReport) -> str:
    if report.repeats is None:
        return "–"
    return f"{_whole(report.repeats.fraction)} {shortened(report.repeats.group, 20)}"


def _shuffled(test: NullTest) -> str:
    return _p(test.p) if test.can_tell else "too few classes"


def _misled(report: ClassReport) -> str:
    """The group that misled most: on how many of the wrong images, and by how much."""
    if not report.misleading_groups:
        return ""
    most = report.misleading_groups[0]
    return (
        f"{shortened(most.group, 20)} {most.images} of {report.wrong}, by {100 * most.lead:.0f} pp"
    )


def _counts(items: Sequence[tuple[str, int]]) -> str:
    shown = ", ".join(f"{shortened(name, 20)} {count}" for name, count in items[:2])
    return f"{shown}, …" if len(items) > 2 else shown
