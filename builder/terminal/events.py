"""What has just been recorded, in a line."""

from collections.abc import Sequence
from itertools import takewhile

from builder.edits.model import AddClass, Proposal
from builder.scoring.wording import accuracy, counted, effect, scoring_words
from builder.session import records
from builder.session.classes import incomparable
from builder.session.export import final_seen
from builder.session.records import Act, Decided, Record
from builder.session.state import State
from builder.system.model import AttributeSystem
from builder.terminal.render import system_size
from builder.terminal.sentences import lock_told, proposal_told
from builder.terminal.tables import accuracy_words
from builder.terminal.text import LONG, SHORT, quoted, shortened

_DECISIONS = {"accepted": "Accepted", "rejected": "Rejected", "skipped": "Skipped"}


def record_line(record: Record, state: State) -> str | None:
    """The record in a line, `state` being the one after it; None for what needs no telling."""
    match record:
        case records.Assigned():
            return _assigned(record)
        case records.Drafted():
            who = source_words(record.source)
            return f"First system, from {who}: {system_size(record.system)}."
        case records.Measured():
            return _measured(record, state)
        case records.Proposed():
            n = len(record.proposals)
            return f"{counted(n, 'proposal') if n else 'No proposals'} in round {record.round}."
        case Decided():
            return _decided(record, state)
        case records.Noted():
            return "Noted; the language model reads it with the next request."
        case records.Locked():
            return f"Locked: {shortened(lock_told(record.lock))}. Only you change it from here on."
        case records.Unlocked():
            return f"Unlocked: {shortened(lock_told(record.lock))}."
        case records.Undone():
            what = f": {_acts(state.undone[::-1], state.system)}" if state.undone else ""
            return f"Taken back{what}. {_left(state)}"
        case records.Redone():
            return f"Done again: {act_line(state.done[-1].act, state.done[-1].steps[-1].system)}."
        case records.Reverted():
            return f"The working system is that of version {record.version} again."
        case records.Optimised():
            return f"{optimised_words(record)}{_best_of(state)}"
        case records.RulesTried():
            rules = counted(record.rules, "other rule")
            return f"Version {record.version} on held-out images by {rules}, each of them a look."
        case records.Rescored():
            how = scoring_words(record.scoring)
            return f"Scored from here on by: {how}. All versions are measured again."
        case records.Exported():
            return _exported(record, state)
        case _:
            return None


def source_words(source: str) -> str:
    """Who wrote the first system."""
    if source == "person":
        return "you"
    if source == records.GENERAL_ATTRIBUTES:
        return "the bundled general attributes, rules fitted on review images"
    return "recorded replies" if source.startswith("replay:") else shortened(source)


def summary(
    proposal: Proposal, before: AttributeSystem | None = None, limit: int = 2 * SHORT
) -> str:
    """The proposal in a line: its first edit, and how many more there are.

    `before` is the system it is made to; with it, what is replaced is named too.
    """
    first, *others = proposal_told(proposal, before).splitlines()
    more = f" and {counted(len(others), 'more edit')}" if others else ""
    return f"{shortened(first, limit)}{more}"


def _assigned(record: records.Assigned) -> str:
    names = {"review": "for review", "held_out": "held out", "final": "for the final estimate"}
    splits = list(record.splits.values())
    parts = [f"{splits.count(name)} {words}" for name, words in names.items() if name in splits]
    return f"{counted(len(splits), 'new image')}: {', '.join(parts)}."


def _measured(record: records.Measured, state: State) -> str:
    if not record.held_out:
        return f"Version {record.version}: no held-out images."
    best = ", the best so far" if state.best == record.version else ""
    *earlier, last = state.versions
    alone = all(version.images != last.images for version in earlier)
    if earlier and alone and record.version == last.number:
        best = f", the first on {shortened(incomparable(earlier[-1], last), LONG)}"
    return f"Version {record.version} on held-out images: {bits_words(record.held_out)}{best}."


def bits_words(bits: str) -> str:
    """The accuracy that a record keeps, a 1 for every correct image."""
    return accuracy_words(bits.count("1"), len(bits))


def act_line(act: Act, before: AttributeSystem | None) -> str:
    """What is undone or done again, e.g. "accepted drop group tail"; `before` it was done."""
    match act:
        case Decided():
            return f"{act.decision} {summary(act.proposal, before)}"
        case records.Locked():
            return f"lock on {shortened(lock_told(act.lock))}"
        case records.Unlocked():
            return f"unlocking of {shortened(lock_told(act.lock))}"
        case records.Noted():
            return f"note {quoted(act.text)}"
        case records.Reverted():
            return f"return to version {act.version}"
        case records.Rescored():
            return f"scoring by {scoring_words(act.scoring)}"


def _acts(undone: Sequence[Act], before: AttributeSystem | None) -> str:
    """The last that was undone, and how many were made in one go with it."""
    others = [*takewhile(lambda act: isinstance(act, Decided) and act.together, undone[1:])]
    more = f" and {len(others)} more" if others else ""
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
    later = _to_be_read(record.proposal) if accepted and state.started.images else ""
    return f"{_DECISIONS[record.decision]}{what}{measured}{reason}{_lost_locks(state)}{later}"


def _to_be_read(proposal: Proposal) -> str:
    """Where to get the images of classes that are added."""
    names = [quoted(edit.class_name) for edit in proposal.edits if isinstance(edit, AddClass)]
    return f" (cotbuild resume reads the images of {', '.join(names)})" if names else ""


def optimised_words(record: records.Optimised) -> str:
    """E.g. "GEPA: 10 answers of the model; its budget of 10 calls is spent."."""
    if record.optimiser == records.GEPA:
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


def _exported(record: records.Exported, state: State) -> str:
    path = shortened(record.path, LONG)
    if not record.version:
        return f"The system was exported to {path}; it was never scored."
    line = f"Version {record.version} exported to {path}"
    if record.final is None:
        return f"{line}; it has no untouched estimate."
    seen = final_seen(state)
    note = f" Note: {seen}." if seen else ""
    return f"{line}; on the final images: {bits_words(record.final)}.{note}"
