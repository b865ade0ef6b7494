"""The conversation's vocabulary: what a reviewer sees (View) and can do (Action)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from builder.applying import EditError, apply
from builder.diagnosis import (
    ClassReport,
    ConfusedPair,
    GroupReport,
    confused_pairs,
    per_class,
)
from builder.edits import Proposal
from builder.history import Limit, State, stop_reason
from builder.records import Effect
from builder.referee import Referee
from builder.scoring import Scores
from builder.system import AttributeSystem

# --- What a reviewer can do -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Decide:
    """Accept, reject or skip one proposal; one of the reviewer's own is accepted like this too."""

    proposal: Proposal
    decision: Literal["accepted", "rejected", "skipped"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AcceptHelpful:
    """Accept the most helpful proposal, measure the rest on top of it, and so on."""


@dataclass(frozen=True, slots=True)
class Note:
    text: str


@dataclass(frozen=True, slots=True)
class Undo:
    pass


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the language model again within this round."""


@dataclass(frozen=True, slots=True)
class EndRound:
    """Measure the working system on held-out images and begin the next round."""


@dataclass(frozen=True, slots=True)
class Export:
    pass


@dataclass(frozen=True, slots=True)
class Quit:
    """Leave. `reason`: why the session ends, if it is not the person's wish."""

    reason: str = ""


Action = Decide | AcceptHelpful | Note | Undo | Ask | EndRound | Export | Quit


# --- What a reviewer sees -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Offer:
    """A pending proposal and its effect on review images now; None without images."""

    proposal: Proposal
    effect: Effect | None


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """Scores and diagnosis of the working system."""

    review: Scores
    baselines: Mapping[str, Scores]
    classes: tuple[ClassReport, ...]
    pairs: tuple[ConfusedPair, ...]
    groups: tuple[GroupReport, ...]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Everything one screen shows. `attempt` measures a proposal without applying it.

    `findings` and effects are None without images. `unfit` counts offers that the working system
    has outgrown. `digests` names the review images, in the order of `findings.review`. `try_out`
    gives the system with a proposal and its scores on review images, None without images; it
    raises EditError for a proposal that does not fit.
    """

    state: State
    system: AttributeSystem
    findings: Findings | None
    offers: tuple[Offer, ...]
    unfit: int
    can_ask: bool
    stop: str | None
    attempt: Callable[[Proposal], Effect | None]
    digests: tuple[str, ...] = ()
    try_out: Callable[[Proposal], tuple[AttributeSystem, Scores] | None] = lambda _: None


class Reviewer(Protocol):
    """A person at a terminal, or the automatic rule."""

    @property
    def name(self) -> Literal["person", "auto"]: ...

    def next_action(self, view: View) -> Action: ...


def look(state: State, referee: Referee | None, can_ask: bool, limit: Limit) -> View:
    """The screen of this state: scores, diagnosis, and each pending proposal measured by itself."""
    system = state.system
    if system is None:
        raise ValueError("nothing was drafted yet")
    findings = findings_of(state, system, referee) if referee else None
    review = findings.review if findings else None

    def attempt(proposal: Proposal) -> Effect | None:
        after = apply(system, proposal.edits)
        if referee is None or review is None:
            return None
        return referee.effect_of_change(review, after)

    def try_out(proposal: Proposal) -> tuple[AttributeSystem, Scores] | None:
        after = apply(system, proposal.edits)
        return None if referee is None else (after, referee.score(after, "review"))

    offers = []
    for proposal in state.offers:
        try:
            offers.append(Offer(proposal, attempt(proposal)))
        except EditError:
            continue
    offers.sort(key=lambda offer: -offer.effect.net if offer.effect else 0)
    return View(
        state=state,
        system=system,
        findings=findings,
        offers=tuple(offers),
        unfit=len(state.offers) - len(offers),
        can_ask=can_ask,
        stop=stop_reason(state, limit),
        attempt=attempt,
        digests=referee.splits["review"].digests if referee else (),
        try_out=try_out,
    )


def findings_of(state: State, system: AttributeSystem, referee: Referee) -> Findings:
    review = referee.score(system, "review")
    descriptions = {c.name: c.description for c in state.started.classes}
    return Findings(
        review=review,
        baselines=referee.baselines(state.started.domain, descriptions, "held_out"),
        classes=per_class(review, system),
        pairs=confused_pairs(review, system),
        groups=referee.groups(system),
    )


class AutoReviewer:
    """Nobody is there: a proposal is accepted when it helps on review images."""

    name: Literal["auto"] = "auto"

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
    """A person who wrote their proposals into a file: each is accepted, then all are measured."""

    name: Literal["person"] = "person"

    def __init__(self, proposals: Sequence[Proposal]) -> None:
        self._actions: list[Action] = [
            *(Decide(proposal, "accepted") for proposal in proposals),
            EndRound(),
            Quit("the edits of the file are applied and measured"),
        ]

    def next_action(self, view: View) -> Action:  # noqa: ARG002 - the file was written before
        """The next proposal of the file; an edit that does not fit raises EditError in the loop."""
        return self._actions.pop(0)
