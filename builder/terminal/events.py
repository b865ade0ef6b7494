"""What has just been recorded, in a line."""

from builder.describing import describe_proposal
from builder.edits import Proposal
from builder.history import State
from builder.records import (
    Assigned,
    Decided,
    Drafted,
    Exported,
    Measured,
    Noted,
    Proposed,
    Record,
    Undone,
)
from builder.system import AttributeSystem
from builder.terminal.figures import accuracy, accuracy_interval, counted, effect
from builder.terminal.text import LONG, SHORT, shortened

_DECISIONS = {"accepted": "Accepted", "rejected": "Rejected", "skipped": "Skipped"}


def record_line(record: Record, state: State) -> str | None:
    """`state` is the one after the record. None for what needs no telling."""
    match record:
        case Assigned():
            return _assigned(record)
        case Drafted():
            return f"First system, from {_source(record.source)}: {system_size(record.system)}."
        case Measured():
            return _measured(record, state)
        case Proposed():
            found = (
                counted(len(record.proposals), "proposal") if record.proposals else "No proposals"
            )
            return f"{found} in round {record.round}."
        case Decided():
            return _decided(record, state)
        case Noted():
            return "Noted; the language model reads it with the next request."
        case Undone():
            left = counted(len(state.steps) - 1, "change")
            return f"The last accepted change is taken back; {left} left."
        case Exported():
            return _exported(record)
        case _:
            return None


def _source(source: str) -> str:
    if source == "person":
        return "you"
    return "recorded replies" if source.startswith("replay:") else shortened(source)


def system_size(system: AttributeSystem) -> str:
    """E.g. "16 classes, 5 groups, 51 options"."""
    return ", ".join(
        (
            counted(len(system.classes), "class", "classes"),
            counted(len(system.groups), "group"),
            counted(len(system.phrases()), "option"),
        )
    )


def summary(proposal: Proposal, before: AttributeSystem) -> str:
    """The proposal in a line: its first edit, and how many more there are."""
    lines = describe_proposal(proposal, before).splitlines()
    more = f" and {counted(len(lines) - 1, 'more edit')}" if len(lines) > 1 else ""
    return f"{shortened(lines[0], 2 * SHORT)}{more}"


def _assigned(record: Assigned) -> str:
    names = {"review": "for review", "held_out": "held out", "final": "for the final estimate"}
    splits = list(record.splits.values())
    parts = [f"{splits.count(name)} {words}" for name, words in names.items() if name in splits]
    return f"{counted(len(splits), 'new image')}: {', '.join(parts)}."


def _measured(record: Measured, state: State) -> str:
    correct, n = record.held_out.count("1"), len(record.held_out)
    if not n:
        return f"Version {record.version}: no held-out images."
    line = f"Version {record.version} on held-out images: {accuracy(correct, n)}"
    best = ", the best so far" if state.best == record.version else ""
    return f"{line} ({accuracy_interval(correct, n)}){best}."


def _decided(record: Decided, state: State) -> str:
    accepted = record.decision == "accepted"
    # The system that the proposal was made for, unless an undo has shortened the steps since.
    before = state.steps[-2].system if accepted and len(state.steps) > 1 else state.system
    what = f": {summary(record.proposal, before)}" if before else ""
    measured = f"  {effect(record.effect)}" if record.effect else ""
    reason = f" ({shortened(record.reason, LONG)})" if record.reason else ""
    return f"{_DECISIONS[record.decision]}{what}{measured}{reason}"


def _exported(record: Exported) -> str:
    path = shortened(record.path, LONG)
    if not record.version:
        return f"The system was exported to {path}; it was never scored."
    line = f"Version {record.version} exported to {path}"
    if record.final is None:
        return f"{line}; it has no untouched estimate."
    correct, n = record.final.count("1"), len(record.final)
    figures = f"{accuracy(correct, n)} ({accuracy_interval(correct, n)})"
    return f"{line}; on the final images: {figures}."
