"""The state of a session, computed from its records: working system, versions, undo.

The journal is the only truth. `advance(state, record)` is a pure function; a session's state is the
fold of its records, so everything on the screen can be rebuilt after a restart. What a person or an
automatic reviewer does is an act, which can be undone and done again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from builder.edits.apply import apply
from builder.edits.locks import Lock, follow, still_there
from builder.edits.model import Proposal
from builder.edits.renames import Renames
from builder.session import records
from builder.session.records import Act, Decided, Record, Started
from builder.system.file import SplitName
from builder.system.model import AttributeSystem, Scoring

# Records that no automatic round writes.
_FROM_OUTSIDE = (
    records.Noted
    | records.Locked
    | records.Unlocked
    | records.Undone
    | records.Redone
    | records.Reverted
    | records.Rescored
    | records.RulesTried
    | records.Optimised
)


@dataclass(frozen=True, slots=True)
class Step:
    """The working system after a change, and the proposal that led to it.

    Without a proposal it is the draft, or the system of the version `back_to`. `names`: what
    became of the draft's names.
    """

    system: AttributeSystem
    proposal: Proposal | None
    names: Renames = field(default_factory=Renames)
    back_to: int | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """A measured system: its number (1 is the draft) and which images it has right.

    `steps` led to it; the last holds the system. `look`: which of the session's looks at held-out
    images it was measured at, from 1.
    """

    number: int
    steps: tuple[Step, ...]
    images: str
    review: str
    held_out: str
    look: int

    @property
    def system(self) -> AttributeSystem:
        return self.steps[-1].system

    @property
    def correct(self) -> int:
        """Held-out images classified correctly."""
        return self.held_out.count("1")


@dataclass(frozen=True, slots=True)
class Done:
    """An act that can be undone: the state before it and the offers that it settled."""

    act: Act
    steps: tuple[Step, ...]
    locks: tuple[Lock, ...]
    decisions: tuple[Decided, ...]
    settled: tuple[Proposal, ...]
    rescored: Scoring | None = None


@dataclass(frozen=True, slots=True)
class State:
    """The state of a session: all the records of its journal, folded into one.

    `steps` led to the working system, which is in the last one. `done` is the undo stack, `undone`
    the redo stack. `offers` are the current round's proposals that are not decided, out of
    `offered`; they were made for the system `proposed_for`. `seen` are the keys of all proposals
    that were ever on offer. The decisions of this round begin at `round_began`.
    An automatic session counts its patience from `first_round`, and ends with `last_round`;
    `exported` is its export if nothing came after it.
    `notes` wait for the next question to the model, which has read those in `told`. `asked` counts
    the model's revisions, `rounds_without_gain` the finished rounds without a new best. `final` is
    the last export that looked at the final images, `final_scoring` how it scored, `final_exports`
    counts these exports and `final_looks` those of them that showed something new. `optimised`: the
    runs of optimisers. `rescored` is the scoring that was chosen in the review. `looks`: what was
    seen of held-out images, a version and what it was measured on -> how many looks there were by
    then.
    """

    started: Started
    splits: Mapping[str, SplitName] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    versions: tuple[Version, ...] = ()
    best: int | None = None
    round: int = 1
    rounds_without_gain: int = 0
    first_round: int = 1
    last_round: int | None = None
    exported: records.Exported | None = None
    proposed: bool = False
    asked: int = 0
    asked_in_round: bool = False
    seen: frozenset[str] = frozenset()
    round_began: int = 0
    offered: int = 0
    offers: tuple[Proposal, ...] = ()
    proposed_for: Step | None = None
    decisions: tuple[Decided, ...] = ()
    locks: tuple[Lock, ...] = ()
    done: tuple[Done, ...] = ()
    undone: tuple[Act, ...] = ()
    notes: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    optimised: tuple[records.Optimised, ...] = ()
    final_looks: int = 0
    final_exports: int = 0
    final: records.Exported | None = None
    final_scoring: Scoring | None = None
    rescored: Scoring | None = None
    looks: Mapping[tuple[int, str], int] = field(default_factory=dict)

    @property
    def scoring(self) -> Scoring:
        """The scoring that was chosen last, else the one that the session began with."""
        return self.rescored or self.started.scoring

    @property
    def system(self) -> AttributeSystem | None:
        """The working system."""
        return self.steps[-1].system if self.steps else None

    @property
    def best_version(self) -> Version | None:
        return next((v for v in self.versions if v.number == self.best), None)

    @property
    def tried(self) -> int:
        """How many proposals and changes of optimisers were measured on review images."""
        return len(self.seen) + sum(run.measured for run in self.optimised)

    @property
    def settled(self) -> frozenset[str]:
        """The keys of proposals decided in this round, and of those rejected at any time."""
        found = set(self.rejected)
        for decided in self.decisions[self.round_began :]:
            found |= {each.key for each in (decided.proposal, decided.instead_of) if each}
        return frozenset(found)

    @property
    def held_out_looks(self) -> int:
        """Looks at held-out images: one for each version by each scoring, again on other images."""
        return max(self.looks.values(), default=0)

    @property
    def rejected(self) -> frozenset[str]:
        """The keys of the proposals that a person or the automatic reviewer rejected."""
        return frozenset(d.proposal.key for d in self.decisions if d.decision == "rejected")


def begin(started: Started) -> State:
    """The state of a session that has just begun."""
    return State(started=started, last_round=started.rounds)


def fold(journal: Iterable[Record]) -> State:
    """The state after all records. Raises ValueError unless the first is `Started`."""
    iterator = iter(journal)
    first = next(iterator, None)
    if not isinstance(first, Started):
        raise ValueError("a journal begins with a started record")
    return reduce(advance, iterator, begin(first))


def advance(state: State, record: Record) -> State:
    """The state after one more record. Raises ValueError for a record that can't follow."""
    state = replace(state, exported=record if isinstance(record, records.Exported) else None)
    if isinstance(record, _FROM_OUTSIDE) or (isinstance(record, Decided) and record.by == "person"):
        # What somebody changes gives an automatic session a reason to go on.
        state = replace(state, first_round=state.round, last_round=None)
    match record:
        case Started():
            raise ValueError("a session starts once")
        case records.Assigned():
            return replace(state, splits={**state.splits, **record.splits})
        case records.Drafted():
            return replace(state, steps=(Step(record.system, None),))
        case records.Measured():
            return _measured(state, record)
        case records.Proposed():
            return replace(
                state,
                proposed=True,
                asked=state.asked + record.asked,
                asked_in_round=state.asked_in_round or record.asked,
                seen=state.seen | {proposal.key for proposal in record.proposals},
                offered=len(record.proposals),
                offers=record.proposals,
                proposed_for=state.proposed_for or state.steps[-1],
                notes=() if record.asked else state.notes,
                told=(*state.told, *state.notes) if record.asked else state.told,
            )
        case records.RulesTried():
            key = record.version, record.images
            return state if key in state.looks else _looked(state, key, record.rules)
        case records.Undone():
            return undone(state) if record.of == "last" else acceptance_undone(state)
        case records.Redone():
            return redone(state)
        case records.RoundEnded():
            return replace(
                state,
                round=record.round + 1,
                first_round=record.round + 1 if record.by == "person" else state.first_round,
                rounds_without_gain=state.rounds_without_gain + 1,
                proposed=False,
                asked_in_round=False,
                offers=(),
                proposed_for=None,
                round_began=len(state.decisions),
            )
        case records.Extended():
            last = state.round - 1 + record.rounds
            return replace(state, first_round=state.round, last_round=last)
        case records.Optimised():
            return replace(state, optimised=(*state.optimised, record))
        case records.Exported():
            return _exported(state, record)
        case _:
            return replace(done(state, record), undone=())


