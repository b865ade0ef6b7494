"""Reads JSON strictly: reports, with its path, what the json module accepts in silence.

Repeated keys, numbers that are not finite, half surrogate pairs and bottomless nesting all survive
`json.loads` and do their harm later.
"""

import json
import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from builder.system.model import Problem, did_you_mean, json_key, quoted

_DEEPEST = 50
_KINDS: dict[type, str] = {
    dict: "an object",
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a decimal number",
    type(None): "null",
}


class _Object(dict[str, Any]):
    """A JSON object that remembers the keys that were written more than once."""

    repeated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """A JSON value and the problems of its spelling; only a `usable` value can be walked on."""

    value: Any
    problems: tuple[Problem, ...] = ()
    usable: bool = True


def read_json(text: str) -> Reading:
    """The JSON value in `text`, with or without a byte order mark. Never raises."""
    text = text.removeprefix("\ufeff")
    if not text.strip():
        return _unusable("the file is empty")
    try:
        value = json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        return _unusable(f"not JSON: {error.msg}, line {error.lineno}, column {error.colno}")
    except RecursionError:
        return _unusable("not usable: nested too deeply")
    except ValueError as error:  # an integer of thousands of digits
        return _unusable(f"not usable: {error}")
    broken = tuple(_broken(value))
    if broken:
        return Reading(None, broken, usable=False)
    return Reading(value, tuple(_slips(value)))


def object_problems(
    value: object, path: str, required: Collection[str], optional: Collection[str] = ()
) -> Iterator[Problem]:
    """The problems of the keys of what should be an object; values are not looked at."""
    if not isinstance(value, dict):
        yield wrong_kind(value, path, "an object")
        return
    known = [*required, *optional]
    for key in required:
        if key not in value:
            yield Problem(joined(path, key), "is missing")
    for key in value:
        if key not in known:
            yield Problem(joined(path, key), f"unknown key {quoted(key)}{_instead(key, known)}")


def text_problems(value: object, path: str) -> Iterator[Problem]:
    """The problem of a value that is not a text with at least one visible character."""
    if not isinstance(value, str):
        yield wrong_kind(value, path, "text")
    elif not value.strip():
        yield Problem(path, "is empty")


def model_problems(
    model: type[BaseModel], value: object, path: str, known: Collection[str]
) -> Iterator[Problem]:
    """The problems that pydantic finds when `value` is read strictly as `model`.

    `known` are the keys to name when an unknown one looks like a slip of the pen.
    """
    try:
        model.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        for detail in error.errors():
            at = path
            for part in detail["loc"]:
                if part != "[key]":
                    at = f"{at}[{part}]" if isinstance(part, int) else joined(at, part)
            yield Problem(at, _message(detail["type"], detail["msg"], detail["loc"], known))


def wrong_kind(value: object, path: str, wanted: str) -> Problem:
    """The problem of a `value` that is not of the JSON type it should be."""
    return Problem(path, f"should be {wanted}, it is {_KINDS.get(type(value), 'an object')}")


def joined(path: str, key: str) -> str:
    """The path of `key` in the object at `path`; the top of the file has the path ''."""
    return f"{path}{json_key(key)}" if path else json_key(key).removeprefix(".")


def _instead(key: str, known: Collection[str]) -> str:
    return did_you_mean(key, known) or f" (known: {', '.join(known)})"


def _message(kind: str, message: str, loc: tuple[int | str, ...], known: Collection[str]) -> str:
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return f"unknown key {quoted(str(loc[-1]))}{_instead(str(loc[-1]), known)}"
    return message.removeprefix("Value error, ").replace("Input should be", "should be")


def _broken(value: object) -> Iterator[Problem]:
    """The problems of what can neither be shown nor walked on."""
    for path, item, depth in _nodes(value):
        if depth > _DEEPEST:
            yield Problem(path, "nested too deeply")
        for text in (item,) if isinstance(item, str) else _keys(item):
            if not _encodable(text):
                yield Problem(path, f"{quoted(text)} holds half a surrogate pair")


def _slips(value: object) -> Iterator[Problem]:
    """The problems that leave a value readable, so that others can be found."""
    for path, item, _ in _nodes(value):
        if isinstance(item, _Object):
            for key in item.repeated:
                yield Problem(joined(path, key), f"the key {quoted(key)} is written more than once")
        elif isinstance(item, float) and not math.isfinite(item):
            yield Problem(path, f"{item} is not a finite number")


def _nodes(value: object) -> Iterator[tuple[str, object, int]]:
    """Path, value and depth of everything in `value`, in reading order, never too deep."""
    stack: list[tuple[str, object, int]] = [("", value, 0)]
    while stack:
        path, item, depth = stack.pop()
        yield path, item, depth
        children: list[tuple[str, object]] = []
        if depth <= _DEEPEST and isinstance(item, list):
            children = [(f"{path}[{index}]", child) for index, child in enumerate(item)]
        elif depth <= _DEEPEST and all(map(_encodable, _keys(item))):
            children = [(joined(path, key), child) for key, child in _items(item)]
        stack.extend((at, child, depth + 1) for at, child in reversed(children))


def _items(value: object) -> Iterable[tuple[str, object]]:
    return value.items() if isinstance(value, dict) else ()


def _keys(value: object) -> Iterable[str]:
    return value.keys() if isinstance(value, dict) else ()


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    value = _Object(pairs)
    if len(value) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        value.repeated = tuple(key for key, count in counts.items() if count > 1)
    return value


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unusable(message: str) -> Reading:
    return Reading(None, (Problem("", message),), usable=False)
