"""Answers that come in pieces: event streams, put together into whole completions.

openai's own reader stops at an event without data, loses a last one that no blank line follows, and
passes over an answer that is no stream; what puts its chunks together trusts them in every field.
"""

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

import httpx
from openai.types.chat import ChatCompletion

from builder.llm.cost import tokens_of

# How a line of an event stream begins: with a field's name, a comment, or the mark of UTF-8.
_EVENT = (b"d", b"e", b"i", b"r", b":", b"\xef")
_DONE = "[DONE]"
# Some endpoints say these in every chunk.
_NAMES = {"role", "name", "id", "type"}
# A piece of more is not one token, but several.
_ONE_TOKEN = 4

# What was written, "" where it can't be told yet, and whether it was the last.
OnWords = Callable[[str, bool], None]


def completion_of(pieces: Iterable[bytes], on_words: OnWords) -> ChatCompletion:
    """The answer in the bytes of a response, an event stream or one JSON object.

    Raises ValueError for what is neither, httpx.HTTPError where the answer broke off. A stream is
    whole where it says that it ends, or where the JSON in it does.
    """
    source = iter(pieces)
    head = next((piece for piece in source if piece.strip()), b"")
    source = chain([head], source)
    if not head.lstrip().startswith(_EVENT):
        return _completion(json.loads(b"".join(_noticed(source, on_words))))
    answer = _Answer()
    try:
        for event in _events(source):
            if event == _DONE:
                return answer.completion()
            answer.add(event, on_words)
            if answer.error:
                break
    except httpx.HTTPError:
        if not answer.whole:
            raise
    if not answer.whole:
        raise httpx.RemoteProtocolError("the stream ended in the middle of the answer")
    return answer.completion()


def tokens_in(piece: str) -> int:
    """About how many tokens a piece of a stream has; mostly it is one."""
    estimated = tokens_of(piece)
    return estimated if estimated > _ONE_TOKEN else min(estimated, 1)


class _Answer:
    """What has come of an answer. Its chunks are not trusted: any field may be of any type."""

    def __init__(self) -> None:
        self.error: object = None
        self._told: dict[str, Any] = {}
        self._choices: dict[int, dict[str, Any]] = {}

    def add(self, chunk: object, on_words: OnWords) -> None:
        """Raises ValueError for what is no chunk."""
        if not isinstance(chunk, dict):
            raise ValueError("an event of the stream is no object")
        self.error = chunk.get("error")
        self._told |= {name: value for name, value in chunk.items() if value is not None}
        choices = chunk.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict):
                self._choose(choice, on_words)

    def _choose(self, choice: dict[str, Any], on_words: OnWords) -> None:
        index = choice.get("index")
        held = self._choices.setdefault(index if type(index) is int else 0, {"message": {}})
        delta, message = choice.get("delta"), choice.get("message")
        if isinstance(message, dict):
            # Some send it whole, all at once or to end with.
            held["message"], delta = {}, message
        if isinstance(delta, dict):
            held["message"] = _merged("", held["message"], delta)
        if ends := bool(choice.get("finish_reason")):
            held["finish_reason"] = choice["finish_reason"]
        words = _words(delta) if isinstance(delta, dict) else ""
        if words or ends:
            on_words(words, ends)

    @property
    def whole(self) -> bool:
        if self.error or not self._choices:
            return bool(self.error)
        first = self._choices[min(self._choices)]
        return "finish_reason" in first or _is_whole(first["message"])

    def completion(self) -> ChatCompletion:
        choices = [] if self.error else [self._choices[i] for i in sorted(self._choices)]
        for index, choice in enumerate(choices):
            message = choice["message"]
            message["role"] = message.get("role") or "assistant"
            message.setdefault("content", None)
            message["tool_calls"] = sorted(message.get("tool_calls", ()), key=_place) or None
            choice |= {"index": index, "finish_reason": choice.get("finish_reason")}
        error = {"message": self.error} if isinstance(self.error, str) else self.error
        told = {"object": "chat.completion", "choices": choices, "error": error}
        return _completion(self._told | told)


