"""What a person or an automatic reviewer does to a state, and how it is undone and done again."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from builder.applying import apply
from builder.edits import Edit, Proposal, RenameClass
from builder.locking import Lock, follow, still_there
from builder.records import Decided, Locked, Noted, Rescored, Reverted, Unlocked
from builder.state import Act, Done, State, Step


def done(state: State, act: Act) -> State:
    """The state after the act, which can be undone from there."""
    settled = _settled(state, act) if isinstance(act, Decided) else ()
    before = Done(act, state.steps, state.locks, state.decisions, settled, state.rescored)
    match act:
        case Decided():
            state = _decided(state, act)
        case Noted():
            state = replace(state, notes=(*state.notes, act.text))
        case Locked():
            state = replace(state, locks=(*_without(state.locks, act.lock), act.lock))
        case Unlocked():
            state = replace(state, locks=_without(state.locks, act.lock))
        case Reverted():
            step = _step_back(state, act.version)
            locks = still_there(state.locks, step.system)
            state = replace(state, steps=(*state.steps, step), locks=locks)
        case Rescored():
            state = replace(state, rescored=act.scoring)
    return replace(state, done=(*state.done, before))


def _decided(state: State, record: Decided) -> State:
    steps, locks = state.steps, state.locks
    if record.decision == "accepted":
        if state.system is None:
            raise ValueError("nothing was drafted that could be changed")
        edits = record.proposal.edits
        system = apply(state.system, edits)
        steps = (*steps, Step(system, record.proposal, renamed(steps[-1].names, edits)))
        locks = still_there(follow(locks, edits), system)
    settled = _settled(state, record)
    return replace(
        state,
        steps=steps,
        locks=locks,
        offers=tuple(offer for offer in state.offers if offer not in settled),
        decisions=(*state.decisions, record),
    )


def _settled(state: State, record: Decided) -> tuple[Proposal, ...]:
    """The offers that are decided with it: the same edits, and what they were made from."""
    keys = {proposal.key for proposal in (record.proposal, record.instead_of) if proposal}
    return tuple(offer for offer in state.offers if offer.key in keys)


def _step_back(state: State, number: int) -> Step:
    version = next((v for v in state.versions if v.number == number), None)
    if version is None:
        raise ValueError(f"there is no version {number}")
    last = version.steps[-1]
    return Step(last.system, None, last.names, back_to=number)


def renamed(names: Mapping[str, str], edits: Iterable[Edit]) -> Mapping[str, str]:
    """Original class name -> present one, where they differ, after the edits."""
    for edit in edits:
        if isinstance(edit, RenameClass):
            now = edit.class_name
            original = next((name for name, known in names.items() if known == now), now)
            names = {**names, original: edit.to}
    return names


def undone(state: State) -> State:
    """Without the last act, and those that it was made together with."""
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
    if isinstance(last.act, Noted):
        before = _without_note(before, last.act.text)
    return undone(before) if _together(last.act) and before.done else before


def redone(state: State) -> State:
    """With the act that was undone last, and those that were made together with it."""
    if not state.undone:
        raise ValueError("nothing to do again")
    after = replace(done(state, state.undone[-1]), undone=state.undone[:-1])
    return redone(after) if after.undone and _together(after.undone[-1]) else after


def _together(act: Act) -> bool:
    return isinstance(act, Decided) and act.together


def _without_note(state: State, text: str) -> State:
    """Taken back also where the model has read it: it is not told again."""
    if text in state.notes:
        return replace(state, notes=_without_last(state.notes, text))
    return replace(state, told=_without_last(state.told, text))


def _without_last(notes: tuple[str, ...], text: str) -> tuple[str, ...]:
    place = max((place for place, note in enumerate(notes) if note == text), default=len(notes))
    return (*notes[:place], *notes[place + 1 :])


def acceptance_undone(state: State) -> State:
    """The last accepted proposal is taken back, and with it the chance to undo what came later."""
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
    """The offers, and those that are on the table again."""
    known = {offer.key for offer in state.offers}
    return (*state.offers, *(offer for offer in settled if offer.key not in known))


def _without(locks: tuple[Lock, ...], lock: Lock) -> tuple[Lock, ...]:
    return tuple(kept for kept in locks if kept != lock)
