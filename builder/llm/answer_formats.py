"""The formats in which an answer can be asked for, from the strictest to plain chat.

Which one an endpoint answers in is found out with its first answer: each step down is taken only
where the format is refused, or ignored twice. What was refused is not asked for in later runs; what
was only ignored is.
"""

import contextlib
import threading
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Self, TypeVar

from instructor import Mode
from pydantic import TypeAdapter

from builder.files import replace_file
from builder.llm.events import FormatFallback, LLMEvent
from builder.llm.failures import SchemaIgnored, SchemaRefused

T = TypeVar("T")


class AnswerFormat(Enum):
    """A format of answer: what files call it, how instructor asks for it, and in words."""

    mode: Mode
    words: str

    STRICT = "json_schema_mode", Mode.JSON_SCHEMA, "a strict JSON schema"
    SCHEMA = "json_schema_mode, not strict", Mode.JSON_SCHEMA, "a JSON schema that is not strict"
    TOOLS = "tool_call", Mode.TOOLS, "a tool call"
    # As llama.cpp takes it; others that take it pass over the schema.
    OBJECT = "json_mode, schema", Mode.JSON, "a JSON object with its schema"
    JSON = "json_mode", Mode.JSON, "a JSON object, its schema in the prompt"
    MARKDOWN = "markdown_json_mode", Mode.MD_JSON, "JSON in plain text, its schema in the prompt"

    def __new__(cls, value: str, mode: Mode, words: str) -> Self:
        made = object.__new__(cls)
        made._value_, made.mode, made.words = value, mode, words
        return made


_LADDER = tuple(AnswerFormat)
# Who ignores the one ignores the others, too.
_AKIN = {
    AnswerFormat.STRICT: {AnswerFormat.SCHEMA, AnswerFormat.OBJECT},
    AnswerFormat.SCHEMA: {AnswerFormat.OBJECT},
    AnswerFormat.OBJECT: {AnswerFormat.JSON},
}
_MEMORY = TypeAdapter(dict[str, AnswerFormat])


class AnswerFormats:
    """The format that a model at an endpoint answers in. Thread-safe.

    `place` names the two. `file` holds what earlier runs found out, for all places; one that is
    damaged or can't be written is passed over: then it is found out again.
    """

    def __init__(self, place: str, file: Path | None, emit: Callable[[LLMEvent], None]) -> None:
        self._place = place
        self._file = file
        self._emit = emit
        # Where the next run begins: as far down as the endpoint itself refused the formats above.
        self._begin = self._format = _known(file, place)
        self._proven: set[AnswerFormat] = set()
        self._ignored: set[AnswerFormat] = set()
        self._refusals: list[SchemaRefused] = []
        # Held while a format is tried for the first time: parallel calls wait for what comes of it.
        self._trying = threading.RLock()

    def answer(self, attempt: Callable[[AnswerFormat, bool], T]) -> T:
        """What `attempt(form, proven)` returns in the first format that is not refused.

        `proven`: an answer in this format came before, or it is the last; one that can't be read is
        then no reason to try the next. `attempt` raises SchemaRefused to have that tried; where
        the format was ignored, it is asked for once more first: one answer may be a slip.
        """
        while True:
            with contextlib.ExitStack() as held:
                held.enter_context(self._trying)
                form = self._format
                proven = form in self._proven or form is _LADDER[-1]
                if proven:
                    held.close()
                try:
                    found = attempt(form, True) if proven else _twice(attempt, form)
                except SchemaRefused as refusal:
                    with self._trying:
                        # Another call may have found that out already.
                        if self._format is form:
                            self._step_down(refusal)
                else:
                    with self._trying:
                        self._prove(form)
                    return found

    def answered(self, form: AnswerFormat) -> bool:
        """Whether an answer in this format came before: a failure is then not due to it."""
        return form in self._proven

    def _step_down(self, refusal: SchemaRefused) -> None:
        """Raises the first refusal where there is no further format."""
        self._refusals.append(refusal)
        if isinstance(refusal, SchemaIgnored):
            self._ignored |= _AKIN.get(self._format, set())
        further = _LADDER[_LADDER.index(self._format) + 1 :]
        below = [form for form in further if form not in self._ignored]
        if not below:
            raise self._all_refused()
        if refusal.lasting and self._format is self._begin:
            self._begin = below[0]
        self._format = below[0]
        self._emit(FormatFallback(refusal.message, self._format.words))

    def _all_refused(self) -> SchemaRefused:
        tried = len(self._refusals)
        refused = (found for found in self._refusals if not isinstance(found, SchemaIgnored))
        first = next(refused, self._refusals[0])
        self._refusals.clear()
        if not self._proven:
            # Whatever the reason was, a later question finds it as this one did.
            self._begin = self._format = _known(self._file, self._place)
            self._ignored.clear()
        if tried > 1:
            words = f"{first.message} {tried} forms of answer were tried."
            return type(first)(words, hint=first.hint)
        return first

    def _prove(self, answer_format: AnswerFormat) -> None:
        # Not remembered is a step down from a format that worked: one schema was too much for it.
        if not self._proven and self._file is not None:
            _remember(self._file, self._place, self._begin)
        self._proven.add(answer_format)
        self._refusals.clear()


def _twice(attempt: Callable[[AnswerFormat, bool], T], answer_format: AnswerFormat) -> T:
    with contextlib.suppress(SchemaIgnored):
        return attempt(answer_format, False)
    return attempt(answer_format, False)


def _remembered(file: Path | None) -> dict[str, AnswerFormat]:
    """What earlier runs found out; nothing where the file is damaged."""
    try:
        return _MEMORY.validate_json(file.read_bytes()) if file is not None else {}
    except (OSError, ValueError):
        return {}


def _known(file: Path | None, place: str) -> AnswerFormat:
    return _remembered(file).get(place, AnswerFormat.STRICT)


def _remember(file: Path, place: str, answer_format: AnswerFormat) -> None:
    if _known(file, place) is not answer_format:
        # Only a memory: without it the endpoint is asked again.
        with contextlib.suppress(OSError, ValueError):
            text = _MEMORY.dump_json(_remembered(file) | {place: answer_format}, indent=1)
            replace_file(file, text.decode())
