import json
import signal
import stat
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

import pytest

from builder.errors import CotbuildError, LLMError
from builder.llm.cost import Price, Spent
from builder.llm.drafter import open_drafter
from builder.llm.events import CallFinished, CallStarted, CallStreams, FormatFallback
from builder.llm.schemas import GroupsReply
from builder.llm.settings import ModelSettings
from builder.llm.transport import TruncatedAnswer, ask
from builder.proposals.requests import RevisionRequest
from builder.system.model import AttributeSystem
from tests.llm.live import GROUPS, SECRET, Live, complete, request_for
from tests.openai_server import Answer, Request, chat, failure, obliging, openai_server


def failed(
    folder: Path, script: list[Answer], **options: Any
) -> tuple[LLMError, Live, list[Request]]:
    with openai_server(script) as server:
        live = Live(server.url, folder, **options)
        with pytest.raises(LLMError) as caught:
            complete(live)
        assert caught.value.hint, "an error says what to do next"
        return caught.value, live, server.requests


def test_a_strict_schema_is_sent_and_tokens_are_counted(tmp_path: Path) -> None:
    with openai_server([chat(GROUPS, tokens=(123, 45))]) as server:
        live = Live(server.url, tmp_path)
        assert len(complete(live).groups) == 2
        (request,) = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["Authorization"] == f"Bearer {SECRET}"
    wanted = request.body["response_format"]
    assert wanted["type"] == "json_schema" and wanted["json_schema"]["strict"] is True
    assert request.schema == GroupsReply.model_json_schema()
    assert request.body["model"] == "scripted"
    assert request.body["messages"] == ask("Which groups?")
    started, streams, finished = live.events
    assert started == CallStarted("draft groups")
    assert streams == CallStreams(("draft groups",), 1, None)
    assert isinstance(finished, CallFinished)
    assert (finished.prompt_tokens, finished.completion_tokens) == (123, 45)
    assert 0 < finished.seconds < 60


def test_an_endpoint_that_counts_no_tokens_is_fine(tmp_path: Path) -> None:
    with openai_server([chat(GROUPS, tokens=None)]) as server:
        live = Live(server.url, tmp_path)
        complete(live)
    (finished,) = live.told(CallFinished)
    assert (finished.prompt_tokens, finished.completion_tokens) == (None, None)


@pytest.mark.parametrize(
    "usage",
    [
        7,
        [1, 2],
        {"prompt_tokens": None, "completion_tokens": "20"},
        {"prompt_tokens": -1, "completion_tokens": 2.5},
        {"prompt_tokens": {"all": 3}, "completion_tokens": True},
    ],
)
def test_odd_counts_of_tokens_do_not_spoil_an_answer(tmp_path: Path, usage: object) -> None:
    answer = chat(GROUPS)
    assert isinstance(answer.body, dict)
    with openai_server([Answer({**answer.body, "usage": usage})]) as server:
        live = Live(server.url, tmp_path)
        assert len(complete(live).groups) == 2
    (finished,) = live.told(CallFinished)
    assert (finished.prompt_tokens, finished.completion_tokens) == (None, None)
    assert live.exchanges[0].reply == json.dumps(GROUPS)


def test_an_odd_finish_reason_does_not_spoil_the_transcript(tmp_path: Path) -> None:
    answer = {"choices": [{"message": {"content": json.dumps(GROUPS)}, "finish_reason": 7}]}
    with openai_server([Answer(answer)]) as server:
        live = Live(server.url, tmp_path)
        assert len(complete(live).groups) == 2
    assert live.exchanges[0].finish_reason is None


def test_half_a_character_in_a_reply_is_replaced(tmp_path: Path) -> None:
    color, form = GROUPS["groups"]
    half = json.dumps({"groups": [color, {**form, "prompt": "so @ {}"}]}).replace("@", "\ud83d")
    bad = half.replace('"groups": [', '"groups": [{')
    with openai_server([chat(GROUPS), chat(bad), chat(half)]) as server:
        live = Live(server.url, tmp_path)
        complete(live)
        reply = live.transport.complete("other", ask("And?"), GroupsReply)
        assert "so \ufffd {}" in server.requests[2].text, "it is asked again with what was said"
    assert reply.groups[1].prompt == "so \ufffd {}"
    assert live.exchanges[-1].reply == half.replace("\ud83d", "\ufffd")


