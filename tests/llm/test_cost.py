import contextlib
import json
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.errors import InputError, LLMError
from builder.llm.answer_formats import AnswerFormat
from builder.llm.asking import Asking
from builder.llm.cancel import Cancellation, Stopped
from builder.llm.client import LiveTransport
from builder.llm.cost import (
    FREE,
    LEAST_OUTPUT,
    MOST_OUTPUT,
    Account,
    LimitReached,
    Limits,
    Price,
    Spent,
    known_price,
    money,
    most_tokens_of,
    parse_price,
    tokens_of,
)
from builder.llm.drafter import ModelDrafter, open_drafter, spent
from builder.llm.endpoint import CAPS
from builder.llm.estimating import estimate_draft
from builder.llm.events import CallFinished
from builder.llm.parallel import ParallelCalls
from builder.llm.schemas import GroupsReply
from builder.llm.settings import ModelSettings
from builder.llm.transport import ask
from builder.proposals.requests import DraftRequest
from tests.chance import dice
from tests.llm.live import GROUPS, Live, complete, request_for
from tests.openai_server import (
    Answer,
    OpenAIServer,
    Request,
    chat,
    failure,
    obliging,
    openai_server,
)

PRICE = Price(1.0, 4.0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0.25/2", Price(0.25, 2.0)), ("0/0", FREE), (" 1 / 1e1 ", Price(1.0, 10.0))],
)
def test_prices_as_they_are_typed(text: str, expected: Price) -> None:
    assert parse_price(text) == expected


@pytest.mark.parametrize("text", ["", "1", "1/2/3", "a/b", "-1/2", "nan/1", "1/inf", "1,5/2"])
def test_what_is_no_price(text: str) -> None:
    with pytest.raises(InputError, match="is no price") as caught:
        parse_price(text)
    assert "--price" in caught.value.hint


def test_what_tokens_cost() -> None:
    assert Price(0.5, 2.0).of(1_000_000, 500_000) == 1.5
    assert [money(a) for a in (0, 0.004251, 0.5, 12.345, 1234)] == [
        "0.00", "0.0043", "0.50", "12.35", "1,234.00",
    ]  # fmt: skip


def test_known_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    price = known_price("gpt-4o", None)
    assert price is not None and 0 < price.input_per_million < price.output_per_million < 1000
    assert known_price("claude-sonnet-4-5", None, "anthropic") is not None
    assert known_price("no-such-model", None) is None
    assert known_price("gpt-4o", "https://example.org/v1") is None
    assert known_price("anything", "http://localhost:11434/v1") == FREE
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    assert known_price("gpt-4o", None) is None, "without the package prices are unknown"


@given(st.text(), st.text())
def test_estimated_tokens_grow_with_the_text(left: str, right: str) -> None:
    both = tokens_of(left + right)
    assert max(tokens_of(left), tokens_of(right)) <= both <= tokens_of(left) + tokens_of(right)
    assert both <= len(left + right)


def test_estimated_tokens() -> None:
    assert tokens_of("") == 0
    assert tokens_of("宝可梦") == 3 and tokens_of("дракон") == 3
    assert tokens_of("It looks like a small white wolf with a horn on its head.") == 17


def test_an_estimate_is_near_what_a_draft_then_takes(tmp_path: Path) -> None:
    request = request_for(*(f"class number {n}" for n in range(130)))
    estimate = estimate_draft(request, price=PRICE)
    taken: list[int] = []

    def respond(request: Request) -> Answer:
        answer = obliging(request)
        assert isinstance(answer.body, dict)
        reply = answer.body["choices"][0]["message"]["content"]
        taken.extend((tokens_of(json.dumps(request.body)), tokens_of(reply)))
        return answer

    with openai_server(respond) as server:
        live = Live(server.url, tmp_path)
        ModelDrafter(Asking(live.transport, live.events.append)).draft(request)
        assert estimate.calls == len(server.requests)
    # The stub drafts two groups, the estimate allows for the five attributes asked for.
    assert sum(taken) < estimate.tokens < 6 * sum(taken)
    assert estimate.cost == PRICE.of(estimate.input_tokens, estimate.output_tokens)
    assert estimate_draft(request).cost is None
    longer = estimate_draft(
        DraftRequest("Pokémon", request.classes, context="A field guide. " * 100), price=PRICE
    )
    assert longer.input_tokens - estimate.input_tokens > estimate.calls * 400
    assert (estimate_draft(request_for("A", "B")).calls, estimate.calls) == (2, 10)


