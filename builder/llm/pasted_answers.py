"""What somebody pasted from a chat window, read as the reply that was asked for.

Besides the form asked for, the article's own dictionary is read: `classification_groups` (or
`classification_cot`) and `<domain>_rules`, whose rules are indices or the options' words. Chat
windows also put an answer into a wrapper, or split it over several assignments. What is wrong is
said in words that can be pasted back into the chat.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from builder.errors import LLMError
from builder.llm import pasted_shapes as shapes
from builder.llm import schemas
from builder.llm.literals import read_literals
from builder.llm.readings import LONGEST, readings
from builder.llm.rule_schema import RulesReply, loosely, property_names
from builder.llm.transcript import writable
from builder.system.model import AttributeGroup
from builder.system.names import folded

_MOST_PROBLEMS = 40
Rules = dict[str, dict[str, str]]


class PastedUnreadable(LLMError):
    """An answer that can't be used. `explanation`: every reason, one a line, for the chat."""

    def __init__(self, problems: Sequence[str]) -> None:
        listed = [f"- {problem}" for problem in problems[:_MOST_PROBLEMS]]
        if len(problems) > _MOST_PROBLEMS:
            listed.append(f"- and {len(problems) - _MOST_PROBLEMS} more of the kind")
        self.explanation = "\n".join(listed)
        super().__init__(
            f"The pasted answer cannot be used: {schemas.short(problems[0])}",
            hint="Paste the explanation back into the chat, and its next answer here.",
        )


@dataclass(frozen=True, slots=True)
class PastedSystem:
    """A complete system: `rules[class][group]` is an option; `left_out`: names nobody asked for."""

    groups: tuple[AttributeGroup, ...]
    rules: Rules
    left_out: tuple[str, ...] = ()


def pasted_json(text: str, reply_model: type[schemas.Reply]) -> str:
    """The reply in `text` as JSON that `reply_model` reads.

    Groups and rules must be sound to the last; proposals may be broken in part, as long as one is
    sound. Raises PastedUnreadable.
    """
    if issubclass(reply_model, RulesReply):
        shaped = found(text, shapes.rules_shape, "rules")
        given = {reply_model.class_of(name): rule for name, rule in shaped.items()}
        groups = reply_model.groups
        rules, _ = _resolve(given, reply_model.asked, groups)
        keys = dict(zip(property_names(groups), groups, strict=True))
        listed = [
            {"class_name": name} | {key: rule[group.name] for key, group in keys.items()}
            for name, rule in rules.items()
        ]
        return _written({"rules": listed})
    (field,) = reply_model.model_fields
    asks_groups = issubclass(reply_model, schemas.GroupsReply | schemas.SeparatingReply)
    shape = shapes.groups_shape if asks_groups else shapes.list_shape(field)
    written = _written({field: found(text, shape, field)})
    items = _items(written, reply_model)
    sound, broken = schemas.split_broken(items)
    if issubclass(reply_model, schemas.GroupsReply) and not items:
        raise PastedUnreadable(["No group is given."])
    if asks_groups:
        _groups(items)
    elif broken and not sound:
        raise PastedUnreadable([item.problem for item in broken])
    return written


def read_system(text: str, classes: Sequence[str]) -> PastedSystem:
    """Groups, and one option per class and group, given in one answer. Raises PastedUnreadable."""
    shaped = found(text, shapes.system_shape, "classification_groups")
    groups = _groups(_items(_written({"groups": shaped["groups"]}), schemas.GroupsReply))
    return PastedSystem(groups, *_resolve(shaped["rules"], classes, groups))


def _written(reply: object) -> str:
    return writable(json.dumps(reply, ensure_ascii=False))


def _items(written: str, reply_model: type[schemas.Reply]) -> list[Any]:
    """The items of the only field of a reply. Raises PastedUnreadable."""
    try:
        (items,) = dict(reply_model.model_validate_json(written, strict=True)).values()
    except ValidationError as error:
        raise PastedUnreadable([schemas.problem_of(error)]) from error
    return list(items)


def _groups(items: Sequence[schemas.DraftedGroup | schemas.Broken]) -> tuple[AttributeGroup, ...]:
    """The groups, all of them sound. Raises PastedUnreadable."""
    sound, broken = schemas.split_broken(items)
    problems = [f"{_group_name(item)}: {item.problem}." for item in broken]
    names = [folded(group.name) for group in sound]
    problems += [
        f"Group {group.name!r} is given twice."
        for number, group in enumerate(sound)
        if folded(group.name) in names[:number]
    ]
    if problems:
        raise PastedUnreadable(problems)
    return tuple(group.as_group() for group in sound)


