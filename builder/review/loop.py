"""The round, as a generator of typed events: draft, measure, propose, review, apply, again.

It knows no encoder, file, terminal or clock: an evaluator measures, proposers propose, a reviewer
decides, and whoever consumes the events draws them and writes the records down. A record is
yielded before the next question is asked, so a consumer that stores it first loses nothing.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from builder.edits.apply import EditError, apply
from builder.edits.model import Proposal
from builder.errors import CotbuildError, InputError
from builder.proposals.requests import Drafter, DraftRequest
from builder.review.findings import Findings, Measurements
from builder.review.proposers import Proposer, proposers_of
from builder.review.view import (
    AcceptHelpful,
    Action,
    Ask,
    Decide,
    EndRound,
    Export,
    Limit,
    Note,
    Offer,
    Quit,
    Redo,
    RemoveLock,
    Rescore,
    Reviewer,
    SetLock,
    TryRules,
    Undo,
    View,
    automatic_limit,
    limit_from,
    look,
    stop_reason,
)
from builder.scoring.evaluator import Evaluator
from builder.scoring.statistics import Effect
from builder.session.export import exported
from builder.session.records import (
    Decided,
    Drafted,
    Extended,
    Locked,
    Measured,
    Noted,
    Proposed,
    Record,
    Redone,
    Rescored,
    RoundEnded,
    RulesTried,
    Undone,
    Unlocked,
)
from builder.session.state import State, Step, advance, correct_bits, needs_measuring
from builder.system.model import AttributeSystem

T = TypeVar("T")

# Why a session ended when nothing else stopped it.
LEFT = {"person": "left by the reviewer", "auto": "without images nothing can be decided"}


def finished(state: State) -> str | None:
    """Why an automatic session that was exported has nothing more to do; None if it has."""
    if state.exported is None:
        return None
    without_images = LEFT["auto"] if state.started.images is None else None
    return stop_reason(state, automatic_limit(state)) or without_images


@dataclass(frozen=True, slots=True)
class Recorded:
    """A record to store, and the state after it."""

    record: Record
    state: State


@dataclass(frozen=True, slots=True)
class Working:
    """A step begins that may take a while."""

    what: str


@dataclass(frozen=True, slots=True)
class StepFailed:
    """A step could not be done; the session goes on without it."""

    what: str
    error: CotbuildError | None  # None: the person stopped it


@dataclass(frozen=True, slots=True, eq=False)
class Viewed:
    """A round's screen is due: its view."""

    view: View


@dataclass(frozen=True, slots=True)
class Ended:
    state: State
    reason: str


Event = Recorded | Working | StepFailed | Viewed | Ended


def run(
    state: State,
    *,
    evaluator: Evaluator | None,
    drafter: Drafter | None,
    reviewer: Reviewer,
    export_to: str,
    rounds: int | None = None,
    proposers: Sequence[Proposer] | None = None,
) -> Iterator[Event]:
    """Runs rounds from `state` until the reviewer quits. `rounds`: advise to stop after so many.

    `drafter` writes the first system where there is none yet; `proposers` are the sources of
    proposals, by default the data and the drafter. `export_to` is the path that an export's record
    names; the consumer writes that file. Raises CotbuildError from the draft, and from a source of
    proposals if nobody is there to go on without it.
    """
    measurements = Measurements(evaluator, state.started) if evaluator else None
    sources = proposers_of(drafter) if proposers is None else proposers
    limit = limit_from(state, rounds)
    if reviewer.name == "auto":
        if rounds is not None and limit != automatic_limit(state):
            state = yield from _record(state, Extended(rounds=rounds))
        limit = automatic_limit(state)
    at = _Table(evaluator, measurements, sources, reviewer, export_to, limit)
    if state.system is None:
        yield Working("drafting the attribute system")
        drafted = Drafted(system=_draft(state, drafter), source=state.started.llm or "")
        state = yield from _record(state, drafted)
    fresh = False
    if evaluator is not None:
        for measured in remeasured(state, evaluator):
            state = yield from _record(state, measured)
            fresh = True
    # A round that had nothing left to offer may have, with other images or with a model to ask.
    anew = state.proposed and not state.offers and (fresh or at.would_ask(state))
    stopped = False
    while True:
        if evaluator is not None and _due(state, reviewer):
            version = yield from _measured(state, evaluator, at)
            stopped = version is None
            if version is not None:
                state = yield from _record(state, version)
        # An automatic session that is over must not pay for one more answer.
        over = reviewer.name == "auto" and stop_reason(state, at.limit) is not None
        if anew or not (state.proposed or over):
            # Who stopped one step wants the menu, not the next step that takes a while.
            state, asking_stopped = yield from _propose(state, at, asking=not stopped)
            stopped = stopped or asking_stopped
            anew = False
        view = at.view(state, stopped)
        yield Viewed(view)
        while True:
            action = reviewer.next_action(view)
            if isinstance(action, Quit):
                yield Ended(state, action.reason or view.stop or LEFT[reviewer.name])
                return
            round_before = state.round
            state, stopped = yield from _act(action, view, at)
            if state.round > round_before:
                break
            view = at.view(state, stopped)