def test_every_call_is_on_the_account_and_in_the_transcript(tmp_path: Path) -> None:
    script = [chat(GROUPS, tokens=(1000, 500)), chat(GROUPS, tokens=None), failure(500, "boom")]
    with openai_server(script) as server:
        live = Live(server.url, tmp_path, price=PRICE)
        complete(live)
        first = live.transport.account.spent
        assert first == Spent(input_tokens=1000, output_tokens=500, cost=0.003)
        complete(live)
        second = live.transport.account.spent
        assert second.estimated and second.tokens > first.tokens
        with pytest.raises(LLMError):
            complete(live)
    assert live.transport.account.spent == second, "an error of the server costs nothing"
    assert live.told(CallFinished)[0].cost == 0.003
    assert spent(live.transcript) == second
    again = Live(server.url, tmp_path, price=Price(100.0, 100.0))
    assert again.transport.account.spent == second, "what was paid is not priced anew"


def test_the_price_of_earlier_calls_is_looked_up_where_it_was_not_known(tmp_path: Path) -> None:
    with openai_server([chat(GROUPS, tokens=(1000, 500))]) as server:
        live = Live(server.url, tmp_path)
        complete(live)
    assert live.told(CallFinished)[0].cost is None
    assert spent(live.transcript).cost is None
    assert spent(live.transcript, PRICE).cost == 0.003
    assert spent(None) == spent(tmp_path / "gone") == Spent()


def test_older_transcripts_count_too(tmp_path: Path) -> None:
    path = tmp_path / "llm.jsonl"
    usage = {"prompt_tokens": 10, "completion_tokens": 5}
    path.write_text(json.dumps({"purpose": "revise", "reply": "{}", "usage": usage}) + "\n")
    assert spent(path, PRICE) == Spent(input_tokens=10, output_tokens=5, cost=3e-5)


def test_a_call_given_up_counts_as_if_it_was_answered(tmp_path: Path) -> None:
    with openai_server([chat(GROUPS, delay=30)]) as server:
        live = Live(
            server.url, tmp_path, timeout=0.1, price=PRICE, limits=Limits(max_tokens=100_000)
        )
        with pytest.raises(LLMError, match="did not answer"):
            complete(live)
    assert live.transport.account.spent.output_tokens == MOST_OUTPUT
    assert live.transport.account.spent.estimated


# --- Limits ---------------------------------------------------------------------------------


@pytest.mark.parametrize("limits", [Limits(max_cost=0.0), Limits(max_tokens=0)])
def test_a_limit_of_nothing_starts_no_call(tmp_path: Path, limits: Limits) -> None:
    for price in (PRICE, FREE):
        with openai_server([chat(GROUPS)]) as server:
            live = Live(server.url, tmp_path, price=price, limits=limits)
            with pytest.raises(LimitReached, match="next call") as caught:
                complete(live)
            assert server.requests == [] and caught.value.hint
    assert not live.transcript.exists()


def test_a_budget_of_calls_counts_requests_and_limits_nothing_else(tmp_path: Path) -> None:
    busy = failure(503, "overloaded", **{"Retry-After": "0"})
    with openai_server([chat(GROUPS), busy, chat(GROUPS), chat(GROUPS)]) as server:
        live = Live(server.url, tmp_path, retries=1, limits=Limits(max_calls=3))
        complete(live)
        live.transport.complete("another", ask("?"), GroupsReply)
        with pytest.raises(LimitReached, match="budget of 3 calls"):
            complete(live)
        assert len(server.requests) == 3
        assert "max_completion_tokens" not in server.requests[0].body
        assert "max_tokens" not in server.requests[0].body


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf")])
def test_what_is_no_limit(value: float) -> None:
    with pytest.raises(InputError, match="--max-cost"):
        Limits(max_cost=value)


