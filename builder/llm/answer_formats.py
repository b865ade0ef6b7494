"""The forms in which an answer can be asked for, from the strictest to plain chat.

Which one an endpoint answers in is found out with its first answer: each step down is taken only
where the form is refused, or ignored twice. What was refused is not asked for in later runs; what
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
from builder.llm.events import LLMEvent, ModeFallback
from builder.llm.failures import SchemaRefused

T = TypeVar("T")


class AnswerMode(Enum):
    """A form of answer; the value is what the transcript and the file of modes call it."""

    STRICT = "json_schema_mode"
    SCHEMA = "json_schema_mode, not strict"
    TOOLS = "tool_call"
    JSON = "json_mode"
    MARKDOWN = "markdown_json_mode"

    @property
    def words(self) -> str:
        return _WORDS[self]


_WORDS = {
    AnswerMode.STRICT: "a strict JSON schema",
    AnswerMode.SCHEMA: "a JSON schema that is not strict",
    AnswerMode.TOOLS: "a tool call",
    AnswerMode.JSON: "a JSON object, its schema in the prompt",
    AnswerMode.MARKDOWN: "JSON in plain text, its schema in the prompt",
}
_LADDER = tuple(AnswerMode)


class Modes:
    """The form that a model at an endpoint answers in. Thread-safe.

    `place` names the two. `file` holds what earlier runs found out, for all places; one that is
    damaged or can't be written is passed over: then it is found out again.
    """

    def __init__(self, place: str, file: Path | None, emit: Callable[[LLMEvent], None]) -> None:
        self._place = place
        self._file = file
        self._emit = emit
        self._mode = _remembered(file).get(place, AnswerMode.STRICT)
        # Where the next run begins: as far down as the endpoint itself refused the forms above.
        self._begin = self._mode
        self._proven: set[AnswerMode] = set()
        # Held while a form is tried for the first time: parallel calls wait for what comes of it.
        self._trying = threading.Lock()

    def answer(self, attempt: Callable[[AnswerMode, bool], T]) -> T:
        """What `attempt(mode, proven)` returns in the first form that is not refused.

        `proven`: an answer in this form came before, or it is the last; one that can't be read is
        then no reason to try the next. `attempt` raises SchemaRefused to have that tried; where
        the form was ignored, it is asked for once more first: one answer may be a slip.
        """
        while True:
            with self._trying:
                mode = self._mode
                if mode not in self._proven and mode is not _LADDER[-1]:
                    try:
                        found = _twice(attempt, mode)
                    except SchemaRefused as refusal:
                        self._step_down(refusal)
                        continue
                    self._prove(mode)
                    return found
            try:
                found = attempt(mode, True)
            except SchemaRefused as refusal:
                with self._trying:
                    # Another call may have found that out already.
                    if self._mode is mode:
                        self._step_down(refusal)
                continue
            with self._trying:
                self._prove(mode)
            return found

    def _step_down(self, refusal: SchemaRefused) -> None:
        """Raises the refusal where there is no further form."""
        below = _LADDER[_LADDER.index(self._mode) + 1 :]
        if refusal.ignored:
            # Who ignores a strict schema ignores one that is not.
            below = tuple(mode for mode in below if mode is not AnswerMode.SCHEMA)
        if not below:
            raise refusal
        if not refusal.ignored and self._mode is self._begin:
            self._begin = below[0]
        self._mode = below[0]
        self._emit(ModeFallback(refusal.message, self._mode.words))

    def _prove(self, mode: AnswerMode) -> None:
        # Not remembered is a step down from a form that worked: one schema was too much for it.
        if not self._proven and self._file is not None:
            _remember(self._file, self._place, self._begin)
        self._proven.add(mode)


def _twice(attempt: Callable[[AnswerMode, bool], T], mode: AnswerMode) -> T:
    try:
        return attempt(mode, False)
    except SchemaRefused as refusal:
        if not refusal.ignored:
            raise
    return attempt(mode, False)


def _remembered(file: Path | None) -> dict[str, AnswerMode]:
    return {
        place: AnswerMode(value)
        for place, value in _read(file).items()
        if value in {mode.value for mode in AnswerMode}
    }


def _read(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    # A list as a value could not be looked up among the modes.
    texts = value.items() if isinstance(value, dict) else ()
    return {place: mode for place, mode in texts if isinstance(mode, str)}


def _remember(file: Path, place: str, mode: AnswerMode) -> None:
    known = _read(file)
    if known.get(place, AnswerMode.STRICT.value) == mode.value:
        return
    text = json.dumps(known | {place: mode.value}, ensure_ascii=False, indent=1)
    # Only a memory: without it the endpoint is asked again.
    with contextlib.suppress(OSError, UnicodeEncodeError):
        replace_file(file, text)
