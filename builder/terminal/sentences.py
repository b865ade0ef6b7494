"""Edits, reasons and locks in words, in which each name keeps apart from what follows it.

Names that run from right to left get their marks before a sentence is made of them: afterwards
nothing tells where one ends.
"""

import re
import unicodedata
from typing import TypeVar

from pydantic import BaseModel

from builder.edits.describe import describe, describe_proposal
from builder.edits.locks import Lock, lock_words
from builder.edits.model import Edit, Proposal
from builder.system.model import AttributeSystem
from builder.terminal.text import MARK, RIGHT_TO_LEFT, apart

M = TypeVar("M", bound=BaseModel)


def edit_told(edit: Edit, before: AttributeSystem) -> str:
    """The edit in one line; `before` is the system that it is made to."""
    return describe(_apart(edit), _apart(before))


def proposal_told(proposal: Proposal, before: AttributeSystem | None = None) -> str:
    """A line for each edit; with the system `before`, what is replaced is named too."""
    return describe_proposal(_apart(proposal), before and _apart(before))


def reason_told(proposal: Proposal, system: AttributeSystem) -> str:
    """Why it was proposed: in the proposer's own words, or from the data, which speak of names."""
    if proposal.source != "data":
        return proposal.reason
    words = {text for group in system.groups for text in (group.name, *group.options)}
    known = [name for name in words.union(system.rules) if name in proposal.reason]
    # Of names that begin alike the longest is meant.
    longest = "|".join(re.escape(name) for name in sorted(known, key=len, reverse=True))
    return re.sub(longest, lambda found: apart(found[0]), proposal.reason)


def lock_told(lock: Lock) -> str:
    """The lock in words, e.g. "rule Absol · color"."""
    return lock_words(_apart(lock))


def _apart(named: M) -> M:
    """The same with marks, if any name in it needs one."""
    letters = set(named.model_dump_json())
    if RIGHT_TO_LEFT.isdisjoint(map(unicodedata.bidirectional, letters)):
        return named
    return type(named).model_validate(_marked(named.model_dump()))


def _marked(value: object) -> object:
    match value:
        case str():
            # One that has a mark of its own gets another: no two names become the same.
            bare = value.rstrip(MARK)
            return value + apart(bare)[len(bare) :]
        case dict():
            return {_marked(key): _marked(item) for key, item in value.items()}
        case list() | tuple():
            return [_marked(item) for item in value]
    return value
