"""A drafter without a key: a person carries each prompt to a chat window, and its answer back.

What is answered is kept in the transcript like a live model's, so that a draft that was broken
off goes on where it stopped, and `replay:` works on it.
"""

import contextlib
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from pydantic import ValidationError

from builder.errors import LLMError
from builder.llm import transcript
from builder.llm.asking import Asking
from builder.llm.events import CallFinished, CallReused, CallStarted, LLMEvent
from builder.llm.model_drafter import ModelDrafter
from builder.llm.pasted_answers import PastedSystem, PastedUnreadable, pasted_json, read_system
from builder.llm.prompts import ENGLISH, Prompts, described_classes
from builder.llm.rule_schema import RulesReply
from builder.llm.schemas import GroupsReply, Reply
from builder.llm.transcript import Exchange, Question
from builder.llm.transport import Message, ReplyT, ask
from builder.proposals.requests import DraftRequest
from builder.system.model import AttributeSystem

# Up to so many classes a complete system fits one answer of any chat window.
WHOLE = 60
SYSTEM = "draft system"
_MODE = "paste"
_FURTHER = "..."


class Chat(Protocol):
    """The person between cotbuild and a chat window."""

    def ask(self, title: str, prompt: str) -> str | None:
        """All that the chat window answered to `prompt`; None when the person gives up."""

    def explain(self, problem: str) -> None:
        """Why an answer can't be used; the next `ask` holds the words for the chat."""


class PasteDrafter(ModelDrafter):
    """A drafter that asks by `chat`, and is its own transport.

    With at most `WHOLE` classes a draft is one question. Every exchange is appended to `record_to`;
    the draft's answers in it are not asked for again.
    Its methods raise LLMError when the person gives up.
    """

    split_alike = False

    def __init__(
        self,
        chat: Chat,
        emit: Callable[[LLMEvent], None],
        record_to: Path | None = None,
        prompts: Prompts = ENGLISH,
    ) -> None:
        super().__init__(Asking(self, emit, prompts))
        self._chat = chat
        self._record_to = record_to
        self._answered = _answered_drafts(record_to)
        # An answer that may hold more than the question asked for, and the messages it answered.
        self._given: tuple[str, list[Message]] | None = None

    def draft(self, request: DraftRequest) -> AttributeSystem:
        if len(request.classes) <= WHOLE:
            self._ask_system(request)
        return super().draft(request)

    def complete(self, purpose: str, messages: list[Message], reply_model: type[ReplyT]) -> ReplyT:
        """The answer as it was pasted, until one can be read."""
        question = Question(purpose, messages, reply_model.model_json_schema())
        # Not to be read is a live model's answer, which was asked for again.
        with contextlib.suppress(ValidationError):
            recorded = self._answered.get(question.key, "")
            answered = reply_model.model_validate_json(recorded, strict=True)
            self._asking.emit(CallReused(purpose))
            return answered
        if (given := self._part_of_given(reply_model)) is not None:
            reply, sent = given
            self._record(question, sent, reply)
        else:
            form = self._asking.prompts.render("form", form=example(question.schema))
            sent = ask("\n\n".join([*(message["content"] for message in messages), form]))
            answer, reply = self._converse(
                question, sent, lambda text: pasted_json(text, reply_model)
            )
            if issubclass(reply_model, GroupsReply):
                self._given = answer, sent
        return reply_model.model_validate_json(reply, strict=True)

    def _ask_system(self, request: DraftRequest) -> None:
        """Asks for groups and rules at once; they answer the draft's questions that follow."""
        classes = [name for name, _ in request.classes]
        sent = ask(system_prompt(request, self._asking.prompts))
        question = Question(SYSTEM, sent, {})
        reply = self._answered.get(question.key)
        if reply is None:
            answer, reply = self._converse(
                question, sent, lambda text: _as_json(read_system(text, classes))
            )
            left_out = read_system(answer, classes).left_out
            self._asking.drop("rule", [f"{name!r} is not a class of the list" for name in left_out])
        else:
            self._asking.emit(CallReused(SYSTEM))
        self._given = reply, sent

    def _converse(
        self, question: Question, sent: list[Message], read: Callable[[str], str]
    ) -> tuple[str, str]:
        """The answer as it was pasted, and the reply that `read` made of it."""
        self._asking.emit(CallStarted(question.purpose))
        prompt = sent[0]["content"]
        started = time.monotonic()
        while (answer := self._chat.ask(question.purpose, prompt)) is not None:
            seconds = time.monotonic() - started
            try:
                reply = read(answer)
            except PastedUnreadable as error:
                self._record(question, sent, answer, seconds, error.explanation)
                self._chat.explain(error.explanation)
                prompt = self._asking.prompts.render("correct", problems=error.explanation)
            else:
                self._record(question, sent, reply, seconds)
                self._asking.emit(CallFinished(question.purpose, None, None, seconds))
                return answer, reply
        raise LLMError(
            f"No answer was given to {question.purpose!r}.",
            hint="What the session's llm.jsonl holds is not asked for again when it is resumed; "
            "--llm names another model.",
        )

    def _part_of_given(self, reply_model: type[Reply]) -> tuple[str, list[Message]] | None:
        if self._given is None or not issubclass(reply_model, GroupsReply | RulesReply):
            return None
        answer, sent = self._given
        try:
            return pasted_json(answer, reply_model), sent
        except PastedUnreadable:
            return None

    def _record(
        self,
        question: Question,
        sent: list[Message],
        reply: str,
        seconds: float = 0.0,
        error: str | None = None,
    ) -> None:
        if self._record_to is not None:
            outcome = {"reply": reply, "finish_reason": "stop", "error": error}
            entry = Exchange.of(question, sent, mode=_MODE, seconds=round(seconds, 3), **outcome)
            transcript.append(self._record_to, entry)


