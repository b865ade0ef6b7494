"""llm.jsonl: every request and reply, one JSON line each; also the format of recordings."""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from builder.errors import InputError, LLMError
from builder.llm.cost import Price, Spent, tokens_of
from builder.llm.transport import Message, ReplyT, TruncatedAnswer

# A shorter key is a placeholder for a local server; taking it out would garble the texts.
_SHORTEST_SECRET = 8


class Usage(BaseModel):
    model_config = ConfigDict(frozen=True)

    prompt_tokens: int | None = None
    completion_tokens: int | None = None

    @classmethod
    def counted(cls, found: object) -> Self:
        """As endpoints and clients count them, under their names; None for what is no count."""

        def count(*names: str) -> int | None:
            counts = (getattr(found, name, None) for name in names)
            return next((count for count in counts if type(count) is int and count >= 0), None)

        return cls(
            prompt_tokens=count("prompt_tokens", "input_tokens", "prompt_token_count"),
            completion_tokens=count("completion_tokens", "output_tokens", "candidates_token_count"),
        )


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, apart from the form of the answer; `schema`: that of the reply."""

    purpose: str
    messages: list[Message]
    schema: dict[str, Any]

    @property
    def key(self) -> str:
        """The same for two questions that ask the same: 16 hexadecimal digits."""
        text = json.dumps([self.purpose, self.messages, self.schema], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class Exchange(BaseModel):
    """One request and what came of it; `reply` or `error` is None.

    `key` identifies what was asked (see `Question`), `messages` are what was sent, `schema` is
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

    @classmethod
    def of(cls, question: Question, sent: Iterable[Mapping[str, Any]], **more: Any) -> Self:
        """The line of a question that goes out now, in the messages `sent`."""
        return cls(
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
            purpose=question.purpose,
            key=question.key,
            messages=[dict(message) for message in sent],
            schema=question.schema,
            **more,
        )

    @property
    def truncated(self) -> bool:
        return self.finish_reason == "length"

    def read(self, reply_model: type[ReplyT]) -> ReplyT:
        """The reply. Raises TruncatedAnswer where it was cut off, and pydantic.ValidationError."""
        if self.truncated:
            raise TruncatedAnswer("The recorded answer is cut off at the limit on output tokens.")
        return reply_model.model_validate_json(self.reply or "", strict=True)


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


def append(path: Path, exchange: Exchange, *, hidden: str = "") -> None:
    """Adds a line without the `hidden` text; a new file is readable by its owner alone.

    Raises LLMError when it can't be written.
    """
    entry = exchange.model_dump(by_alias=True)
    text = writable(json.dumps(entry, ensure_ascii=False, separators=(",", ":")))
    line = scrubbed(text, hidden) + "\n"
    try:
        with open(path, "a+b", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write((f"\n{line}" if _ends_torn(file) else line).encode())
    except OSError as error:
        raise LLMError(
            f"The model's answer cannot be written to {path}: {error.strerror or error}.",
            hint="Make room or make the folder writable, then run the command again: what was "
            "answered before is kept.",
        ) from error


def _ends_torn(file: BinaryIO) -> bool:
    if file.seek(0, os.SEEK_END) == 0:
        return False
    file.seek(-1, os.SEEK_END)
    return file.read(1) != b"\n"


def scrubbed(text: str, secret: str) -> str:
    """`text` without `secret`."""
    return text.replace(secret, "[key]") if len(secret) >= _SHORTEST_SECRET else text


def writable(text: str) -> str:
    """`text` with U+FFFD for each lone surrogate, which JSON can send but no file can hold."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


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
            # Torn by a crash, perhaps inside a character.
            torn = not line.strip() or line.startswith(b"{")
            if torn and isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
                continue
            raise InputError(
                f"{path}, line {number} is no recorded request and reply.",
                hint="Name a session's llm.jsonl, or remove that line.",
            ) from error
    return Recording(about, tuple(exchanges))


def earlier(path: Path | None) -> tuple[Exchange, ...]:
    """The exchanges of a transcript that may not be there yet."""
    return read(path).exchanges if path is not None and path.exists() else ()


def spent_in(exchanges: Iterable[Exchange], price: Price | None = None) -> Spent:
    """What the exchanges took together. `price`: for those whose cost was not known then."""
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
