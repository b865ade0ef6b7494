"""The round, as a generator of typed events: draft, measure, propose, review, apply, again.

It knows no encoder, file, terminal or clock: a referee measures, a drafter writes, a reviewer
decides, and whoever consumes the events draws them and writes the records down. A record is
yielded before the next question is asked, so a consumer that stores it first loses nothing.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

from builder.describing import describe_proposal
from builder.edits import Proposal
from builder.errors import CotbuildError, InputError
from builder.exporting import exported
from builder.history import Limit, State, advance, limit_from, marks, needs_measuring, stop_reason
from builder.records import (
    Decided,
    Drafted,
    Effect,
    Measured,
    Noted,
    Proposed,
    Record,
    RoundEnded,
    Undone,
)
from builder.referee import Referee
from builder.requests import Drafter, DraftRequest, Past, RevisionRequest
from builder.reviewing import (
    AcceptHelpful,
    Action,
    Ask,
    Decide,
    EndRound,
    Export,
    Findings,
    Note,
    Offer,
    Quit,
    Reviewer,
    Undo,
    View,
    findings_of,
    look,
)
from builder.suggestions import suggest
from builder.system import AttributeSystem

# Why a session ended when nothing else stopped it.
LEFT = {"person": "left by the reviewer", "auto": "without images nothing can be decided"}


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
    """A round's screen is due: its first view."""

    view: View


@dataclass(frozen=True, slots=True)
class Ended:
    state: State
    reason: str


Event = Recorded | Working | StepFailed | Viewed | Ended


def run(
    state: State,
    *,
    referee: Referee | None,
    drafter: Drafter | None,
    reviewer: Reviewer,
    export_to: str,
    rounds: int | None = None,
) -> Iterator[Event]:
    """Rounds from `state` until the reviewer quits. `rounds`: advise to stop after that many more.

    `export_to` is the path that an export's record names; the consumer writes that file.
    Raises CotbuildError from the draft, and from a revision if nobody is there to go on without it.
    """
    at = _Table(referee, drafter, reviewer, export_to, limit_from(state, rounds))
    if state.system is None:
        yield Working("drafting the attribute system")
        drafted = Drafted(system=_draft(state, drafter), source=state.started.llm or "")
        state = yield from _record(state, drafted)
    fresh = False
    if referee is not None:
        for measured in remeasured(state, referee):
            state = yield from _record(state, measured)
            fresh = True
    # A round that had nothing left to offer may have, with other images or with a model to ask.
    unasked = drafter is not None and not state.asked_in_round
    anew = state.proposed and not state.offers and (fresh or unasked)
    while True:
        if referee is not None and needs_measuring(state):
            yield Working("measuring on held-out images")
            state = yield from _record(state, _measure(state, referee, _next_version(state)))
        # An automatic session that is over must not pay for one more answer.
        over = reviewer.name == "auto" and stop_reason(state, at.limit) is not None
        if anew or not (state.proposed or over):
            state = yield from _propose(state, at)
            anew = False
        view = at.view(state)
        yield Viewed(view)
        while True:
            action = reviewer.next_action(view)
            if isinstance(action, Quit):
                yield Ended(state, action.reason or view.stop or LEFT[reviewer.name])
                return
            state = yield from _act(action, view, at)
            if isinstance(action, EndRound):
                break
            view = at.view(state)


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """Who sits at the table, and for how long."""

    referee: Referee | None
    drafter: Drafter | None
    reviewer: Reviewer
    export_to: str
    limit: Limit

    def view(self, state: State) -> View:
        return look(state, self.referee, self.drafter is not None, self.limit)


def _record(state: State, record: Record) -> Generator[Event, None, State]:
    state = advance(state, record)
    yield Recorded(record, state)
    return state


