"""What a server says is shown, whatever it is wrapped in, and the hint fits its cause."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import LLMError
from builder.llm.server_words import all_words, ended, is_page, told, wants_login
from tests.llm.live import GROUPS, SECRET, Live, complete
from tests.openai_server import Answer, chat, failure, openai_server

VALIDATION = [
    {"loc": ["body", "messages", 0], "msg": "field required", "input": {"secret": "all of it"}},
    {"loc": ["body"], "msg": "too short"},
]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"message": "No."}, "No."),
        ({"error": {"message": "No.", "code": 7}}, "No."),
        ({"error": "No."}, "No."),
        ([{"error": {"code": 400, "message": "No."}}], "No."),
        ([{"msg": "One."}, {"msg": "Two."}], "One.; Two."),
        ({"detail": "No."}, "No."),
        ({"detail": VALIDATION}, "body.messages.0: field required; body: too short"),
        ({"errors": [{"detail": "No."}]}, "No."),
        ({"error": {"error": {"message": "No."}}}, "No."),
        ({"message": json.dumps({"error": {"message": "No."}})}, "No."),
        (
            {"message": "Provider failed", "metadata": {"raw": '{"error":{"message":"No."}}'}},
            "Provider failed: No.",
        ),
        ("No.", "No."),
        ("", ""),
        (None, ""),
        (7, ""),
        ({}, ""),
        ([], ""),
        ({"message": 7, "detail": "No."}, "No."),
        ("<!DOCTYPE html><html><head><title>Sorry &amp; bye\n</title>", "Sorry & bye"),
        ("<html><body><h1>502 Bad <i>Gateway</i></h1></body>", "502 Bad Gateway"),
        ("<p>Just so.</p>", "Just so."),
        ("\x1b[31mred\x1b[0m \ud83d", "[31mred[0m"),
        ("[broken", "[broken"),
        ("[" * 200_000, "[" * 199 + "…"),
        ({"message": "x" * 500}, "x" * 199 + "…"),
    ],
)
def test_the_words_of_a_server(body: object, words: str) -> None:
    assert told(body) == words


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["message", "error", "detail", "loc", "x"]), inner)
    ),
)


@given(JSON)
def test_of_any_body_one_short_line_is_shown(body: object) -> None:
    line = told(body)
    assert len(line) <= 200 and len(line.splitlines()) <= 1 and line == line.strip()
    assert all_words(body).islower() or not any(c.isalpha() for c in all_words(body))


def test_what_was_sent_and_comes_back_is_no_word_of_the_server() -> None:
    assert "secret" not in all_words(VALIDATION) and "field required" in all_words(VALIDATION)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("", "."), ("No", ": No."), ("No.", ": No."), ("No! ", ": No!"), ("No…", ": No…")],
)
def test_there_is_one_full_stop(text: str, sentence: str) -> None:
    assert ended(text) == sentence


def test_kinds_of_texts() -> None:
    assert is_page(" <!doctype html>") and is_page("<html>") and not is_page('{"a": "<b>"}')
    assert wants_login('<input type="password">') and wants_login("http://a/login?x=1")
    assert not wants_login("<title>It works!</title>")


def said_of(tmp_path: Path, answer: Answer, requests: int = 1) -> LLMError:
    with openai_server([answer] * 30) as server:
        with pytest.raises(LLMError) as caught:
            complete(Live(server.url, tmp_path))
        assert len(server.requests) == requests
    assert ".." not in caught.value.message and len(caught.value.message) < 500
    return caught.value


@pytest.mark.parametrize(
    "answer",
    [
        Answer('[{"error": {"code": 400, "message": "This key is not known here."}}]', 400),
        failure(400, "API key not valid. Please pass a valid API key."),
        failure(400, "Your credentials were not found"),
        failure(422, "Invalid key"),
        failure(500, "litellm.AuthenticationError: wrong api_key"),
        Answer({"detail": [{"loc": ["header"], "msg": "The key has expired; missing key"}]}, 422),
        failure(401, "no"),
    ],
)
def test_a_key_is_at_fault_whatever_the_status(tmp_path: Path, answer: Answer) -> None:
    error = said_of(tmp_path, answer)
    assert "does not accept the API key" in error.message and "OPENAI_API_KEY" in error.hint


def test_a_key_of_the_schema_is_no_api_key(tmp_path: Path) -> None:
    refusal = failure(400, "Unrecognized: invalid key in response_format")
    with openai_server([refusal, chat(GROUPS)]) as server:
        complete(Live(server.url, tmp_path))
        assert [request.form for request in server.requests] == ["strict", "schema"]


@pytest.mark.parametrize(
    ("answer", "message", "hint"),
    [
        (failure(400, "Your credit balance is too low to go on"), "wants to be paid", "credit"),
        (failure(400, "The request exceeds the available context size"), "too long", "--context"),
        (failure(500, "prompt is too long: 9 > 8 tokens"), "too long", "--context"),
        (failure(413, "Payload Too Large"), "too long for scripted", "--context"),
        (failure(407, "no"), "wants a login", "HTTPS_PROXY"),
        (
            Answer("<html><title>Café</title>", 511, content_type="text/html"),
            "wants a login (511): Café.",
            "open it in a browser",
        ),
        (
            Answer("<html><title>Hotel</title>Please log in", content_type="text/html"),
            "with a web page (Hotel), not in the OpenAI",
            "open it in a browser",
        ),
        (
            Answer("<title>It works!</title>", content_type="text/html"),
            "with a web page (It works!), not in the OpenAI",
            "usually ends in /v1",
        ),
        (Answer("upstream is gone"), "protocol: upstream is gone.", "/v1"),
        (Answer('[{"error": {"message": "No."}}]'), "protocol: No.", "/v1"),
        (Answer({"detail": "No."}), "without an answer: No.", "another model"),
        (Answer({"error": "No."}), "without an answer: No.", "another model"),
    ],
)
def test_the_hint_fits_the_cause(tmp_path: Path, answer: Answer, message: str, hint: str) -> None:
    error = said_of(tmp_path, answer)
    assert message in error.message and hint in error.hint


@pytest.mark.parametrize(
    "answer",
    [
        Answer({"detail": VALIDATION}, 422),
        Answer([{"error": {"message": "No."}}], 400),  # type: ignore[arg-type]
        Answer("No.", 400, content_type="text/plain"),
        Answer("<title>No.</title>", 500, content_type="text/html"),
    ],
)
def test_the_words_are_in_the_message_of_a_refusal(tmp_path: Path, answer: Answer) -> None:
    message = said_of(tmp_path, answer, requests=6).message
    assert "): No. 6 forms" in message or "): body.messages.0: field required" in message


# --- Redirects ------------------------------------------------------------------------------------


@contextmanager
def redirecting(status: int, location: str) -> Iterator[tuple[str, list[str]]]:
    """A server that redirects all but /moved/...; its address, and the paths asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"]))
            moved = self.path.startswith("/moved")
            assert not moved or "Which groups?" in json.loads(body)["messages"][-1]["content"]
            answer = json.dumps(chat(GROUPS).body).encode() if moved else b""
            self.send_response(200 if moved else status)
            if not moved:
                self.send_header("Location", location)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Silence: the base class writes every request to stderr."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1", asked
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("status", [307, 308])
def test_on_the_same_server_a_question_is_sent_on(tmp_path: Path, status: int) -> None:
    with redirecting(status, "/moved/chat/completions") as (url, asked):
        assert len(complete(Live(url, tmp_path)).groups) == 2
    assert asked == ["/v1/chat/completions", "/moved/chat/completions"]


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_redirect_that_drops_the_question_is_told(tmp_path: Path, status: int) -> None:
    told = rf"127\.0\.0\.1:\d+/moved \({status}\); not"
    with (
        redirecting(status, "/moved/chat/completions") as (url, asked),
        pytest.raises(LLMError, match=told) as caught,
    ):
        complete(Live(url, tmp_path))
    assert asked == ["/v1/chat/completions"] and "--llm-url" in caught.value.hint