def _completion(found: object) -> ChatCompletion:
    if not isinstance(found, dict):
        raise json.JSONDecodeError("the answer is no object", json.dumps(found), 0)
    # Not validated, as nothing that openai receives.
    return ChatCompletion.construct(**found)


def _noticed(pieces: Iterable[bytes], on_words: OnWords) -> Iterator[bytes]:
    for piece in pieces:
        # Some keep a connection alive by blanks.
        if piece.strip():
            on_words("", False)
        yield piece


def _events(pieces: Iterable[bytes]) -> Iterator[object]:
    """The data of each event, read as JSON, or "[DONE]". Raises ValueError for other data."""
    kind = ""
    data: list[str] = []
    for line in _lines(pieces):
        name, _, value = line.partition(":")
        if name == "data":
            data.append(value.removeprefix(" "))
        elif name == "event":
            kind = value.removeprefix(" ")
        elif not line:
            if any(data):
                yield _value(kind, "\n".join(data))
            kind, data = "", []
    # An event without a blank line after it may have been cut off.
    with contextlib.suppress(ValueError):
        if any(data):
            yield _value(kind, "\n".join(data))


def _value(kind: str, data: str) -> object:
    if data.startswith(_DONE):
        return _DONE
    if kind != "error":
        return json.loads(data)
    value: object = data
    with contextlib.suppress(ValueError):
        value = json.loads(data)
    return value if isinstance(value, dict) and "error" in value else {"error": value}


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    """Lines without what ends them; half a character waits for its other half."""
    rest = bytearray()
    for piece in pieces:
        rest += piece
        if b"\n" in piece:
            *lines, rest = rest.split(b"\n")
            for line in lines:
                yield line.removesuffix(b"\r").decode("utf-8-sig", "replace")
    yield rest.decode("utf-8-sig", "replace")


def _merged(name: str, old: Any, new: Any) -> Any:
    """A field of a message, and what a chunk adds to it."""
    if name == "tool_calls":
        return _calls(old or [], new if isinstance(new, list) else [])
    if old is None or new is None:
        return new if old is None else old
    if isinstance(old, str) and isinstance(new, str):
        return old if name in _NAMES and new == old else old + new
    if isinstance(old, dict) and isinstance(new, dict):
        return old | {key: _merged(key, old.get(key), value) for key, value in new.items()}
    return old + new if isinstance(old, list) and isinstance(new, list) else new


def _calls(held: list[dict[str, Any]], new: list[Any]) -> list[dict[str, Any]]:
    """Calls of tools, found by their index, which some endpoints leave out, or 0 for all."""
    calls = list(held)
    for entry in new:
        if not isinstance(entry, dict):
            continue
        function = entry.get("function")
        named = bool(isinstance(function, dict) and function.get("name"))
        same = [i for i, call in enumerate(calls) if call.get("index") == entry.get("index")]
        if same and not (named and entry.get("id") not in (None, "", calls[same[-1]].get("id"))):
            calls[same[-1]] = _merged("", calls[same[-1]], entry)
        else:
            calls.append(entry | {"type": entry.get("type") or "function"})
    return calls


def _place(call: dict[str, Any]) -> int:
    index = call.get("index")
    return index if isinstance(index, int) else 0


def _answered(message: dict[str, Any]) -> str:
    """The answer in a message, or in what a chunk adds to one: arguments of tools, and text."""
    calls = message.get("tool_calls")
    entries = [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    functions = [call["function"] for call in entries if isinstance(call.get("function"), dict)]
    return _text(*(function.get("arguments") for function in functions), message.get("content"))


def _words(delta: dict[str, Any]) -> str:
    """All that a chunk adds. Some endpoints send the thoughts under two names."""
    names = ("reasoning_content", "reasoning", "thinking")
    thoughts = next((delta[name] for name in names if delta.get(name)), None)
    return _answered(delta) + _text(delta.get("refusal"), thoughts)


def _text(*parts: object) -> str:
    return "".join(str(part) for part in parts if part)


def _is_whole(message: dict[str, Any]) -> bool:
    """Whether the JSON that the answer begins with is there to its end."""
    text = _answered(message)
    with contextlib.suppress(ValueError, RecursionError):
        json.JSONDecoder().raw_decode(text, text.index("{"))
        return True
    return False
