"""An optimiser at work in a session: what it finds is accepted, measured, and becomes a version."""

import time
from dataclasses import dataclass
from pathlib import Path

from builder.cli.first_draft import general_system
from builder.cli.screen import Screen
from builder.cli.setup import put
from builder.cli.workspace import Workspace
from builder.edits.apply import apply
from builder.edits.model import Proposal
from builder.errors import InputError
from builder.review.loop import measure, remeasured
from builder.scoring.statistics import Effect, compare
from builder.scoring.wording import accuracy, counted
from builder.search.greedy import open_cells
from builder.search.shuffled import ShuffledNull, shuffled_null
from builder.search.task import Candidate, Optimiser, Review, Task, Tried
from builder.session.journal import Session, read_chronicle
from builder.session.records import GENERAL_ATTRIBUTES, Decided, Decision, Optimised, RoundEnded
from builder.session.state import State, needs_measuring
from builder.system.model import AttributeSystem

STOPPED = "stopped by Ctrl-C"
FINISHED = "no change helps on review images any more"


@dataclass(frozen=True, slots=True)
class Plan:
    """Who searches, with which seed, and until when at the latest; None: no such bound."""

    optimiser: Optimiser
    seed: int
    measured: int | None
    minutes: float | None


def check(state: State, folder: Path) -> None:
    """Raises InputError where an optimiser has nothing to do; nothing was opened for that yet."""
    if state.started.images is None:
        raise InputError(
            "this session has no images, so nothing can be measured",
            hint="begin one with images from its system: cotbuild optimize "
            f"{folder / 'system.json'} --images FOLDER",
        )
    if state.system is None:
        raise InputError(
            "nothing was drafted yet in this session",
            hint=f"go on with it first: cotbuild resume {folder}",
        )
    if not open_cells(state.system, state.locks, state.system.classes):
        raise InputError(
            "everything is locked: there is no rule that may change",
            hint=f"unlock something in the review (k): cotbuild resume {folder}",
        )


def optimise(session: Session, workspace: Workspace, plan: Plan, screen: Screen) -> str:
    """Searches from the working system; each candidate is on the disk before the next is sought.

    Gives the reason why it ended. What it had found by then is kept, however it ended.
    """
    task = task_of(session, workspace, screen)
    review = task.review
    tried, reason = Tried(0, review.right(task.start)), FINISHED
    began = time.monotonic()
    try:
        for event in plan.optimiser.search(task):
            if isinstance(event, Candidate):
                tried = event.tried
                accept(session, workspace, event.proposal, screen)
            else:
                tried = event
            seconds = time.monotonic() - began
            screen.searching(_words(plan, tried, len(review.labels), seconds))
            if plan.minutes is not None and seconds >= 60 * plan.minutes:
                reason = f"its {plan.minutes:g} minutes are over"
                break
    except KeyboardInterrupt:
        reason = STOPPED
    if tried.edits:
        words = f"{plan.optimiser.name} search, {tried.measured:,} changes measured; {reason}"
        proposal = Proposal(edits=tried.edits, source="data", reason=words)
        accept(session, workspace, proposal, screen)
    if reason == FINISHED and tried.measured == plan.measured:
        reason = f"its budget of {counted(tried.measured, 'change')} is spent"
    record = Optimised(
        optimiser=plan.optimiser.name,
        seed=plan.seed,
        measured=tried.measured,
        restarts=tried.restarts,
        reason=reason,
    )
    put(session, workspace, record, screen)
    return reason


def null_of(
    session: Session, workspace: Workspace, optimiser: Optimiser, seed: int
) -> ShuffledNull:
    """The whole procedure from the session's first system on, with shuffled review labels."""
    state = session.state
    first = state.steps[0].system
    fitted = read_chronicle(session.folder).drafted_by == GENERAL_ATTRIBUTES

    def begin(review: Review) -> AttributeSystem:
        return general_system(state.started, review) if fitted else first

    evaluator = workspace.evaluator.for_step(state.steps[0], state.rescored)
    return shuffled_null(optimiser, begin, state.locks, evaluator, seed)


def _review(state: State, workspace: Workspace) -> Review:
    """The review images as the working system's session scores and names them."""
    return Review(workspace.evaluator.for_step(state.steps[-1], state.rescored))


def task_of(session: Session, workspace: Workspace, screen: Screen) -> Task:
    """The working system, which is measured if it was not yet. Raises InputError."""
    for measured in remeasured(session.state, workspace.evaluator):
        put(session, workspace, measured, screen)
    if needs_measuring(session.state):
        _measure(session, workspace, screen)
    step = session.state.steps[-1]
    review = _review(session.state, workspace)
    if len(set(review.labels) & set(step.system.classes)) < 2:
        raise InputError(
            "the review images show fewer than two of the classes: there is nothing to tell apart",
            hint="add images of more classes; at least two of each class are needed",
        )
    return Task(step.system, session.state.locks, review)


def accept(session: Session, workspace: Workspace, proposal: Proposal, screen: Screen) -> None:
    """The proposal's system becomes the next version."""
    decide(session, workspace, proposal, "accepted", screen)
    put(session, workspace, RoundEnded(round=session.state.round), screen)
    _measure(session, workspace, screen)


def decide(
    session: Session, workspace: Workspace, proposal: Proposal, decision: Decision, screen: Screen
) -> None:
    """Journals what the proposal does to the working system, and what becomes of it."""
    step = session.state.steps[-1]
    review = _review(session.state, workspace)
    after = review.score(apply(step.system, proposal.edits)).correct
    change = compare(review.score(step.system).correct, after)
    effect = Effect(n=change.n, fixed=change.fixed, broken=change.broken)
    decided = Decided(proposal=proposal, decision=decision, by="auto", effect=effect)
    put(session, workspace, decided, screen)


def _measure(session: Session, workspace: Workspace, screen: Screen) -> None:
    state = session.state
    step, version = state.steps[-1], len(state.versions) + 1
    judge = workspace.evaluator.for_step(step, state.rescored)
    put(session, workspace, measure(step, judge, version), screen)


def _words(plan: Plan, tried: Tried, n: int, seconds: float) -> str:
    """E.g. "Greedy: 12,345 changes, 1:05 min, best on review 300 of 336, 89.3 %"."""
    most = f" of {plan.measured:,}" if plan.measured is not None else ""
    return (
        f"{plan.optimiser.name.capitalize()}: {tried.measured:,}{most} changes, "
        f"{clock(seconds)} min, best on review {accuracy(tried.correct, n)}"
    )


def clock(seconds: float) -> str:
    """E.g. 1:05."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"
