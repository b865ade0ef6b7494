"""Proposals written down by a person as JSON: `[{"reason": "...", "edits": [{"kind": ...}]}]`."""

import json
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from builder.edits.model import Edit, Proposal
from builder.errors import InputError
from builder.system.model import Problem, did_you_mean, quoted
from builder.system.strict_json import joined, read_json

_PROPOSALS = TypeAdapter(tuple[Proposal, ...])
KINDS: tuple[str, ...] = tuple(
    model.model_fields["kind"].default for model in get_args(get_args(Edit)[0])
)


def read_proposals(text: str) -> tuple[Proposal, ...]:
    """The proposals in a JSON list, or in an object `{"proposals": [...]}`.

    `source` is "person" where it is left out. Raises InputError, which lists every problem with
    its path in the JSON.
    """
    reading = read_json(text)
    if not reading.usable:
        raise _error(reading.problems)
    value, path = reading.value, ""
    if isinstance(value, dict) and "proposals" in value:
        unknown = (Problem(joined("", key), "unknown key") for key in value if key != "proposals")
        problems = (*reading.problems, *unknown)
        value, path = value["proposals"], "proposals"
    else:
        problems = reading.problems
    if not isinstance(value, list):
        raise _error((*problems, Problem(path, "should be a list of proposals")))
    try:
        proposals = _PROPOSALS.validate_json(json.dumps([_with_source(item) for item in value]))
    except ValidationError as error:
        raise _error((*problems, *_problems(error, path))) from error
    if problems:
        raise _error(problems)
    return proposals


def _with_source(item: object) -> object:
    return {"source": "person", **item} if isinstance(item, dict) else item


def _problems(error: ValidationError, path: str) -> Iterator[Problem]:
    details = error.errors(include_url=False, include_input=False)
    broken_lists = {detail["loc"][:-1] for detail in details}
    for detail in details:
        loc = detail["loc"]
        # A list whose items are all broken counts as empty, which is said of the items already.
        if detail["type"] == "too_short" and any(
            list_loc[: len(loc)] == loc for list_loc in broken_lists
        ):
            continue
        # Behind the index of an edit pydantic puts its kind, which is no place in the JSON.
        places = loc[:3] + loc[4:] if loc[1:2] == ("edits",) else loc
        at = path
        for place in places:
            if place != "[key]":
                at = f"{at}[{place}]" if isinstance(place, int) else joined(at, place)
        yield Problem(at, _message(detail["type"], detail["msg"], detail.get("ctx", {})))


def _message(kind: str, message: str, context: dict[str, Any]) -> str:
    match kind:
        case "union_tag_invalid":
            tag = str(context["tag"])
            return f"there is no kind of edit {quoted(tag)}{did_you_mean(tag, KINDS) or _known()}"
        case "union_tag_not_found":
            return f"its kind is missing{_known()}"
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return "unknown key"
        case "too_short":
            return f"needs at least {context['min_length']}, it has {context['actual_length']}"
    return message.removeprefix("Value error, ").replace("Input should be", "should be")


def _known() -> str:
    return f" (known: {', '.join(KINDS)})"


def _error(problems: tuple[Problem, ...]) -> InputError:
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    lines = (f"  {p.path}: {p.message}" if p.path else f"  {p.message}" for p in problems)
    return InputError(
        f"the proposals cannot be read, {count}:\n" + "\n".join(lines),
        hint="Mend these places; each proposal is an object with `edits` and, if you like, "
        "a `reason`.",
    )
