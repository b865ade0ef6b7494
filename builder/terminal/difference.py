"""Two systems of a session side by side: the edits between them, and what they did."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from builder.edits.describe import SOURCES
from builder.edits.model import Edit, Proposal
from builder.scoring.wording import counted, points, proven
from builder.session.classes import incomparable
from builder.session.state import Step, steps_between
from builder.session.versions import Point, held_out_change
from builder.terminal.events import bits_words, summary
from builder.terminal.sentences import proposal_told
from builder.terminal.text import LONG, indented, shortened


def difference_screen(before: Point, after: Point, edits: Sequence[Edit]) -> RenderableType:
    """Two systems and the `edits` that lead from the one to the other."""
    title = f"From {before.title} to {after.title}"
    parts: list[RenderableType] = [
        Text(f"{title}: {counted(len(edits), 'edit')}", style="bold"),
        *_edits(before, edits),
    ]
    taken_back, done = steps_between(before.steps, after.steps)
    parts += _steps("accepted", done, after.steps)
    parts += _steps("taken back", taken_back, before.steps)
    return Group(*parts, Text(), *map(Text, _held_out(before, after)))


def _edits(before: Point, edits: Sequence[Edit]) -> list[RenderableType]:
    if not edits:
        return [indented("Both are the same.")]
    # Told one after the other, as a proposal's edits are; who proposed them says the list below.
    described = proposal_told(Proposal(edits=tuple(edits), source="person"), before.system)
    return [indented(line) for line in described.splitlines()]


def _steps(what: str, steps: Sequence[Step], history: Sequence[Step]) -> list[RenderableType]:
    if not steps:
        return []
    first = len(history) - len(steps)
    lines: list[RenderableType] = [Text()]
    lines.append(Text(f"{counted(len(steps), 'proposal')} {what}", style="bold"))
    for place, step in enumerate(steps, start=first):
        if step.proposal:
            told = summary(step.proposal, history[place - 1].system)
            lines.append(indented(f"From {SOURCES[step.proposal.source]}: {told}"))
    return lines


def _held_out(before: Point, after: Point) -> list[str]:
    lines = [_measured(point) for point in (before, after)]
    if before.version and after.version:
        change = held_out_change(before.version, after.version)
        if change is None:
            why = shortened(incomparable(before.version, after.version), LONG)
            lines.append(f"They were measured on {why}, so they can't be compared.")
        elif change.n:
            lines.append(f"Change: {points(change.points)} ({proven(change)}).")
    return lines


def _measured(point: Point) -> str:
    title = f"{point.title[0].upper()}{point.title[1:]}"
    if point.version is None:
        return f"{title}: not measured."
    return f"{title} on held-out images: {bits_words(point.version.held_out)}."
