"""The shapes in which chat windows give groups, rules and whole systems.

Each is a function from a value to what the reply should hold.
"""

from collections.abc import Callable, Mapping
from typing import Any

_GROUPS_KEYS = ("classification_groups", "classification_cot", "groups", "new_groups")
_PROMPT_KEYS = ("prompt", "prompt_template", "template")
# The value as the reply should hold it; None where it is something else.
Shape = Callable[[object], Any]


def groups_shape(value: object) -> list[Any] | None:
    """Groups as a list of {name, prompt, options}."""
    if isinstance(value, dict):
        value = next((value[key] for key in _GROUPS_KEYS if key in value), value)
    if isinstance(value, dict):
        value = [
            {"name": name, **group} if isinstance(group, dict) else group
            for name, group in value.items()
        ]
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return None
    if not any("options" in item for item in value):
        return None
    return [_group_shape(item) for item in value]


def _group_shape(group: Mapping[str, Any]) -> dict[str, Any]:
    shaped = {key: group[key] for key in ("name", "options") if key in group}
    prompt = next((group[key] for key in _PROMPT_KEYS if key in group), None)
    if isinstance(shaped.get("options"), dict):
        # {"0": "white", "1": "gray"}: numbered in words.
        shaped["options"] = list(shaped["options"].values())
    return shaped | ({} if prompt is None else {"prompt": prompt})


def rules_shape(value: object) -> dict[str, Any] | None:
    """Rules as class -> group -> option or index."""
    if isinstance(value, dict):
        key = next((key for key in value if key == "rules" or key.endswith("_rules")), None)
        value = value if key is None else value[key]
    if isinstance(value, list):
        rules = [item for item in value if isinstance(item, dict) and "class_name" in item]
        value = {
            str(item["class_name"]): {k: v for k, v in item.items() if k != "class_name"}
            for item in rules
        }
    if not isinstance(value, dict) or not any(_is_rule(item) for item in value.values()):
        return None
    return value


def rules_list(value: object) -> list[Any] | None:
    """Rules as a list of {class_name, group: option ...}."""
    rules = (rules_shape(value) or {}).items()
    return [{"class_name": name, **rule} for name, rule in rules if isinstance(rule, dict)] or None


def _is_rule(value: object) -> bool:
    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(item, str | int) or single(item) for item in value.values())
    )


def single(value: object) -> bool:
    """Whether it is a list of one, which stands for what it holds."""
    return isinstance(value, list) and len(value) == 1 and isinstance(value[0], str | int)


def system_shape(value: object) -> dict[str, Any] | None:
    """`groups` and `rules` in their shapes; groups must be there."""
    if not isinstance(value, dict) or not any(key in value for key in _GROUPS_KEYS):
        return None
    groups = groups_shape(value)
    named = [key for key in value if key == "rules" or key.endswith("_rules")]
    if groups is None:
        return None
    return {"groups": groups, "rules": (rules_shape(value) or {}) if named else {}}


def list_shape(field: str) -> Shape:
    """A list of objects, bare or under `field`."""

    def shape(value: object) -> list[Any] | None:
        if isinstance(value, dict):
            value = value.get(field)
        # A list of names, e.g. in a system that is quoted, is no list of proposals.
        is_list = isinstance(value, list) and all(isinstance(item, dict) for item in value)
        return value if is_list else None  # type: ignore[return-value]

    return shape
