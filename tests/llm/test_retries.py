"""Failures that may pass are tried again, never multiplied, after the time that was asked for."""

import contextlib
import json
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from builder.errors import LLMError
from builder.llm.asking import Asking
from builder.llm.drafter import ModelDrafter
from builder.llm.endpoint import MOST_BYTES
from builder.llm.events import Waiting
from builder.llm.parallel import ParallelCalls
from tests.llm.live import GROUPS, Live, complete, request_for
from tests.openai_server import Answer, Request, chat, failure, obliging, openai_server

PASSING = [failure(status, "not now") for status in (408, 409, 429, 502, 503, 504)]
HOUR = 3600


def half() -> Answer:
    whole = chat(GROUPS)
    return Answer(whole.body, cut=60)


@pytest.mark.parametrize(
    "answer",
    [*PASSING, Answer("", reset=True), half()],
    ids=["408", "409", "429", "502", "503", "504", "reset", "half"],
)
def test_what_may_pass_is_tried_again_a_bounded_number_of_times(
    tmp_path: Path, answer: Answer
) -> None:
    with openai_server([answer, answer, chat(GROUPS)]) as server:
        live = Live(server.url, tmp_path, retries=2)
        assert len(complete(live).groups) == 2
        assert len(server.requests) == 3
    assert [event.seconds for event in live.told(Waiting)] == [0.01, 0.02]
    assert [entry.error is None for entry in live.exchanges] == [False, False, True]
    (tmp_path / "b").mkdir()
    with openai_server([answer] * 9) as server:
        live = Live(server.url, tmp_path / "b", retries=2)
        with pytest.raises(LLMError) as caught:
            complete(live)
        assert len(server.requests) == 3, "neither openai nor instructor multiplies them"
        assert caught.value.hint and "\n" not in caught.value.message


@pytest.mark.parametrize("status", [401, 402, 403, 404, 407, 413, 511])
def test_what_will_not_pass_is_not_tried_again(tmp_path: Path, status: int) -> None:
    with openai_server([failure(status, "no")] * 9) as server:
        with pytest.raises(LLMError, match=rf"\({status}\)"):
            complete(Live(server.url, tmp_path, retries=3))
        assert len(server.requests) == 1


SOFT = [
    Answer({"choices": None, "error": {"message": "upstream timed out", "code": 502}}),
    Answer({"choices": []}),
    chat(""),
    chat(None),
    Answer("<html>It works!</html>", content_type="text/html"),
    Answer("{nonsense"),
    Answer({"choices": [{"message": {"content": 7}}]}),
]


@pytest.mark.parametrize(
    "answer", SOFT, ids=["502 in 200", "no choices", "", "null", "html", "JSON", "7"]
)
def test_an_answer_that_is_none_is_asked_for_twice_more(tmp_path: Path, answer: Answer) -> None:
    with openai_server([answer, answer, chat(GROUPS)]) as server:
        live = Live(server.url, tmp_path, retries=4)
        assert len(complete(live).groups) == 2
        assert {request.form for request in server.requests} == {"strict"}
    assert len(live.told(Waiting)) == 2
    (tmp_path / "b").mkdir()
    with openai_server([answer] * 9) as server:
        with pytest.raises(LLMError):
            complete(Live(server.url, tmp_path / "b", retries=4))
        assert len(server.requests) == 3


@pytest.mark.parametrize("code", [400, 401, 402, 403])
def test_an_error_in_an_answer_that_will_not_pass_is_final(tmp_path: Path, code: int) -> None:
    answer = Answer({"error": {"message": "insufficient credits", "code": code}})
    with openai_server([answer] * 9) as server:
        with pytest.raises(LLMError, match="insufficient credits"):
            complete(Live(server.url, tmp_path, retries=4))
        assert len(server.requests) == 1


def test_a_compressed_answer_is_not_unpacked(tmp_path: Path) -> None:
    compressed = Answer(json.dumps(chat(GROUPS).body), headers={"Content-Encoding": "gzip"})
    with openai_server([compressed] * 3) as server:
        with pytest.raises(LLMError, match=r"answers compressed \(gzip\)"):
            complete(Live(server.url, tmp_path, retries=4))
        assert len(server.requests) == 1
        assert server.requests[0].headers["Accept-Encoding"] == "identity"


