"""What strict modes want of a JSON schema, and what follows one."""

from collections.abc import Iterator
from typing import Any

# What OpenAI's strict mode takes, and what every other endpoint of its kind can read.
STRICT_KEYWORDS = {
    "$defs", "$ref", "additionalProperties", "anyOf", "const", "description", "enum", "items",
    "properties", "required", "title", "type",
}  # fmt: skip


def nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Every schema inside a schema; names of properties and definitions are not keywords."""
    yield schema
    for key in ("properties", "$defs"):
        for inner in schema.get(key, {}).values():
            yield from nodes(inner)
    for inner in (*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else ())):
        yield from nodes(inner)


def is_strict(schema: dict[str, Any]) -> bool:
    return all(
        set(node) <= STRICT_KEYWORDS
        and (
            node.get("type") != "object"
            or (
                node["additionalProperties"] is False
                and set(node["required"]) == set(node["properties"])
            )
        )
        for node in nodes(schema)
    )


def follows(value: Any, schema: dict[str, Any], defined: dict[str, Any] | None = None) -> bool:
    """Whether the value is what the schema asks for, in the keywords of strict modes."""
    defined = schema.get("$defs", {}) if defined is None else defined
    if "$ref" in schema:
        return follows(value, defined[schema["$ref"].rpartition("/")[2]], defined)
    if "anyOf" in schema:
        return any(follows(value, inner, defined) for inner in schema["anyOf"])
    if "const" in schema:
        return bool(value == schema["const"])
    match schema["type"]:
        case "object":
            keys = schema["properties"]
            return (
                isinstance(value, dict)
                and value.keys() == keys.keys()
                and all(follows(value[key], keys[key], defined) for key in keys)
            )
        case "array":
            items = schema["items"]
            return isinstance(value, list) and all(follows(v, items, defined) for v in value)
        case "null":
            return value is None
    return isinstance(value, str) and value in schema.get("enum", [value])