def _act(action: Action, view: View, at: _Table) -> Generator[Event, None, State]:
    state = view.state
    match action:
        case Decide():
            state = yield from _record(state, _decided(action, _effect(action, view), at.reviewer))
        case AcceptHelpful():
            while helpful := _most_helpful(view):
                accepted = Decide(helpful.proposal, "accepted")
                state = yield from _record(state, _decided(accepted, helpful.effect, at.reviewer))
                view = at.view(state)
        case Note():
            state = yield from _record(state, Noted(text=action.text))
        case Undo():
            state = yield from _record(state, Undone())
        case Ask():
            state = yield from _propose(state, at)
        case EndRound():
            state = yield from _record(state, RoundEnded(round=state.round))
        case Export():
            if at.referee is not None and needs_measuring(state):
                measured = _measure(state, at.referee, _next_version(state))
                state = yield from _record(state, measured)
            state = yield from _record(state, exported(state, at.referee, at.export_to))
        case Quit():
            pass
    return state


def _decided(action: Decide, effect: Effect | None, reviewer: Reviewer) -> Decided:
    return Decided(
        proposal=action.proposal,
        decision=action.decision,
        by=reviewer.name,
        effect=effect,
        reason=action.reason,
    )


def _effect(action: Decide, view: View) -> Effect | None:
    """What the reviewer saw when deciding; a proposal of their own is measured now."""
    for offer in view.offers:
        if offer.proposal == action.proposal:
            return offer.effect
    return view.attempt(action.proposal) if action.decision == "accepted" else None


def _most_helpful(view: View) -> Offer | None:
    """The first offer if it helps; offers are sorted by their effect."""
    offer = view.offers[0] if view.offers else None
    return offer if offer and offer.effect and offer.effect.net > 0 else None


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


def _next_version(state: State) -> int:
    return len(state.versions) + 1


def _measure(state: State, referee: Referee, version: int) -> Measured:
    known = next((v.system for v in state.versions if v.number == version), state.system)
    if known is None:
        raise ValueError("nothing was drafted yet")
    return Measured(
        version=version,
        images=referee.images,
        review=marks(referee.score(known, "review").correct),
        held_out=marks(referee.score(known, "held_out").correct),
    )


def remeasured(state: State, referee: Referee) -> Iterator[Measured]:
    """Marks of the versions whose images are no longer the ones at hand."""
    for version in state.versions:
        if version.images != referee.images:
            yield _measure(state, referee, version.number)


def _propose(state: State, at: _Table) -> Generator[Event, None, State]:
    """Collects the round's proposals: what the data suggests, and what the model answers."""
    system = state.system
    if system is None:
        raise ValueError("nothing was drafted yet")
    found: list[Proposal] = list(state.offers)
    findings = findings_of(state, system, at.referee) if at.referee else None
    if findings:
        found.extend(suggest(findings.review, system))
    asked = False
    # Without images the first round has nothing to tell the model that its draft didn't know.
    if at.drafter is not None and (findings or state.notes or state.decisions):
        yield Working("asking the language model for proposals")
        try:
            found.extend(at.drafter.revise(revision_request(state, system, findings)))
            asked = True
        except CotbuildError as error:
            if at.reviewer.name == "auto":
                raise
            yield StepFailed("asking the language model", error)
        except KeyboardInterrupt:
            if at.reviewer.name == "auto":
                raise
            yield StepFailed("asking the language model", None)
    record = Proposed(round=state.round, asked=asked, proposals=_new(state, found))
    return (yield from _record(state, record))


def _new(state: State, found: Sequence[Proposal]) -> tuple[Proposal, ...]:
    """Without repetitions, and without what was rejected before."""
    unique = {proposal.key: proposal for proposal in reversed(found)}
    return tuple(
        unique.pop(proposal.key)
        for proposal in found
        if proposal.key in unique and proposal.key not in state.rejected
    )


def revision_request(
    state: State, system: AttributeSystem, findings: Findings | None
) -> RevisionRequest:
    """What the language model is told: review images only, never held-out ones."""
    return RevisionRequest(
        system=system,
        confusions=tuple(pair.words() for pair in findings.pairs) if findings else (),
        weak_groups=tuple(g.words() for g in findings.groups if g.weak) if findings else (),
        notes=state.notes,
        past=tuple(
            Past(describe_proposal(d.proposal), d.decision, _past_effect(d))
            for d in state.decisions
            if d.decision != "skipped"
        ),
        descriptions={c.name: c.description for c in state.started.classes},
        context=state.started.context,
    )


def _past_effect(decided: Decided) -> str:
    effect = f"{decided.effect.words()} on review images" if decided.effect else ""
    return "; ".join(part for part in (effect, decided.reason) if part)