def _measured(state: State, record: records.Measured) -> State:
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
    versions = (*state.versions, version)
    best = _best(versions)
    without_gain = 0 if best == version.number else state.rounds_without_gain
    return replace(state, versions=versions, best=best, rounds_without_gain=without_gain)


def _looked(state: State, key: tuple[int, str], times: int) -> State:
    return replace(state, looks={**state.looks, key: state.held_out_looks + times})


def _best(versions: Sequence[Version]) -> int:
    """The highest held-out accuracy; of equals the first.

    Of those on the same images as the last one: a version with other classes has other images.
    """
    same = [version for version in versions if version.images == versions[-1].images]
    return max(same, key=lambda version: version.correct).number


def _exported(state: State, record: records.Exported) -> State:
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


def is_unmeasured(state: State) -> bool:
    """Whether the working system is none of the versions' systems."""
    return all(version.system != state.system for version in state.versions)


def needs_measuring(state: State) -> bool:
    """Whether the working system differs from the last version, or was never measured."""
    return not state.versions or state.versions[-1].system != state.system


def steps_between(
    before: tuple[Step, ...], after: tuple[Step, ...]
) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """What the first history alone has (taken back), and what the second alone has (done)."""
    shared = 0
    for one, other in zip(before, after, strict=False):
        if (one.proposal, one.back_to) != (other.proposal, other.back_to):
            break
        shared += 1
    return before[shared:], after[shared:]


def correct_bits(correct: NDArray[np.bool_]) -> str:
    """The booleans [n] as text: 1 where an image is correct, else 0."""
    return "".join("1" if value else "0" for value in correct)