def test_a_request_that_is_stopped_is_recorded(tmp_path: Path) -> None:
    main = threading.main_thread().ident
    assert main is not None

    def stop(_request: Request) -> Answer:
        signal.pthread_kill(main, signal.SIGINT)
        return chat(GROUPS, delay=5)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with openai_server(stop) as server:
            live = Live(server.url, tmp_path)
            with pytest.raises(KeyboardInterrupt):
                complete(live)
            assert len(server.requests) == 1
    finally:
        signal.signal(signal.SIGINT, before)
    (entry,) = live.exchanges
    assert (entry.error, entry.reply) == ("stopped", None)
    assert entry.messages == ask("Which groups?") and 0 < entry.seconds < 5


def test_another_refusal_is_no_reason_to_change_the_mode(tmp_path: Path) -> None:
    error, live, requests = failed(tmp_path, [failure(400, "context length exceeded")] * 2)
    assert "context length exceeded" in error.message and "(400)" in error.message
    assert len(requests) == 1 and not live.told(FormatFallback)


def test_an_unreadable_answer_is_asked_again_with_the_error(tmp_path: Path) -> None:
    script = [chat(GROUPS), chat('{"groups": 7}'), chat(GROUPS)]
    with openai_server(script) as server:
        live = Live(server.url, tmp_path)
        complete(live)
        live.transport.complete("other", ask("And?"), GroupsReply)
        requests = server.requests
    assert len(requests) == 3
    assert "Input should be a valid" in requests[2].text and '{"groups": 7}' in requests[2].text
    assert [entry.purpose for entry in live.exchanges] == ["draft groups", "other", "other"]
    assert [event.prompt_tokens for event in live.told(CallFinished)] == [100, 100, 100]


def test_answers_that_stay_unreadable_are_one_short_error(tmp_path: Path) -> None:
    prose = "I would rather talk. " * 500
    error, _, requests = failed(tmp_path, [chat(prose)] * 9)
    assert "do not have the form asked for" in error.message
    assert len(str(error)) < 400 and str(error).count("rather talk") < 10
    assert error.__cause__ is not None
    # Three forms that it ignores, and in the last of them it is asked twice more.
    twice = [form for form in ("strict", "tools", "json") for _ in range(2)]
    assert [request.form for request in requests] == [*twice, *["text"] * 3]
    assert "llm.jsonl holds the answers" in error.hint


def test_without_a_transcript_no_file_is_said_to_hold_the_answers() -> None:
    with (
        openai_server([chat("prose")] * 9) as server,
        pytest.raises(LLMError, match="do not have the form") as caught,
    ):
        complete(Live(server.url, None))
    assert caught.value.hint == "Try again, or try another model."


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(
    "said",
    [
        "This model's maximum context length is 8192 tokens. However, your messages and functions "
        "resulted in 9000 tokens. Please shorten the messages or schema.",
        "context_length_exceeded: reduce messages, tools or response_format",
        "the request exceeds the context window with its json schema",
    ],
)
def test_a_question_that_is_too_long_is_not_asked_in_other_forms(
    tmp_path: Path, status: int, said: str
) -> None:
    error, live, requests = failed(tmp_path, [failure(status, said)] * 9)
    assert "too long for scripted" in error.message and "--context" in error.hint
    assert len(requests) == 1 and not live.told(FormatFallback)


def test_a_finished_call_tells_the_total_of_the_session(tmp_path: Path) -> None:
    price = Price(1.0, 4.0)
    script = [chat(GROUPS, tokens=(1000, 500)), chat(GROUPS, delay=30), chat(GROUPS, tokens=None)]
    with openai_server(script) as server:
        live = Live(server.url, tmp_path, price=price, timeout=0.5)
        complete(live)
        with pytest.raises(LLMError, match="did not answer"):
            complete(live)
        before = live.transport.account.spent
        again = Live(server.url, tmp_path, price=price)
        live.transport.complete("other", ask("And?"), GroupsReply)
    first, second = (event.total for event in live.told(CallFinished))
    assert first == Spent(input_tokens=1000, output_tokens=500, cost=0.003)
    assert before.tokens > first.tokens, "the call that was given up is charged"
    assert second == live.transport.account.spent and second.estimated
    assert second.input_tokens > before.input_tokens and second.cost > before.cost
    assert again.transport.account.spent == before, "earlier runs are where the next one begins"


