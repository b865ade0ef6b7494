"""A real HTTP server on the loopback that speaks OpenAI's chat-completions protocol by script."""

import contextlib
import json
import re
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Request:
    """What the client sent. `body` is the decoded JSON."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]

    @property
    def text(self) -> str:
        """All messages, one after the other."""
        return "\n".join(str(message["content"]) for message in self.body["messages"])

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema asked for, {} when there is none.

        It stands in `response_format`, in the tool that must be called, or in the prompt.
        """
        found = self.body.get("response_format", {}).get("json_schema", {}).get("schema", {})
        for tool in self.body.get("tools", ()):
            found = tool["function"]["parameters"] | {"title": tool["function"]["name"]}
        _, told, rest = self.text.partition("match the following json_schema:")
        if told:
            found, _ = json.JSONDecoder().raw_decode(rest, rest.index("{"))
        assert isinstance(found, dict)
        return found

    @property
    def form(self) -> str:
        """How the answer is asked for: "strict", "schema", "tools", "object", "json" or "text"."""
        wanted = self.body.get("response_format", {})
        if wanted.get("type") == "json_schema":
            return "strict" if wanted["json_schema"].get("strict") else "schema"
        if wanted:
            return "object" if "schema" in wanted else "json"
        return "tools" if "tools" in self.body else "text"


@dataclass(frozen=True)
class Answer:
    """What the server sends: JSON for a dict, raw text else, `delay` seconds late.

    `cut`: how many bytes of the body are sent before the connection is closed, None for all of
    them; `reset`: it is closed before anything is sent.
    """

    body: dict[str, Any] | str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    content_type: str = "application/json"
    cut: int | None = None
    reset: bool = False
    # What asks for a stream gets one, of the chunks of `body`.
    streams: bool = False
    # In place of all else the bytes of a response, with seconds to wait in between.
    pieces: Sequence[bytes | float] = ()


def chat(
    content: object,
    *,
    finish_reason: str = "stop",
    tokens: tuple[int, int] | None = (100, 20),
    refusal: str | None = None,
    delay: float = 0.0,
) -> Answer:
    """A completion. `content`: text, or a value sent as JSON. `tokens`: (prompt, completion)."""
    text = content if isinstance(content, str) or content is None else json.dumps(content)
    body: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "scripted",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish_reason,
                "message": {"role": "assistant", "content": text, "refusal": refusal},
            }
        ],
    }
    if tokens is not None:
        prompt, completion = tokens
        body["usage"] = {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        }
    return Answer(body, delay=delay, streams=True)


