"""A system in JSON, in cotbuild's form and in the article's: checked in full, then built.

Cotbuild's own. A rule is one option, a list of options, or null (does not apply); a group that is
left out means null.

    {"domain": "creature", "groups": [{"name": "colour", "prompt": "It is {}.",
     "options": ["red", "blue"]}], "rules": {"Ant": {"colour": "red"}, "Bee": {"colour": null}}}

The article's, with groups by name and rules as indices. Its text says `classification_groups`, its
printed system `classification_cot`; both are read. The domain is what stands before `_rules`. Each
class has exactly one option in each group.

    {"classification_groups": {"colour": {"prompt": "It is {}.", "options": ["red", "blue"]}},
     "creature_rules": {"Ant": {"colour": 0}, "Bee": {"colour": 1}}}
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from builder.errors import InputError
from builder.system.model import (
    AttributeGroup,
    AttributeSystem,
    Choice,
    Problem,
    Scoring,
    did_you_mean,
    few_problems,
    make_system,
    prompt_problems,
    quoted,
    repeated,
    rule_problems,
    size_problems,
)
from builder.system.strict_json import joined, object_problems, text_problems, wrong_kind

SYSTEM_KEYS = ("domain", "groups", "rules")
SPELLINGS = ("classification_groups", "classification_cot")
_RULES = "_rules"


def system_json_problems(value: object, path: str = "") -> Iterator[Problem]:
    """All problems of a system in JSON; none if `system_from_json` can build it."""
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
    """The system as JSON: domain, groups and rules, in order; a rule is a text, a list or None."""
    return {
        "domain": system.domain,
        "groups": [group.model_dump(mode="json") for group in system.groups],
        "rules": {
            class_name: {group: _shortest(choice) for group, choice in choices.items()}
            for class_name, choices in system.rules.items()
        },
    }


def is_article(value: object) -> bool:
    """Whether a JSON value has the article's shape, with or without problems."""
    return isinstance(value, dict) and any(key in value for key in SPELLINGS)


def article_problems(value: Mapping[str, Any]) -> Iterator[Problem]:
    """All problems of a value in the article's shape; none if it can be built."""
    groups_key = _groups_key(value)
    rules_keys = [key for key in value if key.endswith(_RULES)]
    known = [groups_key, *(rules_keys or ["<domain>_rules"])]
    for key in value:
        if key in SPELLINGS and key != groups_key:
            yield Problem(key, f"the groups are already under {groups_key!r}")
        elif key not in known:
            near = did_you_mean(key, known)
            yield Problem(joined("", key), f"unknown key {quoted(key)}{near}")
    yield from _article_groups_problems(value[groups_key], groups_key)
    if not rules_keys:
        yield Problem("", 'the key "<domain>_rules" is missing, for example "creature_rules"')
    for key in rules_keys:
        if not key.removesuffix(_RULES).strip():
            yield Problem(joined("", key), "the domain before _rules is empty")
        yield from _article_rules_problems(value[key], joined("", key), value[groups_key])
    for key in rules_keys[1:]:
        yield Problem(joined("", key), f"the rules are already under {rules_keys[0]!r}")


def article_system(value: Mapping[str, Any]) -> AttributeSystem:
    """The system in a JSON value of the article's shape that has no problems."""
    groups = [
        AttributeGroup(name=name, prompt=group["prompt"], options=tuple(group["options"]))
        for name, group in value[_groups_key(value)].items()
    ]
    rules_key = next(key for key in value if key.endswith(_RULES))
    options = {group.name: group.options for group in groups}
    rules = {
        class_name: {name.strip(): options[name.strip()][index] for name, index in indices.items()}
        for class_name, indices in value[rules_key].items()
    }
    return make_system(rules_key.removesuffix(_RULES), groups, rules)


def write_article(system: AttributeSystem, scoring: Scoring) -> str:
    """The system as JSON text in the article's shape, with a newline at the end.

    Raises InputError that names what the shape has no place for: every rule which is not exactly
    one option, means, weights and a name prior. The rule and the scale are its reader's choice.
    """
    parts = {
        "centred": scoring.means is not None,
        "weighted": bool(scoring.weights),
        "with a name prior": bool(scoring.name_prior),
    }
    if unlike := [words for words, there in parts.items() if there]:
        raise InputError(
            f"the article's format can't say that the scoring is {' and '.join(unlike)}",
            hint="Write cotbuild's own format instead.",
        )
    refused = [
        f"{class_name} · {group}: {', '.join(choice) or 'none'}"
        for class_name, choices in system.rules.items()
        for group, choice in choices.items()
        if len(choice) != 1
    ]
    if refused:
        raise InputError(
            "the article's format holds exactly one option per class and group, but this system "
            "has\n" + "\n".join(f"  {line}" for line in refused),
            hint="Write cotbuild's own format instead, or choose one option in each of these.",
        )
    value = {
        SPELLINGS[0]: {
            group.name: {"prompt": group.prompt, "options": group.options}
            for group in system.groups
        },
        f"{system.domain}{_RULES}": {
            class_name: {
                group.name: group.options.index(choices[group.name][0]) for group in system.groups
            }
            for class_name, choices in system.rules.items()
        },
    }
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def groups_problems(groups: object, path: str) -> Iterator[Problem]:
    """All problems of a list of groups in JSON."""
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


def group_body_problems(value: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """The problems of a group's prompt and options, as far as these are present."""
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
    """The readable options of each group, by its name; and whether all groups' were."""
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


def _groups_key(value: Mapping[str, Any]) -> str:
    return next(key for key in SPELLINGS if key in value)


def _article_groups_problems(groups: object, path: str) -> Iterator[Problem]:
    if not isinstance(groups, dict):
        yield wrong_kind(groups, path, "an object")
        return
    yield from size_problems(len(groups), 2, groups_path=path)
    for name, group in groups.items():
        at = joined(path, name)
        if not name.strip():
            yield Problem(at, "the name is empty")
        yield from object_problems(group, at, ("prompt", "options"))
        if isinstance(group, dict):
            yield from group_body_problems(group, at)
    yield from repeated({joined(path, name): name for name in groups})


def _article_rules_problems(rules: object, path: str, groups: object) -> Iterator[Problem]:
    if not isinstance(rules, dict):
        yield wrong_kind(rules, path, "an object")
        return
    yield from size_problems(1, len(rules), rules_path=path)
    for class_name, indices in rules.items():
        at = joined(path, class_name)
        if not class_name.strip():
            yield Problem(at, "the class name is empty")
        if not isinstance(indices, dict):
            yield wrong_kind(indices, at, "an object")
        elif isinstance(groups, dict):
            yield from _index_problems(indices, at, groups)


def _index_problems(
    indices: Mapping[str, Any], path: str, groups: Mapping[str, Any]
) -> Iterator[Problem]:
    for name, index in indices.items():
        at = joined(path, name)
        if name not in groups:
            yield Problem(at, f"there is no group {quoted(name)}{did_you_mean(name, groups)}")
        elif type(index) is not int:  # true is an int to Python
            yield wrong_kind(index, at, "the index of an option")
        else:
            options = groups[name].get("options") if isinstance(groups[name], dict) else None
            if isinstance(options, list) and not 0 <= index < len(options):
                last = len(options) - 1
                yield Problem(at, f"there is no option {index}, they go from 0 to {last}")
    for name in groups:
        if name not in indices:
            yield Problem(joined(path, name), "is missing: each group needs the index of an option")
