"""The optimiser and its limits, from flags. Raises InputError."""

from dataclasses import dataclass, replace

from builder.cli.model import ModelOptions
from builder.errors import InputError
from builder.search.gepa import require_gepa
from builder.search.greedy import Greedy
from builder.session.records import GEPA, GREEDY
from builder.session.state import State

NAMES = (GREEDY, GEPA)
# Restarts of a greedy search, and calls to the model of an evolution.
_RESTARTS = {"light": 0, "medium": 4, "heavy": 16}
_ASKS = {"light": 10, "medium": 40, "heavy": 160}


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits that the flags set a run; without any of them it is a light one."""

    effort: str | None
    calls: int | None
    minutes: float | None
    cost: float | None = None
    seed: int = 0

    @property
    def restarts(self) -> int | None:
        """How many restarts; None: as many as the calls or the minutes allow."""
        if self.effort is None and (self.calls is not None or self.minutes is not None):
            return None
        return _RESTARTS[self.effort or "light"]

    @property
    def only_cost(self) -> bool:
        """Whether money is the only limit of an evolution."""
        return self.cost is not None and self.asks is None and self.minutes is None

    @property
    def asks(self) -> int | None:
        """How many calls to the model; None: as many as the money or the minutes allow."""
        if self.calls is not None:
            return self.calls
        if self.effort is None and (self.cost is not None or self.minutes is not None):
            return None
        return _ASKS[self.effort or "light"]


def check_flags(name: str, budget: Budget, model: ModelOptions, *, null: bool) -> None:
    """Checks the flags before anything is opened."""
    if name not in NAMES:
        raise InputError(
            f"there is no optimiser {name!r}", hint=f"choose one of: {', '.join(NAMES)}"
        )
    wanted = {
        "--max-calls": budget.calls,
        "--max-minutes": budget.minutes,
        "--max-cost": budget.cost,
    }
    for flag, value in wanted.items():
        # NaN is neither above nor below any bound.
        if value is not None and not value > 0:
            raise InputError(
                f"a budget of {value:g} allows no search", hint=f"give {flag} a number above 0"
            )
    if name == GREEDY and model != ModelOptions():
        raise InputError(
            "a greedy search asks no language model",
            hint="leave the model's flags away, or choose --optimizer gepa",
        )
    if name == GEPA and null:
        raise InputError(
            "with shuffled labels every call to the model would be paid for again",
            hint="leave --null away, or see what is luck with --optimizer greedy --null",
        )
    if name == GEPA:
        require_gepa()


def going_on(name: str, budget: Budget, model: ModelOptions, *, null: bool) -> tuple[object, ...]:
    """The words of the command that continues an interrupted run, without the session.

    Its budget is again the whole one; nobody has agreed to the cost of that yet.
    """
    flags = {
        "--optimizer": name if name != GREEDY else None,
        "--budget": budget.effort,
        "--max-calls": budget.calls,
        "--max-minutes": budget.minutes,
        "--seed": budget.seed or None,
        "--llm": model.spec,
        "--llm-url": model.url,
        "--price": model.price,
        "--max-cost": model.max_cost,
        "--prompts": model.prompts,
    }
    given = [part for flag, value in flags.items() if value is not None for part in (flag, value)]
    return ("optimize", *given, *(["--null"] if null else []))


def greedy_of(budget: Budget, state: State) -> Greedy:
    """The greedy run that continues where earlier ones of the same seed ended."""
    same = (GREEDY, budget.seed)
    earlier = [run.restarts for run in state.optimised if (run.optimiser, run.seed) == same]
    first = max(earlier, default=0)
    return Greedy(
        seed=budget.seed, restarts=budget.restarts, limit=budget.calls, first_restart=first
    )


def for_null(greedy: Greedy, state: State) -> Greedy:
    """That greedy run from its beginning, as long as all greedy runs of the session together.

    That is, as many restarts, or where something else ended them, as many changes.
    """
    if greedy.restarts is not None and greedy.limit is None:
        restarts = greedy.first_restart + greedy.restarts
        return replace(greedy, first_restart=0, restarts=restarts)
    measured = sum(run.measured for run in state.optimised if run.optimiser == GREEDY)
    return replace(greedy, first_restart=0, limit=measured)
