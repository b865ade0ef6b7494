"""The budget and the language model of an evolution, settled before an image is read."""

import json
from pathlib import Path

from builder.cli import model as models
from builder.cli.optimize_limits import Budget
from builder.cli.screen import Screen
from builder.cli.settings import RunMode
from builder.errors import InputError
from builder.llm.cost import FREE
from builder.llm.estimating import Estimate, estimate_rewriting
from builder.llm.rewriting import rewriting_question, rewriting_reply
from builder.llm.settings import PASTE
from builder.proposals.requests import Rewriter, RewritingRequest
from builder.review.request import revision_request
from builder.search.gepa import components_of, group_in
from builder.session.records import Started
from builder.session.state import State


def evolution_model(
    state: State,
    folder: Path,
    budget: Budget,
    options: models.ModelOptions,
    screen: Screen,
    mode: RunMode,
) -> tuple[Rewriter, str]:
    """The model that the flags or the session in `folder` name, and its name there.

    Raises CotbuildError, also where nobody agreed to what it may cost.
    """
    speaking = models.spoken_to(state.started, options)
    if speaking.llm is None or speaking.llm == PASTE:
        why = "too often to carry by hand" if speaking.llm == PASTE else "and none is named"
        raise InputError(
            f"gepa asks a language model many times, {why}",
            hint="name one with --llm MODEL, or search without any: --optimizer greedy",
        )
    if budget.only_cost and models.price_of(speaking) == FREE:
        raise InputError(
            f"{speaking.llm} costs nothing, so --max-cost alone would never end the search",
            hint="say how long: --budget, --max-calls or --max-minutes",
        )
    model = models.open_model(
        speaking, folder, screen, state=state, max_calls=budget.asks, timeout=mode.timeout
    )
    if not isinstance(model, Rewriter):
        raise InputError(f"{speaking.llm} can't write texts anew", hint="name a model with --llm")
    if not mode.yes:
        estimate = _estimate(state, speaking, calls=budget.asks or 1)
        models.check_agreed(speaking, estimate, bounded=budget.asks is not None)
    return model, speaking.llm


def _estimate(state: State, speaking: Started, *, calls: int) -> Estimate:
    """Estimates the cost of so many calls; measures nothing."""
    if state.system is None:
        raise ValueError("there is no system that could evolve")
    about = revision_request(state, state.system, None)
    text = next(iter(components_of(state.system).values()))
    request = RewritingRequest(about, group_in(text))
    schema = json.dumps(rewriting_reply(request).model_json_schema(), ensure_ascii=False)
    question = f"{rewriting_question(request, models.prompts_of(speaking))}{schema}"
    return estimate_rewriting(question, text, calls=calls, price=models.price_of(speaking))
