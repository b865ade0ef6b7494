"""Which images are right without a group: for every group, from one scoring of the whole system.

A class's total is a sum over groups, so leaving one out takes away what its choice added. Of all
classes with the same choice there the best stays the best, so that per choice one maximum over
its classes is needed, and no class is scored again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from builder.scoring import (
    Floats,
    GroupRules,
    Indices,
    Scores,
    group_rules,
    group_slices,
    score_cosines,
)
from builder.statistics import Marks
from builder.system import AttributeSystem, Scoring

# Totals are gone through so many at a time, which the processor's cache holds.
_BLOCK = 1 << 19
# Leads below this, relative to what was added up, may be rounding: such images are scored again.
_ROUNDING = 64 * float(np.finfo(np.float32).eps)


def correct_without(
    system: AttributeSystem,
    scores: Scores,
    similar: Floats,
    *,
    scoring: Scoring,
    logit_scale: float,
) -> tuple[Marks, ...]:
    """Per group [n], True where the system without it is right; () if there is only one group.

    `similar` are the cosines that the scores were made from. Classes whose rules differ in
    the group alone tie exactly without it, to class order. Images on which other totals differ by
    no more than rounding are scored again, as the system without the group would be.
    """
    if len(system.groups) < 2:
        return ()
    rules = group_rules(system)
    left_out = [
        _LeftOut.of(system, index, rules, similar, scoring, logit_scale)
        for index in range(len(rules))
    ]
    leads = _leads(scores, left_out)
    found = []
    for group, (lead, doubt) in zip(left_out, leads, strict=True):
        # A class that an earlier one ties with never wins.
        possible = (scores.labels >= 0) & group.entered[scores.labels]
        right = possible & (lead > 0)
        again = np.flatnonzero(possible & (np.abs(lead) <= doubt))
        if len(again):
            rest = score_cosines(
                group.rest,
                np.delete(similar[again], group.columns, axis=1),
                [scores.classes[label] for label in scores.labels[again].tolist()],
                scoring=scoring,
                logit_scale=logit_scale,
            )
            right[again] = rest.correct
        found.append(right)
    return tuple(found)


@dataclass(frozen=True, slots=True, eq=False)
class _LeftOut:
    """A group that is left out.

    rest: the system without it. columns: its phrases. of_class: [C] each class's choice among U.
    added: [U, n] what each choice adds to a total. entered: [C] True for the first of the classes
    whose rules are equal without it. rivals: per choice, the classes that are entered.
    """

    rest: AttributeSystem
    columns: slice
    of_class: Indices
    added: Floats
    entered: Marks
    rivals: tuple[Indices, ...]

    @classmethod
    def of(
        cls,
        system: AttributeSystem,
        index: int,
        rules: Sequence[GroupRules],
        similar: Floats,
        scoring: Scoring,
        logit_scale: float,
    ) -> "_LeftOut":
        rule = rules[index]
        others = [other.of_class for other in rules if other is not rule]
        _, first = np.unique(np.stack(others, axis=1), axis=0, return_index=True)
        # Names that count tell apart classes whose rules are equal.
        entered = np.full(len(rule.of_class), scoring.name_prior > 0)
        entered[first] = True
        columns = group_slices(system)[index]
        return cls(
            rest=_without(system, index),
            columns=columns,
            of_class=rule.of_class,
            added=_added(system, index, rule, similar[:, columns], scoring, logit_scale),
            entered=entered,
            rivals=tuple(
                np.flatnonzero(entered & (rule.of_class == choice))
                for choice in range(len(rule.weights))
            ),
        )


def _without(system: AttributeSystem, index: int) -> AttributeSystem:
    name = system.groups[index].name
    return AttributeSystem(
        domain=system.domain,
        groups=system.groups[:index] + system.groups[index + 1 :],
        rules={
            class_name: {key: chosen for key, chosen in choices.items() if key != name}
            for class_name, choices in system.rules.items()
        },
    )


def _added(
    system: AttributeSystem,
    index: int,
    rule: GroupRules,
    similar: Floats,
    scoring: Scoring,
    logit_scale: float,
) -> Floats:
    """[U, n]: the totals of a system of this group alone, with a class for each of its choices."""
    if len(rule.weights) == 1:
        # What is added to all alike decides nothing.
        return np.zeros((1, len(similar)), np.float32)
    group = system.groups[index]
    _, users = np.unique(rule.of_class, return_index=True)
    names = [system.classes[user] for user in users.tolist()]
    alone = AttributeSystem(
        domain=system.domain,
        groups=(group,),
        rules={name: {group.name: system.rules[name][group.name]} for name in names},
    )
    nameless = scoring.model_copy(update={"name_prior": 0.0})
    scores = score_cosines(
        alone, similar, [""] * len(similar), scoring=nameless, logit_scale=logit_scale
    )
    return np.ascontiguousarray(scores.totals.T)


def _leads(scores: Scores, groups: Sequence[_LeftOut]) -> list[tuple[Floats, Floats]]:
    """Per group [n]: the true class's lead over its best rival, and what of it may be rounding."""
    found = [(np.empty(scores.n, np.float32), np.empty(scores.n, np.float32)) for _ in groups]
    step = max(1, _BLOCK // len(scores.classes))
    for start in range(0, scores.n, step):
        block = slice(start, start + step)
        labels = scores.labels[block]
        # A copy, in which a class's totals lie side by side. The true one is no rival of its own.
        totals = np.array(scores.totals[block].T, order="C")
        images = np.arange(len(labels))
        own = totals[labels, images]
        totals[labels, images] = -np.inf
        for group, (lead, doubt) in zip(groups, found, strict=True):
            added = group.added[:, block]
            own_added = added[group.of_class[labels], images]
            best = np.full(len(labels), -np.inf, np.float32)
            for rivals, adds in zip(group.rivals, added, strict=True):
                if len(rivals):
                    np.maximum(best, totals[rivals].max(axis=0) - adds, out=best)
            lead[block] = own - own_added - best
            size = np.abs(own) + np.abs(best) + np.abs(added).max(axis=0)
            # Without a rival there is no doubt.
            doubt[block] = np.where(np.isfinite(best), _ROUNDING * size, 0)
    return found
