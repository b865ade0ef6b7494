"""What a session's records add up to.

The journal is the only truth. `advance(state, record)` is a pure function; a session's state is the
fold of its records, so everything on the screen can be rebuilt after a restart.
"""

from collections.abc import Iterable
from dataclasses import replace

from builder.acts import acceptance_undone, done, redone, undone
from builder.records import (
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
    RoundEnded,
    RulesTried,
    Started,
    Undone,
    Unlocked,
)
from builder.state import State, Step, Version, begin, is_new_best


def fold(records: Iterable[Record]) -> State:
    """The state after all records. Raises ValueError unless the first is `Started`."""
    iterator = iter(records)
    first = next(iterator, None)
    if not isinstance(first, Started):
        raise ValueError("a journal begins with a started record")
    state = begin(first)
    for record in iterator:
        state = advance(state, record)
    return state


def advance(state: State, record: Record) -> State:
    """The state after one more record. Raises ValueError for a record that can't follow."""
    match record:
        case Started():
            raise ValueError("a session starts once")
        case Assigned():
            return replace(state, splits={**state.splits, **record.splits})
        case Drafted():
            step = Step(record.system, None)
            return replace(state, steps=(step,))
        case Measured():
            return _measured(state, record)
        case Proposed():
            notes = () if record.asked else state.notes
            return replace(
                state,
                proposed=True,
                asked=state.asked + record.asked,
                asked_in_round=state.asked_in_round or record.asked,
                seen=state.seen | {proposal.key for proposal in record.proposals},
                offered=len(record.proposals),
                offers=record.proposals,
                proposed_for=state.proposed_for or state.steps[-1],
                notes=notes,
                told=(*state.told, *state.notes) if record.asked else state.told,
            )
        case Decided() | Noted() | Locked() | Unlocked() | Reverted() | Rescored():
            return replace(done(state, record), undone=())
        case RulesTried():
            key = record.version, record.images
            return state if key in state.looks else _looked(state, key, record.rules)
        case Undone():
            return undone(state) if record.of == "last" else acceptance_undone(state)
        case Redone():
            return redone(state)
        case RoundEnded():
            return replace(
                state,
                round=record.round + 1,
                idle=state.idle + 1,
                proposed=False,
                asked_in_round=False,
                offers=(),
                proposed_for=None,
                round_began=len(state.decisions),
            )
        case Optimised():
            return replace(state, optimised=(*state.optimised, record))
        case Exported():
            return _exported(state, record)


def _measured(state: State, record: Measured) -> State:
    if state.system is None:
        raise ValueError("nothing was drafted that could be measured")
    again = next((v for v in state.versions if v.number == record.version), None)
    steps = again.steps if again else state.steps
    # The same version on the same images, scored alike, shows nothing that was not seen before.
    key = record.version, record.images
    if record.held_out and key not in state.looks:
        state = _looked(state, key, 1)
    look = state.looks.get(key, state.held_out_looks)
    version = Version(record.version, steps, record.images, record.review, record.held_out, look)
    if again:
        versions = tuple(version if v is again else v for v in state.versions)
        return replace(state, versions=versions, best=_best(versions))
    new_best = is_new_best(version, state.best_version)
    return replace(
        state,
        versions=(*state.versions, version),
        best=version.number if new_best else state.best,
        idle=0 if new_best else state.idle,
    )


def _looked(state: State, key: tuple[int, str], times: int) -> State:
    return replace(state, looks={**state.looks, key: state.held_out_looks + times})


def _best(versions: Iterable[Version]) -> int | None:
    best: Version | None = None
    for version in versions:
        if is_new_best(version, best):
            best = version
    return best.number if best else None


def _exported(state: State, record: Exported) -> State:
    if record.final is None:
        return state
    # The same version on the same images gives the same figure: nothing new was seen.
    last = state.final
    again = last and (last.version, last.images) == (record.version, record.images)
    return replace(
        state,
        final_looks=state.final_looks + (not again),
        final_exports=state.final_exports + 1,
        final=record,
        final_scoring=state.scoring,
    )
