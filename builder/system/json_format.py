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
import re
from collections.abc import Iterator, Mapping
from typing import Any

from builder.errors import InputError
from builder.system.model import AttributeSystem, Choice, Problem, Scoring, Unsound
from builder.system.strict_json import joined, object_problems, read_model, wrong_kind

SPELLINGS = ("classification_groups", "classification_cot")
_RULES = "_rules"


def system_to_json(system: AttributeSystem) -> dict[str, Any]:
    """The system as JSON: domain, groups and rules, in order; a rule is a text, a list or None."""
    rules = {
        class_name: {group: _shortest(choice) for group, choice in choices.items()}
        for class_name, choices in system.rules.items()
    }
    return system.model_dump(mode="json") | {"rules": rules}


def is_article(value: object) -> bool:
    """Whether a JSON value has the article's shape, with or without problems."""
    return isinstance(value, dict) and any(key in value for key in SPELLINGS)


def article_system(value: Mapping[str, Any]) -> AttributeSystem:
    """The system in a JSON value of the article's shape. Raises Unsound with every problem."""
    groups_key = next(key for key in SPELLINGS if key in value)
    rules_key = next((key for key in value if key.endswith(_RULES)), None)
    if rules_key is None:
        message = 'the key "<domain>_rules" is missing, for example "creature_rules"'
        raise Unsound([Problem("", message)])
    groups, rules = value[groups_key], value[rules_key]
    problems = [*object_problems(value, "", (groups_key, rules_key))]
    if not isinstance(groups, dict):
        raise Unsound([*problems, wrong_kind(groups, groups_key, "an object")])
    above = joined("", rules_key)
    if isinstance(rules, dict):
        problems += _index_problems(rules, above, groups)
        rules = {name: _options_of(row, groups) for name, row in rules.items()}
    places = [joined(groups_key, name) for name in groups]
    listed = [
        {**group, "name": name} if isinstance(group, dict) else group
        for name, group in groups.items()
    ]
    domain = rules_key.removesuffix(_RULES)
    try:
        system = read_model(AttributeSystem, {"domain": domain, "groups": listed, "rules": rules})
    except Unsound as error:
        for problem in error.problems:
            # The names of both shapes differ, and groups are told by name instead of by number.
            path = re.sub(r"^groups\[(\d+)\](\.name)?", lambda m: places[int(m[1])], problem.path)
            path = re.sub("^groups", groups_key, re.sub("^(rules|domain)", lambda _: above, path))
            what = "the domain before _rules " if problem.path == "domain" else ""
            problems.append(Problem(path, f"{what}{problem.message}"))
    if problems:
        raise Unsound(problems)
    return system


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


def _shortest(choice: Choice) -> str | list[str] | None:
    if len(choice) == 1:
        return choice[0]
    return list(choice) or None


def _index_problems(
    rules: Mapping[str, Any], path: str, groups: Mapping[str, Any]
) -> Iterator[Problem]:
    for class_name, row in rules.items():
        for name in {**row, **groups} if isinstance(row, dict) else ():
            at = joined(joined(path, class_name), name)
            options = _options(groups.get(name))
            if name not in row:
                yield Problem(at, "is missing: each group needs the index of an option")
            elif type(index := row[name]) is not int:  # true is an int to Python
                yield wrong_kind(index, at, "the index of an option")
            elif options and not 0 <= index < len(options):
                last = len(options) - 1
                yield Problem(at, f"there is no option {index}, they go from 0 to {last}")


def _options_of(row: object, groups: Mapping[str, Any]) -> object:
    """A class's options by the names of their groups, as far as they can be read."""
    if not isinstance(row, dict):
        return row
    return {
        name.strip(): _options(groups.get(name))[index : index + 1]
        for name, index in row.items()
        if type(index) is int and index >= 0
    }


def _options(group: object) -> list[str]:
    options = group.get("options") if isinstance(group, dict) else None
    return list(map(str, options)) if isinstance(options, list) else []
