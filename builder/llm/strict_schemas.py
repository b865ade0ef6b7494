"""Schemas that strict modes take: how they are written, and how large they may be.

The limits are those that OpenAI documents for its structured outputs. Properties, enum values and
characters are counted over the whole schema, those of a definition once; characters are those of
the names of properties and definitions and of the values of enums and constants.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

MOST_PROPERTIES = 5_000
MOST_LEVELS = 10
MOST_ENUM_VALUES = 1_000
MOST_CHARACTERS = 120_000
# An enum with more values than the first has at most the second in characters.
LONG_ENUM, MOST_IN_LONG_ENUM = 250, 15_000

Schema = Mapping[str, Any]


def object_of(properties: Schema) -> dict[str, Any]:
    """An object with exactly these properties."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [*properties],
        "additionalProperties": False,
    }


def with_names(schema: Schema, names: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    """The schema, whose texts with the title of one of these lists can be nothing else.

    Each list is defined once. Those that are not sayable stay free text, and the longest where all
    are more than fits.
    """
    lists = {title: list(dict.fromkeys(listed)) for title, listed in names.items()}
    kept = {title: listed for title, listed in lists.items() if listed and sayable(listed)}
    while kept and not fits(_narrowed(schema, kept)):
        del kept[max(kept, key=lambda title: len(kept[title]))]
    return _narrowed(schema, kept)


def _narrowed(schema: Schema, lists: Mapping[str, list[str]]) -> dict[str, Any]:
    defined = {title: {"type": "string", "enum": listed} for title, listed in lists.items()}

    def narrowed(value: Any) -> Any:
        if isinstance(value, list):
            return [*map(narrowed, value)]
        if not isinstance(value, Mapping):
            return value
        if value.get("type") == "string" and value.get("title") in lists:
            # By itself: strict modes take nothing beside a reference.
            return {"$ref": f"#/$defs/{value['title']}"}
        return {key: narrowed(inner) for key, inner in value.items()}

    whole: dict[str, Any] = narrowed(schema)
    return {**whole, "$defs": {**whole.get("$defs", {}), **defined}}


def sayable(values: Iterable[str]) -> bool:
    """Whether they can be an enum: llama.cpp makes no sound grammar of quotes and backslashes."""
    return not any(sign in value for value in values for sign in '"\\')


def fits(schema: Schema) -> bool:
    """Whether strict modes take a schema of this size. No definition may refer to itself."""
    nodes = [*_nodes(schema)]
    names = [name for node in nodes for name in node.get("properties", ())]
    defined = list(schema.get("$defs", ()))
    enums = [[*map(str, node["enum"])] for node in nodes if "enum" in node]
    values = [value for enum in enums for value in enum]
    constants = [str(node["const"]) for node in nodes if "const" in node]
    return (
        len(names) <= MOST_PROPERTIES
        and len(values) <= MOST_ENUM_VALUES
        and _length([*names, *defined, *values, *constants]) <= MOST_CHARACTERS
        and all(len(enum) <= LONG_ENUM or _length(enum) <= MOST_IN_LONG_ENUM for enum in enums)
        and _levels(schema, schema.get("$defs", {})) <= MOST_LEVELS
    )


def _nodes(schema: Schema) -> Iterator[Schema]:
    yield schema
    for inner in (*schema.get("$defs", {}).values(), *_inside(schema)):
        yield from _nodes(inner)


def _inside(schema: Schema) -> list[Schema]:
    items = [schema["items"]] if "items" in schema else []
    return [*schema.get("properties", {}).values(), *schema.get("anyOf", ()), *items]


def _levels(schema: Schema, defined: Mapping[str, Schema]) -> int:
    if "$ref" in schema:
        return _levels(defined[schema["$ref"].rpartition("/")[2]], defined)
    own = 1 if schema.get("type") in ("object", "array") else 0
    return own + max((_levels(inner, defined) for inner in _inside(schema)), default=0)


def _length(texts: list[str]) -> int:
    return sum(map(len, texts))