@pytest.mark.parametrize("status", [302, 307, 308])
def test_nothing_is_sent_on_to_another_server(tmp_path: Path, status: int) -> None:
    def never(_request: Any) -> Answer:
        raise AssertionError("the question went to another server")

    with openai_server(never) as other:
        location = f"{other.url}/chat/completions?token={SECRET}"
        with redirecting(status, location) as (url, _), pytest.raises(LLMError) as caught:
            complete(Live(url, tmp_path, retries=3))
        assert not other.requests
    assert f"sends the request on to {other.url} ({status})" in caught.value.message
    assert SECRET not in caught.value.message and "--llm-url" in caught.value.hint


@pytest.mark.parametrize(
    ("location", "part"),
    [
        ("http://hotel.example/login?next=x", "http://hotel.example/login (302)"),
        ("https://127.0.0.1:1/v1", "https://127.0.0.1:1/v1 (302)"),
        ("http://[::1", "which is no address"),
        ("http://ex\x1bample/", "sends the request on to"),
    ],
)
def test_wherever_it_leads_is_named(tmp_path: Path, location: str, part: str) -> None:
    with redirecting(302, location) as (url, asked), pytest.raises(LLMError) as caught:
        complete(Live(url, tmp_path))
    assert part in caught.value.message and len(asked) == 1
    assert "\x1b" not in caught.value.message
    assert ("log in and try" in caught.value.hint) == ("login" in location)
