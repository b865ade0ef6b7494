"""The formats in which an answer can be asked for, from the strictest to plain chat.

Which one an endpoint answers in is found out with its first answer: each step down is taken only
where the format is refused, or ignored twice. What was refused is not asked for in later runs; what
was only ignored is.
"""

import contextlib
import json
import threading
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from builder.files import replace_file
from builder.llm.events import FormatFallback, LLMEvent
from builder.llm.failures import SchemaRefused

T = TypeVar("T")


class AnswerFormat(Enum):
    """A format of answer; the value is what the transcript and the file of formats call it."""

    STRICT = "json_schema_mode"
    SCHEMA = "json_schema_mode, not strict"
    TOOLS = "tool_call"
    JSON = "json_mode"
    MARKDOWN = "markdown_json_mode"

    @property
    def words(self) -> str:
        return _WORDS[self]


_WORDS = {
    AnswerFormat.STRICT: "a strict JSON schema",
    AnswerFormat.SCHEMA: "a JSON schema that is not strict",
    AnswerFormat.TOOLS: "a tool call",
    AnswerFormat.JSON: "a JSON object, its schema in the prompt",
    AnswerFormat.MARKDOWN: "JSON in plain text, its schema in the prompt",
}
_LADDER = tuple(AnswerFormat)


class AnswerFormats:
    """The format that a model at an endpoint answers in. Thread-safe.

    `place` names the two. `file` holds what earlier runs found out, for all places; one that is
    damaged or can't be written is passed over: then it is found out again.
    """

    def __init__(self, place: str, file: Path | None, emit: Callable[[LLMEvent], None]) -> None:
        self._place = place
        self._file = file
        self._emit = emit
        self._format = _remembered(file).get(place, AnswerFormat.STRICT)
        # Where the next run begins: as far down as the endpoint itself refused the formats above.
        self._begin = self._format
        self._proven: set[AnswerFormat] = set()
        # Held while a format is tried for the first time: parallel calls wait for what comes of it.
        self._trying = threading.Lock()

    def answer(self, attempt: Callable[[AnswerFormat, bool], T]) -> T:
        """What `attempt(answer_format, proven)` returns in the first format that is not refused.

        `proven`: an answer in this format came before, or it is the last; one that can't be read is
        then no reason to try the next. `attempt` raises SchemaRefused to have that tried; where
        the format was ignored, it is asked for once more first: one answer may be a slip.
        """
        while True:
            with self._trying:
                answer_format = self._format
                if answer_format not in self._proven and answer_format is not _LADDER[-1]:
                    try:
                        found = _twice(attempt, answer_format)
                    except SchemaRefused as refusal:
                        self._step_down(refusal)
                        continue
                    self._prove(answer_format)
                    return found
            try:
                found = attempt(answer_format, True)
            except SchemaRefused as refusal:
                with self._trying:
                    # Another call may have found that out already.
                    if self._format is answer_format:
                        self._step_down(refusal)
                continue
            with self._trying:
                self._prove(answer_format)
            return found

    def _step_down(self, refusal: SchemaRefused) -> None:
        """Raises the refusal where there is no further format."""
        below = _LADDER[_LADDER.index(self._format) + 1 :]
        if refusal.ignored:
            # Who ignores a strict schema ignores one that is not.
            below = tuple(lower for lower in below if lower is not AnswerFormat.SCHEMA)
        if not below:
            raise refusal
        if not refusal.ignored and self._format is self._begin:
            self._begin = below[0]
        self._format = below[0]
        self._emit(FormatFallback(refusal.message, self._format.words))

    def _prove(self, answer_format: AnswerFormat) -> None:
        # Not remembered is a step down from a format that worked: one schema was too much for it.
        if not self._proven and self._file is not None:
            _remember(self._file, self._place, self._begin)
        self._proven.add(answer_format)


def _twice(attempt: Callable[[AnswerFormat, bool], T], answer_format: AnswerFormat) -> T:
    try:
        return attempt(answer_format, False)
    except SchemaRefused as refusal:
        if not refusal.ignored:
            raise
    return attempt(answer_format, False)


def _remembered(file: Path | None) -> dict[str, AnswerFormat]:
    return {
        place: AnswerFormat(value)
        for place, value in _read(file).items()
        if value in {known.value for known in AnswerFormat}
    }


def _read(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    # A list as a value could not be looked up among the formats.
    texts = value.items() if isinstance(value, dict) else ()
    return {place: value for place, value in texts if isinstance(value, str)}


def _remember(file: Path, place: str, answer_format: AnswerFormat) -> None:
    known = _read(file)
    if known.get(place, AnswerFormat.STRICT.value) == answer_format.value:
        return
    text = json.dumps(known | {place: answer_format.value}, ensure_ascii=False, indent=1)
    # Only a memory: without it the endpoint is asked again.
    with contextlib.suppress(OSError, UnicodeEncodeError):
        replace_file(file, text)
