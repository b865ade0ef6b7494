"""The live transport: instructor and openai against any OpenAI-compatible endpoint.

Instructor writes the schema into the request and reads the answer back. Each request it makes
goes through `LiveTransport._exchange`, which records it and names what is wrong with an answer.
"""

import logging
import os
import ssl
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import instructor
import openai
from instructor.core import InstructorRetryException
from openai.types.chat import ChatCompletion
from pydantic import ValidationError

from builder.errors import LLMError
from builder.llm import transcript
from builder.llm.address import endpoint, is_local, malformed, shown
from builder.llm.events import CallFinished, CallReused, CallStarted, LLMEvent, ModeFallback
from builder.llm.failures import (
    KEY_VARIABLE,
    SchemaRefused,
    explained,
    failure_in,
    first_choice,
    unreadable,
)
from builder.llm.schemas import problem_of
from builder.llm.transcript import Exchange, Usage, request_key
from builder.llm.transport import Message, ReplyT

# Both log requests, instructor whole completions as errors: that would break the screen.
for _name in ("instructor", "httpx"):
    logging.getLogger(_name).addHandler(logging.NullHandler())
    logging.getLogger(_name).propagate = False


class LiveTransport:
    """Asks a model at an endpoint, one request at a time.

    A strict JSON schema is asked for first. If the endpoint refuses it, or its first answer ignores
    it, the schema goes into the prompt instead (instructor's MD_JSON, which needs nothing but chat)
    for the rest of this object's life. An answer that can't be read at all is asked again
    `reasks` times with the error. Finished parts of a broken-off draft in `record_to` are reused.

    `timeout`: seconds for one request; None means 120, or 600 on this machine, where a model may
    write ten tokens a second. `network_retries`: of the openai client, with its waiting times.
    Raises InputError for a url that is none, LLMError where a key is needed and none is set.
    """

    def __init__(
        self,
        model: str,
        url: str | None,
        record_to: Path | None,
        emit: Callable[[LLMEvent], None],
        *,
        timeout: float | None = None,
        network_retries: int = 2,
        reasks: int = 2,
    ) -> None:
        self._model = model
        self._url = _address(url)
        self._shown_url = shown(url)
        self._local = is_local(url)
        self._secret = _key(self._shown_url, needed=not self._local)
        self._timeout = timeout if timeout is not None else (600.0 if self._local else 120.0)
        self._network_retries = network_retries
        self._reasks = reasks
        self._record_to = record_to
        self._emit = emit
        self._paid = _finished_drafts(record_to)
        self._tls = _certificates(self._url)
        self._strict = True
        self._strict_proven = False

    def complete(self, purpose: str, messages: list[Message], reply_model: type[ReplyT]) -> ReplyT:
        key = request_key(purpose, messages, reply_model.model_json_schema())
        if (paid := self._reused(key, reply_model)) is not None:
            self._emit(CallReused(purpose))
            return paid
        try:
            return self._create(purpose, key, messages, reply_model)
        except SchemaRefused as refusal:
            if not self._strict:
                raise
            self._strict = False
            self._emit(ModeFallback(refusal.message))
        return self._create(purpose, key, messages, reply_model)

    def _reused(self, key: str, reply_model: type[ReplyT]) -> ReplyT | None:
        while self._paid[key]:
            try:
                return reply_model.model_validate_json(self._paid[key].pop(0), strict=True)
            except ValidationError:
                continue
        return None

    def _create(
        self, purpose: str, key: str, messages: list[Message], reply_model: type[ReplyT]
    ) -> ReplyT:
        schema = reply_model.model_json_schema()
        mode = instructor.Mode.JSON_SCHEMA if self._strict else instructor.Mode.MD_JSON
        unproven = self._strict and not self._strict_proven
        create: Any = instructor.patch(
            create=partial(self._exchange, purpose, key, mode.value, schema), mode=mode
        )
        try:
            reply: ReplyT = create(
                model=self._model,
                messages=messages,
                response_model=reply_model,
                max_retries=0 if unproven else self._reasks,
                **({"extra_body": _strict_format(schema)} if self._strict else {}),
            )
        except InstructorRetryException as error:
            # Its text holds whole completions; the cause is what happened.
            cause = error.__cause__
        else:
            self._strict_proven = self._strict
            return reply
        if isinstance(cause, LLMError):
            raise cause
        problem = problem_of(cause) if isinstance(cause, ValidationError) else type(cause).__name__
        if unproven:
            raise SchemaRefused(f"the answer ignores the JSON schema ({self._scrub(problem)})")
        raise LLMError(
            f"The answers of {self._model} do not have the form asked for: {self._scrub(problem)}.",
            hint="Try again, or try another model; llm.jsonl holds the answers.",
        ) from cause

    def _exchange(
        self, purpose: str, key: str, mode: str, schema: dict[str, Any], **request: Any
    ) -> ChatCompletion:
        """One request, recorded whatever comes of it. Raises LLMError."""
        self._emit(CallStarted(purpose))
        begun = time.monotonic()
        entry = Exchange(
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            purpose=purpose,
            key=key,
            model=self._model,
            mode=mode,
            messages=request["messages"],
            schema=schema,
        )
        try:
            completion = self._send(request)
        except LLMError as error:
            self._record(entry, seconds=time.monotonic() - begun, error=error.message)
            raise
        except KeyboardInterrupt:
            self._record(entry, seconds=time.monotonic() - begun, error="stopped")
            raise
        seconds = time.monotonic() - begun
        failure = failure_in(completion, url=self._shown_url, model=self._model)
        usage = Usage(
            prompt_tokens=_count(completion.usage, "prompt_tokens"),
            completion_tokens=_count(completion.usage, "completion_tokens"),
        )
        # Instructor 1.15 adds them up, and fails where they are no numbers.
        completion.usage = None
        self._record(
            entry,
            **_outcome(completion),
            usage=usage,
            seconds=seconds,
            error=failure.message if failure else None,
        )
        self._emit(CallFinished(purpose, usage.prompt_tokens, usage.completion_tokens, seconds))
        if failure is not None:
            raise self._without_secret(failure)
        message = completion.choices[0].message
        message.content = self._scrub(transcript.writable(message.content or ""))
        return completion

    def _send(self, request: dict[str, Any]) -> ChatCompletion:
        # A connection per request: next to the seconds of an answer it costs nothing, and there
        # is nothing to close later. A proxy is never asked for an address on this machine.
        client = openai.OpenAI(
            api_key=self._secret or "unused",
            base_url=self._url,
            timeout=self._timeout,
            max_retries=self._network_retries,
            http_client=openai.DefaultHttpxClient(trust_env=not self._local, verify=self._tls),
        )
        try:
            with client:
                completion = client.chat.completions.create(**request)
        except openai.OpenAIError as error:
            failure = explained(
                error, url=self._shown_url, model=self._model, timeout=self._timeout
            )
            raise self._without_secret(failure) from _emptied(error, self._scrub)
        except ValueError as error:
            raise unreadable(self._shown_url) from error
        if not isinstance(completion, ChatCompletion):
            raise unreadable(self._shown_url)
        return completion

    def _record(self, entry: Exchange, **outcome: Any) -> None:
        if self._record_to is not None:
            transcript.append(
                self._record_to, entry.model_copy(update=outcome), hidden=self._secret
            )

    def _scrub(self, text: str) -> str:
        return transcript.scrubbed(text, self._secret)

    def _without_secret(self, failure: LLMError) -> LLMError:
        return type(failure)(self._scrub(failure.message), hint=failure.hint)


