"""Reads JSON strictly: reports, with its path, what the json module accepts in silence.

Repeated keys, numbers that are not finite, half surrogate pairs and bottomless nesting all survive
`json.loads` and do their harm later.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from builder.system.model import Problem, Unsound, did_you_mean, json_key, json_kind, quoted

M = TypeVar("M", bound=BaseModel)

_DEEPEST = 50
_SHOWN = 20
_HALF_PAIR = re.compile("[\ud800-\udfff]")
# What a value should have been, by the kind of pydantic's error.
_WANTED = {
    "string_type": "text",
    "tuple_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
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
    broken, slips = _problems(value)
    if broken:
        return Reading(None, tuple(broken), usable=False)
    return Reading(value, tuple(slips))


def object_problems(value: object, path: str, known: Collection[str]) -> Iterator[Problem]:
    """The problems of the keys of what should be an object; values are not looked at."""
    if not isinstance(value, dict):
        yield wrong_kind(value, path, "an object")
        return
    for key in known:
        if key not in value:
            yield Problem(joined(path, key), "is missing")
    for key in value:
        if key not in known:
            yield Problem(joined(path, key), _unknown(key, known))


def read_model(model: type[M], value: object) -> M:
    """The JSON `value` read strictly as `model`. Raises Unsound with every problem found."""
    try:
        return model.model_validate_json(json.dumps(value), strict=True, context="whole")
    except ValidationError as error:
        raise Unsound(problems_of(error.errors(), model)) from error


def problems_of(
    details: Iterable[Any], model: type[BaseModel] | None = None, path: str = ""
) -> Iterator[Problem]:
    """What pydantic found in a value at `path`; `model`: whose keys are told at an unknown one."""
    for detail in details:
        at = path
        for part in detail["loc"]:
            if part != "[key]":
                at = f"{at}[{part}]" if isinstance(part, int) else joined(at, part)
        cause = detail.get("ctx", {}).get("error")
        if isinstance(cause, Unsound):
            for problem in cause.problems:
                dot = "." if at and problem.path[:1] not in ("", "[") else ""
                yield Problem(f"{at}{dot}{problem.path}", problem.message)
        else:
            yield Problem(at, _message(detail, model))


def wrong_kind(value: object, path: str, wanted: str) -> Problem:
    """The problem of a `value` that is not of the JSON type it should be."""
    return Problem(path, f"should be {wanted}, it is {json_kind(value)}")


def joined(path: str, key: str) -> str:
    """The path of `key` in the object at `path`; the top of the file has the path ''."""
    return f"{path}{json_key(key)}" if path else json_key(key).removeprefix(".")


def listed(problems: Sequence[Problem]) -> str:
    """How many problems there are, and the first of them, one a line."""
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    more = [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
    return "\n  ".join([f"{count}:", *map(str, problems[:_SHOWN]), *more])


def _unknown(key: str, known: Collection[str]) -> str:
    listing = f" (known: {', '.join(known)})" if known else ""
    return f"unknown key {quoted(key)}{did_you_mean(key, known) or listing}"


def _message(detail: Any, model: type[BaseModel] | None) -> str:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "missing":
            return "is missing"
        case "string_too_short":
            return "is empty"
        case "too_short":
            return f"needs at least {context['min_length']}, it has {context['actual_length']}"
        case "extra_forbidden":
            key = str(detail["loc"][-1])
            return _unknown(key, _fields(model, detail["loc"]) if model else ())
        case kind if kind in _WANTED:
            return wrong_kind(detail["input"], "", _WANTED[kind]).message
    words: str = detail["msg"].removeprefix("Value error, ")
    return words.replace("Input should be", "should be")


def _fields(model: type[BaseModel], loc: Iterable[int | str]) -> Collection[str]:
    """The keys beside the one at `loc` in the JSON of a model."""
    for part in loc:
        field = model.model_fields.get(str(part))
        model = next(_models(field.annotation), model) if field else model
    return model.model_fields


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _problems(value: object) -> tuple[list[Problem], list[Problem]]:
    """What can neither be shown nor walked on, and the slips that leave a value readable."""
    broken: list[Problem] = []
    slips: list[Problem] = []
    stack: list[tuple[str, object, int]] = [("", value, 0)]
    while stack:
        path, item, depth = stack.pop()
        texts = item if isinstance(item, dict) else [item] if isinstance(item, str) else []
        halves = [text for text in texts if _HALF_PAIR.search(text)]
        broken += [Problem(path, f"{quoted(text)} holds half a surrogate pair") for text in halves]
        children: list[tuple[str, object]] = []
        if depth > _DEEPEST:
            broken.append(Problem(path, "nested too deeply"))
        elif isinstance(item, _Object) and not halves:
            for key in item.repeated:
                message = f"the key {quoted(key)} is written more than once"
                slips.append(Problem(joined(path, key), message))
            children = [(joined(path, key), child) for key, child in item.items()]
        elif isinstance(item, list):
            children = [(f"{path}[{index}]", child) for index, child in enumerate(item)]
        elif isinstance(item, float) and not math.isfinite(item):
            slips.append(Problem(path, f"{item} is not a finite number"))
        stack.extend((at, child, depth + 1) for at, child in reversed(children))
    return broken, slips


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    value = _Object(pairs)
    counts = Counter(key for key, _ in pairs)
    value.repeated = tuple(key for key, count in counts.items() if count > 1)
    return value


def _unusable(message: str) -> Reading:
    return Reading(None, (Problem("", message),), usable=False)
