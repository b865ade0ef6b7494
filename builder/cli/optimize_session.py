"""A greedy search or GEPA in a session: its limits, what is shown, and how it ends."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from builder.cli.first_draft import general_system
from builder.cli.optimize_limits import Budget
from builder.cli.save import Running
from builder.errors import CotbuildError, InputError, LLMError
from builder.files import command
from builder.llm.events import Dropped
from builder.proposals.requests import Rewriter
from builder.review.loop import Ended, Recorded
from builder.scoring.wording import accuracy, counted
from builder.search import session as searches
from builder.search.gepa import Unchanged, Unusable
from builder.search.greedy import Greedy, open_cells
from builder.search.shuffled import ShuffledNull, shuffled_null
from builder.search.task import Review, Task, Tried
from builder.session.journal import BEST, read_story
from builder.session.records import GENERAL_ATTRIBUTES
from builder.session.state import State
from builder.system.model import AttributeSystem


def check(state: State, folder: Path) -> None:
    """Raises InputError where an optimiser has nothing to do; nothing is opened for that."""
    if state.started.images is None:
        raise InputError(
            "this session has no images, so nothing can be measured",
            hint="begin one with images from its system:\n"
            f"{command('optimize', folder / BEST, '--images', 'FOLDER')}",
        )
    if state.system is None:
        raise InputError(
            "nothing was drafted yet in this session",
            hint=f"go on with it first:\n{command('resume', folder)}",
        )
    if not open_cells(state.system, state.locks, state.system.classes):
        raise InputError(
            "everything is locked: there is no rule that may change",
            hint=f"unlock something in the review (k):\n{command('resume', folder)}",
        )


class Search:
    """A search in an open session: its clock and limits, and what is saved and shown of it.

    `unusable`: why answers of the model led nowhere.
    """

    def __init__(self, running: Running, budget: Budget) -> None:
        if running.evaluator is None:
            raise ValueError("a session with images has a workspace")
        self._running = running
        self._evaluator = running.evaluator
        self._budget = budget
        self._began = 0.0
        self._best = 0
        self._words: Callable[[Tried], str] = str
        self._unusable: list[str] = []

    def greedy(self, greedy: Greedy) -> Ended:
        """Greedy search from the working system; each candidate is saved before the next."""
        most = f" of {self._budget.calls:,}" if self._budget.calls is not None else ""
        self._words = lambda tried: (
            f"Greedy: {tried.measured:,}{most} changes, {self._clock} min, best on review "
            f"{self._correct}"
        )
        searching, task = self._begin()
        return searches.search_greedily(searching, task, greedy, self._over_time)

    def evolve(self, model: Rewriter, llm: str, go_on: Sequence[object]) -> Ended:
        """GEPA from the working system; each answer is saved before the next is asked for.

        `go_on`: words of what takes up a run that was broken off, but for the session. Raises
        CotbuildError where the endpoint fails, and where not one answer could be used; what was
        found by then is kept.
        """
        asks, session = self._budget.asks, self._running.session
        most = f" of {asks:,}" if asks is not None else ""

        def words(tried: Tried) -> str:
            done = f"GEPA: {tried.measured:,}{most} calls, best on review {self._correct}"
            parts = (done, self._running.screen.spending, f"{self._clock} min")
            return ", ".join(part for part in parts if part)

        def over(tried: Tried) -> str | None:
            if asks is not None and tried.measured >= asks:
                return f"its budget of {counted(asks, 'call')} is spent"
            return self._over_time(tried)

        self._words = words
        searching, task = self._begin()
        try:
            ended = searches.search_with_model(
                searching, task, model, over, llm=llm, seed=self._budget.seed
            )
        except CotbuildError as error:
            again = command(*go_on, session.folder)
            error.hint = f"{error.hint}\nEverything so far is saved; go on with:\n{again}"
            raise
        answers = session.state.optimised[-1].measured
        if ended.reason != searches.STOPPED and answers and len(self._unusable) == answers:
            raise LLMError(
                f"None of the {counted(answers, 'answer')} of the model could be used; "
                f"the last: {self._unusable[-1].rstrip('.')}.",
                hint="Try another model; llm.jsonl in the session holds the answers.",
            )
        return ended

    def null(self, greedy: Greedy) -> ShuffledNull:
        """The whole search from the session's first system on, with shuffled review labels."""
        state = self._running.state
        step = state.steps[0]
        drafted_by = read_story(self._running.session.folder).drafted_by

        def begin(review: Review) -> AttributeSystem:
            fitted = drafted_by == GENERAL_ATTRIBUTES
            return general_system(state.started, review) if fitted else step.system

        evaluator = self._evaluator.for_step(step, state.rescored)
        return shuffled_null(greedy, begin, state.locks, evaluator, self._budget.seed)

    def _begin(self) -> tuple[searches.SearchSession, Task]:
        """Measures the working system if it was not yet, then starts the clock."""
        session = searches.SearchSession(self._running.state, self._evaluator, self._tell)
        task = session.task()
        self._began = time.monotonic()
        return session, task

    def _over_time(self, _: Tried) -> str | None:
        minutes = self._budget.minutes
        if minutes is not None and time.monotonic() - self._began >= 60 * minutes:
            return f"its {minutes:g} minutes are over"
        return None

    @property
    def _clock(self) -> str:
        """The time since the search began, e.g. 1:05."""
        minutes, rest = divmod(int(time.monotonic() - self._began), 60)
        return f"{minutes}:{rest:02}"

    @property
    def _correct(self) -> str:
        """How many review images the best system has right, e.g. "300 of 336, 89.3 %"."""
        return accuracy(self._best, len(self._evaluator.splits["review"].labels))

    def _tell(self, event: searches.Event) -> None:
        match event:
            case Recorded():
                self._running.keep(event)
            case Tried():
                self._best = event.correct
                self._running.screen.searching(self._words(event))
            case Unusable() | Unchanged():
                if isinstance(event, Unusable):
                    self._unusable.append(event.why)
                self._running.screen.llm_event(Dropped("answer", (event.why,)))
