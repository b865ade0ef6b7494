"""A first system: the groups for the whole domain, then the rules in batches of classes.

With many classes the groups come from a sample of them; classes that are left with identical rules
are then told apart by a few more groups.
"""

from collections.abc import Sequence
from itertools import pairwise
from random import Random

from builder.llm.asking import Asking
from builder.llm.class_rules import EXTRA_ROUNDS, Subject, draft_rules
from builder.llm.events import RulesWanting
from builder.llm.prompts import Described, Prompts, described_classes
from builder.llm.schemas import Broken, DraftedGroup, GroupsReply, split_broken
from builder.llm.split_identical import split_identical
from builder.llm.transport import UnusableAnswer
from builder.proposals.requests import DraftRequest
from builder.system.model import AttributeGroup, AttributeSystem, make_system
from builder.system.names import folded

# The most classes from which groups are drafted: a longer list is read with less care.
SAMPLE = 60

Slots = Sequence[DraftedGroup | Broken]
# Stands where the groups should be in a reply without any.
_NONE = Broken(None, "no group was given")


def draft_system(
    request: DraftRequest, asking: Asking, *, split_alike: bool = False
) -> AttributeSystem:
    """Drafts groups, then the classes' rules.

    `split_alike`: of more than SAMPLE classes, those still alike are told apart by more groups.
    What no usable answer came for is left out: a group, a rule, an option in a rule. Raises
    LLMError where no answer came; UnusableAnswer where there is no group at all.
    """
    groups = _draft_groups(request, asking)
    names = tuple(name for name, _ in request.classes)
    subject = Subject(request.domain, groups, names, request.context)
    drafted = draft_rules(subject, request.classes, "draft rules", asking)
    if drafted.wanting:
        asking.emit(RulesWanting(tuple(drafted.wanting), next(iter(drafted.wanting.values()))))
    rules = {name: drafted.rules.get(name, {}) for name in names}
    system = make_system(request.domain, groups, rules)
    if split_alike and len(names) > SAMPLE:
        return split_identical(system, request, asking)
    return system


def group_question(request: DraftRequest, prompts: Prompts) -> str:
    """What is asked to get the groups."""
    return prompts.question(
        "draft",
        request.context,
        domain=request.domain,
        classes=described_classes(spread(request.classes, SAMPLE)),
        attributes="\n".join(f"- {attribute}" for attribute in request.attributes),
    )


def spread(classes: Sequence[Described], most: int) -> tuple[Described, ...]:
    """At most so many of the classes, evenly spread over the list and always the same.

    One from each of `most` stretches of equal length: neighbours in a list are often akin, and a
    fixed step could meet the same kind each time.
    """
    if len(classes) <= most:
        return tuple(classes)
    random = Random(0)
    bounds = [len(classes) * i // most for i in range(most + 1)]
    return tuple(classes[random.randrange(start, end)] for start, end in pairwise(bounds))


def _draft_groups(request: DraftRequest, asking: Asking) -> tuple[AttributeGroup, ...]:
    question = group_question(request, asking.prompts)
    reply = asking.ask("draft groups", question, GroupsReply)
    slots = _merged([], reply.groups) or [_NONE]
    for _ in range(EXTRA_ROUNDS):
        broken = split_broken(slots)[1]
        if not broken:
            break
        _drop(broken, asking)
        again = asking.prompts.again(question, _group_problems(slots))
        try:
            reply = asking.ask("draft groups again", again, GroupsReply)
        except UnusableAnswer:
            break
        slots = _merged(slots, reply.groups)
    groups, broken = split_broken(slots)
    _drop(broken, asking)
    if not groups:
        raise UnusableAnswer(
            "The model gave no group."
            if _NONE in broken
            else f"The model's group {broken[0].shown} cannot be used: {broken[0].problem}.",
            hint="Try again, or try another model.",
        )
    return tuple(group.as_group() for group in groups)


def _drop(broken: Sequence[Broken], asking: Asking) -> None:
    asking.drop("group", [item.told for item in broken if item != _NONE])


def _merged(slots: Slots, answers: Slots) -> list[DraftedGroup | Broken]:
    """Each broken slot takes the next answer; answers left over come last.

    An answer that repeats the name of a sound group is left out.
    """
    names = {folded(group.name) for group in split_broken(slots)[0]}
    fresh: list[DraftedGroup | Broken] = []
    for answer in answers:
        if isinstance(answer, DraftedGroup):
            if folded(answer.name) in names:
                continue
            names.add(folded(answer.name))
        fresh.append(answer)
    waiting = iter(fresh)
    merged = [next(waiting, slot) if isinstance(slot, Broken) else slot for slot in slots]
    return [*merged, *waiting]


def _group_problems(slots: Slots) -> list[str]:
    sound, broken = split_broken(slots)
    kept = ", ".join(group.name for group in sound) or "none"
    lines = [f"- {item.problem if item == _NONE else item.told}" for item in broken]
    return [f"Groups that are kept, not to be sent again: {kept}.", *lines]
