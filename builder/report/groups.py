"""What each group of the system contributes, and how much the groups repeat each other."""

from collections.abc import Sequence

from builder.diagnosis import GroupReport
from builder.figures import accuracy_interval, percent, points
from builder.redundancy import mutual_information
from builder.report.heatmap import Cell, heat_map
from builder.report.markup import Markup, element, joined
from builder.report.tables import Column, legend, table
from builder.statistics import Proportion
from builder.system import AttributeSystem


def groups_section(reports: Sequence[GroupReport]) -> Markup:
    """One row a group, measured on review images."""
    return joined((table(COLUMNS, reports), legend(COLUMNS)))


def redundancy_section(system: AttributeSystem) -> Markup:
    """The bits that each two groups share, from the rules alone."""
    bits = mutual_information(system)
    names = [group.name for group in system.groups]
    cells = {}
    for a, first in enumerate(names):
        for b, second in enumerate(names):
            own, shared = float(bits[a, a]), float(bits[a, b])
            told = f"{second} tells {shared:.2f} of the {own:.2f} bits of {first}"
            if a == b:
                told = f"{first} tells {own:.2f} bits about the class"
            heat = shared / own if own else 0.0
            cells[a, b] = Cell(f"{shared:.1f}", min(1.0, heat), told)
    words = (
        "Bits of the row's group that the column's group tells already, of the bits on the "
        "diagonal; the darker, the more of it is repeated. Groups that share little are the more "
        "informative together. Exact, from the rules, with all classes equally likely."
    )
    return joined((element("p", words), heat_map(names, cells, corner="bits shared")))


def _fraction(proportion: Proportion) -> str:
    if not proportion.n:
        return "–"
    interval = accuracy_interval(proportion.count, proportion.n)
    return f"{percent(proportion.count, proportion.n)} ({interval})"


def _left_out(report: GroupReport) -> str:
    change = report.without
    if change is None:
        return "the only group"
    return f"{points(change.points)} ({change.fixed} fixed, {change.broken} broken)"


COLUMNS: tuple[Column[GroupReport], ...] = (
    Column("group", lambda report: report.name),
    Column("options", lambda report: str(report.options), number=True),
    Column(
        "alone",
        lambda report: _fraction(report.alone),
        "review accuracy if it were the only group, with its 95 % interval",
        number=True,
    ),
    Column(
        "left out",
        _left_out,
        "what the review accuracy would change by without it; the more is lost, the more it counts",
        number=True,
    ),
    Column(
        "as ruled",
        lambda report: _fraction(report.agreement),
        "review images whose likeliest option is one that the rule of their class names",
        number=True,
    ),
    Column(
        "bits",
        lambda report: f"{report.bits:.1f}",
        "what its answer tells about the class, if all classes are equally likely",
        number=True,
    ),
    Column(
        "of its own",
        lambda report: f"{report.bits_given_others:.1f}",
        "those of its bits that no other group tells",
        number=True,
    ),
    Column("remark", lambda report: "no loss without it" if report.weak else ""),
)
