"""Searches in a session: what they tell, and what is left of them however they end."""

from collections.abc import Callable

import pytest

from builder.errors import LLMError, NoMoreAnswers
from builder.proposals.requests import Rewriting, RewritingRequest
from builder.review.loop import Recorded
from builder.search.gepa import Unchanged, Unusable, components_of
from builder.search.greedy import Greedy
from builder.search.session import (
    FINISHED,
    STOPPED,
    Event,
    SearchSession,
    search_greedily,
    search_with_model,
)
from builder.search.task import Tried
from builder.session.records import Drafted
from builder.session.state import State, fold
from tests.worlds import DRAFT, GOOD, evaluator, started

BEGUN: State = fold([started(), Drafted(system=DRAFT, source="test")])
ANSWERS = list(components_of(GOOD).values())


class Told(list[Event]):
    """All that a search told; the first event that `stops` says so of is interrupted."""

    def __init__(self, stops: Callable[[Event], bool] = lambda _: False) -> None:
        self._stops = stops

    def __call__(self, event: Event) -> None:
        self.append(event)
        if sum(map(self._stops, self)) == 1 and self._stops(event):
            raise KeyboardInterrupt

    @property
    def kinds(self) -> list[str]:
        return [event.record.kind for event in self if isinstance(event, Recorded)]


class Answering:
    """A model that gives these answers; then it raises."""

    def __init__(self, answers: list[str], then: Exception) -> None:
        self._answers = list(answers)
        self._then = then

    def rewrite_group(self, _: RewritingRequest) -> Rewriting:
        if not self._answers:
            raise self._then
        return Rewriting(self._answers.pop(0), "because")


def never(_: Tried) -> None:
    return None


def greedily(told: Told) -> tuple[SearchSession, str]:
    session = SearchSession(BEGUN, evaluator(), told)
    ended = search_greedily(session, session.task(), Greedy(seed=0), never)
    assert ended.state is session.state
    return session, ended.reason


def test_a_greedy_search_leads_to_versions_with_more_review_images_right() -> None:
    told = Told()
    session, reason = greedily(told)
    assert reason == FINISHED
    assert told.kinds[0] == "measured"
    assert told.kinds[1:4] == ["decided", "round_ended", "measured"]
    assert told.kinds[-1] == "optimised"
    right = [version.review.count("1") for version in session.state.versions]
    assert len(right) > 1
    assert right == sorted(set(right))


@pytest.mark.parametrize("kind", ["decided", "round_ended", "tried"])
def test_ctrl_c_while_an_event_is_handled_ends_a_search_with_its_record(kind: str) -> None:
    def stops(event: Event) -> bool:
        return kind == (event.record.kind if isinstance(event, Recorded) else "tried")

    told = Told(stops)
    session, reason = greedily(told)
    assert reason == session.state.optimised[-1].reason == STOPPED
    assert told.kinds[-1] == "optimised"
    stored = [event.record for event in told if isinstance(event, Recorded)]
    assert fold([started(), Drafted(system=DRAFT, source="test"), *stored]) == session.state


def with_model(told: Told, answers: list[str], then: Exception) -> SearchSession:
    session = SearchSession(BEGUN, evaluator(), told)
    model = Answering(answers, then)
    search_with_model(session, session.task(), model, never, llm="m", seed=0)
    return session


def test_a_model_that_has_no_more_answers_ends_the_search_and_is_no_failure() -> None:
    told = Told()
    session = with_model(told, ["nonsense", ANSWERS[0]], NoMoreAnswers("The money is spent."))
    (run,) = session.state.optimised
    assert (run.optimiser, run.llm, run.measured) == ("gepa", "m", 2)
    assert run.reason == "the money is spent"
    assert sum(isinstance(event, Unusable | Unchanged) for event in told) >= 1


def test_without_any_answer_the_failure_is_raised_and_nothing_is_recorded() -> None:
    for error in (NoMoreAnswers("The money is spent."), LLMError("the account is empty")):
        told = Told()
        with pytest.raises(type(error)):
            with_model(told, [], error)
        assert told.kinds == ["measured"]


def test_a_failure_after_answers_is_raised_once_they_are_recorded() -> None:
    told = Told()
    with pytest.raises(LLMError):
        with_model(told, ["nonsense"], LLMError("the account is empty"))
    assert told.kinds == ["measured", "optimised"]