def test_a_limit_in_money_needs_a_price() -> None:
    for spec, url in (("no-such-model", None), ("m", "https://example.org/v1")):
        with pytest.raises(LLMError, match=r"price of .* is not known") as caught:
            open_drafter(ModelSettings(spec, url=url, limits=Limits(max_cost=1.0)), print)
        assert "--price" in caught.value.hint
    priced = open_drafter(
        ModelSettings("no-such-model", limits=Limits(max_cost=1.0), price=PRICE), print
    )
    assert isinstance(priced, ModelDrafter)
    transport = priced._asking.transport
    assert isinstance(transport, LiveTransport) and transport.account.price == PRICE


def test_the_limit_ends_the_step_and_a_higher_one_goes_on(tmp_path: Path) -> None:
    names = [f"class {n}" for n in range(60)]
    limits = Limits(max_tokens=9_000)

    def respond(request: Request) -> Answer:
        answer = obliging(request)
        assert isinstance(answer.body, dict)
        usage = {"prompt_tokens": 1500, "completion_tokens": 1500, "total_tokens": 3000}
        answer.body["usage"] = usage
        return answer

    with openai_server(respond) as server:
        live = Live(server.url, tmp_path, limits=limits)
        with pytest.raises(LimitReached, match=r"--max-tokens 9,000"):
            live.drafter.draft(request_for(*names))
        first = len(server.requests)
        assert 1 <= first < 4 and live.transport.account.spent.tokens <= 9_000
        assert server.requests[0].body["max_tokens"] <= MOST_OUTPUT
        higher = Live(server.url, tmp_path, limits=Limits(max_tokens=100_000))
        assert higher.drafter.draft(request_for(*names)).classes == tuple(names)
        assert len(server.requests) == 4, "what was paid for is not asked for again"


def test_without_a_limit_the_output_is_not_limited(tmp_path: Path) -> None:
    with openai_server([chat(GROUPS)]) as server:
        complete(Live(server.url, tmp_path))
        assert not {"max_tokens", "max_completion_tokens"} & set(server.requests[0].body)


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("Unsupported parameter: 'max_tokens', use 'max_completion_tokens'", "other name"),
        ("max_tokens is too large: this model supports at most 4096 completion tokens", "less"),
    ],
)
def test_an_endpoint_with_another_notion_of_the_limit(tmp_path: Path, said: str, sent: str) -> None:
    with openai_server([failure(400, said), chat(GROUPS), failure(400, said)]) as server:
        live = Live(server.url, tmp_path, limits=Limits(max_tokens=200_000))
        complete(live)
        bodies = [request.body for request in server.requests]
        with pytest.raises(LLMError, match="limit on output tokens"):
            complete(live)
    assert bodies[0]["max_tokens"] == MOST_OUTPUT
    if sent == "less":
        assert bodies[1]["max_tokens"] == LEAST_OUTPUT
    else:
        assert bodies[1]["max_completion_tokens"] == MOST_OUTPUT and "max_tokens" not in bodies[1]


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Unsupported parameter: 'max_tokens', use 'max_completion_tokens'", CAPS[0]),
        ("max_tokens is too large: this model supports at most 4096 completion tokens", CAPS[1]),
    ],
)
def test_calls_in_flight_are_refused_together_and_all_go_on(
    tmp_path: Path, said: str, name: str
) -> None:
    parallel = 4
    together = threading.Barrier(parallel)

    def refused(body: dict[str, Any]) -> bool:
        return name not in body or (name == CAPS[1] and body[name] > LEAST_OUTPUT)

    class Server(OpenAIServer):
        def _answer(self, request: Request) -> Answer:
            if refused(request.body):
                together.wait(10)  # not before all have been sent
                return failure(400, said)
            return chat(GROUPS)

    with contextlib.ExitStack() as stack:
        server = Server([])
        thread = threading.Thread(target=server.serve)
        thread.start()
        stack.callback(thread.join, 5)
        stack.callback(server.stop)
        live = Live(server.url, tmp_path, limits=Limits(max_tokens=500_000), modes_file=None)
        live.transport._modes._proven.add(AnswerFormat.STRICT)
        jobs = [lambda transport: transport.complete("x", ask("Which?"), GroupsReply)] * parallel
        replies = ParallelCalls(parallel).run(live.transport, jobs)
    assert [len(reply.groups) for reply in replies] == [2] * parallel


