"""A call may take as long as it takes, but its endpoint may not be silent for long."""

import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from builder.errors import LLMError
from builder.llm.cancel import Stopped
from builder.llm.cost import Limits
from builder.llm.events import CallFinished, CallStreams, LLMEvent, Waiting
from builder.llm.parallel import ParallelCalls
from builder.llm.schemas import GroupsReply
from builder.llm.silence import Silence
from builder.llm.transport import ask
from tests.llm.live import GROUPS, Live, complete
from tests.openai_server import (
    DONE,
    Answer,
    OpenAIServer,
    Request,
    chat,
    chunks_of,
    events_of,
    failure,
    in_pieces,
    openai_server,
)

BODY: Any = chat(GROUPS).body
CHUNKS = chunks_of(BODY)
COMMENT = b": PROCESSING\n\n"
EVER = 30.0


def silent_after(*pieces: Any) -> Answer:
    return in_pieces(*pieces, EVER)


def left(server: OpenAIServer) -> bool:
    """Whether the client of the only request has gone away, within a second or two."""
    until = time.monotonic() + 5
    while not server.left and time.monotonic() < until:
        time.sleep(0.01)
    return bool(server.left)


def lost(folder: Path, answer: Answer, silence: Silence, **options: Any) -> tuple[LLMError, Live]:
    with openai_server([answer]) as server:
        live = Live(server.url, folder, silence=silence, **options)
        begun = time.monotonic()
        with pytest.raises(LLMError) as caught:
            complete(live)
        assert time.monotonic() - begun < 10
        assert left(server), "the connection is closed"
    return caught.value, live


DRIPPING = [b"HTTP/1.1 200 OK\r\n", *[b"X", 0.05] * 200]


@pytest.mark.parametrize(
    "answer",
    [
        Answer({}, pieces=[EVER]),
        Answer({}, pieces=DRIPPING),
        silent_after(),
        in_pieces(*[COMMENT, 0.05] * 200),
        in_pieces(*["", 0.05] * 200),
        in_pieces(*[b"\n", 0.05] * 200),
    ],
    ids=["nothing", "header in drops", "header", "comments", "empty chunks", "lines"],
)
def test_before_the_first_word_silence_ends_a_call(tmp_path: Path, answer: Answer) -> None:
    error, live = lost(tmp_path, answer, Silence(0.3, 0.1))
    assert "did not answer within 0.3 s" in error.message and "--llm-timeout" in error.hint
    assert live.exchanges[0].spent.output_tokens == 0


def test_within_an_answer_silence_may_be_shorter(tmp_path: Path) -> None:
    error, live = lost(tmp_path, silent_after("one ", "two "), Silence(5.0, 0.2))
    assert "was silent for 0.2 s in the middle of its answer" in error.message
    spent = live.exchanges[0].spent
    assert spent is not None and spent.output_tokens == 2 and spent.estimated


def test_comments_between_words_are_life_for_as_long_as_the_first_word_may_take(
    tmp_path: Path,
) -> None:
    first, *others = CHUNKS
    alive = in_pieces(first, CHUNKS[1], *[COMMENT, 0.1] * 6, *others[1:], DONE)
    with openai_server([alive]) as server:
        assert len(complete(Live(server.url, tmp_path, silence=Silence(5.0, 0.4))).groups) == 2
    (tmp_path / "b").mkdir()
    error, _ = lost(tmp_path / "b", in_pieces("one", *[COMMENT, 0.05] * 200), Silence(0.5, 0.3))
    assert "was silent for 0.5 s in the middle" in error.message


def test_an_answer_may_take_as_long_as_it_takes(tmp_path: Path) -> None:
    slow = [piece for chunk in CHUNKS for piece in (chunk, 0.04)]
    with openai_server([in_pieces(*slow, DONE)]) as server:
        live = Live(server.url, tmp_path, silence=Silence(0.5, 0.5))
        assert len(complete(live).groups) == 2
    (finished,) = live.told(CallFinished)
    assert finished.seconds > 0.5 and (finished.prompt_tokens, finished.completion_tokens) == (
        100,
        20,
    )


def test_a_first_word_may_come_late(tmp_path: Path) -> None:
    with openai_server([in_pieces(0.4, *CHUNKS, DONE)]) as server:
        assert complete(Live(server.url, tmp_path, silence=Silence(5.0, 0.1)))


def test_after_the_last_word_nobody_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.llm.silence._AFTERWARDS", 0.1)
    with openai_server([silent_after(*CHUNKS)]) as server:
        live = Live(server.url, tmp_path, silence=Silence(20.0, 20.0))
        assert len(complete(live).groups) == 2
        assert left(server)
    assert live.told(CallFinished)[0].completion_tokens == 20


def test_json_in_pieces_needs_no_word(tmp_path: Path) -> None:
    text = events_of([BODY], end="").removeprefix("data: ").encode()
    pieces = [piece for i in range(0, len(text), 40) for piece in (text[i : i + 40], 0.05)]
    with openai_server([in_pieces(*pieces)]) as server:
        assert complete(Live(server.url, tmp_path, silence=Silence(0.3, 0.3)))


@pytest.mark.parametrize("near", [True, False])
def test_what_is_allowed(near: bool) -> None:
    assert Silence.allowed(None, near=near) == Silence(1200.0 if near else 300.0, 120.0)
    assert Silence.allowed(7.0, near=near) == Silence(7.0, 7.0)


