"""A system in cotbuild's own JSON: checked in full first, built only when it is sound.

    {"domain": "creature", "groups": [{"name": "colour", "prompt": "It is {}.",
     "options": ["red", "blue"]}], "rules": {"Ant": {"colour": "red"}, "Bee": {"colour": null}}}

A rule is one option, a list of options, or null (does not apply); a group left out means null.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from builder.strict_json import joined, object_problems, text_problems, wrong_kind
from builder.system import (
    AttributeGroup,
    AttributeSystem,
    Choice,
    Problem,
    few_problems,
    make_system,
    prompt_problems,
    repeated,
    rule_problems,
    size_problems,
)

SYSTEM_KEYS = ("domain", "groups", "rules")


def system_json_problems(value: object, path: str = "") -> Iterator[Problem]:
    """Everything wrong with a system in JSON; nothing when `system_from_json` can build it."""
    yield from object_problems(value, path, SYSTEM_KEYS)
    if not isinstance(value, dict):
        return
    if "domain" in value:
        yield from text_problems(value["domain"], joined(path, "domain"))
    groups, rules = value.get("groups"), value.get("rules")
    if "groups" in value:
        yield from groups_problems(groups, joined(path, "groups"))
    if "rules" in value:
        yield from _rules_problems(rules, joined(path, "rules"), groups)


def system_from_json(value: Mapping[str, Any]) -> AttributeSystem:
    """The system in a JSON value that has no problems."""
    rules = {
        class_name: {group: _chosen(choice) for group, choice in choices.items()}
        for class_name, choices in value["rules"].items()
    }
    return make_system(value["domain"], groups_from_json(value["groups"]), rules)


def groups_from_json(value: Sequence[Mapping[str, Any]]) -> tuple[AttributeGroup, ...]:
    """The groups in a JSON value that has no problems."""
    return tuple(
        AttributeGroup(name=group["name"], prompt=group["prompt"], options=tuple(group["options"]))
        for group in value
    )


def system_to_json(system: AttributeSystem) -> dict[str, Any]:
    """Domain, groups and rules, in order: a text for one option, a list for several, or None."""
    return {
        "domain": system.domain,
        "groups": [group.model_dump(mode="json") for group in system.groups],
        "rules": {
            class_name: {group: _shortest(choice) for group, choice in choices.items()}
            for class_name, choices in system.rules.items()
        },
    }


def group_body_problems(value: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """What is wrong with the prompt and the options of a group, as far as they are there."""
    if "prompt" in value:
        at = joined(path, "prompt")
        broken = list(text_problems(value["prompt"], at))
        yield from broken or prompt_problems(value["prompt"], at)
    if "options" in value:
        at, options = joined(path, "options"), value["options"]
        if not isinstance(options, list):
            yield wrong_kind(options, at, "a list")
            return
        for index, option in enumerate(options):
            yield from text_problems(option, f"{at}[{index}]")
        yield from few_problems(len(options), at)
        yield from repeated(
            {f"{at}[{index}]": text for index, text in enumerate(options) if _is_text(text)}
        )


def groups_problems(groups: object, path: str) -> Iterator[Problem]:
    """Everything wrong with a list of groups in JSON."""
    if not isinstance(groups, list):
        yield wrong_kind(groups, path, "a list")
        return
    yield from size_problems(len(groups), 2, groups_path=path)
    names: dict[str, str] = {}
    for index, group in enumerate(groups):
        at = f"{path}[{index}]"
        yield from object_problems(group, at, ("name", "prompt", "options"))
        if isinstance(group, dict):
            if "name" in group:
                yield from text_problems(group["name"], f"{at}.name")
            if _is_text(group.get("name")):
                names[f"{at}.name"] = group["name"]
            yield from group_body_problems(group, at)
    yield from repeated(names)


def _rules_problems(rules: object, path: str, groups: object) -> Iterator[Problem]:
    if not isinstance(rules, dict):
        yield wrong_kind(rules, path, "an object")
        return
    yield from size_problems(1, len(rules), rules_path=path)
    options, complete = _readable_options(groups)
    readable: dict[str, dict[str, Choice]] = {}
    for class_name, choices in rules.items():
        readable[class_name] = {}
        at = joined(path, class_name)
        if not isinstance(choices, dict):
            yield wrong_kind(choices, at, "an object")
            continue
        for group, choice in choices.items():
            broken = list(_choice_problems(choice, joined(at, group)))
            yield from broken
            # Beside a group that can't be read, an unknown name may be that group's.
            if not broken and (complete or group in options):
                readable[class_name][group] = _chosen(choice)
    yield from rule_problems(options, readable, path)


def _choice_problems(choice: object, path: str) -> Iterator[Problem]:
    if isinstance(choice, list):
        for index, option in enumerate(choice):
            yield from text_problems(option, f"{path}[{index}]")
    elif choice is not None and not isinstance(choice, str):
        yield wrong_kind(choice, path, "an option, a list of options or null")


def _readable_options(groups: object) -> tuple[dict[str, tuple[str, ...]], bool]:
    """The options of each group that can be read, by its name; and whether all could be."""
    options: dict[str, tuple[str, ...]] = {}
    entries = groups if isinstance(groups, list) else [None]
    for group in entries:
        name = _name(group)
        if name is not None and isinstance(group, dict) and isinstance(group.get("options"), list):
            texts = (option.strip() for option in group["options"] if isinstance(option, str))
            options.setdefault(name, tuple(texts))
    return options, {_name(group) for group in entries} <= set(options)


def _name(group: object) -> str | None:
    if isinstance(group, dict) and _is_text(group.get("name")):
        return str(group["name"]).strip()
    return None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _chosen(choice: str | list[str] | None) -> Choice:
    # Options lose the blanks around them when they are read, so what names them does too.
    if choice is None:
        return ()
    return tuple(option.strip() for option in ([choice] if isinstance(choice, str) else choice))


def _shortest(choice: Choice) -> str | list[str] | None:
    if len(choice) == 1:
        return choice[0]
    return list(choice) or None
