"""How few groups do: those that can go while the accuracy stays within one interval of all."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from builder.applying import apply
from builder.edits import DropGroup, Proposal
from builder.scoring import Floats, group_slices, score_cosines
from builder.statistics import Marks, Proportion
from builder.system import AttributeSystem, Scoring


@dataclass(frozen=True, slots=True)
class SmallestSet:
    """The groups kept and dropped, in the system's order, and the images right with all and so.

    Both counts are of the images that the set was chosen on: the second flatters.
    """

    kept: tuple[str, ...]
    dropped: tuple[str, ...]
    full: Proportion
    reduced: Proportion


def smallest_set(
    system: AttributeSystem,
    similar: Floats,
    labels: Sequence[str],
    *,
    scoring: Scoring,
    logit_scale: float,
) -> SmallestSet:
    """The fewest groups whose accuracy is not below the lower end of the full system's interval.

    Backward elimination: of the groups left, the one goes without which most images are right (of
    equals the last), until the accuracy would fall below. The set need not be the smallest of all,
    whose search would take 2^G scores; this one takes at most G^2 / 2. The interval is Wilson's
    95 %. Arguments as for `scoring.score_cosines`.
    """

    def right(without: Collection[str]) -> Proportion:
        marks = marks_without(
            without, system, similar, labels, scoring=scoring, logit_scale=logit_scale
        )
        return Proportion(int(marks.sum()), len(marks))

    names = [group.name for group in system.groups]
    full = reduced = right(())
    gone: tuple[str, ...] = ()
    for _ in names[1:]:
        counts = {name: right((*gone, name)) for name in reversed(names) if name not in gone}
        name = max(counts, key=lambda name: counts[name].count)
        if counts[name].fraction < full.interval.low:
            break
        gone, reduced = (*gone, name), counts[name]
    return SmallestSet(
        kept=tuple(name for name in names if name not in gone),
        dropped=tuple(name for name in names if name in gone),
        full=full,
        reduced=reduced,
    )


def marks_without(
    dropped: Collection[str],
    system: AttributeSystem,
    similar: Floats,
    labels: Sequence[str],
    *,
    scoring: Scoring,
    logit_scale: float,
) -> Marks:
    """[n] True where the system without those groups is right; `similar` is of all."""
    kept = np.concatenate(
        [
            np.arange(columns.start, columns.stop)
            for group, columns in zip(system.groups, group_slices(system), strict=True)
            if group.name not in dropped
        ]
    )
    # Behind those of the phrases are those of the class names, where they count.
    names = np.arange(len(system.phrases()), similar.shape[1])
    kept = np.concatenate([kept, names])
    less = apply(system, [DropGroup(group=name) for name in dropped])
    found = score_cosines(less, similar[:, kept], labels, scoring=scoring, logit_scale=logit_scale)
    return found.correct


def drop_proposal(found: SmallestSet) -> Proposal | None:
    """The groups' drop as one proposal; None if none can go."""
    if not found.dropped:
        return None
    full, reduced = found.full, found.reduced
    groups = len(found.kept) + len(found.dropped)
    return Proposal(
        edits=tuple(DropGroup(group=name) for name in found.dropped),
        source="data",
        reason=f"{len(found.kept)} of {groups} groups get {reduced.count:.0f} of {reduced.n} "
        f"images right, all get {full.count:.0f}: within its 95 % interval, on the images that "
        "the set was chosen on",
    )
