"""Which part of a pasted text is the answer, and its values in the order that replies have.

Chat windows put an answer into a wrapper, split it over several assignments, or give it in the
article's dictionary instead of the form asked for.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from builder.errors import LLMError
from builder.llm.literals import Literal, read_literals
from builder.llm.schemas import short

_LONGEST = 2_000_000
_MOST_PROBLEMS = 40
_GROUPS_KEYS = ("classification_groups", "classification_cot", "groups", "new_groups")
_PROMPT_KEYS = ("prompt", "prompt_template", "template")

# The value as the reply should hold it; None where it is something else.
Shape = Callable[[object], Any]


class PastedUnreadable(LLMError):
    """An answer that can't be used. `explanation`: every reason, one a line, for the chat."""

    def __init__(self, problems: Sequence[str]) -> None:
        listed = [f"- {problem}" for problem in problems[:_MOST_PROBLEMS]]
        if len(problems) > _MOST_PROBLEMS:
            listed.append(f"- and {len(problems) - _MOST_PROBLEMS} more of the kind")
        self.explanation = "\n".join(listed)
        super().__init__(
            f"The pasted answer cannot be used: {short(problems[0])}",
            hint="Paste the explanation back into the chat, and its next answer here.",
        )


def found(text: str, shape: Shape, key: str) -> Any:
    """The answer in the text, shaped. Raises PastedUnreadable."""
    if len(text) > _LONGEST:
        raise PastedUnreadable([f"The answer has {len(text):,} characters; no draft is that long."])
    reading = read_literals(text)
    fitting = _fitting(_with_combined(reading.literals), shape)
    if not fitting:
        curly = read_literals(text, typographic=True)
        fitting = _fitting(_with_combined(curly.literals), shape)
    if fitting:
        longest = max(length for length, _ in fitting)
        # The last word counts, unless it is a mere example or correction of a part.
        return [value for length, value in fitting if 2 * length >= longest][-1]
    if reading.faults:
        raise PastedUnreadable([f"It cannot be read: {fault}." for fault in reading.faults])
    if any(literal.value for literal in reading.literals):
        raise PastedUnreadable([f'It holds no "{key}" in the form asked for.'])
    raise PastedUnreadable(["There is no JSON and no Python dictionary in it."])


def last_found(text: str, shape: Shape) -> Any:
    """The last value of that shape, None where there is none."""
    for typographic in (False, True):
        literals = read_literals(text, typographic=typographic).literals
        if fitting := _fitting(_with_combined(literals), shape):
            return fitting[-1][1]
    return None


def _with_combined(literals: Sequence[Literal]) -> list[Literal]:
    """Also what is inside a lone wrapper, and what was given in several assignments."""
    combined: list[Literal] = []
    for literal in literals:
        value = literal.value
        inner = next(iter(value.values())) if isinstance(value, dict) and len(value) == 1 else None
        if isinstance(inner, dict):
            combined.append(Literal(inner, literal.name, literal.length))
        combined.append(literal)
    named = {literal.name: literal.value for literal in literals if literal.name}
    if len(named) > 1:
        combined.append(Literal(named, "", sum(literal.length for literal in literals)))
    return combined


def _fitting(literals: Iterable[Literal], shape: Shape) -> list[tuple[int, Any]]:
    shaped = ((literal.length, shape(literal.value)) for literal in literals)
    return [(length, value) for length, value in shaped if value is not None]


# --- Shapes ----------------------------------------------------------------------------------


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


def _is_rule(value: object) -> bool:
    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(item, str | int) or single(item) for item in value.values())
    )


def single(value: object) -> bool:
    """Whether it is a list of one, which stands for what it holds."""
    return isinstance(value, list) and len(value) == 1


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
