"""Which part of a text is the answer: what has its shape, whichever way it is wrapped and spelt.

Read so are the answers of endpoints (`schemas.Reply`) and those that a person pastes.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from builder.llm.literals import Literal, read_literals
from builder.llm.pasted_shapes import Shape, groups_shape, list_shape, rules_list

# Characters. What is longer is no draft, and would take a long time.
LONGEST = 2_000_000
# A call in a list of calls is three steps away from its arguments.
_DEEPEST_WRAPPER = 4
_BY_NAME = {"groups": groups_shape, "new_groups": groups_shape, "rules": rules_list}


def readings(text: str, *shapes: Shape) -> Iterator[tuple[Shape, Any]]:
    """What the text holds in each of the `shapes`, in their order.

    Curly quotes delimit strings where nothing else is found. The last word counts, unless it is a
    mere example or correction of a part.
    """
    for typographic in (False, True):
        literals = _unwrapped(read_literals(text, typographic=typographic).literals)
        for shape in shapes:
            shaped = [(literal.length, shape(literal.value)) for literal in literals]
            if fitting := [(length, value) for length, value in shaped if value is not None]:
                longest = max(length for length, _ in fitting)
                yield shape, [value for length, value in fitting if 2 * length >= longest][-1]


def replies(text: str, field: str) -> Iterator[tuple[str, bool]]:
    """JSON of what in the text may be the reply with that one field; the likeliest comes first.

    With each, whether the text names the field. What is only shaped so may be another list.
    """
    if len(text) > LONGEST:
        return

    def whole(value: object) -> Any:
        return value.get(field) if isinstance(value, dict) else None

    by_name = [_BY_NAME[field]] if field in _BY_NAME else []
    for shape, items in readings(text, whole, list_shape(field), *by_name):
        yield _written({field: items}), shape is whole


def last_object(text: str) -> str:
    """JSON of the last object in the text that is not empty, else of the last; "" without any.

    One that begins the text is all there is to read: if it is broken, what is in it is no answer.
    """
    if len(text) > LONGEST or text.lstrip().startswith(("{", "[")):
        return ""
    objects = [item.value for item in read_literals(text).literals if isinstance(item.value, dict)]
    found = [value for value in objects if value] or objects
    return _written(found[-1]) if found else ""


def _written(value: object) -> str:
    # Half a character can be read, and not be sent or kept.
    return json.dumps(value, ensure_ascii=False).encode(errors="replace").decode()


def _unwrapped(literals: Sequence[Literal]) -> list[Literal]:
    """The literals after what is inside of them, and what was given in several assignments."""
    found = [
        Literal(value, literal.name, literal.length)
        for literal in literals
        for value in _inside(literal.value, _DEEPEST_WRAPPER)
    ]
    named = {literal.name: literal.value for literal in literals if literal.name}
    if len(named) > 1:
        found.append(Literal(named, "", sum(literal.length for literal in literals)))
    return found


def _inside(value: object, steps: int) -> Iterator[Any]:
    """What a wrapper holds, then the wrapper itself: a call that was written down, a status."""
    if isinstance(value, str):
        # The arguments of a call are often the text of an object.
        opened = read_literals(value).literals if value.lstrip().startswith(("{", "[")) else ()
        value = opened[0].value if opened else None
    inner: Sequence[object] = ()
    if isinstance(value, dict):
        inner = tuple(value.values())
    elif isinstance(value, list) and len(value) == 1:
        inner = value
    for item in inner if steps else ():
        yield from _inside(item, steps - 1)
    if isinstance(value, dict | list):
        yield value
