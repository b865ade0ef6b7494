"""What somebody pasted from a chat window, read as the reply that was asked for.

Besides the form asked for, the article's own dictionary is read: `classification_groups` (or
`classification_cot`) and `<domain>_rules`, whose rules are indices or the options' words. What is
wrong is said in words that can be pasted back into the chat.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from builder.llm.finding import (
    PastedUnreadable,
    found,
    groups_shape,
    last_found,
    list_shape,
    rules_shape,
    single,
    system_shape,
)
from builder.llm.schemas import (
    Broken,
    DraftedGroup,
    GroupsReply,
    RulesReply,
    SeparatingReply,
    problem_of,
    property_names,
    short,
    split_broken,
)
from builder.llm.spelling import likeness
from builder.llm.transcript import writable
from builder.llm.transport import ReplyT
from builder.system import AttributeGroup, folded

__all__ = [
    "PastedSystem",
    "PastedUnreadable",
    "pasted_json",
    "read_pasted",
    "read_system",
    "rules_beside",
    "rules_json",
]

Rules = dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class PastedSystem:
    """A complete system: `rules[class][group]` is an option; `left_out`: names nobody asked for."""

    groups: tuple[AttributeGroup, ...]
    rules: Rules
    left_out: tuple[str, ...] = ()


def read_pasted(text: str, reply_model: type[ReplyT]) -> ReplyT:
    """The reply in `text`: see `pasted_json`. Raises PastedUnreadable."""
    return reply_model.model_validate_json(pasted_json(text, reply_model), strict=True)


def pasted_json(text: str, reply_model: type[ReplyT]) -> str:
    """The reply in `text` as JSON that `reply_model` reads.

    Groups and rules must be sound to the last; proposals may be broken in part, as long as one is
    sound. Raises PastedUnreadable.
    """
    if issubclass(reply_model, RulesReply):
        classes, options = _asked_rules(reply_model.model_json_schema())
        resolved = _resolve(found(text, rules_shape, "rules"), classes, options)
        if resolved.problems:
            raise PastedUnreadable(resolved.problems)
        rules = [{"class_name": name, **resolved.rules[name]} for name in classes]
        return writable(json.dumps({"rules": rules}, ensure_ascii=False))
    (field,) = reply_model.model_fields
    asks_groups = issubclass(reply_model, GroupsReply | SeparatingReply)
    shape = groups_shape if asks_groups else list_shape(field)
    written = writable(json.dumps({field: found(text, shape, field)}, ensure_ascii=False))
    try:
        items = getattr(reply_model.model_validate_json(written, strict=True), field)
    except ValidationError as error:
        raise PastedUnreadable([problem_of(error)]) from error
    sound, broken = split_broken(items)
    if issubclass(reply_model, GroupsReply) and not items:
        raise PastedUnreadable(["No group is given."])
    if asks_groups:
        _groups(items)
    elif broken and not sound:
        raise PastedUnreadable([item.problem for item in broken])
    return written


def read_system(text: str, classes: Sequence[str]) -> PastedSystem:
    """Groups, and one option per class and group, given in one answer. Raises PastedUnreadable."""
    shaped = found(text, system_shape, "classification_groups")
    written = writable(json.dumps({"groups": shaped["groups"]}, ensure_ascii=False))
    try:
        items = GroupsReply.model_validate_json(written, strict=True).groups
    except ValidationError as error:
        raise PastedUnreadable([problem_of(error)]) from error
    groups = _groups(items)
    options = {group.name: group.options for group in groups}
    resolved = _resolve(shaped["rules"], classes, options)
    if resolved.problems:
        raise PastedUnreadable(resolved.problems)
    return PastedSystem(groups, resolved.rules, resolved.left_out)


def rules_json(system: PastedSystem, reply_model: type[RulesReply]) -> str | None:
    """The rules that `reply_model` asks for as its JSON; None where the system lacks one."""
    classes, options = _asked_rules(reply_model.model_json_schema())
    names = _matched(list(system.rules), classes)
    if any(name not in names for name in classes):
        return None
    keys = dict(zip(property_names(system.groups), system.groups, strict=True))
    if {key: group.options for key, group in keys.items()} != options:
        return None
    rules = [
        {"class_name": name}
        | {key: system.rules[names[name]][group.name] for key, group in keys.items()}
        for name in classes
    ]
    return writable(json.dumps({"rules": rules}, ensure_ascii=False))


def rules_beside(text: str, groups: Sequence[AttributeGroup]) -> Rules:
    """The rules that an answer to the question for groups brought along, as far as sound."""
    given = (last_found(text, system_shape) or {}).get("rules", {})
    options = {group.name: group.options for group in groups}
    resolved = _resolve(given, tuple(map(str, given)), options)
    return {
        name: rule
        for name, rule in resolved.rules.items()
        if all(group.name in rule for group in groups)
    }


def _groups(items: Sequence[DraftedGroup | Broken]) -> tuple[AttributeGroup, ...]:
    """The groups, all of them sound. Raises PastedUnreadable."""
    sound, broken = split_broken(items)
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


def _group_name(item: Broken) -> str:
    name = item.sent.get("name") if isinstance(item.sent, dict) else None
    return f"Group {short(name, 80)!r}" if isinstance(name, str) else "A group without a name"


@dataclass(frozen=True, slots=True)
class _Resolved:
    rules: Rules
    problems: tuple[str, ...]
    left_out: tuple[str, ...]


def _resolve(
    given: Mapping[str, Any], classes: Sequence[str], options: Mapping[str, Sequence[str]]
) -> _Resolved:
    """Each class's option in each group, from words or indices, and what is wrong or missing."""
    names = _matched(list(given), classes)
    rules: Rules = {}
    problems: list[str] = []
    for name in classes:
        if name in names:
            rules[name], wrong = _resolve_rule(name, given[names[name]], options)
            problems += wrong
    left_out = tuple(name for name in given if name not in names.values())
    missing = [name for name in classes if name not in names]
    if missing:
        strangers = [f"{_quoted(name)} is not a class of the list." for name in left_out]
        problems = [_missing(missing), *strangers, *problems]
    return _Resolved(rules, tuple(problems), left_out)