def chunks_of(completion: dict[str, Any], *, counted: bool = True) -> list[dict[str, Any]]:
    """What a server streams in place of a completion, a word a chunk; `counted`: its tokens too."""
    (choice,) = completion["choices"]
    message = dict(choice["message"])
    told = {key: completion[key] for key in ("id", "created", "model")}
    told |= {"object": "chat.completion.chunk"}
    deltas: list[dict[str, Any]] = [{"role": message.pop("role"), "content": ""}]
    deltas += [{"content": word} for word in _words(message.pop("content", None) or "")]
    for index, call in enumerate(message.pop("tool_calls", ())):
        function = call["function"]
        begun = call | {"index": index, "function": function | {"arguments": ""}}
        deltas.append({"tool_calls": [begun]})
        for word in _words(function["arguments"]):
            deltas.append({"tool_calls": [{"index": index, "function": {"arguments": word}}]})
    # Whatever else a message holds comes in one piece.
    deltas.append({name: value for name, value in message.items() if value is not None})
    chunks = [
        {**told, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        for delta in deltas
    ]
    chunks[-1]["choices"][0]["finish_reason"] = choice["finish_reason"]
    if counted and "usage" in completion:
        chunks.append({**told, "choices": [], "usage": completion["usage"]})
    return chunks


def in_pieces(*pieces: bytes | float | str | dict[str, Any]) -> Answer:
    """A stream in pieces: bytes, seconds to wait, chunks, or words for a chunk."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    sent: list[bytes | float] = [head]
    for piece in pieces:
        chunk = word(piece) if isinstance(piece, str) else piece
        sent.append(events_of([chunk], end="").encode() if isinstance(chunk, dict) else chunk)
    return Answer({}, pieces=sent)


def word(text: str | None = None, *, ends: str | None = None) -> dict[str, Any]:
    """A chunk of a stream: what it adds to the answer, or why that ends."""
    delta = {} if text is None else {"content": text}
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": ends}]}


DONE = b"data: [DONE]\n\n"


def events_of(chunks: Iterable[object], *, end: str = "data: [DONE]\n\n") -> str:
    """Chunks as the text of an event stream."""
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + end


def _words(text: object) -> list[Any]:
    if not isinstance(text, str):
        return [text]
    return re.findall(r"\s*\S+\s*$|\s*\S+|\s+", text)


def tool_call(
    arguments: object, *, name: str, tokens: tuple[int, int] | None = (100, 20)
) -> Answer:
    """A completion that calls a tool. `arguments`: text as it is, or a value sent as its JSON."""
    answer = chat(None, finish_reason="tool_calls", tokens=tokens)
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    call = {"id": "call-1", "type": "function", "function": {"name": name, "arguments": text}}
    assert isinstance(answer.body, dict)
    answer.body["choices"][0]["message"]["tool_calls"] = [call]
    return answer


def in_form(request: Request, answer: Answer) -> Answer:
    """A completion's content as the request wants it: in a tool call where it offers one."""
    if request.form != "tools" or not isinstance(answer.body, dict) or answer.status != 200:
        return answer
    content = answer.body["choices"][0]["message"]["content"]
    return tool_call(content, name=request.schema["title"])


def failure(status: int, message: str, **headers: str) -> Answer:
    """An error in OpenAI's shape; header names are written with `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer({"error": {"message": message, "type": "error"}}, status, named)


Respond = Callable[[Request], Answer]


class OpenAIServer:
    """`requests` holds what came in, in order; `url` is the base address for a client.

    `left`: requests whose client went away while they were answered in pieces.
    """

    def __init__(self, script: Iterable[Answer] | Respond) -> None:
        self.requests: list[Request] = []
        self.left: list[Request] = []
        self._connections: list[socket.socket] = []
        self._respond = script if callable(script) else _one_by_one(script)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def hung_up(self, number: int) -> bool:
        """Whether the client of this request, answered in pieces, has closed its connection."""
        with contextlib.suppress(OSError, ValueError):
            connection = self._connections[number]
            readable, _, _ = select.select([connection], [], [], 0)
            return bool(readable) and not connection.recv(1, socket.MSG_PEEK)
        return True

    def serve(self) -> None:
        self._http.serve_forever(poll_interval=0.01)

    def stop(self) -> None:
        self._stopping.set()
        self._http.shutdown()
        self._http.server_close()

    def _answer(self, request: Request) -> Answer:
        with self._lock:
            self.requests.append(request)
            return self._respond(request)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                request = Request(self.path, dict(self.headers), json.loads(raw))
                answer = server._answer(request)
                if answer.pieces:
                    with contextlib.suppress(ConnectionError):
                        self._send_pieces(request, answer.pieces)
                    return
                server._stopping.wait(answer.delay)
                body = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
                if answer.streams and request.body.get("stream"):
                    assert isinstance(answer.body, dict)
                    counted = "stream_options" in request.body
                    body = events_of(chunks_of(answer.body, counted=counted))
                    answer = replace(answer, content_type="text/event-stream")
                # A client that gave up waiting is what some tests are about.
                with contextlib.suppress(ConnectionError):
                    self._send(answer, body.encode())

            def _send(self, answer: Answer, body: bytes) -> None:
                if answer.reset:
                    # Closing without time to linger sends a reset.
                    linger = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    self.connection.close()
                    return
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(body)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body[: answer.cut])

            def _send_pieces(self, request: Request, pieces: Sequence[bytes | float]) -> None:
                server._connections.append(self.connection)
                for piece in pieces:
                    if isinstance(piece, bytes):
                        self.wfile.write(piece)
                    elif self._alone_within(piece):
                        server.left.append(request)
                        return

            def _alone_within(self, seconds: float) -> bool:
                """Whether the client goes away within so many seconds."""
                until = time.monotonic() + seconds
                while (left := until - time.monotonic()) > 0 and not server._stopping.is_set():
                    readable, _, _ = select.select([self.connection], [], [], min(left, 0.05))
                    if readable:
                        return not self.connection.recv(1, socket.MSG_PEEK)
                return False

            def finish(self) -> None:
                # What was reset can't be flushed.
                with contextlib.suppress(OSError, ValueError):
                    super().finish()

            def log_message(self, format: str, *args: object) -> None:
                """Silence: the base class writes every request to stderr."""

        return Handler


def _one_by_one(script: Iterable[Answer]) -> Respond:
    answers = iter(script)
    exhausted = failure(418, "the test's script has no further answer")
    return lambda _request: next(answers, exhausted)


@contextmanager
def openai_server(script: Iterable[Answer] | Respond) -> Iterator[OpenAIServer]:
    """A running server: answers one by one, or as `script(request)` says."""
    server = OpenAIServer(script)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(timeout=5)


def obliging(request: Request) -> Answer:
    """A model that answers every draft and revision soundly: for runs from end to end.

    It drafts two groups (and one more for classes still alike), gives the options to classes in
    turn, and proposes other words for the first group's prompt.
    """
    kind = request.schema["title"]
    if kind == "GroupsReply":
        return chat(
            {
                "groups": [
                    {
                        "name": "dominant_color",
                        "prompt": "Its body is mainly {} in color.",
                        "options": ["white", "gray", "red"],
                    },
                    {
                        "name": "body_shape",
                        "prompt": "The body shape is {}.",
                        "options": ["round", "long"],
                    },
                ]
            }
        )
    if kind == "SeparatingReply":
        pattern = {"name": "pattern", "prompt": "Its skin is {}.", "options": ["plain", "striped"]}
        return chat({"new_groups": [pattern]})
    if kind == "RulesReply":
        options = _options_asked(request)
        rules = {
            class_key: {key: o[i % len(o)] for key, o in options.items()}
            for i, class_key in enumerate(asked_classes(request))
        }
        return chat({"rules": rules})
    group = request.text.partition('{"name": "')[2].partition('"')[0]
    edit = {"kind": "set_prompt", "group": group, "prompt": "a picture of something {}"}
    return chat({"proposals": [{"reason": "Plainer words.", "edits": [edit]}]})


def _options_asked(request: Request) -> dict[str, list[str]]:
    """The options of each group whose rules a request asks for, by its property."""
    rule, *_ = request.schema["properties"]["rules"]["properties"].values()
    defined = request.schema["$defs"]
    refs = {key: ref["$ref"].rpartition("/")[2] for key, ref in rule["properties"].items()}
    return {key: defined[name]["enum"] for key, name in refs.items()}


def asked_classes(request: Request) -> dict[str, str]:
    """The classes whose rules a request asks for, by their keys in the answer."""
    rules = request.schema["properties"]["rules"]["properties"]
    return {key: rule["description"] for key, rule in rules.items()}