def test_a_silent_call_is_hung_up_before_it_is_made_again(tmp_path: Path) -> None:
    """So that a server that still computes can stop, and does not compute both."""
    closed: list[bool] = []

    def respond(_request: Request) -> Answer:
        if len(server.requests) == 1:
            return Answer({}, pieces=[EVER])
        closed.append(server.hung_up(0))
        return chat(GROUPS)

    with openai_server(respond) as server:
        live = Live(server.url, tmp_path, timeout=0.2, retries=1)
        assert len(complete(live).groups) == 2
    assert closed == [True] and len(live.told(Waiting)) == 1


def test_what_came_of_a_broken_answer_is_booked_once(tmp_path: Path) -> None:
    broken = in_pieces("one ", "two ", "three")
    overloaded = in_pieces("one ", b'data: {"error": {"message": "overloaded"}}\n\n')
    nonsense = in_pieces("one ", b"data: {nonsense\n\n")
    with openai_server([broken, overloaded, chat(GROUPS), nonsense]) as server:
        live = Live(server.url, tmp_path, retries=2, limits=Limits(max_tokens=100_000))
        complete(live)
        with pytest.raises(LLMError):
            complete(live)
    spent = [entry.spent for entry in live.exchanges]
    assert [each.output_tokens for each in spent if each] == [3, 1, 20, 1, 0]
    errors = [entry.error or "" for entry in live.exchanges]
    assert "broke off before the whole answer" in errors[0] and "overloaded" in errors[1]
    assert "not in the OpenAI" in errors[3]
    total = live.transport.account.spent
    assert total.tokens == sum(each.tokens for each in spent if each)


@pytest.mark.parametrize("parallel", [1, 2])
def test_ctrl_c_in_the_middle_of_an_answer(tmp_path: Path, parallel: int) -> None:
    main = threading.main_thread().ident
    assert main is not None
    jobs = [lambda transport: transport.complete("x", ask("Which?"), GroupsReply)] * parallel
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with openai_server(lambda _request: silent_after("one ", "two ")) as server:
            live = Live(server.url, tmp_path, timeout=EVER)
            live.transport._modes._proven.add(live.transport._modes._format)

            def interrupt() -> None:
                while len(server.requests) < parallel:
                    time.sleep(0.01)
                time.sleep(0.3)
                signal.pthread_kill(main, signal.SIGINT)

            threading.Thread(target=interrupt).start()
            begun = time.monotonic()
            with pytest.raises(KeyboardInterrupt):
                ParallelCalls(parallel, live.transport.stop).run(live.transport, jobs)
            assert time.monotonic() - begun < 10
            assert left(server), "the server sees it"
    finally:
        signal.signal(signal.SIGINT, before)
    assert [entry.error for entry in live.exchanges] == ["stopped"] * parallel
    assert [e.spent.output_tokens for e in live.exchanges if e.spent] == [2] * parallel


def test_a_stopped_call_is_no_answer_though_its_stream_ends_well(tmp_path: Path) -> None:
    """Where the length of a body is told by its end, a shut connection looks like one."""
    with openai_server([silent_after("{")]) as server:
        live = Live(server.url, tmp_path)

        def stop(event: LLMEvent) -> None:
            if isinstance(event, CallStreams):
                threading.Timer(0.05, live.transport.stop).start()

        live.transport._emit = stop
        with pytest.raises(Stopped):
            complete(live)


REFUSALS = [
    failure(400, "Unknown parameter: 'stream_options'"),
    Answer({"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"]}]}, 422),
]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_an_endpoint_that_counts_no_tokens_of_a_stream(tmp_path: Path, refusal: Answer) -> None:
    with openai_server([refusal, chat(GROUPS), chat(GROUPS)]) as server:
        live = Live(server.url, tmp_path)
        complete(live)
        complete(live)
        asked = [request.body for request in server.requests]
    assert [body.get("stream") for body in asked] == [True] * 3
    assert [body.get("stream_options") for body in asked] == [{"include_usage": True}, None, None]
    assert [event.completion_tokens for event in live.told(CallFinished)] == [None, None]
    assert len(live.exchanges) == 2, "what was refused is no call"


@pytest.mark.parametrize("status", [400, 405, 422, 501])
def test_an_endpoint_that_does_not_stream(tmp_path: Path, status: int) -> None:
    refusal = failure(status, "Streaming is not supported with this response_format")
    with openai_server([refusal, chat(GROUPS), chat(GROUPS)]) as server:
        live = Live(server.url, tmp_path)
        complete(live)
        complete(live)
        asked = [request.body for request in server.requests]
    assert [body.get("stream") for body in asked] == [True, None, None]
    assert not live.told(CallStreams)


def test_first_the_count_is_refused_and_then_the_stream(tmp_path: Path) -> None:
    with openai_server([REFUSALS[0], failure(400, "stream must be false"), chat(GROUPS)]) as server:
        complete(Live(server.url, tmp_path))
        asked = [request.body for request in server.requests]
    assert [len({"stream", "stream_options"} & body.keys()) for body in asked] == [2, 1, 0]


def test_another_refusal_is_none_of_streams() -> None:
    for status, words in ((402, "the upstream model is gone"), (401, "no stream for you")):
        with openai_server([failure(status, words)] * 3) as server:
            with pytest.raises(LLMError, match=rf"\({status}\)"):
                complete(Live(server.url, None))
            assert len(server.requests) == 1
