"""A session as a story from its journal: what was accepted between one version and the next."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from builder.edits.locks import Lock, follow
from builder.edits.model import Proposal
from builder.edits.renames import Renames
from builder.session.records import Decided, Drafted, Exported, Measured, Optimised, Record, Started
from builder.session.state import State, Version, advance, begin, is_unmeasured, steps_between
from builder.session.versions import lineage
from builder.system.model import AttributeSystem


@dataclass(frozen=True, slots=True)
class Accepted:
    """An accepted proposal with its effect and who decided; `before`: the system it changed."""

    decided: Decided
    before: AttributeSystem


@dataclass(frozen=True, slots=True)
class Stretch:
    """What happened up to a version, or since the last one (then there is no `version`).

    `at`: when it was measured first, ISO 8601 in UTC. `rounds` had ended by then. `previous` is
    the version before, which has `taken_back` and lacks `accepted`. `back_to`: the version that
    the person returned to last on the way. `optimised`: runs of optimisers that ended in it; what
    they found by then is in the stretches before. Of what was undone again nothing is told.
    """

    version: Version | None
    previous: Version | None
    at: str
    rounds: int
    accepted: tuple[Accepted, ...]
    taken_back: tuple[Proposal, ...]
    back_to: int | None
    rejected: tuple[Decided, ...]
    skipped: int
    notes: tuple[str, ...]
    locked: tuple[Lock, ...]
    unlocked: tuple[Lock, ...]
    optimised: tuple[Optimised, ...]

    @property
    def empty(self) -> bool:
        changes = (self.accepted, self.taken_back, self.back_to, self.rejected, self.skipped)
        return not any((*changes, self.notes, self.locked, self.unlocked, self.optimised))


@dataclass(frozen=True, slots=True)
class Delivery:
    """An export; `looked`: it showed a figure on the final images that nobody had seen."""

    record: Exported
    at: str
    looked: bool


@dataclass(frozen=True, slots=True)
class Story:
    """A session's story; each of its `stretches` but the last ends with a version, in order.

    `drafted_by`: a model's name, a file or a person; "" where nothing was drafted yet.
    """

    state: State
    began: str
    drafted_by: str
    stretches: tuple[Stretch, ...]
    exports: tuple[Delivery, ...]

    @property
    def unmeasured(self) -> bool:
        """Whether the working system is none of the versions' systems."""
        return self.state.system is not None and is_unmeasured(self.state)


def story_of(entries: Iterable[tuple[Record, str]]) -> Story:
    """The story that the records with their times tell.

    Raises ValueError where `history.fold` would.
    """
    records = iter(entries)
    first, began = next(records, (None, ""))
    if not isinstance(first, Started):
        raise ValueError("a journal begins with a started record")
    last = state = begin(first)
    drafted_by = ""
    accepted: dict[str, Decided] = {}
    stretches: list[Stretch] = []
    exports: list[Delivery] = []
    for record, at in records:
        before, state = state, advance(state, record)
        match record:
            case Drafted():
                drafted_by = record.source
            case Decided() if record.decision == "accepted":
                accepted[record.proposal.key] = record
            case Exported():
                exports.append(Delivery(record, at, state.final_looks > before.final_looks))
            case Measured() if len(state.versions) > len(before.versions):
                version = state.versions[-1]
                stretches.append(_stretch(last, state, accepted, at, version))
                last = state
    stretches.append(_stretch(last, state, accepted, "", None))
    stretches = [_up_to_date(stretch, state) for stretch in stretches]
    return Story(state, began, drafted_by, tuple(stretches), tuple(exports))


def _stretch(
    last: State, state: State, accepted: Mapping[str, Decided], at: str, version: Version | None
) -> Stretch:
    old = lineage(last.steps, last.versions)
    new = lineage(state.steps, state.versions)
    taken_back, done = steps_between(old, new)
    told = tuple(
        Accepted(accepted[step.proposal.key], new[place - 1].system)
        for place, step in enumerate(new)
        if step.proposal and place >= len(new) - len(done)
    )
    returns = [step.back_to for step in steps_between(last.steps, state.steps)[1] if step.back_to]
    decisions = state.decisions[_shared(last.decisions, state.decisions) :]
    kept = follow(last.locks, _names(last).to(_names(state)))
    return Stretch(
        version=version,
        previous=last.versions[-1] if last.versions else None,
        at=at,
        rounds=state.round - 1,
        accepted=told,
        taken_back=tuple(step.proposal for step in taken_back if step.proposal),
        back_to=returns[-1] if returns else None,
        rejected=tuple(each for each in decisions if each.decision == "rejected"),
        skipped=sum(each.decision == "skipped" for each in decisions),
        notes=_notes(state)[len(_notes(last)) :],
        locked=tuple(lock for lock in state.locks if lock not in kept),
        unlocked=tuple(lock for lock in kept if lock not in state.locks),
        optimised=state.optimised[len(last.optimised) :],
    )


def _names(state: State) -> Renames:
    return state.steps[-1].names if state.steps else Renames()


def _notes(state: State) -> tuple[str, ...]:
    """The notes that were not taken back."""
    return (*state.told, *state.notes)


def _shared(before: tuple[Decided, ...], after: tuple[Decided, ...]) -> int:
    """The number of decisions with which both begin."""
    pairs = enumerate(zip(before, after, strict=False))
    return next((n for n, (one, other) in pairs if one != other), min(len(before), len(after)))


def _up_to_date(stretch: Stretch, state: State) -> Stretch:
    """The stretch with its versions as they were last measured."""
    latest = {version.number: version for version in state.versions}
    version = latest[stretch.version.number] if stretch.version else None
    previous = latest[stretch.previous.number] if stretch.previous else None
    return replace(stretch, version=version, previous=previous)
