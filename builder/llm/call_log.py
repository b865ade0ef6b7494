"""The log of a session's calls: what is reserved, spent, written to llm.jsonl, and told."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from builder.llm import transcript
from builder.llm.cancel import Cancellation
from builder.llm.cost import (
    MOST_OUTPUT,
    Account,
    Limits,
    Price,
    Reservation,
    Spent,
    most_tokens_of,
    tokens_of,
)
from builder.llm.events import CallFinished, CallReused, CallStarted, LLMEvent
from builder.llm.replay import unheard
from builder.llm.revising import REVISE, REVISE_AGAIN
from builder.llm.transcript import Exchange, Usage, request_key
from builder.llm.transport import Message, ReplyT, TruncatedAnswer

AGAIN = " again"
HALF = " half"
NOT_COUNTED = Usage()


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, apart from the form of the answer."""

    purpose: str
    messages: list[Message]
    schema: dict[str, Any]

    @property
    def key(self) -> str:
        return request_key(self.purpose, self.messages, self.schema)


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A request on its way: its line for the transcript, what it may cost, when it began."""

    entry: Exchange
    input_tokens: int
    reservation: Reservation
    begun: float


class CallLog:
    """Reserves, charges, writes and tells all calls of one drafter to its model. Thread-safe.

    `record_to`: the transcript; what it holds of a draft that was broken off is reused, so are
    revisions after the first `heard`, and what it cost counts. None: nothing is written.
    `secret`: a key that is kept out of it.
    """

    def __init__(
        self,
        model: str,
        record_to: Path | None,
        emit: Callable[[LLMEvent], None],
        *,
        price: Price | None,
        limits: Limits,
        secret: str = "",
        heard: int = 0,
    ) -> None:
        past: tuple[Exchange, ...] = ()
        if record_to is not None and record_to.exists():
            past = transcript.read(record_to).exchanges
        self.account = Account(price, limits, transcript.spent_in(past, price))
        self._model = model
        self._record_to = record_to
        self._emit = emit
        self._secret = secret
        self._lock = threading.Lock()
        self._answered = _finished_drafts(past)
        for exchange in unheard(past, heard):
            if exchange.purpose in (REVISE, REVISE_AGAIN) and not exchange.truncated:
                self._answered[exchange.key].append(exchange)

    def reused(self, question: Question, reply_model: type[ReplyT]) -> ReplyT | None:
        """The answer that the transcript holds. Raises TruncatedAnswer where it was cut off."""
        with self._lock:
            recorded = self._answered[question.key]
            while recorded:
                exchange = recorded.pop(0)
                if exchange.truncated:
                    raise TruncatedAnswer("The recorded answer is cut off.")
                try:
                    text = exchange.reply or ""
                    reply = reply_model.model_validate_json(text, strict=True)
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
        entry = Exchange(
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
            purpose=question.purpose,
            key=question.key,
            model=self._model,
            mode=mode,
            messages=list(messages),
            schema=question.schema,
        )
        return OpenCall(entry, tokens, reservation, time.monotonic())

    def failed(
        self,
        call: OpenCall,
        why: str,
        *,
        at_work: bool,
        attempts: int = 1,
        usage: Usage = NOT_COUNTED,
    ) -> None:
        """No answer came. `at_work`: the model may have written one, and be paid for it.

        `attempts`: how often the question was sent; `usage`: what the endpoint counted for all.
        """
        spent = Spent()
        if at_work:
            into, out = usage.prompt_tokens, usage.completion_tokens
            spent = self.account.charge(
                into or attempts * call.input_tokens,
                out or call.reservation.most_output or 0,
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
            tokens_of(reply or "") if out is None else out,
            estimated=into is None or out is None,
        )
        seconds = self._close(
            call, spent, reply=reply, finish_reason=finish_reason, usage=usage, error=error
        )
        # Read and told in one go, so that the totals come in their order.
        with self._lock:
            total = self.account.spent
            self._emit(
                CallFinished(call.entry.purpose, into, out, seconds, spent.cost, total=total)
            )

    def _close(self, call: OpenCall, spent: Spent, **outcome: Any) -> float:
        self.account.settle(call.reservation, spent)
        seconds = time.monotonic() - call.begun
        if self._record_to is not None:
            done = {"spent": spent, "seconds": seconds, **outcome}
            # One line at a time, whole.
            with self._lock:
                transcript.append(
                    self._record_to, call.entry.model_copy(update=done), hidden=self._secret
                )
        return seconds


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