def _due(state: State, reviewer: Reviewer) -> bool:
    """Whether the working system is to be measured before the next screen.

    In the midst of a round it is not: the round's end does that. Edits of a file begin anew.
    """
    amid = bool(state.proposed and state.versions and (reviewer.present or reviewer.name == "auto"))
    return needs_measuring(state) and not amid


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """What a run works with: evaluator, measurements, proposers, reviewer and limit."""

    evaluator: Evaluator | None
    measurements: Measurements | None
    proposers: Sequence[Proposer]
    reviewer: Reviewer
    export_to: str
    limit: Limit

    @property
    def can_ask(self) -> bool:
        return any(source.asks for source in self.proposers)

    def findings(self, state: State) -> Findings | None:
        working = state.steps[-1]
        return self.measurements.of(working, state.rescored) if self.measurements else None

    def would_ask(self, state: State) -> bool:
        """Whether there is somebody to ask, and cause to, who was not asked in this round."""
        asking = [] if state.asked_in_round else [each for each in self.proposers if each.asks]
        return any(each.has_cause(state, self.findings(state)) for each in asking)

    def view(self, state: State, stopped: bool = False) -> View:
        """The screen; without measured proposals where the person stops their measuring."""
        try:
            return look(state, self.measurements, self.can_ask, self.limit, stopped=stopped)
        except KeyboardInterrupt:
            if not self.reviewer.present:
                raise
        return look(
            state, self.measurements, self.can_ask, self.limit, stopped=True, with_effects=False
        )


def _record(state: State, record: Record) -> Generator[Event, None, State]:
    state = advance(state, record)
    yield Recorded(record, state)
    return state


def _interruptible(
    what: str, work: Callable[[], T], at: _Table
) -> Generator[Event, None, T | None]:
    """What the step returns; None when the person, who is there to go on, stopped it."""
    yield Working(what)
    try:
        return work()
    except KeyboardInterrupt:
        if not at.reviewer.present:
            raise
    yield StepFailed(what, None)
    return None


def _act(action: Action, view: View, at: _Table) -> Generator[Event, None, tuple[State, bool]]:
    """Carries the action out: the new state, and whether the person stopped it half-way."""
    state = view.state
    match action:
        case Decide():
            state = yield from _record(state, _decided(action, _effect(action, view), at.reviewer))
        case AcceptHelpful():
            together = False
            while helpful := _most_helpful(view):
                accepted = Decide(helpful.proposal, "accepted")
                decided = _decided(accepted, helpful.effect, at.reviewer, together=together)
                state = yield from _record(state, decided)
                together = True
                view = at.view(state)
                if view.stopped:
                    return state, True
        case Ask():
            return (yield from _propose(state, at))
        case TryRules() if at.evaluator is not None:
            tried = RulesTried(
                version=state.versions[-1].number,
                images=at.evaluator.held_out_images,
                rules=action.rules,
            )
            state = yield from _record(state, tried)
        case EndRound():
            return (yield from _end_round(state, at))
        case Export():
            return (yield from _export(state, at))
        case Quit() | TryRules():
            pass
        case _:
            state = yield from _record(state, _plain_record(action))
            if at.evaluator is not None and state.rescored is not view.state.rescored:
                for measured in remeasured(state, at.evaluator):
                    state = yield from _record(state, measured)
    return state, False


def _plain_record(action: Note | SetLock | RemoveLock | Rescore | Undo | Redo) -> Record:
    match action:
        case Note():
            return Noted(text=action.text)
        case SetLock():
            return Locked(lock=action.lock)
        case RemoveLock():
            return Unlocked(lock=action.lock)
        case Rescore():
            return Rescored(scoring=action.scoring.of_session())
        case Undo():
            return Undone(of="last")
        case Redo():
            return Redone()


def _end_round(state: State, at: _Table) -> Generator[Event, None, tuple[State, bool]]:
    """Measures the round's result, then ends the round; it goes on where that was stopped."""
    measured = None
    if at.evaluator is not None and needs_measuring(state):
        measured = yield from _measured(state, at.evaluator, at)
        if measured is None:
            return state, True
    state = yield from _record(state, RoundEnded(round=state.round, by=at.reviewer.name))
    if measured is not None:
        state = yield from _record(state, measured)
    return state, False


