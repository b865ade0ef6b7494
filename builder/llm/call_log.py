"""The log of a session's calls: what is reserved, spent, written to llm.jsonl, and told."""

import logging
import math
import threading
import time
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from builder.llm import transcript
from builder.llm.cancel import Cancellation
from builder.llm.cost import MOST_OUTPUT, Account, Reservation, Spent, most_tokens_of, tokens_of
from builder.llm.events import CallFinished, CallReused, CallStarted, CallStreams, LLMEvent
from builder.llm.replay import unheard
from builder.llm.revising import REVISE, REVISE_AGAIN
from builder.llm.settings import ModelSettings
from builder.llm.transcript import Exchange, Question, Usage
from builder.llm.transport import Message, ReplyT

AGAIN = " again"
HALF = " half"
# Seconds between two events on answers in pieces, and before their rate can be told.
_PACE = 0.25
_RATED = 1.0
# Both log requests, instructor whole completions as errors: that would break the screen.
for _name in ("instructor", "httpx"):
    logging.getLogger(_name).addHandler(logging.NullHandler())
    logging.getLogger(_name).propagate = False


@dataclass(slots=True, eq=False)
class OpenCall:
    """A request on its way: its line for the transcript, what it may cost, when it began.

    `streamed`: how many tokens of the answer have come, at least since `first`.
    """

    entry: Exchange
    input_tokens: int
    reservation: Reservation
    begun: float
    streamed: int = 0
    first: float = math.inf


class CallLog:
    """Reserves, charges, writes and tells all calls of one drafter to its model. Thread-safe.

    What the settings' transcript holds of a draft that was broken off is reused, so are revisions
    that the session has not heard, and what it cost counts. `secret`: a key that is kept out of it.
    """

    def __init__(
        self, settings: ModelSettings, emit: Callable[[LLMEvent], None], secret: str = ""
    ) -> None:
        self._record_to = settings.transcript
        past = transcript.earlier(self._record_to)
        before = transcript.spent_in(past, settings.price)
        self.account = Account(settings.price, settings.limits, before)
        self._model = settings.spec
        self._emit = emit
        self._secret = secret
        self._lock = threading.Lock()
        self._answered = _finished_drafts(past)
        for exchange in unheard(past, settings.revisions_heard):
            if exchange.purpose in (REVISE, REVISE_AGAIN) and not exchange.truncated:
                self._answered[exchange.key].append(exchange)
        self._in_flight: list[OpenCall] = []
        self._told = -math.inf

    def reused(self, question: Question, reply_model: type[ReplyT]) -> ReplyT | None:
        """The answer that the transcript holds. Raises TruncatedAnswer where it was cut off."""
        with self._lock:
            recorded = self._answered[question.key]
            while recorded:
                exchange = recorded.pop(0)
                try:
                    reply = exchange.read(reply_model)
                except ValidationError:
                    continue
                # What was asked again in vain is better asked anew.
                if reply.finished or not question.purpose.endswith(AGAIN):
                    self._emit(CallReused(question.purpose))
                    return reply
        return None

    def open(
        self,
        question: Question,
        mode: str,
        sent: str,
        messages: Sequence[Any],
        cancellation: Cancellation,
        most_output: int = MOST_OUTPUT,
    ) -> OpenCall:
        """Before a request goes out. `sent`: all its text, to estimate its tokens from.

        Raises LimitReached, Stopped.
        """
        tokens = tokens_of(sent)
        reservation = self.account.reserve(
            question.purpose, most_tokens_of(sent), cancellation, most_output
        )
        self._emit(CallStarted(question.purpose))
        entry = Exchange.of(question, messages, mode=mode, model=self._model)
        call = OpenCall(entry, tokens, reservation, time.monotonic())
        with self._lock:
            self._in_flight.append(call)
        return call

    def streamed(self, call: OpenCall, tokens: int) -> None:
        """So many more tokens of an answer have come."""
        now = time.monotonic()
        with self._lock:
            call.streamed += tokens
            call.first = min(call.first, now)
            if now - self._told < _PACE:
                return
            self._told = now
            calls = [call for call in self._in_flight if call.streamed]
            purposes = tuple(call.entry.purpose for call in calls)
            streamed = sum(call.streamed for call in calls)
            # Tokens a second.
            rates = [c.streamed / (now - c.first) for c in calls if now - c.first >= _RATED]
            self._emit(CallStreams(purposes, streamed, sum(rates) if rates else None))

    def failed(
        self,
        call: OpenCall,
        why: str,
        *,
        at_work: bool,
        attempts: int = 1,
        usage: Usage | None = None,
    ) -> None:
        """No answer came, or a part. `at_work`: the model may have written it, and be paid for it.

        `attempts`: how often the question was sent; `usage`: what the endpoint counted for all.
        """
        spent = Spent()
        if at_work or call.streamed:
            into, out = (usage.prompt_tokens, usage.completion_tokens) if usage else (None, None)
            spent = self.account.charge(
                into or attempts * call.input_tokens,
                out or call.streamed or call.reservation.most_output or 0,
                estimated=not (into and out),
            )
        self._close(call, spent, error=why)

    def answered(
        self,
        call: OpenCall,
        reply: str | None,
        usage: Usage,
        *,
        finish_reason: str | None = None,
        error: str | None = None,
    ) -> None:
        into, out = usage.prompt_tokens, usage.completion_tokens
        spent = self.account.charge(
            call.input_tokens if into is None else into,
            (tokens_of(reply) if reply else call.streamed) if out is None else out,
            estimated=into is None or out is None,
        )
        seconds = self._close(
            call, spent, reply=reply, finish_reason=finish_reason, usage=usage, error=error
        )
        # Read and told in one go, so that the totals come in their order.
        with self._lock:
            total = self.account.spent
            self._emit(CallFinished(call.entry.purpose, into, out, seconds, spent.cost, total))

    def _close(self, call: OpenCall, spent: Spent, **outcome: Any) -> float:
        self.account.settle(call.reservation, spent)
        seconds = time.monotonic() - call.begun
        with self._lock:
            self._in_flight.remove(call)
        if self._record_to is not None:
            entry = call.entry.model_copy(update={"spent": spent, "seconds": seconds, **outcome})
            # One line at a time, whole.
            with self._lock:
                transcript.append(self._record_to, entry, hidden=self._secret)
        return seconds


