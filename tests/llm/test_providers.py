"""Where `--llm` leads, and models by a provider's own client."""

import json
import sys
from pathlib import Path

import instructor
import openai
import pytest

from builder.errors import InputError, LLMError
from builder.llm.address import OLLAMA_URL, Route, route
from builder.llm.asking import Asking
from builder.llm.cost import LimitReached, Limits, Price, tokens_of
from builder.llm.drafter import ModelDrafter, open_drafter, spent
from builder.llm.events import LLMEvent
from builder.llm.providers import ProviderTransport
from builder.llm.settings import ModelSettings
from builder.llm.transcript import read
from builder.llm.transport import TruncatedAnswer
from tests.llm.live import SECRET, request_for
from tests.openai_server import Answer, chat, failure, in_form, obliging, openai_server


@pytest.mark.parametrize(
    ("spec", "url", "expected"),
    [
        ("gpt-4o", None, Route("gpt-4o", None)),
        ("openai/gpt-4o", None, Route("gpt-4o", None)),
        ("ollama/llama3", None, Route("llama3", OLLAMA_URL)),
        ("anthropic/claude-x", None, Route("claude-x", None, "anthropic")),
        ("google/gemini-x", None, Route("gemini-x", None, "google")),
        ("anthropic/claude-x", "https://openrouter.ai/api/v1", None),
        ("openai/gpt-4o", "https://openrouter.ai/api/v1", None),
        ("meta-llama/Llama-3", None, Route("meta-llama/Llama-3", None)),
        ("/models/llama/", "http://localhost:1/v1", None),
    ],
)
def test_routes(spec: str, url: str | None, expected: Route | None) -> None:
    assert route(spec, url) == (expected or Route(spec, url))


@pytest.mark.parametrize(
    "spec", ["", " ", "/", "openai/", "anthropic/", "ollama/ ", "gpt 4\x1b[31m", "a\nb", "x" * 201]
)
@pytest.mark.parametrize("url", [None, "http://localhost:1/v1"])
def test_what_names_no_model(spec: str, url: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    limits = Limits(max_cost=1.0)
    with pytest.raises(InputError, match="is no model name") as caught:
        open_drafter(ModelSettings(spec, url=url, limits=limits), print)
    assert caught.value.message.isprintable() and len(caught.value.message) < 100
    assert "gpt-4o" in caught.value.hint


def test_an_address_in_the_environment_counts_as_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "https://openrouter.ai/api/v1")
    assert route("anthropic/claude-x", None) == Route("anthropic/claude-x", None)


def test_what_stays_on_this_machine() -> None:
    assert route("ollama/llama3", None).local and route("m", "http://127.0.0.1:1/v1").local
    assert not route("gpt-4o", None).local and not route("anthropic/claude", None).local


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anthropic", None)
    with pytest.raises(LLMError, match="anthropic package is required") as caught:
        open_drafter(ModelSettings("anthropic/claude-x"), print)
    assert "pip install" in caught.value.hint


def unheard(event: LLMEvent) -> None:
    """What is told does not matter here."""


# Instructor's client for openai stands for those of the others: what is theirs alone, the form of
# answer and the errors, is not tested here.
def transport(url: str, folder: Path, **options: object) -> ProviderTransport:
    client = instructor.from_openai(
        openai.OpenAI(base_url=url, api_key=SECRET, max_retries=0), model="scripted"
    )
    return ProviderTransport(
        client,
        ModelSettings("fake/scripted", transcript=folder / "llm.jsonl", **options),  # type: ignore[arg-type]
        unheard,
    )