def _missing(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"Class {_quoted(names[0])} has no rule."
    return f"These {len(names)} classes have no rule: {', '.join(map(_quoted, names))}."


def _resolve_rule(
    class_name: str, given: object, options: Mapping[str, Sequence[str]]
) -> tuple[dict[str, str], list[str]]:
    where = f"Class {_quoted(class_name)}"
    if not isinstance(given, dict):
        return {}, [f"{where}: its rule must name an option for each group."]
    names = _matched(list(given), tuple(options))
    rule: dict[str, str] = {}
    problems = [
        f"{where}: there is no group {_quoted(name)}{_perhaps(name, options)}."
        for name in given
        if name not in names.values()
    ]
    for group, texts in options.items():
        if group not in names:
            problems.append(f"{where} has no option in the group {_quoted(group)}.")
            continue
        chosen = given[names[group]]
        option = _option(chosen[0] if single(chosen) else chosen, texts)
        if option is None:
            problems.append(f"{where}, group {_quoted(group)}: {_no_option(chosen, texts)}.")
        else:
            rule[group] = option
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
    times = Counter(map(_loosely, known))
    meant = {key: name for name in known if times[key := _loosely(name)] == 1}
    for name in given:
        known_name = meant.get(_loosely(name))
        if name not in matched and known_name is not None and known_name not in matched:
            matched[known_name] = name
    return matched


def _loosely(name: str) -> str:
    # Rules may name a group as a property ("dominant_color") where the system has blanks.
    return likeness(name).replace("_", "")


def _perhaps(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name[:100], list(known), n=1)
    return f" (did you mean {_quoted(near[0])}?)" if near else ""


def _quoted(name: str) -> str:
    return repr(short(name, 100))


def _asked_rules(schema: dict[str, Any]) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """The classes that a rules reply is for, and the options of each group by its property."""
    properties = schema["$defs"]["DraftedRule"]["properties"]
    allowed = {
        name: tuple(value["enum"] if "enum" in value else (value["const"],))
        for name, value in properties.items()
    }
    return allowed.pop("class_name"), allowed
