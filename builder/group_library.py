"""A library of groups without rules: attributes that are worth asking of any kind of picture.

{"groups": [{"name": "colour", "prompt": "It is {}.", "options": ["red", "blue"]}]}
"""

from pathlib import Path

from builder.strict_json import object_problems, read_json
from builder.system import AttributeGroup
from builder.system_file import SystemFileError
from builder.system_json import groups_from_json, groups_problems

GENERAL = "general.json"


def load_groups(path: Path) -> tuple[AttributeGroup, ...]:
    """The groups of a library that ships with the package.

    Raises SystemFileError with every problem found.
    """
    reading = read_json(path.read_text(encoding="utf-8"))
    problems = list(reading.problems)
    if reading.usable:
        problems.extend(object_problems(reading.value, "", ("groups",)))
        if not problems:
            problems.extend(groups_problems(reading.value["groups"], "groups"))
    if problems:
        raise SystemFileError(tuple(problems), origin=str(path))
    return groups_from_json(reading.value["groups"])
