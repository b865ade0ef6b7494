"""Proposals written down by a person as JSON: `[{"reason": "...", "edits": [{"kind": ...}]}]`."""

import json
from collections.abc import Iterator
from typing import get_args

from pydantic import TypeAdapter, ValidationError

from builder.edits.model import Edit, Proposal
from builder.errors import InputError
from builder.system.model import Problem, did_you_mean, quoted
from builder.system.strict_json import joined, listed, problems_of, read_json

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
    value, path, problems = reading.value, "", reading.problems
    if isinstance(value, dict) and "proposals" in value:
        unknown = (Problem(joined("", key), "unknown key") for key in value if key != "proposals")
        problems = (*problems, *unknown)
        value, path = value["proposals"], "proposals"
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
    details = error.errors()
    broken_lists = {detail["loc"][:-1] for detail in details}
    for detail in details:
        loc, tag = detail["loc"], detail.get("ctx", {}).get("tag")
        # A list whose items are all broken counts as empty, which is said of the items already.
        if detail["type"] == "too_short" and any(
            list_loc[: len(loc)] == loc for list_loc in broken_lists
        ):
            continue
        if detail["type"] == "union_tag_invalid":
            near = did_you_mean(str(tag), KINDS)
            detail["msg"] = f"there is no kind of edit {quoted(str(tag))}{near or _known()}"
        elif detail["type"] == "union_tag_not_found":
            detail["msg"] = f"its kind is missing{_known()}"
        # Behind the index of an edit pydantic puts its kind, which is no place in the JSON.
        detail["loc"] = loc[:3] + loc[4:] if loc[1:2] == ("edits",) else loc
        yield from problems_of([detail], path=path)


def _known() -> str:
    return f" (known: {', '.join(KINDS)})"


def _error(problems: tuple[Problem, ...]) -> InputError:
    return InputError(
        f"the proposals cannot be read, {listed(problems)}",
        hint="Mend these places; each proposal is an object with `edits` and, if you like, "
        "a `reason`.",
    )
