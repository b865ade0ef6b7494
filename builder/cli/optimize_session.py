"""A greedy search or GEPA in a session: its limits, what is shown, and how it ends."""

import shlex
import time
from collections.abc import Callable
from pathlib import Path

from builder.cli.first_draft import general_system
from builder.cli.optimize_limits import Budget
from builder.cli.optimize_model import Evolution, Model
from builder.cli.save import show_recorded
from builder.cli.screen import Screen
from builder.cli.workspace import Workspace
from builder.errors import CotbuildError, InputError, LLMError
from builder.llm.events import Dropped
from builder.review.loop import Ended, Recorded
from builder.scoring.wording import accuracy, counted
from builder.search.gepa import Unchanged, Unusable
from builder.search.greedy import Greedy, open_cells
from builder.search.session import (
    STOPPED,
    Event,
    SearchSession,
    search_greedily,
    search_with_model,
)
from builder.search.shuffled import ShuffledNull, shuffled_null
from builder.search.task import Review, Task, Tried
from builder.session.journal import Session, read_story
from builder.session.records import GENERAL_ATTRIBUTES
from builder.session.state import State
from builder.system.model import AttributeSystem


def check(state: State, folder: Path) -> None:
    """Raises InputError where an optimiser has nothing to do; nothing is opened for that."""
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


def optimise(
    session: Session, workspace: Workspace, greedy: Greedy, budget: Budget, screen: Screen
) -> Ended:
    """Greedy search from the working system; each candidate is saved before the next."""

    def words(tried: Tried) -> str:
        most = f" of {budget.calls:,}" if budget.calls is not None else ""
        return (
            f"Greedy: {tried.measured:,}{most} changes, {run.clock} min, best on review {run.best}"
        )

    run = _Run(session, workspace, budget, screen, words)
    searching, task = run.begin()
    return search_greedily(searching, task, greedy, run.over_time)


def evolve_session(
    session: Session, workspace: Workspace, evolution: Evolution, model: Model, screen: Screen
) -> Ended:
    """GEPA from the working system; each answer is saved before the next is asked for.

    Raises CotbuildError where the endpoint fails, and where not one answer could be used; what was
    found by then is kept.
    """
    asks = evolution.budget.asks

    def words(tried: Tried) -> str:
        most = f" of {asks:,}" if asks is not None else ""
        done = f"GEPA: {tried.measured:,}{most} calls, best on review {run.best}"
        return ", ".join(part for part in (done, screen.spending, f"{run.clock} min") if part)

    def over(tried: Tried) -> str | None:
        if asks is not None and tried.measured >= asks:
            return f"its budget of {counted(asks, 'call')} is spent"
        return run.over_time(tried)

    run = _Run(session, workspace, evolution.budget, screen, words)
    searching, task = run.begin()
    llm, seed = model.settings.llm, evolution.seed
    try:
        ended = search_with_model(searching, task, model.rewriter, over, llm=llm, seed=seed)
    except CotbuildError as error:
        saved = f"Everything so far is saved; go on with: cotbuild {evolution.go_on}"
        error.hint = f"{error.hint}\n{saved} {shlex.quote(str(session.folder))}"
        raise
    answers = session.state.optimised[-1].measured
    if ended.reason != STOPPED and answers and len(run.unusable) == answers:
        raise LLMError(
            f"None of the {counted(answers, 'answer')} of the model could be used; "
            f"the last: {run.unusable[-1].rstrip('.')}.",
            hint="Try another model; llm.jsonl in the session holds the answers.",
        )
    return ended


class _Run:
    """Saves and shows a search's events. `unusable`: why answers of the model led nowhere."""

    def __init__(
        self,
        session: Session,
        workspace: Workspace,
        budget: Budget,
        screen: Screen,
        words: Callable[[Tried], str],
    ) -> None:
        self._session = session
        self._workspace = workspace
        self._minutes = budget.minutes
        self._screen = screen
        self._words = words
        self._began = 0.0
        self._tried = Tried(0, 0)
        self.unusable: list[str] = []

    def begin(self) -> tuple[SearchSession, Task]:
        """Measures the working system if it was not yet, then starts the clock."""
        session = SearchSession(self._session.state, self._workspace.evaluator, self._tell)
        task = session.task()
        self._began = time.monotonic()
        return session, task

    def over_time(self, _: Tried) -> str | None:
        if self._minutes is not None and self._seconds >= 60 * self._minutes:
            return f"its {self._minutes:g} minutes are over"
        return None

    @property
    def clock(self) -> str:
        """The time since the search began, e.g. 1:05."""
        minutes, rest = divmod(int(self._seconds), 60)
        return f"{minutes}:{rest:02}"

    @property
    def best(self) -> str:
        """How many review images the best system has right, e.g. "300 of 336, 89.3 %"."""
        return accuracy(self._tried.correct, len(self._workspace.evaluator.splits["review"].labels))

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._began

    def _tell(self, event: Event) -> None:
        match event:
            case Recorded():
                show_recorded(self._session, self._workspace, event, self._screen)
            case Tried():
                self._tried = event
                self._screen.searching(self._words(event))
            case Unusable() | Unchanged():
                if isinstance(event, Unusable):
                    self.unusable.append(event.why)
                self._screen.llm_event(Dropped("answer", (event.why,)))


def null_of(session: Session, workspace: Workspace, greedy: Greedy, seed: int) -> ShuffledNull:
    """The whole search from the session's first system on, with shuffled review labels."""
    state = session.state
    step = state.steps[0]
    fitted = read_story(session.folder).drafted_by == GENERAL_ATTRIBUTES

    def begin(review: Review) -> AttributeSystem:
        return general_system(state.started, review) if fitted else step.system

    evaluator = workspace.evaluator.for_step(step, state.rescored)
    return shuffled_null(greedy, begin, state.locks, evaluator, seed)
