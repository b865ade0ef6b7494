"""Answers in pieces are put together, however they are cut and whatever is strange in them."""

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion

from builder.llm.envelopes import said_in
from builder.llm.streaming import completion_of, tokens_in
from tests.llm.live import GROUPS
from tests.openai_server import DONE, chat, chunks_of, events_of, tool_call, word

JSON = json.dumps(GROUPS)


def read(stream: str | bytes) -> ChatCompletion:
    whole = stream.encode() if isinstance(stream, str) else stream
    return completion_of([whole], lambda _words, _last: None)


def content(stream: str | bytes) -> str | None:
    return read(stream).choices[0].message.content


def streamed(*chunks: object, end: str = DONE.decode()) -> str:
    return events_of(chunks, end=end)


def in_delta(**delta: object) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta}]}


@given(
    text=st.text(st.characters(codec="utf-8"), min_size=1),
    cuts=st.lists(st.integers(0, 3000), max_size=20),
    newline=st.sampled_from(["\n", "\r\n"]),
    field=st.sampled_from(["data: ", "data:", ": PROCESSING\n\ndata: ", "event: message\ndata: "]),
)
def test_however_it_is_cut_it_is_the_same_answer(
    text: str, cuts: list[int], newline: str, field: str
) -> None:
    body: Any = chat(text).body
    events = [*(json.dumps(chunk, ensure_ascii=False) for chunk in chunks_of(body)), "[DONE]"]
    lines = "".join(f"{field}{event}\n\n" for event in events)
    stream = lines.replace("\n", newline).encode()
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    pieces = [stream[a:b] for a, b in pairwise(places)]
    said: list[str] = []
    completion = completion_of(pieces, lambda words, _last: said.append(words))
    found, whole = (
        each.model_dump(exclude_unset=True, exclude_none=True)
        for each in (completion, ChatCompletion.construct(**body))
    )
    assert found == whole
    assert "".join(said) == text


@pytest.mark.parametrize(
    "calls",
    [
        [{"index": 0, "id": "a", "function": {"name": "Reply", "arguments": ""}},
         {"index": 0, "function": {"arguments": '{"x"'}},
         {"index": 0, "function": {"arguments": ": 1}"}}],
        [{"index": 0, "id": "a", "function": {"name": "Reply", "arguments": '{"x"'}},
         {"index": 0, "id": "a", "function": {"name": "Reply", "arguments": ": 1}"}}],
        [{"id": "a", "function": {"name": "Reply", "arguments": '{"x"'}},
         {"function": {"arguments": ": 1}"}}],
        [{"index": 0, "id": "a", "function": {"name": "Reply", "arguments": '{"x": 1}'}},
         {"index": 0, "id": "b", "function": {"name": "Other", "arguments": "{}"}}],
        [{"index": 1, "id": "b", "function": {"name": "Other", "arguments": "{}"}},
         {"index": 0, "id": "a", "function": {"name": "Reply", "arguments": '{"x": 1}'}}],
        [{"index": 0, "function": {"name": "Reply", "arguments": {"x": 1}}}],
    ],
    ids=["pieces", "said again", "no index", "all 0", "out of order", "an object"],
)  # fmt: skip
def test_calls_of_tools_are_put_together(calls: list[dict[str, Any]]) -> None:
    for deltas in ([[call] for call in calls], [calls]):
        chunks = [in_delta(role="assistant", tool_calls=entries) for entries in deltas]
        completion = read(streamed(*chunks))
        said = said_in(completion)
        assert said is not None and said.tool == "Reply"
        assert json.loads(said.arguments) == {"x": 1}
        assert completion.choices[0].message.role == "assistant"


def test_a_call_of_a_tool_is_read_as_it_is_when_it_comes_whole() -> None:
    body: Any = tool_call(GROUPS, name="Reply").body
    found, whole = read(streamed(*chunks_of(body))), ChatCompletion.construct(**body)
    assert said_in(found) is not None and found.usage == whole.usage
    calls: Any = found.choices[0].message.tool_calls
    (expected,) = whole.choices[0].message.tool_calls or ()
    assert calls[0].function == expected.function  # type: ignore[union-attr]


@pytest.mark.parametrize("names", [["reasoning_content"], ["reasoning", "thinking"]])
def test_thoughts_are_kept_beside_the_answer_and_are_life(names: list[str]) -> None:
    thoughts = [in_delta(**dict.fromkeys(names, text)) for text in ("Let me ", "see.")]
    said: list[str] = []
    stream = streamed(*thoughts, word("{}")).encode()
    completion = completion_of([stream], lambda words, _last: said.append(words))
    message = completion.choices[0].message
    assert message.content == "{}"
    assert all((message.model_extra or {})[name] == "Let me see." for name in names)
    assert said == ["Let me ", "see.", "{}"]


def test_several_choices_come_in_their_order() -> None:
    def choice(index: int, text: str) -> dict[str, Any]:
        return {"choices": [{"index": index, "delta": {"content": text}, "finish_reason": "stop"}]}

    found = read(streamed(choice(1, "b"), choice(0, "a"), choice(1, "B")))
    assert [each.message.content for each in found.choices] == ["a", "bB"]


