"""A first system: the groups for the whole domain, then the rules in batches of classes.

Only what is missing or invalid is asked again, with what was wrong. A truncated answer halves the
batch. Nothing here knows how an answer is got.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from builder.errors import LLMError
from builder.llm.events import Dropped, LLMEvent
from builder.llm.schemas import (
    Broken,
    DraftedGroup,
    GroupsReply,
    rules_reply,
    short,
    split_broken,
)
from builder.llm.transport import Transport, TruncatedAnswer, ask
from builder.prompting import render
from builder.requests import DraftRequest
from builder.system import AttributeGroup, AttributeSystem, folded, make_system

# 8 groups x 25 classes fill about 2,000 output tokens, half of the smallest limits in use.
BATCH = 25
# How often what is missing or invalid is asked for again.
EXTRA_ROUNDS = 2
_TRY_AGAIN = "Try again, or try another model."

Emit = Callable[[LLMEvent], None]
Described = tuple[str, str]  # class name, description or ""
Slots = Sequence[DraftedGroup | Broken]


def draft_system(request: DraftRequest, transport: Transport, emit: Emit) -> AttributeSystem:
    """Raises LLMError naming the group or the classes for which no usable answer came."""
    groups = _draft_groups(request, transport, emit)
    batches = [request.classes[i : i + BATCH] for i in range(0, len(request.classes), BATCH)]
    rules: dict[str, dict[str, str]] = {}
    for number, batch in enumerate(batches, start=1):
        purpose = f"draft rules {number}/{len(batches)}"
        rules |= _RulesDraft(request.domain, groups, transport, emit).draft(batch, purpose)
    return make_system(request.domain, groups, {name: rules[name] for name, _ in request.classes})


def _draft_groups(
    request: DraftRequest, transport: Transport, emit: Emit
) -> tuple[AttributeGroup, ...]:
    question = render(
        "draft",
        domain=request.domain,
        classes=described_classes(request.classes),
        attributes="\n".join(f"- {attribute}" for attribute in request.attributes),
    )
    reply = transport.complete("draft groups", ask(question), GroupsReply)
    slots = _merged([], reply.groups) or [Broken(None, "no group was given")]
    for _ in range(EXTRA_ROUNDS):
        broken = split_broken(slots)[1]
        if not broken:
            break
        emit(Dropped("group", tuple(f"{_sent(item)}: {item.problem}" for item in broken)))
        again = render("again", problems=_group_problems(slots))
        asked = ask(f"{question}\n\n{again}")
        slots = _merged(slots, transport.complete("draft groups again", asked, GroupsReply).groups)
    groups, broken = split_broken(slots)
    if broken:
        raise LLMError(
            f"The model's group {_sent(broken[0])} cannot be used: {broken[0].problem}.",
            hint=_TRY_AGAIN,
        )
    return tuple(group.as_group() for group in groups)


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


def _group_problems(slots: Slots) -> str:
    sound, broken = split_broken(slots)
    kept = ", ".join(group.name for group in sound)
    lines = [f"- {_sent(item)}: {item.problem}" for item in broken]
    return "\n".join([f"Groups that are kept, not to be sent again: {kept or 'none'}.", *lines])


def _sent(item: Broken) -> str:
    return short(json.dumps(item.sent, ensure_ascii=False))


@dataclass(frozen=True, slots=True)
class _RulesDraft:
    """Asks for the rules of classes until every one has a sound rule."""

    domain: str
    groups: tuple[AttributeGroup, ...]
    transport: Transport
    emit: Emit

    def draft(
        self,
        classes: Sequence[Described],
        purpose: str,
        problems: Mapping[str, str] = MappingProxyType({}),
        extra_rounds: int = EXTRA_ROUNDS,
    ) -> dict[str, dict[str, str]]:
        """Class -> group -> option. `problems`: what was wrong with the answer before, by class."""
        names = [name for name, _ in classes]
        try:
            asked = self.transport.complete(
                f"{purpose} again" if problems else purpose,
                ask(self._question(classes, problems)),
                rules_reply(names, self.groups),
            )
        except TruncatedAnswer as error:
            if len(classes) == 1:
                raise LLMError(
                    f"The model's answer is cut off even for the class {names[0]!r} alone.",
                    hint="Raise the endpoint's limit on output tokens or use another model.",
                ) from error
            middle = len(classes) // 2
            return {
                **self.draft(classes[:middle], f"{purpose} half", problems, extra_rounds),
                **self.draft(classes[middle:], f"{purpose} half", problems, extra_rounds),
            }
        sound, broken = split_broken(asked.rules)
        rules = {rule.class_name: rule.choices(self.groups) for rule in reversed(sound)}
        if broken:
            self.emit(Dropped("rule", tuple(f"{_sent(item)}: {item.problem}" for item in broken)))
        missing = [entry for entry in classes if entry[0] not in rules]
        if not missing:
            return rules
        wrong = {name: "no rule was given" for name, _ in missing}
        wrong |= {_class_of(item): item.problem for item in broken if _class_of(item) in wrong}
        if extra_rounds == 0:
            raise LLMError(
                f"The model gave no usable rule for {_listed(list(wrong))}: "
                f"{next(iter(wrong.values()))}.",
                hint=f"{_TRY_AGAIN} Finished batches are kept in the session and not paid again.",
            )
        return rules | self.draft(missing, purpose, wrong, extra_rounds - 1)

    def _question(self, classes: Sequence[Described], problems: Mapping[str, str]) -> str:
        question = render(
            "rules",
            domain=self.domain,
            groups=as_data([group.model_dump() for group in self.groups]),
            classes=described_classes(classes),
        )
        lines = [
            f"- {json.dumps(name, ensure_ascii=False)}: {problems[name]}"
            for name, _ in classes
            if name in problems
        ]
        if not lines:
            return question
        again = render("again", problems="\n".join(lines))
        return f"{question}\n\n{again}"


def _class_of(item: Broken) -> str:
    """The class that a broken rule is for, "" when it does not say."""
    name = item.sent.get("class_name") if isinstance(item.sent, dict) else None
    return name if isinstance(name, str) else ""


def _listed(names: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(repr(short(name, 80)) for name in names[:most])
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{len(names)} class{'es' if len(names) > 1 else ''}: {shown}{more}"


def described_classes(classes: Sequence[Described]) -> str:
    """Classes as data, one a line."""
    return as_data(
        [{"name": name} | ({"description": text} if text else {}) for name, text in classes]
    )


def as_data(values: Sequence[object]) -> str:
    """A JSON list, one value a line, that can't close the tag it stands in."""
    lines = ",\n".join(json.dumps(value, ensure_ascii=False) for value in values)
    return f"[\n{lines}\n]".replace("<", "\\u003c") if values else "[]"