def _export(state: State, at: _Table) -> Generator[Event, None, tuple[State, bool]]:
    if at.evaluator is not None and needs_measuring(state):
        measured = yield from _measured(state, at.evaluator, at)
        if measured is None:
            return state, True
        state = yield from _record(state, measured)
    export = partial(exported, state, at.evaluator, at.export_to)
    record = yield from _interruptible("measuring on the final images", export, at)
    if record is None:
        return state, True
    return (yield from _record(state, record)), False


def _decided(
    action: Decide, effect: Effect | None, reviewer: Reviewer, *, together: bool = False
) -> Decided:
    return Decided(
        proposal=action.proposal,
        decision=action.decision,
        by=reviewer.name,
        effect=effect,
        reason=action.reason,
        instead_of=action.instead_of,
        together=together,
    )


def _effect(action: Decide, view: View) -> Effect | None:
    """The proposal's effect as the reviewer saw it; the person's own proposal is measured now."""
    for offer in view.offers:
        if offer.proposal == action.proposal:
            return offer.effect
    return view.attempt(action.proposal) if action.decision == "accepted" else None


def _most_helpful(view: View) -> Offer | None:
    """The first offer that helps: they are sorted."""
    return next((each for each in view.offers if each.effect and each.effect.net > 0), None)


def _draft(state: State, drafter: Drafter | None) -> AttributeSystem:
    if drafter is None:
        raise InputError(
            "nothing was drafted yet, and there is no language model to draft",
            hint="name a model with --llm",
        )
    started = state.started
    classes = tuple((c.name, c.description) for c in started.classes)
    request = DraftRequest(started.domain, classes, started.attributes, started.context)
    return drafter.draft(request)


def _measured(
    state: State, evaluator: Evaluator, at: _Table
) -> Generator[Event, None, Measured | None]:
    """Measures the working system as the next version; None when the person stopped it."""
    work = partial(measure_working, state, evaluator)
    return (yield from _interruptible("measuring on held-out images", work, at))


def measure_working(state: State, evaluator: Evaluator) -> Measured:
    """Measures the working system as the next version."""
    step = state.steps[-1]
    return measure(step, evaluator.for_step(step, state.rescored), len(state.versions) + 1)


def measure(step: Step, evaluator: Evaluator, version: int) -> Measured:
    """Measures the step's system as this version; `evaluator`: the one for this step."""
    return Measured(
        version=version,
        images=evaluator.images,
        review=correct_bits(evaluator.score(step.system, "review").correct),
        held_out=correct_bits(evaluator.score(step.system, "held_out").correct),
    )


def remeasured(state: State, evaluator: Evaluator) -> Iterator[Measured]:
    """Measures again the versions whose images or scoring have changed since."""
    for version in state.versions:
        step = version.steps[-1]
        judge = evaluator.for_step(step, state.rescored)
        if version.images != judge.images:
            yield measure(step, judge, version.number)


def _propose(
    state: State, at: _Table, *, asking: bool = True
) -> Generator[Event, None, tuple[State, bool]]:
    """Collects the round's proposals from all sources, those that ask the model only if `asking`.

    Gives the state, and whether the person stopped one; then the sources after it are left out.
    """
    if state.system is None:
        raise ValueError("nothing was drafted yet")
    found: list[Proposal] = list(state.offers)
    findings = at.findings(state)
    asked = stopped = False
    for source in at.proposers:
        if stopped or (source.asks and not asking) or not source.has_cause(state, findings):
            continue
        work = partial(source.propose, state, findings)
        try:
            proposals = yield from _interruptible(source.step, work, at)
        except CotbuildError as error:
            if not (source.asks and at.reviewer.present):
                raise
            yield StepFailed(source.step, error)
            continue
        stopped = proposals is None
        asked = asked or (source.asks and not stopped)
        found.extend(proposals or ())
    record = Proposed(round=state.round, asked=asked, proposals=_new(state, found))
    return (yield from _record(state, record)), stopped


def _new(state: State, found: Sequence[Proposal]) -> tuple[Proposal, ...]:
    """The unsettled proposals; of several that lead to the same system only the first."""
    if state.system is None:
        return ()
    kept: dict[object, Proposal] = {}
    for proposal in found:
        if proposal.key not in state.settled:
            kept.setdefault(_leads_to(state.system, proposal), proposal)
    return tuple(kept.values())


def _leads_to(system: AttributeSystem, proposal: Proposal) -> object:
    """The key by which proposals differ: their result, or their edits where these don't fit."""
    try:
        return apply(system, proposal.edits)
    except EditError:
        return proposal.key
