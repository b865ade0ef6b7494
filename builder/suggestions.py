"""Proposals from the data alone: what a class's own images choose, against what its rule says."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from builder.diagnosis import RuleEvidence, option_counts, rule_evidence
from builder.edits import DropOption, Proposal, SetRule
from builder.scoring import Scores
from builder.statistics import wilson
from builder.system import AttributeSystem

# A set of rules to change is fitted on few images: these bounds keep the obviously idle ones out,
# and leave the rest to the referee, who measures every proposal.
_FEWEST = 2
_TIMES_THE_RULE = 2


def suggest(scores: Scores, system: AttributeSystem) -> tuple[Proposal, ...]:
    """Proposals for the system with these scores, strongest first; source "data".

    A rule of one option, or of none, is to be set to the option that most of the class's images
    choose (have as their likeliest) if at least 2 images and more than half of them do, at least
    twice as many as choose the rule's, and a larger part of them than of the other classes' images:
    what all images choose says nothing about a class. Strength is the number of images that choose
    it beyond those that choose the rule's.

    An option that no rule names and no image chooses is to be dropped, as long as 2 remain. These
    come last.
    """
    return (*_set_rules(scores, system), *_drop_options(scores, system))


@dataclass(frozen=True, slots=True)
class _Case:
    """An option that `seen` of the class's images choose, where `kept` choose the rule's."""

    evidence: RuleEvidence
    option: str
    seen: int
    kept: int


def _set_rules(scores: Scores, system: AttributeSystem) -> tuple[Proposal, ...]:
    totals = {
        group.name: dict(zip(group.options, counts.sum(axis=0).tolist(), strict=True))
        for group, counts in zip(system.groups, option_counts(scores, system), strict=True)
    }
    images = int(np.count_nonzero(scores.labels >= 0))
    cases = []
    for evidence in rule_evidence(scores, system):
        option, seen = evidence.chosen[0]
        kept = sum(count for chosen, count in evidence.chosen if chosen in evidence.rule)
        clear = seen >= _FEWEST and 2 * seen > evidence.n and seen >= _TIMES_THE_RULE * kept
        elsewhere, others = totals[evidence.group][option] - seen, images - evidence.n
        # seen / n > elsewhere / others, without dividing by 0.
        typical = others == 0 or seen * others > elsewhere * evidence.n
        if len(evidence.rule) <= 1 and option not in evidence.rule and clear and typical:
            cases.append(_Case(evidence, option, seen, kept))
    # Stable: equally strong ones stay in the order of classes and groups.
    cases.sort(key=lambda case: (case.kept - case.seen, -case.seen / case.evidence.n))
    return tuple(_set_rule(case) for case in cases)


def _set_rule(case: _Case) -> Proposal:
    evidence = case.evidence
    interval = wilson(case.seen, evidence.n)
    if evidence.rule:
        rule = f'the rule says "{evidence.rule[0]}" (seen by {case.kept})'
    else:
        rule = "the rule names nothing"
    reason = (
        f'{case.seen} of {evidence.n} review images see "{case.option}" '
        f"({100 * interval.low:.0f}-{100 * interval.high:.0f} %), {rule}"
    )
    edit = SetRule(class_name=evidence.class_name, group=evidence.group, options=(case.option,))
    return Proposal(edits=(edit,), source="data", reason=reason)


def _drop_options(scores: Scores, system: AttributeSystem) -> Iterator[Proposal]:
    if not scores.n:
        return
    for group, p in zip(system.groups, scores.probabilities, strict=True):
        used = {option for choices in system.rules.values() for option in choices[group.name]}
        chosen = {group.options[option] for option in p.argmax(axis=1).tolist()}
        idle = [option for option in group.options if option not in used | chosen]
        # Each proposal must still apply after the others of its group were accepted.
        for option in idle[: len(group.options) - 2]:
            reason = f'no rule names "{option}", and none of {scores.n} review images see it'
            edit = DropOption(group=group.name, option=option)
            yield Proposal(edits=(edit,), source="data", reason=reason)