def test_the_worst_case_of_scripts_beyond_ascii_is_their_bytes() -> None:
    assert most_tokens_of("") == 0
    assert most_tokens_of("宝可梦") == 9 and most_tokens_of("дракон") == 12
    assert most_tokens_of("\U00012000" * 5) == 20 and most_tokens_of("\ud83d") == 3
    assert most_tokens_of("a" * 35) == 15


@given(st.text())
def test_the_worst_case_is_no_less_than_the_estimate(text: str) -> None:
    assert tokens_of(text) <= most_tokens_of(text)


def test_the_worst_case_is_what_is_set_aside(tmp_path: Path) -> None:
    """Cuneiform takes four tokens a sign in a byte-level tokenizer: 4,000, and a limit of 7,000."""
    with openai_server([chat(GROUPS)]) as server:
        live = Live(server.url, tmp_path, limits=Limits(max_tokens=7_000))
        with pytest.raises(LimitReached):
            live.transport.complete("draft groups", ask("\U00012000" * 1_000), GroupsReply)
        assert not server.requests


def test_calls_wait_for_those_in_flight_where_both_worst_cases_do_not_fit() -> None:
    account = Account(limits=Limits(max_tokens=LEAST_OUTPUT + 2_000))
    first = account.reserve("one", 500, Cancellation())
    started, cancellation = threading.Event(), Cancellation()
    outcomes: list[Any] = []

    def second() -> None:
        started.set()
        outcomes.append(account.reserve("two", 500, cancellation).worst)

    thread = threading.Thread(target=second)
    thread.start()
    started.wait(5)
    thread.join(0.1)
    assert thread.is_alive() and outcomes == []
    account.settle(first, Spent(input_tokens=300, output_tokens=200))
    thread.join(5)
    assert len(outcomes) == 1
    with pytest.raises(LimitReached):
        account.reserve("three", 20_000, Cancellation())
    cancellation.stop()
    with pytest.raises(Stopped):
        account.reserve("four", 500, cancellation)


class Endpoint:
    """Answers within its limit on output, and takes no more input than was estimated with care."""

    def __init__(self, seed: int) -> None:
        self.random = dice(seed)

    def __call__(self, request: Request) -> Answer:
        answer = obliging(request)
        assert isinstance(answer.body, dict)
        # What a call is estimated from: messages and schema, without the fields around them.
        sent = json.dumps([request.body["messages"], request.body["response_format"]])
        into = self.random.randint(1, tokens_of(sent))
        out = self.random.randint(1, request.body["max_tokens"])
        usage = {"prompt_tokens": into, "completion_tokens": out, "total_tokens": into + out}
        answer.body["usage"] = usage
        return answer


@settings(max_examples=15)
@given(
    seed=st.integers(0, 1000),
    max_tokens=st.none() | st.integers(0, 60_000),
    max_cost=st.floats(0, 0.2),
    parallel=st.integers(1, 4),
)
def test_no_limit_is_ever_exceeded(
    seed: int, max_tokens: int | None, max_cost: float, parallel: int
) -> None:
    limits = Limits(max_cost, max_tokens)
    with openai_server(Endpoint(seed)) as server:
        live = Live(server.url, None, price=PRICE, limits=limits)
        drafter = ModelDrafter(
            Asking(live.transport, live.events.append, parallel=ParallelCalls(parallel))
        )
        names = [f"class {n}" for n in range(110)]
        with contextlib.suppress(LimitReached):
            assert drafter.draft(request_for(*names)).classes == tuple(names)
        used = live.transport.account.spent
    assert max_tokens is None or used.tokens <= max_tokens
    assert used.cost is not None and used.cost <= max_cost + 1e-12
