"""A JSON schema shown as a short example, for those who answer without reading schemas."""

import json
from typing import Any

_INDENT = "  "


def example(schema: dict[str, Any]) -> str:
    """The form of a reply: one entry of each list, every kind where there are several.

    `<name>` stands for words to be chosen, `...` for further entries.
    """
    return _shown(schema, schema.get("$defs", {}), "text", "")


def _shown(schema: dict[str, Any], defs: dict[str, Any], name: str, indent: str) -> str:
    if "$ref" in schema:
        return _shown(defs[schema["$ref"].rpartition("/")[2]], defs, name, indent)
    if "enum" in schema or "const" in schema:
        return _text(schema["const"] if "const" in schema else schema["enum"][0])
    kind = schema.get("type")
    if kind == "object":
        inner = indent + _INDENT
        lines = [
            f"{inner}{_text(key)}: {_shown(value, defs, key, inner)}"
            for key, value in schema["properties"].items()
        ]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if kind == "array":
        return _list(schema["items"], defs, name, indent)
    nullable = {"type": "null"} in schema.get("anyOf", ())
    return _text(f"<{name}, or null>" if nullable else f"<{name}>")


def _list(items: dict[str, Any], defs: dict[str, Any], name: str, indent: str) -> str:
    if items.get("type") == "string":
        return f"[{_text(f'<{name}>')}, ...]"
    inner = indent + _INDENT
    shown = [_shown(kind, defs, name, inner) for kind in items.get("anyOf", [items])]
    return "[\n" + "".join(f"{inner}{entry},\n" for entry in shown) + f"{inner}...\n{indent}]"


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