@pytest.mark.parametrize(
    ("answer", "parts"),
    [
        (failure(401, f"Incorrect API key provided: {SECRET}."), ["API key (401)"]),
        (failure(402, "insufficient credits"), ["wants to be paid", "(402)", "credits"]),
        (failure(403, "not in your region"), ["forbids", "(403)", "not in your region"]),
        (failure(404, "model not found"), ["'scripted'", "(404)", "model not found"]),
        (failure(429, "slow down", Retry_After="20"), ["(429)", "20 s", "slow down"]),
        (failure(503, "boom"), ["(503)", "boom"]),
        (Answer("<html>" * 99, 502, content_type="text/html"), ["(502)"]),
        (Answer("<html>It works!</html>", content_type="text/html"), ["not in the OpenAI"]),
        (Answer("{nonsense"), ["not in the OpenAI"]),
        (Answer("[1, 2]"), ["not in the OpenAI"]),
        (Answer({"choices": [{}]}), ["not in the OpenAI"]),
        (Answer({"choices": [None]}), ["not in the OpenAI"]),
        (Answer({"choices": ["text"]}), ["not in the OpenAI"]),
        (Answer({"choices": {"0": 1}}), ["not in the OpenAI"]),
        (Answer({"choices": [{"message": "text"}]}), ["not in the OpenAI"]),
        (Answer({"choices": [{"message": {"content": 7}}]}), ["not in the OpenAI"]),
        (Answer({"choices": [{"message": {"content": "", "refusal": 7}}]}), ["not in the OpenAI"]),
        (chat(None, refusal="No \ud83d."), ["refuses to answer: No ."]),
        (Answer({"choices": []}), ["without an answer", "no choices"]),
        (Answer({"error": {"message": "no provider"}}), ["without an answer", "no provider"]),
        (chat(None), ["empty answer"]),
        (chat("", finish_reason="stop"), ["empty answer"]),
        (chat(None, refusal="I can't help with cards."), ["refuses", "can't help with cards"]),
        (chat("{", finish_reason="content_filter"), ["refuses", "content filter"]),
        (chat('{"gro', finish_reason="length"), ["cut off", "limit on output tokens"]),
    ],
    ids=lambda value: "" if isinstance(value, list) else None,
)
def test_every_failure_is_one_message(tmp_path: Path, answer: Answer, parts: list[str]) -> None:
    error, live, requests = failed(tmp_path, [answer])
    for part in parts:
        assert part in error.message
    assert len(error.message) < 400 and "\n" not in error.message
    assert len(requests) == 1
    (entry,) = live.exchanges
    assert entry.error == error.message


def test_a_truncated_answer_is_told_apart(tmp_path: Path) -> None:
    error, live, _ = failed(tmp_path, [chat('{"gro', finish_reason="length")])
    assert isinstance(error, TruncatedAnswer)
    assert live.exchanges[0].truncated and live.exchanges[0].reply == '{"gro'


def test_a_slow_endpoint_is_given_up(tmp_path: Path) -> None:
    error, _, _ = failed(tmp_path, [chat(GROUPS, delay=30)], timeout=0.2)
    assert "did not answer within 0.2 s" in error.message


def test_an_endpoint_that_is_down(tmp_path: Path) -> None:
    with openai_server([]) as server:
        url = server.url
    with pytest.raises(LLMError, match=f"{url} cannot be reached") as caught:
        complete(Live(url, tmp_path))
    assert caught.value.__cause__ is not None and caught.value.hint


def test_an_endpoint_without_the_certificate_for_https(tmp_path: Path) -> None:
    with openai_server([]) as server:
        live = Live(server.url.replace("http:", "https:"), tmp_path)
        with pytest.raises(LLMError, match="cannot be reached"):
            complete(live)


def test_a_passing_failure_is_tried_again(tmp_path: Path) -> None:
    script = [failure(429, "slow down", retry_after_ms="10"), chat(GROUPS)]
    with openai_server(script) as server:
        live = Live(server.url, tmp_path, retries=1)
        assert len(complete(live).groups) == 2
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    "script",
    [
        [failure(401, f"bad key {SECRET}")],
        [failure(400, f"bad key {SECRET}")],
        [chat(f"your key is {SECRET}")] * 4,
        [chat(None, refusal=f"not with {SECRET}")],
        [Answer({"error": {"message": f"over quota: {SECRET}"}})],
        [Answer(f"<p>{SECRET}</p>", 500, content_type="text/html")],
    ],
)
def test_the_key_is_nowhere_even_when_the_server_sends_it_back(
    tmp_path: Path, script: list[Answer], capfd: pytest.CaptureFixture[str]
) -> None:
    error, live, requests = failed(tmp_path, script)
    assert SECRET in requests[0].headers["Authorization"]
    assert SECRET not in "".join(traceback.format_exception(error))
    for part in ("message", "body"):
        assert SECRET not in str(getattr(error.__cause__, part, ""))
    assert SECRET not in live.transcript.read_text(encoding="utf-8")
    assert SECRET not in repr(live.events)
    assert capfd.readouterr() == ("", ""), "nothing is printed or logged"


