"""The live transport: instructor and openai against any OpenAI-compatible endpoint.

Instructor writes the schema into the request and reads the answer back. Each request it makes
goes through `LiveTransport._exchange`, which logs it and names what is wrong with an answer.
"""

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import instructor
from instructor.core import InstructorRetryException
from openai.types.chat import ChatCompletion, ChatCompletionMessage
from pydantic import ValidationError

from builder.errors import LLMError
from builder.llm import transcript
from builder.llm.answer_formats import AnswerFormat, AnswerFormats
from builder.llm.call_log import CallLog, OpenCall, Question
from builder.llm.cancel import Cancellation, Stopped
from builder.llm.cost import LEAST_OUTPUT, MOST_OUTPUT, Account
from builder.llm.endpoint import CAPS, Endpoint, Pause
from builder.llm.events import LLMEvent, Waiting
from builder.llm.failures import (
    CapRefused,
    NoAnswer,
    SchemaRefused,
    called_tool,
    failure_in,
    first_choice,
)
from builder.llm.schemas import answer_in, problem_of, short
from builder.llm.settings import ModelSettings
from builder.llm.transcript import Usage
from builder.llm.transport import Message, ReplyT, UnusableAnswer

# Both log requests, instructor whole completions as errors: that would break the screen.
for _name in ("instructor", "httpx"):
    logging.getLogger(_name).addHandler(logging.NullHandler())
    logging.getLogger(_name).propagate = False

_MODE = {
    AnswerFormat.STRICT: instructor.Mode.JSON_SCHEMA,
    AnswerFormat.SCHEMA: instructor.Mode.JSON_SCHEMA,
    AnswerFormat.TOOLS: instructor.Mode.TOOLS,
    AnswerFormat.JSON: instructor.Mode.JSON,
    AnswerFormat.MARKDOWN: instructor.Mode.MD_JSON,
}
_LONGEST_BACKOFF = 16.0


@dataclass(frozen=True, slots=True)
class _Cap:
    """The limit on output tokens: under which name it is sent, and how high it may be."""

    name: str
    most: int


@dataclass(slots=True)
class _Asked:
    """A question in one form. `wrong_tool`: what the last answer called instead of ours."""

    question: Question
    mode: AnswerFormat
    cancellation: Cancellation
    wrong_tool: str = field(default="")