def system_prompt(request: DraftRequest, prompts: Prompts) -> str:
    """The question for a complete system: the article's, with its output section."""
    word = re.sub(r"[^a-z0-9]+", "_", request.domain.lower()).strip("_")
    return prompts.question(
        "system",
        request.context,
        domain=request.domain,
        classes=described_classes(request.classes),
        attributes="\n".join(f"- {attribute}" for attribute in request.attributes),
        rules_key=f"{word or 'class'}_rules",
        example_class=json.dumps(request.classes[0][0], ensure_ascii=False),
    )


def _as_json(system: PastedSystem) -> str:
    groups = {
        group.name: {"prompt": group.prompt, "options": group.options} for group in system.groups
    }
    value = {"classification_groups": groups, "rules": system.rules}
    return json.dumps(value, ensure_ascii=False)


def _answered_drafts(record_to: Path | None) -> dict[str, str]:
    """Request key -> reply of a draft's finished questions; what was asked again is asked anew."""
    return {
        entry.key: entry.reply
        for entry in transcript.earlier(record_to)
        if entry.purpose.startswith("draft") and not entry.purpose.endswith("again")
        if entry.reply is not None and entry.error is None
    }


# --- The form of an answer, as an example for those who read no schemas ---------------------------


def example(schema: dict[str, Any]) -> str:
    """The form of a reply: one entry of each list, every kind where there are several.

    `<name>` stands for words to be chosen, `...` for further entries.
    """
    value = _example(schema, schema.get("$defs", {}), "text")
    further = json.dumps(_FURTHER)
    text = json.dumps(value, indent=2, ensure_ascii=False).replace(f"{further}: {further}", further)
    text = text.replace(further, _FURTHER)
    # A list of words stands on one line.
    return re.sub(r'\[\s+("<[^"]+>"),\s+\.\.\.\s+\]', r"[\1, ...]", text)


def _example(schema: dict[str, Any], defs: dict[str, Any], name: str) -> Any:
    if "$ref" in schema:
        return _example(defs[schema["$ref"].rpartition("/")[2]], defs, name)
    if "enum" in schema or "const" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        entries = schema["properties"]
        (first, shape), *others = entries.items()
        # The rules of many classes: one shows how all are written.
        inside = shape.get("properties")
        if inside and others and all(other.get("properties") == inside for _, other in others):
            return {first: _example(shape, defs, first), _FURTHER: _FURTHER}
        return {key: _example(value, defs, key) for key, value in entries.items()}
    if kind == "array":
        kinds = schema["items"].get("anyOf", [schema["items"]])
        return [*(_example(items, defs, name) for items in kinds), _FURTHER]
    nullable = {"type": "null"} in schema.get("anyOf", ())
    return f"<{name}, or null>" if nullable else f"<{name}>"