class LoggedTransport(CallLog, ABC):
    """A transport that logs its calls, and that can be stopped."""

    def __init__(
        self, settings: ModelSettings, emit: Callable[[LLMEvent], None], secret: str = ""
    ) -> None:
        super().__init__(settings, emit, secret)
        self._cancellation = Cancellation()

    def stop(self) -> None:
        """Stops the calls in flight, which raise Stopped. Later calls are made as ever."""
        cancellation, self._cancellation = self._cancellation, Cancellation()
        cancellation.stop()

    def complete(self, purpose: str, messages: list[Message], reply_model: type[ReplyT]) -> ReplyT:
        # First of all: whatever is stopped from here on ends this call as well.
        cancellation = self._cancellation
        question = Question(purpose, messages, reply_model.model_json_schema())
        paid = self.reused(question, reply_model)
        return self._answer(question, reply_model, cancellation) if paid is None else paid

    @abstractmethod
    def _answer(
        self, question: Question, reply_model: type[ReplyT], cancellation: Cancellation
    ) -> ReplyT:
        """The answer, asked for now: each transport does so in its own way."""


def _finished_drafts(exchanges: Sequence[Exchange]) -> defaultdict[str, list[Exchange]]:
    """Request key -> answers, in order.

    An answer that was cut off counts where halves of it were answered: then these are reused.
    """
    halved = {
        exchange.purpose
        for exchange in exchanges
        if exchange.reply is not None and not exchange.truncated
    }
    replies: defaultdict[str, list[Exchange]] = defaultdict(list)
    for exchange in exchanges:
        draft = exchange.purpose.startswith("draft") and exchange.reply is not None
        usable = exchange.error is None
        if exchange.truncated:
            usable = f"{exchange.purpose.removesuffix(AGAIN)}{HALF}" in halved
        if draft and usable:
            replies[exchange.key].append(exchange)
    return replies
