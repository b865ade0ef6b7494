"""The live transport: instructor and openai against any OpenAI-compatible endpoint.

Instructor writes the schema into the request and reads the answer back. Each request it makes
goes through `LiveTransport._exchange`, which logs it and names what is wrong with an answer.
"""

import json
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
from builder.llm.address import is_near
from builder.llm.answer_formats import AnswerFormat, AnswerFormats
from builder.llm.call_log import LoggedTransport, OpenCall
from builder.llm.cancel import Cancellation, Stopped
from builder.llm.cost import LEAST_OUTPUT, MOST_OUTPUT
from builder.llm.endpoint import CAPS, Endpoint, Pause
from builder.llm.envelopes import Said, message_of, said_in
from builder.llm.events import LLMEvent, Waiting
from builder.llm.failures import CapRefused, CapUnknown, NoAnswer, SchemaIgnored
from builder.llm.schemas import Reply, problem_of, short
from builder.llm.settings import ModelSettings
from builder.llm.silence import Silence
from builder.llm.transcript import Question, Usage
from builder.llm.transport import ReplyT, UnusableAnswer

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
    reply_model: type[Reply]
    form: AnswerFormat
    cancellation: Cancellation
    wrong_tool: str = field(default="")


class LiveTransport(LoggedTransport):
    """Asks the model `settings.spec` at an endpoint; calls may be made from several threads.

    The answer format is found out (see `AnswerFormats`). An unreadable answer is asked for
    again `reasks` times with the error. A failure that may pass is tried again up to `retries`
    times, after the time that the endpoint asks for, which all calls keep, or after `backoff`
    seconds, doubled each time; where no answer came in the form before, it is a reason for the
    next form, if it may be due to the form. A draft that was broken off is taken up from the
    transcript. `silence`: in place of what the settings allow.
    Raises InputError for a url that is none, LLMError where a key is needed and none is set.
    """

    def __init__(
        self,
        settings: ModelSettings,
        emit: Callable[[LLMEvent], None],
        *,
        silence: Silence | None = None,
        retries: int = 4,
        reasks: int = 2,
        backoff: float = 0.5,
    ) -> None:
        silence = silence or Silence.allowed(settings.timeout, near=is_near(settings.url))
        self._endpoint = Endpoint(settings.url, settings.spec, silence, retries)
        super().__init__(settings, emit, self._endpoint.secret)
        self._modes = AnswerFormats(
            f"{self._endpoint.shown} {self._model}", settings.modes_file, emit
        )
        self._reasks = reasks
        self._backoff = backoff
        self._pause = Pause()
        self._cap = _Cap(self._endpoint.cap_name, MOST_OUTPUT)
        self._adjusting = threading.Lock()

    def _answer(
        self, question: Question, reply_model: type[ReplyT], cancellation: Cancellation
    ) -> ReplyT:
        return self._modes.answer(
            lambda form, proven: self._create(
                _Asked(question, reply_model, form, cancellation), reply_model, proven
            )
        )

    def _create(self, asked: _Asked, reply_model: type[ReplyT], proven: bool) -> ReplyT:
        create: Any = instructor.patch(
            create=partial(self._persistently, asked), mode=asked.form.mode
        )
        try:
            found: ReplyT = create(
                model=self._model,
                messages=asked.question.messages,
                response_model=reply_model,
                max_retries=self._reasks if proven else 0,
                **_more(asked.form, asked.question.schema),
            )
            return found
        except InstructorRetryException as error:
            # Its text holds whole completions; the cause is what happened.
            cause = error.__cause__
        if isinstance(cause, LLMError):
            raise cause
        problem = self._endpoint.scrub(_problem(cause, asked.wrong_tool))
        if not proven:
            raise SchemaIgnored(
                f"the answer is not {asked.form.words} ({problem})",
                hint="Try again, or try another model.",
            )
        raise UnusableAnswer(
            f"The answers of {self._model} do not have the form asked for: {problem}.",
            hint="Try again, or try another model"
            + ("; llm.jsonl holds the answers." if self._record_to is not None else "."),
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
                if failure.unproven is not None and not self._modes.answered(asked.form):
                    raise self._endpoint.without_secret(failure.unproven) from failure
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
            unknown = isinstance(refusal, CapUnknown)
            if unknown and sent.name == self._endpoint.cap_name:
                other = next(name for name in CAPS if name != sent.name)
                self._cap = replace(sent, name=other)
            elif not unknown and sent.most > LEAST_OUTPUT:
                self._cap = replace(sent, most=LEAST_OUTPUT)
            else:
                raise refusal

    def _exchange(self, asked: _Asked, request: dict[str, Any], cap: _Cap) -> ChatCompletion:
        """One request, booked whatever comes of it. Raises LLMError."""
        question, cancellation = asked.question, asked.cancellation
        cancellation.check()
        sent, messages = _text(request), request["messages"]
        call = self.open(question, asked.form.value, sent, messages, cancellation, cap.most)
        most = call.reservation.most_output
        capped = {cap.name: most} if most is not None else {}
        try:
            completion = self._endpoint.send(
                request | capped, cancellation, partial(self.streamed, call)
            )
        except (LLMError, KeyboardInterrupt) as error:
            stopped = isinstance(error, Stopped | KeyboardInterrupt)
            at_work = stopped or (isinstance(error, NoAnswer) and error.at_work)
            self.failed(call, getattr(error, "message", "stopped"), at_work=at_work)
            raise
        self._book(asked, call, completion)
        return completion

    def _book(self, asked: _Asked, call: OpenCall, completion: ChatCompletion) -> None:
        """Logs an answer and makes it one to read. Raises LLMError for what is none."""
        said = said_in(completion)
        failure = self._endpoint.failures.in_answer(completion, said)
        usage = Usage.counted(completion.usage)
        # Instructor adds them up, and fails where they are no numbers.
        completion.usage = None
        text = said.text(called=asked.form is AnswerFormat.TOOLS) if said else None
        ended = said.finish_reason if said else None
        error = failure.message if failure else None
        self.answered(call, text, usage, finish_reason=ended, error=error)
        if failure is not None or said is None:
            raise self._endpoint.without_secret(failure or self._endpoint.failures.unreadable())
        readable = self._endpoint.scrub(transcript.writable(text or ""))
        completion.choices[0].message = self._made_readable(asked, said, readable)

    def _made_readable(self, asked: _Asked, said: Said, text: str) -> ChatCompletionMessage:
        """The answer where instructor looks for it, and nothing else."""
        called, ours = asked.form is AnswerFormat.TOOLS, asked.question.schema["title"]
        asked.wrong_tool = said.tool if called and said.tool != ours else ""
        if asked.wrong_tool:
            # Instructor would take any tool's arguments for an answer.
            return message_of("")
        return message_of(asked.reply_model.json_in(text), ours if called else "")


def _problem(cause: BaseException | None, wrong_tool: str) -> str:
    if isinstance(cause, ValidationError):
        return problem_of(cause)
    if wrong_tool:
        return f"it called a tool {short(wrong_tool, 60)!r} that was not offered"
    return short(str(cause)) if isinstance(cause, ValueError) else type(cause).__name__


def _text(request: dict[str, Any]) -> str:
    """All that a request says, schema included, to estimate its tokens from."""
    form = request.get("extra_body") or request.get("response_format") or request.get("tools")
    return json.dumps([request["messages"], form], ensure_ascii=False)


def _more(form: AnswerFormat, schema: dict[str, Any]) -> dict[str, Any]:
    """What a request says of its form beyond what instructor writes; extra_body wins."""
    name = schema["title"]
    wanted: dict[AnswerFormat, dict[str, Any]] = {
        AnswerFormat.STRICT: {
            "type": "json_schema",
            "json_schema": {"name": name, "schema": schema, "strict": True},
        },
        AnswerFormat.OBJECT: {"type": "json_object", "schema": schema},
    }
    return {"extra_body": {"response_format": wanted[form]}} if form in wanted else {}
