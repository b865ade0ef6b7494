"""The article's shape of a system: groups by name, rules as indices.

    {"classification_groups": {"colour": {"prompt": "It is {}.", "options": ["red", "blue"]}},
     "creature_rules": {"Ant": {"colour": 0}, "Bee": {"colour": 1}}}

Its text says `classification_groups`, its printed system `classification_cot`; both are read. The
domain is what stands before `_rules`. Each class has exactly one option in each group.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from builder.errors import InputError
from builder.strict_json import joined, object_problems, wrong_kind
from builder.system import (
    AttributeGroup,
    AttributeSystem,
    Problem,
    Scoring,
    did_you_mean,
    make_system,
    quoted,
    repeated,
    size_problems,
)
from builder.system_json import group_body_problems

SPELLINGS = ("classification_groups", "classification_cot")
_RULES = "_rules"


def is_article(value: object) -> bool:
    """Whether a JSON value has the article's shape, sound or not."""
    return isinstance(value, dict) and any(key in value for key in SPELLINGS)


def article_problems(value: Mapping[str, Any]) -> Iterator[Problem]:
    """Everything wrong with a value of the article's shape; nothing when it can be built."""
    groups_key = _groups_key(value)
    rules_keys = [key for key in value if key.endswith(_RULES)]
    known = [groups_key, *(rules_keys or ["<domain>_rules"])]
    for key in value:
        if key in SPELLINGS and key != groups_key:
            yield Problem(key, f"the groups are already under {groups_key!r}")
        elif key not in known:
            near = did_you_mean(key, known)
            yield Problem(joined("", key), f"unknown key {quoted(key)}{near}")
    yield from _groups_problems(value[groups_key], groups_key)
    if not rules_keys:
        yield Problem("", 'the key "<domain>_rules" is missing, for example "creature_rules"')
    for key in rules_keys:
        if not key.removesuffix(_RULES).strip():
            yield Problem(joined("", key), "the domain before _rules is empty")
        yield from _article_rules_problems(value[key], joined("", key), value[groups_key])
    for key in rules_keys[1:]:
        yield Problem(joined("", key), f"the rules are already under {rules_keys[0]!r}")


def article_system(value: Mapping[str, Any]) -> AttributeSystem:
    """The system in a value of the article's shape that has no problems."""
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
    """The system as JSON in the article's shape, with a newline at the end.

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


def _groups_key(value: Mapping[str, Any]) -> str:
    return next(key for key in SPELLINGS if key in value)


def _groups_problems(groups: object, path: str) -> Iterator[Problem]:
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
