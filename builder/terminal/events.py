"""What has just been recorded, in a line."""

from collections.abc import Sequence

from builder.edits.describe import describe_proposal
from builder.edits.locks import lock_words
from builder.edits.model import Proposal
from builder.scoring.wording import accuracy, accuracy_interval, counted, effect, scoring_words
from builder.session.export import final_seen
from builder.session.records import (
    GENERAL_ATTRIBUTES,
    GEPA,
    Act,
    Assigned,
    Decided,
    Drafted,
    Exported,
    Locked,
    Measured,
    Noted,
    Optimised,
    Proposed,
    Record,
    Redone,
    Rescored,
    Reverted,
    RulesTried,
    Undone,
    Unlocked,
)
from builder.session.state import State
from builder.system.model import AttributeSystem
from builder.terminal.text import LONG, SHORT, quoted, shortened

_DECISIONS = {"accepted": "Accepted", "rejected": "Rejected", "skipped": "Skipped"}


def record_line(record: Record, state: State) -> str | None:
    """The record in a line, `state` being the one after it; None for what needs no telling."""
    match record:
        case Assigned():
            return _assigned(record)
        case Drafted():
            return (
                f"First system, from {source_words(record.source)}: {system_size(record.system)}."
            )
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
        case Locked():
            return f"Locked: {shortened(lock_words(record.lock))}. Only you change it from here on."
        case Unlocked():
            return f"Unlocked: {shortened(lock_words(record.lock))}."
        case Undone():
            what = f": {_acts(state.undone[::-1], state.system)}" if state.undone else ""
            return f"Taken back{what}. {_left(state)}"
        case Redone():
            return f"Done again: {act_line(state.done[-1].act, state.done[-1].steps[-1].system)}."
        case Reverted():
            return f"The working system is that of version {record.version} again."
        case Optimised():
            return f"{optimised_words(record)}{_best_of(state)}"
        case RulesTried():
            rules = counted(record.rules, "other rule")
            return f"Version {record.version} on held-out images by {rules}, each of them a look."
        case Rescored():
            return (
                f"Scored from here on by: {scoring_words(record.scoring)}. "
                "All versions are measured again."
            )
        case Exported():
            return _exported(record, state)
        case _:
            return None


def source_words(source: str) -> str:
    """Who wrote the first system."""
    if source == "person":
        return "you"
    if source == GENERAL_ATTRIBUTES:
        return "the bundled general attributes, rules fitted on review images"
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


def summary(proposal: Proposal, before: AttributeSystem | None = None) -> str:
    """The proposal in a line: its first edit, and how many more there are.

    `before` is the system it is made to; with it, what is replaced is named too.
    """
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


def act_line(act: Act, before: AttributeSystem | None) -> str:
    """What is undone or done again, e.g. "accepted drop group tail"; `before` it was done."""
    match act:
        case Decided():
            return f"{act.decision} {summary(act.proposal, before)}"
        case Locked():
            return f"lock on {shortened(lock_words(act.lock))}"
        case Unlocked():
            return f"unlocking of {shortened(lock_words(act.lock))}"
        case Noted():
            return f"note {quoted(act.text)}"
        case Reverted():
            return f"return to version {act.version}"
        case Rescored():
            return f"scoring by {scoring_words(act.scoring)}"


def _acts(undone: Sequence[Act], before: AttributeSystem | None) -> str:
    """The last that was undone, and how many were made in one go with it."""
    others = 0
    for act in undone[1:]:
        if not (isinstance(act, Decided) and act.together):
            break
        others += 1
    more = f" and {others} more" if others else ""
    return f"{act_line(undone[0], before)}{more}"


def _left(state: State) -> str:
    steps = counted(len(state.done), "step")
    return f"{steps} can still be undone." if state.done else "Nothing is left to undo."


def _decided(record: Decided, state: State) -> str:
    accepted = record.decision == "accepted"
    # The system that the proposal was made for, unless an undo has shortened the steps since.
    before = state.steps[-2].system if accepted and len(state.steps) > 1 else state.system
    what = f": {summary(record.proposal, before)}" if before else ""
    # Of what did not happen an effect is told only where the effect is the reason.
    weighed = accepted or (record.by == "auto" and record.proposal.source == "llm")
    measured = f"  {effect(record.effect)}" if record.effect and weighed else ""
    reason = f" ({shortened(record.reason, LONG)})" if record.reason else ""
    return f"{_DECISIONS[record.decision]}{what}{measured}{reason}{_lost_locks(state)}"


def optimised_words(record: Optimised) -> str:
    """E.g. "GEPA: 10 answers of the model; its budget of 10 calls is spent."."""
    if record.optimiser == GEPA:
        # Those that led to no system were not measured.
        tried = f"GEPA: {counted(record.measured, 'answer')} of the model"
    else:
        changes = counted(record.measured, "change")
        tried = f"{record.optimiser.capitalize()}: {changes} measured on review images"
    reason = shortened(record.reason, LONG).rstrip(".")
    return f"{tried}; {reason}."


def _best_of(state: State) -> str:
    """Which version is best on held-out images; "" without such images."""
    best = state.best_version
    if best is None or not best.held_out:
        return ""
    return (
        f" On held-out images the best of {counted(len(state.versions), 'version')} is "
        f"version {best.number}: {accuracy(best.correct, len(best.held_out))}."
    )


def _lost_locks(state: State) -> str:
    """Locks that went with what they were on."""
    last = state.done[-1] if state.done else None
    lost = len(last.locks) - len(state.locks) if last else 0
    return f" ({counted(lost, 'lock')} went with it)" if lost > 0 else ""


def _exported(record: Exported, state: State) -> str:
    path = shortened(record.path, LONG)
    if not record.version:
        return f"The system was exported to {path}; it was never scored."
    line = f"Version {record.version} exported to {path}"
    if record.final is None:
        return f"{line}; it has no untouched estimate."
    correct, n = record.final.count("1"), len(record.final)
    figures = f"{accuracy(correct, n)} ({accuracy_interval(correct, n)})"
    seen = final_seen(state)
    return f"{line}; on the final images: {figures}." + (f" Note: {seen}." if seen else "")