@pytest.mark.parametrize(
    "strange",
    [
        "\n\n\n", ": keep-alive\n\n", "id: 7\n\n", "retry: 3000\n\n", "event: ping\n\n",
        "data:\n\n", "datum: nonsense\n\n", ": a\rb\n\n",
        'data: {"choices": []}\n\n', 'data: {"choices": null, "error": null}\n\n',
        'data: {"choices": [{"delta": null}, null]}\n\n', 'data: {"choices": [{"index": 0}]}\n\n',
        'data: {"object": "", "prompt_filter_results": []}\n\n',
        'data: {"choices":\ndata: []}\n\n', "\ufeff: the mark of UTF-8\n\n",
    ],
)  # fmt: skip
def test_what_says_nothing_is_passed_over(strange: str) -> None:
    event = streamed(word("{}"), end="")
    assert content(strange + event + strange + event + strange + DONE.decode()) == "{}{}"


def test_a_message_that_comes_whole_takes_the_place_of_its_pieces() -> None:
    whole = {"choices": [{"message": {"role": "assistant", "content": "{}"}}]}
    assert content(streamed(word("{"), whole)) == "{}"


@pytest.mark.parametrize(
    "stream",
    [
        streamed(word(JSON)),
        streamed(word(JSON), word(ends="stop"), end=""),
        streamed(word(JSON), end=""),
        streamed(word(JSON), end="").rstrip("\n"),
        streamed(word(JSON), end='data: {"choi'),
        streamed(word(JSON), end="data: [DONE]"),
    ],
    ids=["done", "stop", "whole JSON", "no blank line", "cut off after it", "done, no blank line"],
)
def test_a_stream_has_several_ways_to_end(stream: str) -> None:
    assert content(stream) == JSON


@pytest.mark.parametrize(
    "stream",
    [
        streamed(word(JSON[:-1]), end=""),
        streamed(word(JSON), end="")[:-30],
        streamed(word("prose"), end=""),
        streamed(in_delta(reasoning_content="{}"), end=""),
        ": nothing else\n\n",
    ],
    ids=["half", "cut off in an event", "prose", "only thoughts", "only a comment"],
)
def test_a_stream_that_ends_too_early_is_broken_off(stream: str) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        read(stream)


@pytest.mark.parametrize("chunks", [[word(JSON)], [word("pro"), word("se", ends="stop")]])
def test_a_connection_that_breaks_after_the_last_word_does_no_harm(chunks: list[object]) -> None:
    def pieces(stream: str) -> Iterator[bytes]:
        yield stream.encode()
        raise httpx.ReadError("reset")

    found = completion_of(pieces(streamed(*chunks, end="")), lambda _words, _last: None)
    assert found.choices[0].message.content in (JSON, "prose")
    with pytest.raises(httpx.ReadError):
        completion_of(pieces(streamed(word("{"), end="")), lambda _words, _last: None)


@pytest.mark.parametrize(
    "event",
    [
        'data: {"error": {"message": "overloaded"}}\n\n',
        'data: {"error": "overloaded"}\n\n',
        'event: error\ndata: {"message": "overloaded"}\n\n',
        "event: error\ndata: overloaded\n\n",
        'data: {"choices": [], "error": {"message": "overloaded", "code": 502}}\n\n',
    ],
)
def test_an_error_among_the_chunks_is_the_answer(event: str) -> None:
    found = read(streamed(word("{"), end="") + event + streamed(word("}", ends="stop")))
    error: Any = (found.model_extra or {})["error"]
    assert found.choices == [] and error["message"] == "overloaded"


def test_json_that_is_no_stream_is_read() -> None:
    body: Any = chat(GROUPS).body
    assert content(f" \n{json.dumps(body)}") == JSON


@pytest.mark.parametrize(
    "body",
    ["", "[1]", "<html>", "No.", "error: no", "data: {nonsense\n\n", "data: [1]\n\n", "{"],
)  # fmt: skip
def test_what_is_no_answer(body: str) -> None:
    with pytest.raises((ValueError, httpx.RemoteProtocolError)):
        read(body)


def test_invalid_letters_are_replaced() -> None:
    assert content(streamed(word("@")).encode().replace(b"@", b"\xff")) == "\ufffd"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)


def shaped(**fields: Any) -> Any:
    return st.fixed_dictionaries({}, optional=fields) | VALUES


CALL = shaped(index=VALUES, id=VALUES, function=shaped(name=VALUES, arguments=VALUES))
DELTA = shaped(content=VALUES, tool_calls=st.lists(CALL, max_size=3) | VALUES, role=VALUES)
CHOICE = shaped(index=VALUES, delta=DELTA, message=DELTA, finish_reason=VALUES)
CHUNK = shaped(choices=st.lists(CHOICE, max_size=2) | VALUES, usage=VALUES, error=VALUES)


@given(st.lists(CHUNK, max_size=4))
def test_no_chunk_whatever_is_in_it_is_an_accident(chunks: list[Any]) -> None:
    try:
        found = read(streamed(*chunks))
    except ValueError:
        return
    said_in(found)


def test_pieces_are_mostly_one_token() -> None:
    assert [tokens_in(piece) for piece in ("", "a", " international")] == [0, 1, 1]
    assert tokens_in("a whole sentence of nine words in one go") == 12
