"""Proposals to drop what does nothing: groups that fit no better shuffled, options nobody sees."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

import numpy as np

from builder.diagnosis import RuleEvidence, rule_evidence
from builder.edits import DropGroup, DropOption, Edit, Proposal, SetRule
from builder.group_report import GroupReport
from builder.null_test import null_tests
from builder.scoring import Scores
from builder.system import AttributeSystem

# An option is not idle because a single image of a class that names it looks otherwise.
_FEWEST_IMAGES = 2


def idle_groups(scores: Scores, system: AttributeSystem, *, seed: int) -> Iterator[Proposal]:
    """Drops of the groups that can't beat their shuffled rules, greatest p first; never of all."""
    tests = null_tests(scores, system, seed=seed)
    idle = sorted(
        (test for test in tests if test.can_tell and not test.beats), key=lambda test: -test.p
    )
    # Each proposal must still apply after all others were accepted.
    for test in idle[: len(system.groups) - 1]:
        reason = (
            "its rules fit the review images no better than when they are shuffled over the "
            f"classes ({test.permutations} shuffles, p = {test.p:.3f})"
        )
        yield _removal(reason, DropGroup(group=test.group))


def weak_groups(reports: Iterable[GroupReport]) -> Iterator[Proposal]:
    """Drops of the groups without which more images are correct, those that gain most first."""
    weak = [each for each in reports if each.without and each.without.points > 0]
    weak.sort(key=lambda each: -each.without.points if each.without else 0)
    for each in weak:
        if each.without:
            change = f"{each.without.fixed} fixed, {each.without.broken} broken"
            reason = f"more review images are correct without it ({change})"
            yield _removal(reason, DropGroup(group=each.name))


def idle_options(scores: Scores, system: AttributeSystem) -> Iterator[Proposal]:
    """Drops of the options that no image chooses, at least 2 of each group left.

    First those named by the rules of the classes with the most images, 2 or more of each class;
    last those that no rule names. A class that names nothing else takes what most of its own
    images choose.
    """
    evidence = rule_evidence(scores, system)
    cases = []
    for group, p in zip(system.groups, scores.probabilities, strict=True):
        chosen = {group.options[option] for option in np.unique(p.argmax(axis=1)).tolist()}
        idle = [option for option in group.options if option not in chosen]
        known = {
            e.class_name: e for e in evidence if e.group == group.name and e.n >= _FEWEST_IMAGES
        }
        users = {
            option: [name for name, rule in system.rules.items() if option in rule[group.name]]
            for option in idle
        }
        droppable = [option for option in idle if known.keys() >= set(users[option])]
        # Where only some can go, those that are in no rule go first.
        droppable.sort(key=lambda option: bool(users[option]))
        # Each proposal must still apply after the others of its group were accepted.
        for option in droppable[: len(group.options) - 2]:
            named_by = [known[name] for name in users[option]]
            edits = _edits_to_drop(group.name, option, named_by, idle)
            reason = _reason(option, users[option], scores.n)
            cases.append((sum(e.n for e in named_by), _removal(reason, *edits)))
    cases.sort(key=lambda case: -case[0])
    return (proposal for _, proposal in cases)


def _removal(reason: str, *edits: Edit) -> Proposal:
    return Proposal(edits=edits, source="data", reason=reason)


def _edits_to_drop(
    group: str, option: str, users: Sequence[RuleEvidence], idle: Collection[str]
) -> Iterator[Edit]:
    """The option replaced by what most of its users take; before that, the rules of the others."""
    after = {
        user: tuple(named for named in user.rule if named not in idle) or (user.chosen[0][0],)
        for user in users
    }
    common = Counter(after[user] for user in users if user.rule == (option,)).most_common(1)
    instead = common[0][0] if common else ()
    for user, rule in after.items():
        if {*instead, *user.rule} - {option} != set(rule):
            yield SetRule(class_name=user.class_name, group=group, options=rule)
    yield DropOption(group=group, option=option, replacement=instead[0] if instead else None)


def _reason(option: str, users: Sequence[str], images: int) -> str:
    if not users:
        return f'no rule names "{option}", and none of {images} review images see it'
    which = f'the rule of "{users[0]}" names'
    if len(users) > 1:
        which = f"the rules of {len(users)} classes name"
    return f'none of {images} review images see "{option}", which {which}'