def _emptied(error: openai.OpenAIError, scrub: Callable[[str], str]) -> openai.OpenAIError:
    """The same exception without secrets: endpoints send a refused key back in their message."""
    error.args = tuple(scrub(str(argument)) for argument in error.args)
    if isinstance(error, openai.APIError):
        error.message = scrub(error.message)
        error.body = None
    return error


def _outcome(completion: ChatCompletion) -> dict[str, str | None]:
    first = first_choice(completion)
    if first is None:
        return {}
    finish: object = first.finish_reason
    return {
        "reply": first.message.content,
        "finish_reason": finish if isinstance(finish, str) else None,
    }


def _count(usage: object, name: str) -> int | None:
    """Tokens as the endpoint counts them; None for what is no count."""
    count = getattr(usage, name, None)
    return count if type(count) is int and count >= 0 else None


def _key(shown_url: str, *, needed: bool) -> str:
    """The API key, "" where none is set and none is needed. Raises LLMError."""
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key and needed:
        raise LLMError(
            f"{shown_url} needs an API key, and {KEY_VARIABLE} is not set.",
            hint=f"Set {KEY_VARIABLE} in the environment (to any word if the endpoint wants "
            "no key), or go on without a model: --llm none.",
        )
    if not key.isascii() or not key.isprintable():
        raise LLMError(
            f"The API key in {KEY_VARIABLE} holds characters that can't be sent in a header.",
            hint="Copy the key again: letters, digits and signs of ASCII, all on one line.",
        )
    return key


def _address(url: str | None) -> str:
    """The address to send to. Raises InputError."""
    address = endpoint(url).geturl()
    try:
        httpx.URL(address)
    except httpx.InvalidURL as error:
        raise malformed(url) from error
    return address


def _certificates(url: str) -> ssl.SSLContext:
    # Loading them takes a while and plain http has no use for them. The empty context trusts
    # nobody, so that a redirect to https fails instead of going unchecked.
    if url.startswith("https:"):
        return httpx.create_ssl_context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _strict_format(schema: dict[str, Any]) -> dict[str, Any]:
    # Instructor writes the same without "strict"; what stands in extra_body wins.
    name = schema["title"]
    wanted = {"name": name, "schema": schema, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": wanted}}


def _finished_drafts(record_to: Path | None) -> defaultdict[str, list[str]]:
    """Request key -> replies of first askings; what was asked again is better asked anew."""
    replies: defaultdict[str, list[str]] = defaultdict(list)
    if record_to is not None and record_to.exists():
        for exchange in transcript.read(record_to).exchanges:
            first = exchange.purpose.startswith("draft") and not exchange.purpose.endswith("again")
            if first and exchange.reply is not None:
                replies[exchange.key].append(exchange.reply)
    return replies
