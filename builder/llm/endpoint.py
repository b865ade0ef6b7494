"""One address and its key: requests go out, answers come back as openai's values."""

import os
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import httpx
import openai
from openai.types.chat import ChatCompletion

from builder.errors import LLMError
from builder.llm import transcript
from builder.llm.address import endpoint, is_local, malformed, shown
from builder.llm.cancel import Cancellation
from builder.llm.failures import KEY_VARIABLE, Failures, Moved, Unfit
from builder.llm.schemas import short
from builder.llm.silence import Alarm, Silence
from builder.llm.streaming import completion_of, tokens_in

# 25 rules take 10 kB; nobody's answer takes four megabytes.
MOST_BYTES = 4_000_000
# In a stream a token of four bytes comes in three hundred.
_WRAPPING = 25
CAPS = ("max_completion_tokens", "max_tokens")
# To reach a server at all. Seconds.
_CONNECTING = 10.0
# How an answer in pieces is asked for, with its count of tokens; what is refused is left out.
_STREAMING: tuple[dict[str, Any], ...] = (
    {"stream": True, "stream_options": {"include_usage": True}},
    {"stream": True},
    {},
)
_STREAM = re.compile(r"\bstream|include_usage")
_OPTIONS = re.compile("stream_options|include_usage")
_UNKNOWN_PARAMETER = (400, 404, 405, 422, 501)
_NO_ANSWER = (openai.OpenAIError, httpx.HTTPError, Unfit, ValueError, RecursionError)


class Endpoint:
    """A model at an OpenAI-compatible address.

    `silence`: how long it may be silent. `retries`: for failures that may pass (see NoAnswer).
    Raises InputError for a url that is none, LLMError where a key is needed and none is set.
    """

    def __init__(self, url: str | None, model: str, silence: Silence, retries: int) -> None:
        self._url, self._query = _address(url)
        self.shown = shown(url)
        self.local = is_local(url)
        self.secret = _key(self.shown, needed=not self.local)
        self._silence = silence
        self.failures = Failures(self.shown, model, retries)
        self._tls = _certificates(self._url)
        # How far down in _STREAMING the endpoint made us go.
        self._refused = 0

    @property
    def cap_name(self) -> str:
        """The parameter that limits output tokens: OpenAI renamed it, others know the old one."""
        ours = httpx.URL(self._url).host.endswith(("openai.com", "openai.azure.com"))
        return CAPS[0] if ours else CAPS[1]

    def send(
        self, request: dict[str, Any], cancellation: Cancellation, on_tokens: Callable[[int], None]
    ) -> ChatCompletion:
        """One request, made once; again only where it was refused for asking to stream.

        `on_tokens`: told of tokens as they come, about how many. When this ends, the connection
        is closed, so that a server works on no answer that nobody waits for.
        Raises NoAnswer, SchemaRefused, CapRefused, Stopped.
        """
        while True:
            refused = self._refused
            try:
                return self._sent(request, _STREAMING[refused], cancellation, on_tokens)
            except openai.OpenAIError as error:
                further = _less(error, refused)
                if further == refused:
                    capped = not request.keys().isdisjoint(CAPS)
                    failure = self.failures.explained(error, capped=capped)
                    raise self.without_secret(failure) from _emptied(error, self.scrub)
                self._refused = max(self._refused, further)

    def _sent(
        self,
        request: dict[str, Any],
        streaming: dict[str, Any],
        cancellation: Cancellation,
        on_tokens: Callable[[int], None],
    ) -> ChatCompletion:
        sockets: set[Any] = set()
        alarm = Alarm(self._silence, sockets)

        def on_words(words: str, last: bool) -> None:
            alarm.word(last=last)
            if words:
                on_tokens(tokens_in(words))

        # As fields that openai passes on unread: what comes is read here.
        body = request.get("extra_body", {}) | streaming
        try:
            with self._client(sockets, cancellation) as client:
                create = client.chat.completions.with_streaming_response.create
                with alarm, create(**request | {"extra_body": body}) as response:
                    return completion_of(_heard(response.iter_bytes(), alarm), on_words)
        except _NO_ANSWER as error:
            cancellation.check()
            if alarm.rang is not None:
                raise self.failures.silent(alarm.rang, begun=alarm.begun) from None
            if isinstance(error, httpx.HTTPError | Unfit):
                lost = openai.APIConnectionError(request=httpx.Request("POST", self._url))
                raise lost from error
            if isinstance(error, openai.OpenAIError):
                raise
            failure = self.failures.unreadable(getattr(error, "doc", None))
            raise self.without_secret(failure) from error
        finally:
            cancellation.forget(sockets)

    def _client(self, sockets: set[Any], cancellation: Cancellation) -> openai.OpenAI:
        # A connection per request: next to the seconds of an answer it costs nothing, and there
        # is nothing to close later. A proxy is never asked for an address on this machine.
        connecting = min(self._silence.first, _CONNECTING)
        # Who wants a version in the address (Azure) wants the key in a header of its own.
        azure = {"api-key": self.secret} if self._query and self.secret else {}
        watch = partial(_watch, sockets=sockets, cancellation=cancellation)
        return openai.OpenAI(
            api_key=self.secret or "unused",
            base_url=self._url,
            timeout=httpx.Timeout(None, connect=connecting),
            max_retries=0,
            default_query=self._query,
            # Compressed, a short reply could be a very long one.
            default_headers={"Accept-Encoding": "identity"} | azure,
            http_client=openai.DefaultHttpxClient(
                trust_env=not self.local,
                verify=self._tls,
                event_hooks={"request": [watch], "response": [_limit]},
            ),
        )

    def scrub(self, text: str) -> str:
        return transcript.scrubbed(text, self.secret)

    def without_secret(self, failure: LLMError) -> LLMError:
        failure.message = self.scrub(failure.message)
        failure.args = (failure.message,)
        return failure


