"""Questions asked one by one: curves, stopping, the order of groups, and how few of them do."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from builder.diagnosis.questions import Asked, SmallestSet, Stopped
from builder.scoring.score import Indices
from builder.scoring.statistics import Change, Proportion, wilson
from builder.scoring.wording import accuracy, counted, interval, percent, points, proven
from builder.terminal.tables import Rows
from builder.terminal.text import plain

_EARLY = 3


def curve_table(
    adaptive: Sequence[float], fixed: Sequence[float], random: Sequence[float], full: Proportion
) -> RenderableType:
    """Accuracies in [0, 1] after one question, after two ...; `full`: of all groups at once."""
    n = full.n
    rows = []
    for step, accuracies in enumerate(zip(adaptive, fixed, random, strict=True), start=1):
        found = wilson(accuracies[0] * n, n)
        first, *others = (percent(100 * part, 100) for part in accuracies)
        rows.append((str(step), first, interval(found.low, found.high), *others))
    headers = ["questions", "adaptive", "interval", "best fixed", "random"]
    note = (
        f"{counted(n, 'image')}. Intervals: 95 %. A tie of m classes counts 1/m. Best fixed: one "
        "order for all, at each step the question that tells most. "
        f"All groups at once, scored as in the file: {accuracy(int(full.count), n)}."
    )
    return Group(Rows(headers, rows, frozenset(range(1, 5))), Text(note, style="dim"))


def stop_table(stops: Sequence[tuple[Stopped, Stopped]]) -> RenderableType:
    """Per threshold, the adaptive questions and those in the best fixed order."""
    headers = ["likely", "questions", "accuracy", "never", "best fixed", "accuracy"]
    rows = [
        (
            f"{100 * adaptive.threshold:g} %",
            f"{adaptive.questions:.1f}",
            percent(100 * adaptive.accuracy, 100),
            percent(100 * adaptive.unsure, 100),
            f"{fixed.questions:.1f}",
            percent(100 * fixed.accuracy, 100),
        )
        for adaptive, fixed in stops
    ]
    note = (
        "Questions: the mean, adaptive and in the best fixed order. Never: images on which no "
        "class gets that likely, though all is asked."
    )
    return Group(Rows(headers, rows, frozenset(range(1, 6))), Text(note, style="dim"))


def order_table(names: Sequence[str], adaptive: Asked, fixed: Indices) -> Rows:
    """Groups by their mean place among the adaptive questions, and their place in the best order.

    Places start at 1.
    """
    means, early = adaptive.places.mean(axis=0), (adaptive.places <= _EARLY).mean(axis=0)
    in_fixed = fixed.argsort() + 1
    rows = [
        (names[group], f"{means[group]:.1f}", f"{100 * early[group]:.0f} %", str(in_fixed[group]))
        for group in means.argsort(kind="stable").tolist()
    ]
    headers = ["group", "mean place", f"in the first {_EARLY}", "best fixed"]
    return Rows(headers, rows, frozenset(range(1, 4)))


def smallest_words(
    found: SmallestSet, check: Change | None, chosen_on: str, measured_on: str
) -> RenderableType:
    """Which groups are kept and which can go, and what that costs on either kind of images."""
    groups = len(found.kept) + len(found.dropped)
    if not found.dropped:
        return Text(f"None of {counted(groups, 'group')} can go.")
    full, less = found.full, found.reduced
    change = 100 * (less.fraction - full.fraction)
    lines = [
        Text(f"{len(found.kept)} of {counted(groups, 'group')} do. These can go:"),
        *(Text.assemble("  ", plain(name)) for name in found.dropped),
        Text(
            f"{chosen_on}: {accuracy(int(full.count), full.n)} with all, "
            f"{accuracy(int(less.count), less.n)} without them ({points(change)})"
        ),
    ]
    if check is not None:
        lines.append(Text(f"{measured_on}: {points(check.points)} ({proven(check)})"))
    low = percent(100 * full.interval.low, 100)
    note = f"Within one interval: not below {low}, the lower end of the 95 % interval with all. "
    note += "Groups go one by one, the least missed first: another choice may be smaller."
    lines.append(Text(note, style="dim"))
    return Group(*lines)
