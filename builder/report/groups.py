"""The table of what each group of the system contributes."""

from builder.diagnosis.groups import GroupReport
from builder.report.tables import Column
from builder.scoring.statistics import Proportion
from builder.scoring.wording import accuracy_interval, p_value, percent, points


def _fraction(proportion: Proportion) -> str:
    if not proportion.n:
        return "–"
    interval = accuracy_interval(proportion.count, proportion.n)
    return f"{percent(proportion.count, proportion.n)} ({interval})"


def _left_out(report: GroupReport) -> str:
    left = report.left_out
    if left is None:
        return "the only group"
    change = left.change
    p = p_value(left.p) if left.can_tell else "too few images for a p"
    return f"{points(change.points)} ({change.fixed} fixed, {change.broken} broken, {p})"


def _seen(report: GroupReport) -> str:
    seen = report.seen
    return f"from {seen.fewest:,} images on" if seen.bits is None else f"{seen.bits:.1f}"


def _repeated(report: GroupReport) -> str:
    repeats = report.repeats
    return f"{repeats.group} {100 * repeats.fraction:.0f}\u00a0%" if repeats else "–"


def _shuffled(report: GroupReport) -> str:
    test = report.shuffled
    return p_value(test.p) if test.can_tell else "too few classes"


GROUPS: tuple[Column[GroupReport], ...] = (
    Column("group", lambda report: report.name),
    Column("verdict", lambda report: report.verdict.words(), "what the measures come to"),
    Column(
        "alone",
        lambda report: _fraction(report.alone),
        "review accuracy if it were the only group, with its 95 % interval",
        number=True,
    ),
    Column(
        "left out",
        _left_out,
        "what the review accuracy changes by without it; p: how often chance alone changes as "
        "much (exact McNemar, adjusted for the number of groups)",
    ),
    Column(
        "own bits",
        lambda report: f"{report.bits_given_others:.1f} of {report.bits:.1f}",
        "what no other group tells, of what its answer tells about the class; from the rules, with "
        "all classes equally likely",
        number=True,
    ),
    Column(
        "bits seen",
        _seen,
        "what its answers to the images tell about their classes, corrected for chance",
        number=True,
    ),
    Column("told by", _repeated, "the group that tells most of its bits already"),
    Column(
        "as ruled",
        lambda report: _fraction(report.agreement),
        "review images whose likeliest option is one that the rule of their class names",
        number=True,
    ),
    Column(
        "shuffled",
        _shuffled,
        "how often rules shuffled over the classes fit the images as well: a group that is no "
        "better than its shuffles is decoration",
    ),
)