def test_a_draft_by_an_instructor_client(tmp_path: Path) -> None:
    with openai_server(lambda request: in_form(request, obliging(request))) as server:
        drafter = ModelDrafter(Asking(transport(server.url, tmp_path), unheard))
        system = drafter.draft(request_for("A", "B", "C"))
        assert system.classes == ("A", "B", "C") and len(server.requests) == 2
        again = ModelDrafter(Asking(transport(server.url, tmp_path), unheard))
        assert again.draft(request_for("A", "B", "C")) == system
        assert len(server.requests) == 2, "it is taken from the transcript"
    total = spent(tmp_path / "llm.jsonl", Price(1, 1))
    assert (total.input_tokens, total.output_tokens) == (200, 40)


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        (failure(401, f"Incorrect API key provided: {SECRET}"), "fake/scripted failed"),
        (chat("no JSON"), "failed"),
    ],
)
def test_its_failures_are_one_message_without_keys(
    tmp_path: Path, answer: object, part: str
) -> None:
    with openai_server([answer] * 5) as server:  # type: ignore[list-item]
        drafter = ModelDrafter(Asking(transport(server.url, tmp_path), unheard))
        with pytest.raises(LLMError, match=part) as caught:
            drafter.draft(request_for("A", "B"))
    assert SECRET not in caught.value.message and len(caught.value.message) < 400
    assert SECRET not in (tmp_path / "llm.jsonl").read_text()


def test_a_key_in_the_environment_does_not_change_the_answer_that_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_API_KEY", "dominant_color")
    with openai_server(lambda request: in_form(request, obliging(request))) as server:
        system = ModelDrafter(Asking(transport(server.url, tmp_path), unheard)).draft(
            request_for("A", "B")
        )
    assert system.groups[0].name == "dominant_color"
    replies = [exchange.reply or "" for exchange in read(tmp_path / "llm.jsonl").exchanges]
    assert "[key]" in replies[0] and not any("dominant_color" in reply for reply in replies)


@pytest.mark.parametrize(
    ("answer", "counted"), [(chat("no JSON"), True), (chat("no JSON", tokens=None), False)]
)
def test_answers_in_vain_are_all_booked(tmp_path: Path, answer: Answer, counted: bool) -> None:
    with openai_server([answer] * 9) as server:
        made = transport(server.url, tmp_path)
        with pytest.raises(LLMError):
            ModelDrafter(Asking(made, unheard)).draft(request_for("A", "B"))
        sent = len(server.requests)
    assert sent > 1
    spent = made.account.spent
    if counted:
        assert (spent.input_tokens, spent.output_tokens) == (sent * 100, sent * 20)
    else:
        once = tokens_of(json.dumps(server.requests[0].body["messages"]))
        assert spent.input_tokens > sent * once and spent.estimated


def test_its_truncated_answers_are_told_apart(tmp_path: Path) -> None:
    with openai_server([chat('{"gro', finish_reason="length")]) as server:
        drafter = ModelDrafter(Asking(transport(server.url, tmp_path), unheard))
        with pytest.raises(TruncatedAnswer, match="cut off"):
            drafter.draft(request_for("A", "B"))


def test_limits_hold_for_it_too(tmp_path: Path) -> None:
    limits = Limits(max_tokens=20_000)
    with openai_server(lambda request: in_form(request, obliging(request))) as server:
        made = transport(server.url, tmp_path, limits=limits)
        ModelDrafter(Asking(made, unheard)).draft(request_for("A", "B"))
        assert all(request.body["max_tokens"] <= 16_384 for request in server.requests)
        assert made.account.spent.tokens == 240
        nothing = transport(server.url, tmp_path / "x", limits=Limits(max_tokens=0))
        with pytest.raises(LimitReached):
            ModelDrafter(Asking(nothing, unheard)).draft(request_for("A", "B"))


def test_a_name_that_is_no_model_is_the_endpoints_to_refuse() -> None:
    with openai_server([failure(404, "model not found")]) as server:
        drafter = open_drafter(ModelSettings("no model", url=server.url), print)
        assert drafter is not None
        with pytest.raises(LLMError, match="knows no model 'no model'"):
            drafter.draft(request_for("A", "B"))
