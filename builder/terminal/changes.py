"""What changed since the last version and since the best one: accuracy, classes, and by what."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from rich.console import RenderableType
from rich.text import Text

from builder.review.findings import Findings
from builder.scoring.statistics import compare
from builder.scoring.wording import counted, effect, points, proven
from builder.session import versions
from builder.session.classes import incomparable
from builder.session.state import State, Step, Version, from_bits, needs_measuring
from builder.session.versions import Causes, ClassChange
from builder.terminal.events import summary
from builder.terminal.text import LONG, indented, listed, shortened

_STEPS, _CLASSES = 6, 4


def changes_block(state: State, findings: Findings) -> list[RenderableType]:
    """Everything since the last round, or since the last version where more was accepted since.

    Accuracy is told of held-out images, classes of review images only.
    """
    if not state.versions:
        return []
    parts: list[RenderableType] = []
    last = state.versions[-1]
    if needs_measuring(state):
        parts += _unmeasured(last, state, findings)
    elif len(state.versions) > 1:
        before = state.versions[-2]
        parts += _measured(before, last, state, findings)
        best = state.best_version
        if best is not None and best.number not in (before.number, last.number):
            parts += _measured(best, last, state, findings, " (the best)", with_causes=False)
    return [Text(), Text("What changed?", style="bold"), *parts] if parts else []


def _measured(
    before: Version,
    last: Version,
    state: State,
    findings: Findings,
    role: str = "",
    *,
    with_causes: bool = True,
) -> Iterator[RenderableType]:
    change = versions.held_out_change(before, last)
    title = f"Version {last.number} against version {before.number}{role}"
    if change is not None:
        yield Text(f"{title}: {points(change.points)} on held-out images ({proven(change)}).")
    else:
        why = shortened(incomparable(before, last), LONG)
        yield Text(f"{title}: on {why}, so they can't be compared.")
    yield from _classes(before, from_bits(last.review), findings)
    if with_causes:
        yield from _causes(versions.causes(before, last.steps, state.versions), state)


def _unmeasured(last: Version, state: State, findings: Findings) -> Iterator[RenderableType]:
    """A change without a p-value: the review images chose it."""
    after = findings.review.correct
    if last.images == findings.images:
        change = compare(from_bits(last.review), after)
        yield Text(
            f"Since version {last.number}: {change.fixed} fixed, {change.broken} broken on review "
            "images; not measured on held-out images yet."
        )
        yield from _classes(last, after, findings)
    yield from _causes(versions.causes(last, state.steps, state.versions), state)


def _classes(
    before: Version, after: NDArray[np.bool_], findings: Findings
) -> Iterator[RenderableType]:
    review = findings.review
    if before.images != findings.images:
        return
    changes = versions.class_changes(from_bits(before.review), after, review.labels, review.classes)
    up = [change for change in changes if change.net > 0]
    down = [change for change in reversed(changes) if change.net < 0]
    lines = [f"{word} {_listed(found)}" for word, found in (("up", up), ("down", down)) if found]
    if lines:
        yield indented(f"Classes on review images: {'; '.join(lines)}.")


def _listed(changes: Sequence[ClassChange]) -> str:
    shown = [f"{shortened(c.name, 28)} {c.before} → {c.after} of {c.n}" for c in changes]
    return listed(shown, _CLASSES)


def _causes(found: Causes, state: State) -> Iterator[RenderableType]:
    lines = [*_told("+", found.done, state), *_told("taken back:", found.taken_back, state)]
    yield from map(indented, lines[:_STEPS])
    if len(lines) > _STEPS:
        more = counted(len(lines) - _STEPS, "more change")
        yield indented(f"and {more}; cotbuild log lists all.")


def _told(sign: str, steps: Sequence[Step], state: State) -> Iterator[str]:
    for step in steps:
        if step.proposal is not None:
            decided = versions.decision_on(step, state)
            measured = f"  {effect(decided.effect)}" if decided and decided.effect else ""
            yield f"{sign} {summary(step.proposal)}{measured}"