def test_an_answer_in_drops_is_given_up(tmp_path: Path) -> None:
    """Every drop comes in time; the whole never does."""
    ended = threading.Event()

    class Dripping(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                while not ended.wait(0.02):
                    self.wfile.write(b" ")

        def log_message(self, format: str, *args: object) -> None:
            """Silence: the base class writes every request to stderr."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Dripping) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        # So that a client that waits for ever fails here, and doesn't hang.
        timer = threading.Timer(10, ended.set)
        timer.start()
        try:
            live = Live(f"http://127.0.0.1:{server.server_address[1]}/v1", tmp_path, timeout=0.3)
            with pytest.raises(LLMError, match=r"did not answer within 0\.3 s"):
                complete(live)
        finally:
            timer.cancel()
            ended.set()
            server.shutdown()


def test_a_server_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    with openai_server([]) as server:
        url = server.url
    live = Live(url, tmp_path, retries=3, backoff=60.0)
    with pytest.raises(LLMError, match="cannot be reached"):
        complete(live)
    assert not live.told(Waiting)


def test_a_timeout_is_tried_again_once(tmp_path: Path) -> None:
    with openai_server([chat(GROUPS, delay=30)] * 9) as server:
        live = Live(server.url, tmp_path, retries=4, timeout=0.1)
        with pytest.raises(LLMError, match="did not answer within"):
            complete(live)
        assert len(server.requests) == 2


def test_an_account_without_money_is_not_asked_again(tmp_path: Path) -> None:
    empty = Answer({"error": {"message": "quota", "code": "insufficient_quota"}}, 429)
    with openai_server([empty] * 3) as server:
        with pytest.raises(LLMError, match="429"):
            complete(Live(server.url, tmp_path, retries=2))
        assert len(server.requests) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_the_time_asked_for_is_kept(tmp_path: Path, status: int) -> None:
    with openai_server([failure(status, "slow down", Retry_After="0.2"), chat(GROUPS)]) as server:
        live = Live(server.url, tmp_path, retries=1, backoff=60.0)
        begun = time.monotonic()
        complete(live)
        assert time.monotonic() - begun >= 0.2
    assert [event.seconds for event in live.told(Waiting)] == [0.2]


@pytest.mark.parametrize("as_date", [False, True])
def test_an_hour_is_for_the_user_to_wait(tmp_path: Path, as_date: bool) -> None:
    asked = formatdate(time.time() + HOUR, usegmt=True) if as_date else str(HOUR)
    with openai_server([failure(429, "slow down", Retry_After=asked)] * 3) as server:
        with pytest.raises(LLMError, match=r"it asks to wait (1 h 0 min|59 min \d+ s)"):
            complete(Live(server.url, tmp_path, retries=2))
        assert len(server.requests) == 1


def test_a_date_that_has_passed_is_no_wait(tmp_path: Path) -> None:
    past = formatdate(time.time() - 5, usegmt=True)
    with openai_server([failure(429, "slow", Retry_After=past), chat(GROUPS)]) as server:
        live = Live(server.url, tmp_path, retries=1, backoff=60.0)
        complete(live)
    assert [event.seconds for event in live.told(Waiting)] == [0.0]


def test_all_calls_wait_when_one_is_told_to(tmp_path: Path) -> None:
    """The batch that is told to wait holds back those that would have started meanwhile."""
    seen: list[float] = []
    told: list[float] = []

    def respond(request: Request) -> Answer:
        if request.schema["title"] != "RulesReply":
            return obliging(request)
        seen.append(time.monotonic())
        if not told:
            told.append(time.monotonic())
            return failure(429, "slow down", Retry_After="0.3")
        return Answer(obliging(request).body, delay=0.1 if len(seen) < 3 else 0.0)

    with openai_server(respond) as server:
        live = Live(server.url, tmp_path, retries=1)
        drafter = ModelDrafter(
            Asking(live.transport, live.events.append, parallel=ParallelCalls(2))
        )
        drafter.draft(request_for(*(f"class {n}" for n in range(150))))
    # Six batches, one of them twice, and two for classes that were still alike.
    assert len(seen) == 9
    # One call was out already with the refused one; from then on nothing goes for 0.3 s.
    assert sum(moment - told[0] < 0.29 for moment in seen if moment > told[0]) <= 1


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        (half(), "broke off before the whole answer came"),
        (Answer("", reset=True), "broke off before the whole answer came"),
        (Answer("x" * (MOST_BYTES + 1)), "more than 4 MB"),
        (Answer("<html>" + "x" * 10_000_000, content_type="text/html"), "more than 4 MB"),
        (Answer("<html>It works!</html>", content_type="text/html"), "not in the OpenAI"),
        (Answer({"choices": []}), "no choices"),
    ],
    ids=["half", "reset", "4 MB", "10 MB", "html", "no choices"],
)
def test_replies_that_are_none_are_one_clear_error(
    tmp_path: Path, answer: Answer, part: str
) -> None:
    with openai_server([answer] * 3) as server:
        live = Live(server.url, tmp_path)
        with pytest.raises(LLMError) as caught:
            complete(live)
    assert part in caught.value.message and caught.value.hint
    assert len(caught.value.message) < 400
    (entry,) = live.exchanges
    assert entry.error == caught.value.message
    assert live.transcript.stat().st_size < 20_000


def test_a_long_reply_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.llm.endpoint.MOST_BYTES", 1_000)
    longer = chat("x " * 200), Answer(chat("x" * 2_000).body)
    for number, (answer, most) in enumerate(zip(longer, ("0.025", "0.001"), strict=True)):
        (folder := tmp_path / str(number)).mkdir()
        with openai_server([answer]) as server, pytest.raises(LLMError) as caught:
            complete(Live(server.url, folder))
        assert f"with more than {most} MB; that is no answer" in caught.value.message