def from_bits(text: str) -> NDArray[np.bool_]:
    """The booleans [n] that `correct_bits` wrote."""
    found: NDArray[np.bool_] = np.frombuffer(text.encode(), np.uint8) == ord("1")
    return found


def done(state: State, act: Act) -> State:
    """The state after the act, which can be undone from there."""
    settled = _settled(state, act) if isinstance(act, Decided) else ()
    before = Done(act, state.steps, state.locks, state.decisions, settled, state.rescored)
    match act:
        case Decided():
            state = _decided(state, act)
        case records.Noted():
            state = replace(state, notes=(*state.notes, act.text))
        case records.Locked():
            state = replace(state, locks=(*_without(state.locks, act.lock), act.lock))
        case records.Unlocked():
            state = replace(state, locks=_without(state.locks, act.lock))
        case records.Reverted():
            step = _step_back(state, act.version)
            named = follow(state.locks, state.steps[-1].names.to(step.names))
            locks = still_there(named, step.system)
            state = replace(state, steps=(*state.steps, step), locks=locks)
        case records.Rescored():
            state = replace(state, rescored=act.scoring)
    return replace(state, done=(*state.done, before))


def _decided(state: State, record: Decided) -> State:
    steps, locks = state.steps, state.locks
    if record.decision == "accepted":
        if state.system is None:
            raise ValueError("nothing was drafted that could be changed")
        edits = record.proposal.edits
        system = apply(state.system, edits)
        steps = (*steps, Step(system, record.proposal, steps[-1].names.after(edits)))
        locks = still_there(follow(locks, Renames().after(edits)), system)
    settled = _settled(state, record)
    return replace(
        state,
        steps=steps,
        locks=locks,
        offers=tuple(offer for offer in state.offers if offer not in settled),
        decisions=(*state.decisions, record),
    )


def _settled(state: State, record: Decided) -> tuple[Proposal, ...]:
    """The offers that a decision settles: of the same edits, and the one it was made from."""
    keys = {proposal.key for proposal in (record.proposal, record.instead_of) if proposal}
    return tuple(offer for offer in state.offers if offer.key in keys)


def _step_back(state: State, number: int) -> Step:
    version = next((v for v in state.versions if v.number == number), None)
    if version is None:
        raise ValueError(f"there is no version {number}")
    last = version.steps[-1]
    return Step(last.system, None, last.names, back_to=number)


def _without(locks: tuple[Lock, ...], lock: Lock) -> tuple[Lock, ...]:
    return tuple(kept for kept in locks if kept != lock)


def undone(state: State) -> State:
    """The state without the last act, and the acts that were made together with it."""
    if not state.done:
        raise ValueError("nothing to undo")
    last = state.done[-1]
    before = replace(
        state,
        steps=last.steps,
        locks=last.locks,
        decisions=last.decisions,
        offers=_with_offers(state, last.settled),
        rescored=last.rescored,
        done=state.done[:-1],
        undone=(*state.undone, last.act),
    )
    if isinstance(last.act, records.Noted):
        before = _without_note(before, last.act.text)
    return undone(before) if _together(last.act) and before.done else before


def redone(state: State) -> State:
    """The state with the last undone act, and those that were made together with it."""
    if not state.undone:
        raise ValueError("nothing to do again")
    after = replace(done(state, state.undone[-1]), undone=state.undone[:-1])
    return redone(after) if after.undone and _together(after.undone[-1]) else after


def _together(act: Act) -> bool:
    return isinstance(act, Decided) and act.together


def _without_note(state: State, text: str) -> State:
    """The state without the note, even if the model has read it: it is not told again."""
    if text in state.notes:
        return replace(state, notes=_without_last(state.notes, text))
    return replace(state, told=_without_last(state.told, text))


def _without_last(notes: tuple[str, ...], text: str) -> tuple[str, ...]:
    place = max((place for place, note in enumerate(notes) if note == text), default=len(notes))
    return (*notes[:place], *notes[place + 1 :])


def acceptance_undone(state: State) -> State:
    """The state without the last accepted proposal; later acts can no longer be undone."""
    accepted = [
        place
        for place, done in enumerate(state.done)
        if isinstance(done.act, Decided) and done.act.decision == "accepted"
    ]
    if not accepted:
        raise ValueError("nothing to undo")
    place = accepted[-1]
    found = state.done[place]
    later = state.decisions[len(found.decisions) + 1 :]
    return replace(
        state,
        steps=found.steps,
        decisions=(*found.decisions, *later),
        offers=_with_offers(state, found.settled),
        done=state.done[:place],
        undone=(),
    )


def _with_offers(state: State, settled: tuple[Proposal, ...]) -> tuple[Proposal, ...]:
    """The offers, with those that are open again."""
    known = {offer.key for offer in state.offers}
    return (*state.offers, *(offer for offer in settled if offer.key not in known))