class Pause:
    """A waiting time that an endpoint asked of one call, and that all calls to it keep."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until = 0.0

    def ask(self, seconds: float) -> None:
        with self._lock:
            self._until = max(self._until, time.monotonic() + seconds)

    def keep(self, cancellation: Cancellation) -> None:
        """Returns when the time is over. Raises Stopped."""
        while (left := self._until - time.monotonic()) > 0:
            cancellation.wait(left)


def _watch(request: httpx.Request, *, sockets: set[Any], cancellation: Cancellation) -> None:
    """Makes the connections of a request known to `cancellation`, and adds them to `sockets`."""

    def trace(name: str, info: dict[str, Any]) -> None:
        # The names of httpcore's events; TLS puts another socket in the place of the first.
        if name.endswith(("connect_tcp.complete", "start_tls.complete")):
            connection = info["return_value"].get_extra_info("socket")
            if connection is not None:
                sockets.add(connection)
                cancellation.watch(connection)

    request.extensions = {**request.extensions, "trace": trace}


def _less(error: openai.OpenAIError, refused: int) -> int:
    """How far down _STREAMING the endpoint sends us; `refused` where something else is wrong."""
    if not isinstance(error, openai.APIStatusError):
        return refused
    words = str(error.body).lower()
    if error.status_code not in _UNKNOWN_PARAMETER or not _STREAM.search(words):
        return refused
    return 1 if refused == 0 and _OPTIONS.search(words) else 2


def _heard(pieces: Iterable[bytes], alarm: Alarm) -> Iterator[bytes]:
    for piece in pieces:
        alarm.byte()
        yield piece


def _limit(response: httpx.Response) -> None:
    """Limits how much of a reply is read. Raises Unfit.

    A redirect is followed only to the same server, and only where the question goes along.
    """
    if response.has_redirect_location:
        _check_redirect(response)
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise Unfit(f"compressed ({short(encoding, 40)}), which was not asked for")
    streamed = "event-stream" in response.headers.get("content-type", "")
    if isinstance(response.stream, httpx.SyncByteStream):
        most = MOST_BYTES * (_WRAPPING if streamed else 1)
        response.stream = _Limited(response.stream, most)


def _check_redirect(response: httpx.Response) -> None:
    """Raises Moved."""
    location = response.headers["location"]
    try:
        target = response.url.join(location)
    except httpx.InvalidURL:
        raise Moved(f"to {short(location, 100)!r}, which is no address") from None
    here = (response.url.scheme, response.url.host, response.url.port)
    if (target.scheme, target.host, target.port) != here or response.status_code < 307:
        # What stands after the path may be a secret.
        place = short(shown(str(target)).removesuffix("/chat/completions"), 100)
        raise Moved(f"to {place} ({response.status_code})")


class _Limited(httpx.SyncByteStream):
    """A stream that is given up after `most` bytes: it is read into memory."""

    def __init__(self, stream: httpx.SyncByteStream, most: int) -> None:
        self._stream = stream
        self._most = most

    def __iter__(self) -> Iterator[bytes]:
        count = 0
        for chunk in self._stream:
            count += len(chunk)
            if count > self._most:
                raise Unfit(f"with more than {self._most / 1e6:g} MB; that is no answer")
            yield chunk

    def close(self) -> None:
        self._stream.close()


def _emptied(error: openai.OpenAIError, scrub: Callable[[str], str]) -> openai.OpenAIError:
    """The same exception without secrets: endpoints send a refused key back in their message."""
    error.args = tuple(scrub(str(argument)) for argument in error.args)
    if isinstance(error, openai.APIError):
        error.message = scrub(error.message)
        error.body = None
    return error


def _key(shown_url: str, *, needed: bool) -> str:
    """The API key, "" where none is set and none is needed. Raises LLMError."""
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key and needed:
        raise LLMError(
            f"{shown_url} needs an API key, and {KEY_VARIABLE} is not set.",
            hint=f"Set {KEY_VARIABLE} in the environment (to any word if the endpoint wants "
            "no key), or go on without a model: --llm none (optimize: --optimizer greedy).",
        )
    if not key.isascii() or not key.isprintable():
        raise LLMError(
            f"The API key in {KEY_VARIABLE} holds characters that can't be sent in a header.",
            hint="Copy the key again: letters, digits and signs of ASCII, all on one line.",
        )
    return key


def _address(url: str | None) -> tuple[str, dict[str, object]]:
    """The address to send to, and its query, which goes with every request. Raises InputError."""
    parts = endpoint(url)
    address = parts._replace(query="").geturl()
    try:
        httpx.URL(address)
    except httpx.InvalidURL as error:
        raise malformed(url) from error
    return address, dict(parse_qsl(parts.query))


def _certificates(url: str) -> ssl.SSLContext:
    # Loading them takes a while and plain http has no use for them. The empty context trusts
    # nobody, so that a redirect to https fails instead of going unchecked.
    if url.startswith("https:"):
        return httpx.create_ssl_context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
