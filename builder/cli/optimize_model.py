"""The budget and the language model of an evolution, settled before an image is read."""

from dataclasses import dataclass
from pathlib import Path

from builder.cli.model import (
    ModelOptions,
    check_agreed,
    open_model,
    price_of,
    prompts_of,
    spoken_to,
)
from builder.cli.optimize_limits import Budget
from builder.cli.screen import Screen
from builder.errors import InputError
from builder.llm.cost import FREE
from builder.llm.estimating import Estimate, estimate_rewriting
from builder.llm.rewriting import rewriting_question
from builder.llm.settings import PASTE
from builder.proposals.requests import Rewriter, RewritingRequest
from builder.review.request import revision_request
from builder.search.gepa import components_of, group_in
from builder.session.records import Started
from builder.session.state import State


@dataclass(frozen=True, slots=True)
class Evolution:
    """The budget and seed of an evolution.

    `go_on`: the command that takes up a run that was broken off, but for the session.
    """

    budget: Budget
    seed: int
    go_on: str


@dataclass(frozen=True, slots=True)
class Model:
    """The language model to ask, with its settings."""

    rewriter: Rewriter
    settings: Started


def evolution_model(
    state: State,
    folder: Path,
    evolution: Evolution,
    options: ModelOptions,
    screen: Screen,
    *,
    agreed: bool,
) -> Model:
    """The model that the flags or the session in `folder` name, limited by the budget.

    `agreed`: to what it may cost. Raises CotbuildError.
    """
    speaking = spoken_to(state.started, options)
    if speaking.llm is None or speaking.llm == PASTE:
        why = "too often to carry by hand" if speaking.llm == PASTE else "and none is named"
        raise InputError(
            f"gepa asks a language model many times, {why}",
            hint="name one with --llm MODEL, or search without any: --optimizer greedy",
        )
    asks = evolution.budget.asks
    if evolution.budget.only_cost and price_of(speaking) == FREE:
        raise InputError(
            f"{speaking.llm} costs nothing, so --max-cost alone would never end the search",
            hint="say how long: --budget, --max-calls or --max-minutes",
        )
    model = open_model(speaking, folder, screen, state=state, max_calls=asks)
    if not isinstance(model, Rewriter):
        raise InputError(f"{speaking.llm} can't write texts anew", hint="name a model with --llm")
    if not agreed:
        check_agreed(speaking, _estimate(state, speaking, evolution), bounded=asks is not None)
    return Model(model, speaking)


def _estimate(state: State, speaking: Started, evolution: Evolution) -> Estimate:
    """Estimates the cost of all calls, or of one if any number is allowed; measures nothing."""
    if state.system is None:
        raise ValueError("there is no system that could evolve")
    about = revision_request(state, state.system, None)
    prompts, price, calls = prompts_of(speaking), price_of(speaking), evolution.budget.asks or 1
    text = next(iter(components_of(state.system).values()))
    question = rewriting_question(RewritingRequest(about, group_in(text)), prompts)
    return estimate_rewriting(question, text, calls=calls, price=price)
