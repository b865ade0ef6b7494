"""More groups for classes that a drafted system gives identical rules: one call, then their rules.

An extra: whatever goes wrong here, the draft stands as it is.
"""

from collections.abc import Mapping, Sequence

from builder.errors import CotbuildError
from builder.llm.asking import Asking
from builder.llm.class_rules import ClassRules, Subject, draft_rules
from builder.llm.events import Inseparable
from builder.llm.prompts import Described, Prompts, as_data, described
from builder.llm.schemas import SeparatingReply, split_broken
from builder.proposals.requests import DraftRequest
from builder.system.model import AttributeGroup, AttributeSystem, make_system
from builder.system.names import folded

# What transcripts call it.
SEPARATE = "draft separate"
# The most classes that are named in the question, and groups that are added.
MOST_CLASSES = 40
MOST_GROUPS = 3

Sets = list[tuple[str, ...]]


def split_identical(
    system: AttributeSystem, request: DraftRequest, asking: Asking
) -> AttributeSystem:
    """`system`, with groups that tell apart classes which had identical rules.

    Only these classes have options in the added groups; for all others the groups don't apply.
    To ask about all would cost as many calls as the whole draft did.
    """
    sets = _chosen(alike(system))
    if not sets:
        return system
    try:
        groups = _new_groups(system, sets, request, asking)
        if not groups:
            asking.emit(Inseparable(_count(sets), "no usable group was proposed"))
            return system
        asked = {name for names in sets for name in names}
        classes = [entry for entry in request.classes if entry[0] in asked]
        subject = Subject(request.domain, groups, system.classes, request.context)
        rules = draft_rules(subject, classes, f"{SEPARATE} rules", asking).rules
    except CotbuildError as error:
        asking.emit(Inseparable(_count(sets), error.message))
        return system
    return _extended(system, [group for group in groups if _splits(group, sets, rules)], rules)


def alike(system: AttributeSystem) -> Sets:
    """Sets of classes with identical rules, the largest first."""
    by_rule: dict[tuple[tuple[str, ...], ...], list[str]] = {}
    for name, choices in system.rules.items():
        # Rules that are missing are not the same rules.
        if any(choices.values()):
            by_rule.setdefault(tuple(choices.values()), []).append(name)
    sets = [tuple(names) for names in by_rule.values() if len(names) > 1]
    return sorted(sets, key=len, reverse=True)


def _chosen(sets: Sets) -> Sets:
    """The sets to ask about: as many classes as may be named, at least two of a set."""
    chosen: Sets = []
    for names in sets:
        fitting = names[: MOST_CLASSES - _count(chosen)]
        if len(fitting) > 1:
            chosen.append(fitting)
    return chosen


def _count(sets: Sets) -> int:
    return sum(map(len, sets))


def _new_groups(
    system: AttributeSystem, sets: Sets, request: DraftRequest, asking: Asking
) -> tuple[AttributeGroup, ...]:
    question = splitting_question(system, sets, request, asking.prompts)
    reply = asking.ask(SEPARATE, question, SeparatingReply)
    sound, broken = split_broken(reply.new_groups)
    reasons = [item.told for item in broken]
    names = {folded(group.name) for group in system.groups}
    groups: list[AttributeGroup] = []
    for drafted in sound:
        if folded(drafted.name) in names:
            reasons.append(f"{drafted.name}: there is a group of that name")
        elif len(groups) == MOST_GROUPS:
            reasons.append(f"{drafted.name}: more than the {MOST_GROUPS} asked for")
        else:
            names.add(folded(drafted.name))
            groups.append(drafted.as_group())
    asking.drop("group", reasons)
    return tuple(groups)


def splitting_question(
    system: AttributeSystem, sets: Sets, request: DraftRequest, prompts: Prompts
) -> str:
    entries: Mapping[str, Described] = {entry[0]: entry for entry in request.classes}
    return prompts.question(
        "separate",
        request.context,
        domain=request.domain,
        groups=as_data([group.model_dump() for group in system.groups]),
        sets=as_data([[described(entries[name]) for name in names] for names in sets]),
        limit=str(MOST_GROUPS),
    )


def _splits(group: AttributeGroup, sets: Sets, rules: ClassRules) -> bool:
    """Whether the rules that came have different options in it for classes of one set."""
    chosen = [{rules.get(name, {}).get(group.name) for name in names} for names in sets]
    return any(len(options - {None}) > 1 for options in chosen)


def _extended(
    system: AttributeSystem, groups: Sequence[AttributeGroup], rules: ClassRules
) -> AttributeSystem:
    added = {group.name for group in groups}
    extended = {
        name: dict(choices)
        | {group: (option,) for group, option in rules.get(name, {}).items() if group in added}
        for name, choices in system.rules.items()
    }
    return make_system(system.domain, (*system.groups, *groups), extended)
