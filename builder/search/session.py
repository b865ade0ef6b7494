"""A search in a session: its finds are decided, measured and recorded, as in a review.

It knows no file, screen or clock. What happens is told in the review loop's own events, a record
before the search goes on: who stores it first loses nothing. Events are told and not yielded,
because GEPA calls back, and because Ctrl-C while one is stored must end the search with its record.
"""

from collections.abc import Callable

from builder.edits.apply import apply
from builder.edits.locks import lock_words
from builder.edits.model import Proposal
from builder.errors import CotbuildError, InputError, NoMoreAnswers
from builder.proposals.requests import Rewriter, Rewriting, RewritingRequest
from builder.review.findings import Measurements
from builder.review.loop import Ended, Recorded, measure_working, remeasured
from builder.review.request import revision_request
from builder.scoring.evaluator import Evaluator
from builder.scoring.statistics import compare
from builder.scoring.wording import counted
from builder.search.gepa import Found, Parent, Rejected, Unchanged, Unusable, evolve, group_in
from builder.search.greedy import Greedy
from builder.search.task import Candidate, Review, Task, Tried
from builder.session.records import GEPA, GREEDY, Decided, Decision, Optimised, Record, RoundEnded
from builder.session.state import State, Step, advance, needs_measuring

STOPPED = "stopped by Ctrl-C"
FINISHED = "no change helps on review images any more"
ALL_RIGHT = "all review images are right"

Event = Recorded | Tried | Unusable | Unchanged
# Why a search must stop after this progress; None: go on.
Over = Callable[[Tried], str | None]


class SearchSession:
    """A session that a search continues from `state`; each event goes to `tell`."""

    def __init__(self, state: State, evaluator: Evaluator, tell: Callable[[Event], None]) -> None:
        self.state = state
        self.evaluator = evaluator
        self.tell = tell

    def task(self) -> Task:
        """The working system, which is measured if it was not yet. Raises InputError."""
        for measured in remeasured(self.state, self.evaluator):
            self.record(measured)
        if needs_measuring(self.state):
            self._measure()
        system, review = self.state.steps[-1].system, self._review
        if len(set(review.labels) & set(system.classes)) < 2:
            raise InputError(
                "the review images show fewer than two of the classes: "
                "there is nothing to tell apart",
                hint="add images of more classes; at least two of each class are needed",
            )
        return Task(system, self.state.locks, review)

    def record(self, record: Record) -> None:
        self.state = advance(self.state, record)
        self.tell(Recorded(record, self.state))

    def accept(self, proposal: Proposal) -> None:
        """Makes the proposal's system the next version."""
        self.decide(proposal, "accepted")
        self.record(RoundEnded(round=self.state.round, by="auto"))
        self._measure()

    def decide(self, proposal: Proposal, decision: Decision) -> None:
        """Records the proposal with its effect on the working system, and the decision."""
        system, review = self.state.steps[-1].system, self._review
        after = review.score(apply(system, proposal.edits)).correct
        effect = compare(review.score(system).correct, after)
        self.record(Decided(proposal=proposal, decision=decision, by="auto", effect=effect))

    def _measure(self) -> None:
        self.record(measure_working(self.state, self.evaluator))

    @property
    def _review(self) -> Review:
        """The review images with the working system's scoring and class names."""
        return Review(self.evaluator.for_step(self.state.steps[-1], self.state.rescored))


def search_greedily(session: SearchSession, task: Task, greedy: Greedy, over: Over) -> Ended:
    """Searches from the task's system; keeps what was found, however the search ends."""
    tried, reason = Tried(0, task.review.right(task.start)), FINISHED
    try:
        for event in greedy.search(task):
            if isinstance(event, Candidate):
                tried = event.tried
                session.accept(event.proposal)
            else:
                tried = event
            session.tell(tried)
            if enough := over(tried):
                reason = enough
                break
    except KeyboardInterrupt:
        reason = STOPPED
    if tried.edits:
        words = f"{GREEDY} search, {tried.measured:,} changes measured; {reason}"
        session.accept(Proposal(edits=tried.edits, source="data", reason=words))
    if reason == FINISHED and tried.measured == greedy.limit:
        reason = f"its budget of {counted(tried.measured, 'change')} is spent"
    record = Optimised(
        optimiser=GREEDY,
        seed=greedy.seed,
        measured=tried.measured,
        restarts=tried.restarts,
        reason=reason,
    )
    session.record(record)
    return Ended(session.state, reason)


def search_with_model(
    session: SearchSession,
    task: Task,
    rewriter: Rewriter,
    over: Over,
    *,
    llm: str | None,
    seed: int,
) -> Ended:
    """Runs GEPA from the task's system; reports each answer's result before the next.

    Raises CotbuildError where the model fails, and where it gave no answer at all; what was found
    by then is kept.
    """
    turn = sum(past.measured for past in session.state.optimised if past.optimiser == GEPA)
    asking = _Asking(session, task, rewriter)
    failure: CotbuildError | None = None
    try:
        evolve(
            task, asking.write, asking.judged, stop=lambda: over(asking.tried) is not None,
            seed=seed, turn=turn,
        )  # fmt: skip
        reason = over(asking.tried) or ALL_RIGHT
    except KeyboardInterrupt:
        reason = STOPPED
    except NoMoreAnswers as error:
        reason = f"{error.message[0].lower()}{error.message[1:]}".rstrip(".")
        failure = None if asking.tried.measured else error
    except CotbuildError as error:
        reason, failure = f"an error: {error.message}", error
    measured = asking.tried.measured
    if measured or failure is None:
        record = Optimised(optimiser=GEPA, llm=llm, seed=seed, measured=measured, reason=reason)
        session.record(record)
    if failure is not None:
        raise failure
    return Ended(session.state, reason)


class _Asking:
    """Asks the model for a session, and follows up its answers."""

    def __init__(self, session: SearchSession, task: Task, rewriter: Rewriter) -> None:
        self._session = session
        self._rewriter = rewriter
        self._measurements = Measurements(session.evaluator, session.state.started)
        self.tried = Tried(0, task.review.right(task.start))

    def write(self, parent: Parent) -> Rewriting:
        self._session.tell(self.tried)
        state = self._session.state
        step = Step(parent.system, None, state.steps[-1].names)
        locks = tuple(map(lock_words, state.locks))
        about = revision_request(
            state, parent.system, self._measurements.of(step, state.rescored), locks
        )
        request = RewritingRequest(about, group_in(parent.text), parent.no_use)
        return self._rewriter.rewrite_group(request)

    def judged(self, found: Found) -> None:
        self.tried = found.tried
        match found:
            case Candidate():
                self._session.accept(found.proposal)
            case Rejected():
                self._session.decide(found.proposal, "rejected")
            case Unusable() | Unchanged():
                self._session.tell(found)