class LiveTransport:
    """Asks the model `settings.spec` at an endpoint; calls may be made from several threads.

    The answer format is found out (see `AnswerFormats`). An unreadable answer is asked for
    again `reasks` times with the error. A failure that may pass is tried again up to `retries`
    times, after the time that the endpoint asks for, which all calls keep, or after `backoff`
    seconds, doubled each time. A draft that was broken off is taken up from the transcript.
    Raises InputError for a url that is none, LLMError where a key is needed and none is set.
    """

    def __init__(
        self,
        settings: ModelSettings,
        emit: Callable[[LLMEvent], None],
        *,
        timeout: float | None = None,
        retries: int = 4,
        reasks: int = 2,
        backoff: float = 0.5,
    ) -> None:
        self._model = settings.spec
        self._endpoint = Endpoint(settings.url, timeout, retries)
        self._call_log = CallLog(
            self._model,
            settings.transcript,
            emit,
            price=settings.price,
            limits=settings.limits,
            secret=self._endpoint.secret,
            heard=settings.revisions_heard,
        )
        self._modes = AnswerFormats(
            f"{self._endpoint.shown} {self._model}", settings.modes_file, emit
        )
        self._reasks = reasks
        self._backoff = backoff
        self._emit = emit
        self._pause = Pause()
        self._cancellation = Cancellation()
        self._cap = _Cap(self._endpoint.cap_name, MOST_OUTPUT)
        self._adjusting = threading.Lock()
        self._kept = settings.transcript is not None

    @property
    def account(self) -> Account:
        return self._call_log.account

    def stop(self) -> None:
        """Ends the calls in flight, which raise Stopped. Later calls are made as ever."""
        cancellation, self._cancellation = self._cancellation, Cancellation()
        cancellation.stop()

    def complete(self, purpose: str, messages: list[Message], reply_model: type[ReplyT]) -> ReplyT:
        # First of all: whatever is stopped from here on ends this call as well.
        cancellation = self._cancellation
        question = Question(purpose, messages, reply_model.model_json_schema())
        if (paid := self._call_log.reused(question, reply_model)) is not None:
            return paid

        def attempt(mode: AnswerFormat, proven: bool) -> ReplyT:
            return self._create(_Asked(question, mode, cancellation), reply_model, proven)

        return self._modes.answer(attempt)

    def _create(self, asked: _Asked, reply_model: type[ReplyT], proven: bool) -> ReplyT:
        create: Any = instructor.patch(
            create=partial(self._persistently, asked), mode=_MODE[asked.mode]
        )
        strict = asked.mode is AnswerFormat.STRICT
        try:
            reply: ReplyT = create(
                model=self._model,
                messages=asked.question.messages,
                response_model=reply_model,
                max_retries=self._reasks if proven else 0,
                **({"extra_body": _strict_format(asked.question.schema)} if strict else {}),
            )
        except InstructorRetryException as error:
            # Its text holds whole completions; the cause is what happened.
            cause = error.__cause__
        else:
            return reply
        if isinstance(cause, LLMError):
            raise cause
        problem = self._endpoint.scrub(_problem(cause, asked.wrong_tool))
        if not proven:
            raise SchemaRefused(f"the answer is not {asked.mode.words} ({problem})", ignored=True)
        raise UnusableAnswer(
            f"The answers of {self._model} do not have the form asked for: {problem}.",
            hint="Try again, or try another model"
            + ("; llm.jsonl holds the answers." if self._kept else "."),
        ) from cause

    def _persistently(self, asked: _Asked, **request: Any) -> ChatCompletion:
        """An answer, after as many tries as its failures are worth. Raises LLMError."""
        tries = 0
        while True:
            self._pause.keep(asked.cancellation)
            cap = self._cap
            try:
                return self._exchange(asked, request, cap)
            except CapRefused as refusal:
                self._adjust_cap(refusal, cap)
            except NoAnswer as failure:
                if tries >= failure.retries:
                    raise
                wait = failure.wait
                if wait is None:
                    wait = min(self._backoff * 2**tries, _LONGEST_BACKOFF)
                tries += 1
                self._emit(Waiting(failure.message, wait))
                if failure.wait is not None:
                    self._pause.ask(wait)
                else:
                    asked.cancellation.wait(wait)

    def _adjust_cap(self, refusal: CapRefused, sent: _Cap) -> None:
        """Raises the refusal of what was `sent` where there is nothing left to adjust."""
        with self._adjusting:
            if self._cap != sent:
                return  # a call beside this one was refused first
            if refusal.unknown and sent.name == self._endpoint.cap_name:
                other = next(name for name in CAPS if name != sent.name)
                self._cap = replace(sent, name=other)
            elif not refusal.unknown and sent.most > LEAST_OUTPUT:
                self._cap = replace(sent, most=LEAST_OUTPUT)
            else:
                raise refusal

    def _exchange(self, asked: _Asked, request: dict[str, Any], cap: _Cap) -> ChatCompletion:
        """One request, booked whatever comes of it. Raises LLMError."""
        asked.cancellation.check()
        call = self._call_log.open(
            asked.question,
            asked.mode.value,
            _text(request),
            request["messages"],
            asked.cancellation,
            cap.most,
        )
        most = call.reservation.most_output
        capped = {cap.name: most} if most is not None else {}
        try:
            completion = self._endpoint.send(request | capped, asked.cancellation)
        except LLMError as error:
            at_work = isinstance(error, Stopped) or (isinstance(error, NoAnswer) and error.at_work)
            self._call_log.failed(call, error.message, at_work=at_work)
            raise
        except KeyboardInterrupt:
            self._call_log.failed(call, "stopped", at_work=True)
            raise
        self._book(asked, call, completion)
        return completion

    def _book(self, asked: _Asked, call: OpenCall, completion: ChatCompletion) -> None:
        """Logs an answer and makes it one to read. Raises LLMError for what is none."""
        failure = failure_in(
            completion,
            url=self._endpoint.shown,
            model=self._model,
            retries=self._endpoint.retries,
        )
        usage = Usage(
            prompt_tokens=_count(completion.usage, "prompt_tokens"),
            completion_tokens=_count(completion.usage, "completion_tokens"),
        )
        # Instructor adds them up, and fails where they are no numbers.
        completion.usage = None
        choice = first_choice(completion)
        finish: object = choice.finish_reason if choice else None
        self._call_log.answered(
            call,
            _said(choice.message, asked.mode) if choice else None,
            usage,
            finish_reason=finish if isinstance(finish, str) else None,
            error=failure.message if failure else None,
        )
        if failure is not None:
            raise self._endpoint.without_secret(failure)
        self._made_readable(asked, completion.choices[0].message)

    def _made_readable(self, asked: _Asked, message: ChatCompletionMessage) -> None:
        if asked.mode is AnswerFormat.TOOLS:
            name, arguments = called_tool(message)
            asked.wrong_tool = name if name != asked.question.schema["title"] else ""
            if asked.wrong_tool or not name:
                # Instructor would take any tool's arguments for an answer.
                message.tool_calls = None
            elif message.tool_calls:
                message.tool_calls = message.tool_calls[:1]
                function: Any = message.tool_calls[0].function  # type: ignore[union-attr]
                function.arguments = self._endpoint.scrub(transcript.writable(arguments))
            return
        text = self._endpoint.scrub(transcript.writable(message.content or ""))
        message.content = answer_in(text, asked.question.schema["required"])


def _problem(cause: BaseException | None, wrong_tool: str) -> str:
    if isinstance(cause, ValidationError):
        return problem_of(cause)
    if wrong_tool:
        return f"it called a tool {short(wrong_tool, 60)!r} that was not offered"
    return short(str(cause)) if isinstance(cause, ValueError) else type(cause).__name__


def _said(message: ChatCompletionMessage, mode: AnswerFormat) -> str | None:
    """What the transcript keeps of an answer: the text, or the arguments of the tool called."""
    if mode is AnswerFormat.TOOLS and message.tool_calls:
        return called_tool(message)[1]
    return message.content


def _text(request: dict[str, Any]) -> str:
    """All that a request says, schema included, to estimate its tokens from."""
    form = request.get("extra_body") or request.get("response_format") or request.get("tools")
    return json.dumps([request["messages"], form], ensure_ascii=False)


def _count(usage: object, name: str) -> int | None:
    """Tokens as the endpoint counts them; None for what is no count."""
    count = getattr(usage, name, None)
    return count if type(count) is int and count >= 0 else None


def _strict_format(schema: dict[str, Any]) -> dict[str, Any]:
    # Instructor writes the same without "strict"; what stands in extra_body wins.
    name = schema["title"]
    wanted = {"name": name, "schema": schema, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": wanted}}
