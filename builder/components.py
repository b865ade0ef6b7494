"""A system as named texts, one per group: what a text optimiser changes one at a time.

A text is a group in JSON, with its part of every rule; an empty one stands for no group. There is
one more of these than there are groups, so that a group can be added by writing it.

    {"name": "colour", "prompt": "It is {}.", "options": ["red", "blue"],
     "rules": {"Ant": "red", "Bee": null}}
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from builder.errors import InputError
from builder.strict_json import object_problems, read_json
from builder.system import AttributeSystem, Problem, did_you_mean, quoted
from builder.system_json import system_from_json, system_json_problems, system_to_json

_KEYS = ("name", "prompt", "options", "rules")
# More mistakes than a reader mends at once.
_MOST_PROBLEMS = 5


class ComponentError(InputError):
    """Texts that are no system; the message names what is wrong with them."""


def components_of(system: AttributeSystem) -> dict[str, str]:
    """Keyed "group 1", "group 2", ... in the order of the groups; the last one is empty."""
    value = system_to_json(system)
    texts = [_text(group, value["rules"]) for group in value["groups"]]
    return {f"group {number}": text for number, text in enumerate([*texts, ""], start=1)}


def group_in(text: str) -> dict[str, Any] | None:
    """The JSON of a sound component; None for an empty one."""
    value: dict[str, Any] | None = json.loads(text) if text else None
    return value


def system_of(
    domain: str, classes: Sequence[str], components: Mapping[str, str]
) -> AttributeSystem:
    """The system of these classes in the texts. Raises ComponentError.

    A class that a text does not name has no option in its group.
    """
    values = {key: _value(key, text) for key, text in components.items() if text.strip()}
    problems = [p for key, value in values.items() for p in _part_problems(key, value, classes)]
    _refuse(problems)
    whole = {
        "domain": domain,
        "groups": [{k: v for k, v in value.items() if k != "rules"} for value in values.values()],
        "rules": {
            name: {str(v["name"]): v["rules"][name] for v in values.values() if name in v["rules"]}
            for name in classes
        },
    }
    _refuse(system_json_problems(whole))
    return system_from_json(whole)


def _text(group: Mapping[str, Any], rules: Mapping[str, Mapping[str, Any]]) -> str:
    part = {class_name: choices[group["name"]] for class_name, choices in rules.items()}
    return json.dumps({**group, "rules": part}, ensure_ascii=False)


def _value(key: str, text: str) -> Any:
    reading = read_json(text)
    if not reading.usable or reading.problems:
        raise ComponentError(f"{key} is no group in JSON: {quoted(text)}")
    return reading.value


def _part_problems(key: str, value: Any, classes: Sequence[str]) -> Iterator[Problem]:
    yield from object_problems(value, key, _KEYS)
    rules = value.get("rules") if isinstance(value, dict) else {}
    if not isinstance(rules, dict):
        yield Problem(f"{key}.rules", "the rules must be an object: class name -> option")
        return
    known = frozenset(classes)
    for name in rules:
        if name not in known:
            yield Problem(f"{key}.rules", f"no class {quoted(name)}{did_you_mean(name, classes)}")


def _refuse(problems: Iterable[Problem]) -> None:
    told = [f"{problem.path}: {problem.message}" for problem in problems]
    if told:
        more = f"; and {len(told) - _MOST_PROBLEMS} more" if len(told) > _MOST_PROBLEMS else ""
        raise ComponentError("; ".join(told[:_MOST_PROBLEMS]) + more)
