"""What a reviewer sees (View) and can do (Action), and when a session should stop."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from builder.edits.apply import EditError, apply
from builder.edits.locks import Lock, touched
from builder.edits.model import Proposal
from builder.proposals.first_rules import gives_first_rules
from builder.review.findings import Findings, Measurements
from builder.scoring.fit import RuleTrial
from builder.scoring.score import Scores
from builder.scoring.statistics import Effect
from builder.session.state import State, Step, needs_measuring
from builder.system.model import AttributeSystem, Scoring

# --- What a reviewer can do -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Decide:
    """Accepts, rejects or skips one proposal, also one of the reviewer's own.

    `instead_of`: the offer that it was made from.
    """

    proposal: Proposal
    decision: Literal["accepted", "rejected", "skipped"]
    reason: str = ""
    instead_of: Proposal | None = None


@dataclass(frozen=True, slots=True)
class AcceptHelpful:
    """Accepts the most helpful proposal, measures the rest on top of it, and so on."""


@dataclass(frozen=True, slots=True)
class Note:
    text: str


@dataclass(frozen=True, slots=True)
class SetLock:
    """Locks something: from here on only the person changes it."""

    lock: Lock


@dataclass(frozen=True, slots=True)
class RemoveLock:
    lock: Lock


@dataclass(frozen=True, slots=True)
class TryRules:
    """Shows the last version on held-out images by so many other scoring rules."""

    rules: int


@dataclass(frozen=True, slots=True)
class Rescore:
    """Scores systems like this from here on, and measures all versions again."""

    scoring: Scoring


@dataclass(frozen=True, slots=True)
class Undo:
    """Takes back the last decision or lock, whatever it was."""


@dataclass(frozen=True, slots=True)
class Redo:
    pass


@dataclass(frozen=True, slots=True)
class Ask:
    """Asks the language model again within this round."""


@dataclass(frozen=True, slots=True)
class EndRound:
    """Measures the working system on held-out images and begins the next round."""


@dataclass(frozen=True, slots=True)
class Export:
    pass


@dataclass(frozen=True, slots=True)
class Quit:
    """Leaves. `reason`: why the session ends, if it is not the person's wish."""

    reason: str = ""


Action = (
    Decide
    | AcceptHelpful
    | Note
    | SetLock
    | RemoveLock
    | TryRules
    | Rescore
    | Undo
    | Redo
    | Ask
    | EndRound
    | Export
    | Quit
)


# --- When to stop ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Limit:
    """When to stop: after `last_round`, or after `patience` rounds without a new best.

    Rounds before `first_round`, with which this run began, don't count.
    """

    patience: int
    first_round: int = 1
    last_round: int | None = None


def limit_from(state: State, rounds: int | None) -> Limit:
    """The limit of a run that begins here: `rounds` more, with its patience renewed."""
    last = None if rounds is None else state.round - 1 + rounds
    return Limit(state.started.patience, state.round, last)


def automatic_limit(state: State) -> Limit:
    """The limit of an automatic session, which is the same however often it is broken off."""
    return Limit(state.started.patience, state.first_round, state.last_round)


def stop_reason(state: State, limit: Limit) -> str | None:
    """Why a session should stop now, in words; None to go on.

    Without measured versions there is nothing that could stop improving.
    """
    if limit.last_round is not None and state.round > limit.last_round:
        return f"round {limit.last_round} was the last one asked for"
    if not state.versions:
        return None
    without = min(state.rounds_without_gain, state.round - limit.first_round)
    if without >= limit.patience:
        return f"no new best on held-out images for {without} rounds"
    if state.proposed and state.offered == 0 and not needs_measuring(state):
        return "nothing is left to propose"
    return None


# --- What a reviewer sees -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Offer:
    """A pending proposal and its effect on review images now; None without images.

    `alone`: its effect on the system that the round began with, where that is another one.
    """

    proposal: Proposal
    effect: Effect | None
    alone: Effect | None = None


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """All that one screen shows.

    `findings` and effects are None without images. `offers` are sorted by their effect, after those
    that give a class its first rules. `unfit` counts offers that the working system has outgrown,
    `locked` those that would change what is locked. `stopped`: the step before was stopped by the
    person.
    """

    state: State
    system: AttributeSystem
    findings: Findings | None
    offers: tuple[Offer, ...]
    unfit: int
    locked: int
    can_ask: bool
    stop: str | None
    stopped: bool = False

    def attempt(self, proposal: Proposal) -> Effect | None:
        """The effect of a proposal without applying it. Raises EditError if it does not fit."""
        if self.findings is None:
            apply(self.system, proposal.edits)
            return None
        return self.findings.effect(proposal)

    def try_out(self, proposal: Proposal) -> tuple[AttributeSystem, Scores] | None:
        """The system with a proposal and its scores on review images. Raises EditError."""
        return self.findings.try_out(proposal) if self.findings else None

    def try_rules(self) -> tuple[RuleTrial, ...]:
        """The last version under each scoring rule, on held-out images; () without any.

        Of the working system no more is seen on held-out images than at the end of its round.
        """
        if self.findings is None or not (self.state.versions and self.state.versions[-1].held_out):
            return ()
        return self.findings.try_rules(self.state.versions[-1].steps[-1])

    @property
    def rules_tried(self) -> bool:
        """Whether everything that `try_rules` shows was seen before."""
        if self.findings is None or not self.state.versions:
            return False
        key = self.state.versions[-1].number, self.findings.held_out_images
        return key in self.state.looks

    @property
    def digests(self) -> tuple[str, ...]:
        """The review images, in the order of the scores."""
        return self.findings.digests if self.findings else ()