def _group_name(item: schemas.Broken) -> str:
    name = item.sent.get("name") if isinstance(item.sent, dict) else None
    return (
        f"Group {schemas.short(name, 80)!r}" if isinstance(name, str) else "A group without a name"
    )


def _resolve(
    given: Mapping[str, Any], classes: Sequence[str], groups: Sequence[AttributeGroup]
) -> tuple[Rules, tuple[str, ...]]:
    """Each class's option in each group, from words or indices; and the names nobody asked for.

    Raises PastedUnreadable where anything is wrong or missing.
    """
    names = _matched(list(given), classes)
    rules: Rules = {}
    problems: list[str] = []
    for name in classes:
        if name in names:
            rules[name], wrong = _resolve_rule(name, given[names[name]], groups)
            problems += wrong
    left_out = tuple(name for name in given if name not in names.values())
    missing = [name for name in classes if name not in names]
    if missing:
        strangers = [f"{_quoted(name)} is not a class of the list." for name in left_out]
        problems = [_missing(missing), *strangers, *problems]
    if problems:
        raise PastedUnreadable(problems)
    return rules, left_out


def _missing(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"Class {_quoted(names[0])} has no rule."
    return f"These {len(names)} classes have no rule: {', '.join(map(_quoted, names))}."


def _resolve_rule(
    class_name: str, given: object, groups: Sequence[AttributeGroup]
) -> tuple[dict[str, str], list[str]]:
    where = f"Class {_quoted(class_name)}"
    if not isinstance(given, dict):
        return {}, [f"{where}: its rule must name an option for each group."]
    known = [group.name for group in groups]
    # A group may also go by its name in the reply's schema.
    names = dict(zip(known, property_names(groups), strict=True))
    names |= _matched(list(given), known)
    rule: dict[str, str] = {}
    problems = [
        f"{where}: there is no group {_quoted(name)}{_perhaps(name, known)}."
        for name in given
        if name not in names.values()
    ]
    for group in groups:
        if names[group.name] not in given:
            problems.append(f"{where} has no option in the group {_quoted(group.name)}.")
            continue
        chosen = given[names[group.name]]
        option = _option(chosen[0] if shapes.single(chosen) else chosen, group.options)
        if option is None:
            wrong = _no_option(chosen, group.options)
            problems.append(f"{where}, group {_quoted(group.name)}: {wrong}.")
        else:
            rule[group.name] = option
    return rule, problems


def _option(chosen: object, options: Sequence[str]) -> str | None:
    if isinstance(chosen, str):
        return next(iter(_matched([chosen], options)), None)
    if type(chosen) is int and 0 <= chosen < len(options):  # true is an int to Python
        return options[chosen]
    return None


def _no_option(chosen: object, options: Sequence[str]) -> str:
    if type(chosen) is int:
        return f"there is no option {chosen}, the indices go from 0 to {len(options) - 1}"
    if isinstance(chosen, str):
        return f"{_quoted(chosen)} is not one of its options{_perhaps(chosen, options)}"
    return "exactly one option must be named"


def _matched(given: Sequence[str], known: Sequence[str]) -> dict[str, str]:
    """Known name -> the given name that means it; spelling may differ where one name is meant."""
    matched = {name: name for name in known if name in set(given)}
    times = Counter(map(loosely, known))
    meant = {key: name for name in known if times[key := loosely(name)] == 1}
    for name in given:
        known_name = meant.get(loosely(name))
        if name not in matched and known_name is not None and known_name not in matched:
            matched[known_name] = name
    return matched


def _perhaps(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name[:100], list(known), n=1)
    return f" (did you mean {_quoted(near[0])}?)" if near else ""


def _quoted(name: str) -> str:
    return repr(schemas.short(name, 100))


def found(text: str, shape: shapes.Shape, key: str) -> Any:
    """The answer in the text, shaped. Raises PastedUnreadable."""
    if len(text) > LONGEST:
        raise PastedUnreadable([f"The answer has {len(text):,} characters; no draft is that long."])
    for _, value in readings(text, shape):
        return value
    reading = read_literals(text)
    if reading.faults:
        raise PastedUnreadable([f"It cannot be read: {fault}." for fault in reading.faults])
    if any(literal.value for literal in reading.literals):
        raise PastedUnreadable([f'It holds no "{key}" in the form asked for.'])
    raise PastedUnreadable(["There is no JSON and no Python dictionary in it."])
