"""GEPA at work in a session: the model is asked, and every answer's fate is journalled."""

import time
from dataclasses import dataclass

from builder.cli.bench import Bench
from builder.cli.model import PASTE, ModelWishes, may_cost, open_model, spoken_to
from builder.cli.optimisers import Budget
from builder.cli.optimising import STOPPED, accept, clock, decide, task_of
from builder.cli.screen import Screen
from builder.cli.setup import Manner, put
from builder.errors import CotbuildError, InputError, LLMError
from builder.figures import accuracy, counted
from builder.findings import Measurements
from builder.gepa_search import Found, Idle, Parent, Rejected, Unusable, evolve
from builder.history import Step
from builder.llm import Dropped, LimitReached, RecordingEnded
from builder.llm.address import shown
from builder.locking import lock_words
from builder.optimising import Candidate, Tried
from builder.records import GEPA, Optimised, Started
from builder.requests import Rewriter, Rewriting, RewritingRequest
from builder.session import Session
from builder.targeting import revision_request

ALL_RIGHT = "all review images are right"


@dataclass(frozen=True, slots=True)
class Model:
    """Who is asked, with which settings."""

    rewriter: Rewriter
    settings: Started


def open_rewriter(
    session: Session, wishes: ModelWishes, budget: Budget, manner: Manner, screen: Screen
) -> Rewriter:
    """The model that the flags or the session name, within the budget. Raises CotbuildError."""
    speaking = spoken_to(session.state.started, wishes)
    if speaking.llm is None or speaking.llm == PASTE:
        raise InputError(
            "gepa asks a language model many times, and none is named",
            hint="name one with --llm MODEL, or search without any: --optimizer greedy",
        )
    if may_cost(speaking) and not manner.yes:
        calls = f"up to {counted(budget.asks, 'call')}" if budget.asks else "any number of calls"
        raise InputError(
            f"{speaking.llm} at {shown(speaking.llm_url)} will be sent the class names with their "
            f"descriptions and the system: {calls}; nobody has agreed to the cost",
            hint="add --yes to agree, or use a local server with --llm-url",
        )
    model = open_model(speaking, session.folder, screen, state=session.state, max_calls=budget.asks)
    if not isinstance(model, Rewriter):
        raise InputError(f"{speaking.llm} can't write groups anew", hint="name a model with --llm")
    return model


def evolve_session(
    session: Session,
    bench: Bench,
    rewriter: Rewriter,
    budget: Budget,
    seed: int,
    screen: Screen,
    go_on: str,
) -> str:
    """Evolves the working system; each answer is on the disk before the next is asked for.

    `go_on`: the command that takes up a run that failed. Gives the reason why it ended. Raises
    CotbuildError where the endpoint fails, and where not one answer could be used; what was found
    by then is kept.
    """
    task = task_of(session, bench, screen)
    run = _Run(session, bench, rewriter, budget, screen, Tried(0, task.review.right(task.start)))
    failure: CotbuildError | None = None
    try:
        evolve(task, run.write, run.tell, stop=lambda: run.over is not None, seed=seed)
        reason = run.over or ALL_RIGHT
    except KeyboardInterrupt:
        reason = STOPPED
    except (LimitReached, RecordingEnded) as error:
        reason = error.message.rstrip(".")
        failure = None if run.tried.measured else error
    except CotbuildError as error:
        reason, failure = f"an error: {error.message}", error
    if run.tried.measured or failure is None:
        record = Optimised(optimiser=GEPA, seed=seed, measured=run.tried.measured, reason=reason)
        put(session, bench, record, screen)
    if failure is not None:
        saved = f"Everything so far is saved; go on with: cotbuild {go_on} {session.folder}"
        failure.hint = f"{failure.hint}\n{saved}"
        raise failure
    if reason != STOPPED and run.tried.measured and run.unusable == run.tried.measured:
        raise LLMError(
            f"None of the {counted(run.unusable, 'answer')} of the model could be used; "
            f"the last: {run.problem}.",
            hint="Try another model; llm.jsonl in the session holds the answers.",
        )
    return reason


class _Run:
    """One evolution, as far as it has come. `unusable`: so many answers, the last for `problem`."""

    def __init__(
        self,
        session: Session,
        bench: Bench,
        rewriter: Rewriter,
        budget: Budget,
        screen: Screen,
        tried: Tried,
    ) -> None:
        self._session = session
        self._bench = bench
        self._rewriter = rewriter
        self._budget = budget
        self._screen = screen
        self._measurements = Measurements(bench.referee, session.state.started)
        self._began = time.monotonic()
        self.tried = tried
        self.unusable = 0
        self.problem = ""

    @property
    def over(self) -> str | None:
        """Why no more is asked; None: go on."""
        minutes = self._budget.minutes
        if self._budget.asks is not None and self.tried.measured >= self._budget.asks:
            return f"its budget of {counted(self._budget.asks, 'call')} is spent"
        if minutes is not None and time.monotonic() - self._began >= 60 * minutes:
            return f"its {minutes:g} minutes are over"
        return None

    def write(self, parent: Parent) -> Rewriting:
        self._show()
        state = self._session.state
        step = Step(parent.system, None, state.steps[-1].names)
        locks = tuple(map(lock_words, state.locks))
        about = revision_request(state, parent.system, self._measurements.of(step), locks)
        return self._rewriter.rewrite(RewritingRequest(about, parent.group, parent.no_use))

    def tell(self, found: Found) -> None:
        self.tried = found.tried
        match found:
            case Candidate():
                accept(self._session, self._bench, found.proposal, self._screen)
            case Rejected():
                decide(self._session, self._bench, found.proposal, "rejected", self._screen)
            case Unusable() | Idle():
                if isinstance(found, Unusable):
                    self.unusable, self.problem = self.unusable + 1, found.why
                self._screen.llm_event(Dropped("answer", (found.why,)))

    def _show(self) -> None:
        """E.g. "GEPA: 3 of 8 calls, best on review 10 of 12, 83.3 %, 1,234 tokens, 0:12 min"."""
        most = f" of {self._budget.asks:,}" if self._budget.asks is not None else ""
        n = len(self._bench.referee.splits["review"].labels)
        parts = (
            f"GEPA: {self.tried.measured:,}{most} calls",
            f"best on review {accuracy(self.tried.correct, n)}",
            self._screen.spending,
            f"{clock(time.monotonic() - self._began)} min",
        )
        self._screen.searching(", ".join(part for part in parts if part))