def test_nothing_is_printed_even_where_logging_is_on() -> None:
    code = (
        "import logging, sys; logging.basicConfig(level=logging.INFO)\n"
        "from builder.errors import LLMError\n"
        "from builder.llm.drafter import open_drafter\n"
        "from builder.llm.settings import ModelSettings\n"
        "from builder.proposals.requests import DraftRequest\n"
        "drafter = open_drafter(ModelSettings('m', url=sys.argv[1]), lambda event: None)\n"
        "try: drafter.draft(DraftRequest('birds', (('A', ''), ('B', ''))))\n"
        "except LLMError: print('failed as it should')\n"
    )
    with openai_server([chat("not JSON")] * 9) as server:
        done = subprocess.run(
            [sys.executable, "-c", code, server.url],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
    assert (done.stdout, done.stderr) == ("failed as it should\n", "")


def test_a_key_in_a_good_answer_does_not_reach_the_transcript(tmp_path: Path) -> None:
    color, form = GROUPS["groups"]
    answer = {"groups": [color, {**form, "prompt": f"{SECRET} {{}}"}]}
    with openai_server([chat(answer)]) as server:
        live = Live(server.url, tmp_path)
        reply = complete(live)
    assert SECRET not in live.transcript.read_text(encoding="utf-8")
    assert reply.groups[1].prompt == "[key] {}"


def test_the_transcript_holds_all_that_was_said(tmp_path: Path) -> None:
    long = GROUPS | {"groups": [{**GROUPS["groups"][0], "prompt": "{}" + "é\u2028" * 10_000}]}
    with openai_server([chat(long), failure(500, "boom")]) as server:
        live = Live(server.url, tmp_path)
        complete(live)
        with pytest.raises(LLMError):
            live.transport.complete("revise", ask("And now?"), GroupsReply)
    assert stat.S_IMODE(live.transcript.stat().st_mode) == 0o600
    lines = live.transcript.read_text(encoding="utf-8").split("\n")
    good, bad = (json.loads(line) for line in lines[:-1])
    assert good["purpose"] == "draft groups" and bad["purpose"] == "revise"
    assert good["model"] == "scripted" and good["time"].endswith("+00:00")
    assert good["messages"] == ask("Which groups?")
    assert good["schema"] == GroupsReply.model_json_schema()
    assert json.loads(good["reply"]) == long
    assert good["usage"] == {"prompt_tokens": 100, "completion_tokens": 20}
    assert good["error"] is None and good["seconds"] > 0
    assert bad["reply"] is None and "boom" in bad["error"]


def test_without_a_transcript_nothing_is_written(tmp_path: Path) -> None:
    with openai_server(obliging) as server:
        drafter = open_drafter(
            ModelSettings("m", url=server.url, transcript=None), lambda _event: None
        )
        assert drafter is not None
        assert drafter.draft(request_for("A", "B")).classes == ("A", "B")
    assert list(tmp_path.iterdir()) == []


def test_a_transcript_that_cannot_be_written_stops_before_more_is_paid(tmp_path: Path) -> None:
    with openai_server(obliging) as server:
        transcript = tmp_path / "gone" / "llm.jsonl"
        drafter = open_drafter(ModelSettings("m", url=server.url, transcript=transcript), print)
        assert drafter is not None
        with pytest.raises(LLMError, match=r"cannot be written to .*llm\.jsonl"):
            drafter.draft(request_for("A", "B"))
        assert len(server.requests) == 1


def test_none_is_no_drafter() -> None:
    assert open_drafter(ModelSettings("none"), print) is None


def test_the_obliging_model_drafts_and_revises(tmp_path: Path) -> None:
    with openai_server(obliging) as server:
        live = Live(server.url, tmp_path)
        system = live.drafter.draft(request_for("A", "B", "C"))
        (proposal,) = live.drafter.revise(RevisionRequest(system))
    assert isinstance(system, AttributeSystem)
    assert [edit.kind for edit in proposal.edits] == ["set_prompt"]


def test_llm_errors_have_their_exit_code() -> None:
    assert issubclass(LLMError, CotbuildError) and LLMError.exit_code == 4
