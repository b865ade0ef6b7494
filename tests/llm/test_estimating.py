import pytest

from builder.llm.cost import Price, tokens_of
from builder.llm.estimating import Estimate, estimate_rewriting

QUESTION, ANSWER = "which words would be better? " * 40, "these words " * 20


def test_so_many_questions_and_answers() -> None:
    found = estimate_rewriting(QUESTION, ANSWER, calls=10, price=Price(2.0, 8.0))
    asked, answered = 10 * tokens_of(QUESTION), 10 * tokens_of(ANSWER)
    assert (found.calls, found.input_tokens, found.output_tokens) == (10, asked, answered)
    assert found.cost == pytest.approx((2 * asked + 8 * answered) / 1e6)
    assert estimate_rewriting(QUESTION, ANSWER, calls=10).cost is None


def test_drafts_share_the_calls_with_the_answers() -> None:
    draft = Estimate(classes=14, calls=2, input_tokens=3000, output_tokens=900, cost=None)
    found = estimate_rewriting(QUESTION, ANSWER, calls=9, draft=draft)
    assert found.calls == 9
    assert found.input_tokens == pytest.approx(3 * (tokens_of(QUESTION) + 3000), abs=9)
    assert found.output_tokens == pytest.approx(3 * (tokens_of(ANSWER) + 900), abs=9)
