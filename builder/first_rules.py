"""A first system from groups alone: its rules are fitted on review images."""

from collections.abc import Sequence

import numpy as np

from builder.greedy import pruned
from builder.optimising import Review, Task
from builder.scoring import Scores
from builder.system import AttributeGroup, AttributeSystem, Choice


def system_from_groups(
    domain: str, groups: Sequence[AttributeGroup], classes: Sequence[str], review: Review
) -> AttributeSystem:
    """Rules fitted on the review images, and then only the groups that are not better dropped."""
    blank = AttributeSystem(
        domain=domain, groups=tuple(groups), rules={name: {} for name in classes}
    )
    return pruned(Task(fitted(blank, review.score(blank)), (), review))


def fitted(system: AttributeSystem, scores: Scores) -> AttributeSystem:
    """The system with rules from what its images see; `scores` are its own, with any rules.

    A class gets the option whose mean probability on the class's images is furthest above its mean
    on all images: an option that every image sees a little tells nothing. A class without images
    keeps its rules.
    """
    own = {
        name: images
        for index, name in enumerate(system.classes)
        if len(images := np.flatnonzero(scores.labels == index))
    }
    rows: dict[str, dict[str, Choice]] = {name: {} for name in own}
    for group, p in zip(system.groups, scores.probabilities, strict=True):
        everywhere = p.mean(axis=0)
        for name, row in rows.items():
            above = p[own[name]].mean(axis=0) - everywhere
            row[group.name] = (group.options[int(above.argmax())],)
    return system.with_rules(rows)
