"""GEPA at work in a session: the model is asked, and every answer's fate is journalled."""

import shlex
import time

from builder.cli.evolving_model import Evolution, Model
from builder.cli.evolving_prompt import evolved_prompt
from builder.cli.optimisers import Budget
from builder.cli.optimising import STOPPED, accept, clock, decide, task_of
from builder.cli.screen import Screen
from builder.cli.setup import put
from builder.cli.workspace import Workspace
from builder.edits.locks import lock_words
from builder.errors import CotbuildError, LLMError
from builder.llm import Dropped, LimitReached, RecordingEnded
from builder.proposals.requests import (
    PromptRequest,
    RevisionRequest,
    Rewriter,
    Rewriting,
    RewritingRequest,
)
from builder.review.findings import Measurements
from builder.review.request import revision_request
from builder.scoring.wording import accuracy, counted
from builder.search.evolved_prompt import EvolvedPrompt
from builder.search.gepa import (
    EvolvedGroups,
    Found,
    Parent,
    Rejected,
    Unchanged,
    Unusable,
    evolve,
    group_in,
)
from builder.search.task import Candidate, Task, Tried
from builder.session.journal import Session
from builder.session.records import GEPA, Optimised
from builder.session.state import Step
from builder.system.model import AttributeSystem

ALL_RIGHT = "all review images are right"


def evolve_session(
    session: Session, workspace: Workspace, evolution: Evolution, model: Model, screen: Screen
) -> str:
    """Evolves the working system; each answer is on the disk before the next is asked for.

    Gives the reason why it ended. Raises CotbuildError where the endpoint fails, and where not one
    answer could be used; what was found by then is kept.
    """
    task = task_of(session, workspace, screen)
    evolved = (
        evolved_prompt(session, task, model, screen)
        if evolution.what == "prompt"
        else EvolvedGroups(task)
    )
    run = _Run(session, workspace, model.rewriter, evolution.budget, screen, task, evolved)
    turn = sum(past.measured for past in session.state.optimised if past.optimiser == GEPA)
    failure: CotbuildError | None = None
    try:
        evolve(
            task, evolved, run.write, run.tell, stop=lambda: run.over is not None,
            seed=evolution.seed, turn=turn,
        )  # fmt: skip
        reason = run.over or ALL_RIGHT
    except KeyboardInterrupt:
        reason = STOPPED
    except (LimitReached, RecordingEnded) as error:
        reason = f"{error.message[0].lower()}{error.message[1:]}".rstrip(".")
        failure = None if run.tried.measured else error
    except CotbuildError as error:
        reason, failure = f"an error: {error.message}", error
    measured = run.tried.measured
    if measured or failure is None:
        record = Optimised(
            optimiser=GEPA,
            llm=model.settings.llm,
            seed=evolution.seed,
            measured=measured,
            reason=reason,
        )
        put(session, workspace, record, screen)
    if failure is not None:
        saved = f"Everything so far is saved; go on with: cotbuild {evolution.go_on}"
        failure.hint = f"{failure.hint}\n{saved} {shlex.quote(str(session.folder))}"
        raise failure
    if reason != STOPPED and measured and run.unusable == measured:
        raise LLMError(
            f"None of the {counted(measured, 'answer')} of the model could be used; "
            f"the last: {run.problem.rstrip('.')}.",
            hint="Try another model; llm.jsonl in the session holds the answers.",
        )
    return reason


class _Run:
    """One evolution, as far as it has come. `unusable`: so many answers, the last for `problem`."""

    def __init__(
        self,
        session: Session,
        workspace: Workspace,
        rewriter: Rewriter,
        budget: Budget,
        screen: Screen,
        task: Task,
        evolved: EvolvedGroups | EvolvedPrompt,
    ) -> None:
        self._session = session
        self._workspace = workspace
        self._rewriter = rewriter
        self._budget = budget
        self._screen = screen
        self._evolved = evolved
        self._n = len(task.review.labels)
        self._measurements = Measurements(workspace.evaluator, session.state.started)
        self._began = time.monotonic()
        # What prompts led to, in words.
        self._earlier: list[str] = []
        self.tried = Tried(0, task.review.right(task.start))
        self.unusable = 0
        self.problem = ""

    @property
    def over(self) -> str | None:
        """Why no more is asked; None: go on."""
        minutes = self._budget.minutes
        # A prompt takes several calls: there the transport alone counts them.
        asks = self._budget.asks if isinstance(self._evolved, EvolvedGroups) else None
        if asks is not None and self.tried.measured >= asks:
            return f"its budget of {counted(asks, 'call')} is spent"
        if minutes is not None and time.monotonic() - self._began >= 60 * minutes:
            return f"its {minutes:g} minutes are over"
        return None

    def write(self, parent: Parent) -> Rewriting:
        self._show()
        about = self._about(parent.system)
        if isinstance(self._evolved, EvolvedPrompt):
            if not self._earlier and self._evolved.least is not None:
                self._remember("the prompt to begin with", self._evolved.least)
            earlier = tuple(self._earlier)
            request = PromptRequest(about, parent.text, earlier, parent.no_use)
            return self._rewriter.rewrite_prompt(request)
        group = group_in(parent.text)
        return self._rewriter.rewrite_group(RewritingRequest(about, group, parent.no_use))

    def tell(self, found: Found) -> None:
        self.tried = found.tried
        match found:
            case Candidate():
                self._remember(found.proposal.reason, found.tried.correct)
                accept(self._session, self._workspace, found.proposal, self._screen)
            case Rejected():
                self._remember(found.proposal.reason, found.correct)
                self._reject(found)
            case Unusable():
                self.unusable, self.problem = self.unusable + 1, found.why
                self._drop("answer", found.why)
            case Unchanged():
                self._drop("answer", found.why)

    def _reject(self, found: Rejected) -> None:
        if isinstance(self._evolved, EvolvedGroups):
            decide(self._session, self._workspace, found.proposal, "rejected", self._screen)
            return
        # What it would change is a whole system: too much to be a proposal for anybody.
        right = accuracy(found.correct, self._n)
        self._drop("prompt", f"its draft has {right} of the review images right")

    def _drop(self, what: str, why: str) -> None:
        self._screen.llm_event(Dropped(what, (why,)))

    def _remember(self, reason: str, correct: int) -> None:
        self._earlier.append(f"{reason} -> {accuracy(correct, self._n)} of review images right")

    def _about(self, system: AttributeSystem) -> RevisionRequest:
        state = self._session.state
        step = Step(system, None, state.steps[-1].names)
        locks = tuple(map(lock_words, state.locks))
        return revision_request(state, system, self._measurements.of(step, state.rescored), locks)

    def _show(self) -> None:
        """E.g. "GEPA: 3 of 8 calls, best on review 10 of 12, 83.3 %, 1,234 tokens, 0:12 min"."""
        measured = self.tried.measured
        if isinstance(self._evolved, EvolvedPrompt):
            done = counted(measured, "prompt")
        else:
            most = f" of {self._budget.asks:,}" if self._budget.asks is not None else ""
            done = f"{measured:,}{most} calls"
        parts = (
            f"GEPA: {done}",
            f"best on review {accuracy(self.tried.correct, self._n)}",
            self._screen.spending,
            f"{clock(time.monotonic() - self._began)} min",
        )
        self._screen.searching(", ".join(part for part in parts if part))
