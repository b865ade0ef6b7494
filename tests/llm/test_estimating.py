import pytest

from builder.llm.cost import Price, tokens_of
from builder.llm.estimating import estimate_rewriting

QUESTION, ANSWER = "which words would be better? " * 40, "these words " * 20


def test_so_many_questions_and_answers() -> None:
    found = estimate_rewriting(QUESTION, ANSWER, calls=10, price=Price(2.0, 8.0))
    asked, answered = 10 * tokens_of(QUESTION), 10 * tokens_of(ANSWER)
    assert (found.calls, found.input_tokens, found.output_tokens) == (10, asked, answered)
    assert found.cost == pytest.approx((2 * asked + 8 * answered) / 1e6)
    assert estimate_rewriting(QUESTION, ANSWER, calls=10).cost is None