class Reviewer(Protocol):
    """Decides on proposals: a person at a terminal, or the automatic rule.

    `present`: somebody is there to go on without a step that failed or was stopped.
    """

    @property
    def name(self) -> Literal["person", "auto"]: ...

    @property
    def present(self) -> bool: ...

    def next_action(self, view: View) -> Action: ...


def look(
    state: State,
    measurements: Measurements | None,
    can_ask: bool,
    limit: Limit,
    *,
    stopped: bool = False,
    with_effects: bool = True,
) -> View:
    """The screen of this state: scores, diagnosis, and each pending proposal measured by itself."""
    if state.system is None:
        raise ValueError("nothing was drafted yet")
    working = state.steps[-1]
    findings = measurements.of(working, state.rescored) if measurements else None
    first = state.proposed_for
    base = None
    if with_effects and measurements and first and first is not working:
        base = measurements.of(first, state.rescored)
    fitting = _fitting(state.offers, working, findings)
    free = [p for p, after in fitting if not touched(state.locks, working.system, after)]
    unfit, locked = len(state.offers) - len(fitting), len(fitting) - len(free)
    if findings and with_effects:
        findings.measure(free)
    offers = []
    for proposal in free:
        if findings and findings.changes_nothing(proposal):
            unfit += 1
            continue
        effect = findings.effect(proposal) if findings and with_effects else None
        offers.append(Offer(proposal, effect, _alone(proposal, base)))
    # Stable: of equals, the one that was proposed first.
    offers.sort(key=lambda offer: -offer.effect.net if offer.effect else 0)
    # Before all else: without any rules a class is not known.
    offers.sort(key=lambda offer: not gives_first_rules(offer.proposal, working.system))
    return View(
        state=state,
        system=working.system,
        findings=findings,
        offers=tuple(offers),
        unfit=unfit,
        locked=locked,
        can_ask=can_ask,
        stop=stop_reason(state, limit),
        stopped=stopped,
    )


def _fitting(
    proposals: Iterable[Proposal], step: Step, findings: Findings | None
) -> list[tuple[Proposal, AttributeSystem]]:
    """The proposals that fit the step's system, with the system that each would make."""
    found = []
    for proposal in proposals:
        try:
            after = findings.after(proposal) if findings else apply(step.system, proposal.edits)
        except EditError:
            continue
        found.append((proposal, after))
    return found


def _alone(proposal: Proposal, base: Findings | None) -> Effect | None:
    """The proposal's effect by itself; None also where it fits only since the round began."""
    try:
        return base.effect(proposal) if base else None
    except EditError:
        return None


class AutoReviewer:
    """Accepts a proposal when it helps on review images, where nobody is there to decide."""

    name: Literal["auto"] = "auto"
    present = False

    def next_action(self, view: View) -> Action:
        """The most helpful proposal first, each measured on top of the ones before."""
        if view.stop or view.findings is None:
            return Quit()
        for offer in view.offers:
            if offer.effect and offer.effect.net > 0:
                return Decide(offer.proposal, "accepted")
            if offer.proposal.source == "llm":
                # Rejected, not skipped: the model is told, and doesn't send it again.
                return Decide(offer.proposal, "rejected", "it does not help on review images")
        return EndRound()


class EditsReviewer:
    """Accepts the proposals of a person's file one after another, then all are measured."""

    name: Literal["person"] = "person"
    present = False

    def __init__(self, proposals: Sequence[Proposal]) -> None:
        self._actions: list[Action] = [
            *(Decide(proposal, "accepted") for proposal in proposals),
            EndRound(),
            Quit("the edits of the file are applied and measured"),
        ]

    def next_action(self, view: View) -> Action:  # noqa: ARG002 - the file was written before
        """The next proposal of the file; an edit that does not fit raises EditError in the loop."""
        return self._actions.pop(0)
