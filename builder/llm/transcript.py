"""llm.jsonl: every request and reply, one JSON line each; also the format of recordings.

The call_log of a session's calls: what is reserved, spent, written to llm.jsonl, and told.
"""

import hashlib
import json
import os
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from builder.errors import InputError, LLMError
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
from builder.llm.transport import Message, ReplyT, TruncatedAnswer


class Usage(BaseModel):
    model_config = ConfigDict(frozen=True)

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Exchange(BaseModel):
    """One request and what came of it; `reply` or `error` is None.

    `key` identifies what was asked (see `request_key`), `messages` are what was sent, `schema` is
    the JSON schema that the reply must follow: the two hold all that the model was told.
    `seconds`: wall time. `time`: ISO 8601, UTC. `spent`: tokens and money, None in older files.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    time: str = ""
    purpose: str
    key: str = ""
    model: str = ""
    mode: str = ""
    messages: list[dict[str, Any]] = Field(default_factory=list)
    reply_schema: dict[str, Any] = Field(default_factory=dict, alias="schema")
    reply: str | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    spent: Spent | None = None
    seconds: float = 0.0
    error: str | None = None

    @property
    def truncated(self) -> bool:
        return self.finish_reason == "length"


class About(BaseModel):
    """A recording's first line: where its replies come from.

    recorded: a language model that saw exactly the stored requests answered them.
    scripted: somebody wrote them.
    """

    model_config = ConfigDict(frozen=True)

    label: Literal["recorded", "scripted"] = "recorded"
    about: str = ""


@dataclass(frozen=True, slots=True)
class Recording:
    about: About
    exchanges: tuple[Exchange, ...]


def request_key(purpose: str, messages: Sequence[Message], schema: dict[str, Any]) -> str:
    """The same for two requests that ask the same: 16 hexadecimal digits."""
    text = json.dumps([purpose, list(messages), schema], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# A shorter key is a placeholder for a local server; taking it out would garble the texts.
_SHORTEST_SECRET = 8


def scrubbed(text: str, secret: str) -> str:
    """`text` without `secret`."""
    return text.replace(secret, "[key]") if len(secret) >= _SHORTEST_SECRET else text


def writable(text: str) -> str:
    """`text` with U+FFFD for each lone surrogate, which JSON can send but no file can hold."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def append(path: Path, exchange: Exchange, *, hidden: str = "") -> None:
    """Adds a line without the `hidden` text; a new file is readable by its owner alone.

    Raises LLMError when it can't be written.
    """
    entry = exchange.model_dump(by_alias=True)
    text = writable(json.dumps(entry, ensure_ascii=False, separators=(",", ":")))
    line = scrubbed(text, hidden) + "\n"
    try:
        with open(path, "a+b", opener=_open_private) as file:
            file.write((f"\n{line}" if _ends_torn(file) else line).encode())
    except OSError as error:
        raise LLMError(
            f"The model's answer cannot be written to {path}: {error.strerror or error}.",
            hint="Make room or make the folder writable, then run the command again: what was "
            "answered before is kept.",
        ) from error


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _ends_torn(file: BinaryIO) -> bool:
    if file.seek(0, os.SEEK_END) == 0:
        return False
    file.seek(-1, os.SEEK_END)
    return file.read(1) != b"\n"


def read(path: Path) -> Recording:
    """The exchanges of a transcript in order. A line torn by a crash is left out.

    Raises InputError for a file that can't be read or a line that is no exchange.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(
            f"The recording {path} cannot be read: {error}.",
            hint="Name a session's llm.jsonl: --llm replay:FILE.",
        ) from error
    about = About()
    exchanges: list[Exchange] = []
    for number, line in enumerate(lines, start=1):
        try:
            value = json.loads(line.decode())
            if isinstance(value, dict) and "recording" in value:
                about = About.model_validate(value["recording"])
            else:
                exchanges.append(Exchange.model_validate(value))
        except (ValueError, RecursionError) as error:
            # A line may be torn inside a character, too.
            if isinstance(error, json.JSONDecodeError | UnicodeDecodeError) and _torn(line):
                continue
            raise InputError(
                f"{path}, line {number} is no recorded request and reply.",
                hint="Name a session's llm.jsonl, or remove that line.",
            ) from error
    return Recording(about, tuple(exchanges))


def spent_in(exchanges: Iterable[Exchange], price: Price | None = None) -> Spent:
    """What they took together. `price`: for those whose cost was not known then."""
    total = Spent()
    for exchange in exchanges:
        spent = exchange.spent or _counted(exchange)
        if spent.cost is None and price is not None:
            cost = price.of(spent.input_tokens, spent.output_tokens)
            spent = spent.model_copy(update={"cost": cost})
        total += spent
    return total


def _counted(exchange: Exchange) -> Spent:
    usage = exchange.usage
    if exchange.reply is None or usage is None:
        return Spent()  # no answer, or one that was pasted
    into, out = usage.prompt_tokens, usage.completion_tokens
    asked = json.dumps(exchange.messages, ensure_ascii=False)
    return Spent(
        input_tokens=tokens_of(asked) if into is None else into,
        output_tokens=tokens_of(exchange.reply) if out is None else out,
        cost=None,
        estimated=into is None or out is None,
    )


def _torn(line: bytes) -> bool:
    return not line.strip() or line.startswith(b"{")


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
    """One for all calls to a model. Thread-safe.

    `record_to`: the transcript; what it holds of a draft that was broken off is reused, and what
    it cost counts. None: nothing is written. `scrub`: takes secrets out of a text.
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
