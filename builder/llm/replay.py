"""Answers from a recording: a session's llm.jsonl, in the order in which they came."""

from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import ValidationError

from builder.edits.model import Proposal
from builder.errors import LLMError, NoMoreAnswers
from builder.llm import transcript
from builder.llm.asking import Asking
from builder.llm.events import CallFinished, CallStarted, GivenToAnother, LLMEvent, RecordingSilent
from builder.llm.model_drafter import ModelDrafter
from builder.llm.prompts import ENGLISH, Prompts
from builder.llm.revising import REVISE, REVISE_AGAIN
from builder.llm.rewriting import REWRITE_GROUP
from builder.llm.rule_schema import classes_in
from builder.llm.schemas import short
from builder.llm.transcript import Exchange, Question, Recording
from builder.llm.transport import Message, ReplyT
from builder.proposals.requests import DraftRequest, RevisionRequest
from builder.system.model import AttributeSystem

_SILENT = (
    "The recording can't answer this; suggestions from the data stay live, and --llm connects a "
    "real model."
)


class RecordingEnded(NoMoreAnswers):
    """The recording holds no (further) reply for a purpose."""


class ReplayDrafter(ModelDrafter):
    """A drafter that answers from a recording made with the same classes; its own transport.

    Each purpose gets its recorded replies in order, read by the same code as live ones.
    `label` ("recorded" or "scripted") and `about` say where the replies come from.
    A session that is resumed has heard `revisions_heard` revisions before: replies go on after
    them. Raises InputError for a file that is no recording.
    """

    def __init__(
        self,
        path: Path,
        emit: Callable[[LLMEvent], None],
        revisions_heard: int = 0,
        prompts: Prompts = ENGLISH,
    ) -> None:
        super().__init__(Asking(self, emit, prompts))
        self._recording = transcript.read(path)
        self._path = path
        self._emit = emit
        self._left = unheard(self._recording.exchanges, revisions_heard)
        self.label = self._recording.about.label
        self.about = self._recording.about.about

    def draft(self, request: DraftRequest) -> AttributeSystem:
        recorded = _recorded_classes(self._recording)
        wanted = {name for name, _ in request.classes}
        if recorded and recorded != wanted:
            other = sorted(recorded ^ wanted)
            raise LLMError(
                f"The recording {self._path} was made for other classes: "
                f"{short(', '.join(map(repr, other)), 120)} on one side only.",
                hint="Replay it with its own classes, or connect a real model with --llm MODEL.",
            )
        return super().draft(request)

    def revise(self, request: RevisionRequest) -> tuple[Proposal, ...]:
        try:
            proposals = super().revise(request)
            # Whoever was asked then had not read these notes.
            silent = bool(request.notes)
        except RecordingEnded:
            proposals, silent = (), True
        if silent:
            self._emit(RecordingSilent(_SILENT))
        return proposals

    def complete(self, purpose: str, messages: list[Message], reply_model: type[ReplyT]) -> ReplyT:
        self._emit(CallStarted(purpose))
        key = Question(purpose, messages, reply_model.model_json_schema()).key
        while (exchange := self._next(purpose, key)) is not None:
            try:
                reply = exchange.read(reply_model)
            except ValidationError:
                # What could not be read live was asked again then: the next one is the answer.
                continue
            # What a handwritten recording answers is not known: it holds no keys.
            fits = exchange.key in ("", key)
            self._emit(CallFinished(purpose, None, None, 0.0) if fits else GivenToAnother(purpose))
            return reply
        raise RecordingEnded(
            f"The recording {self._path} holds no answer for {purpose!r}.",
            hint="Connect a real model with --llm MODEL, or go on without one: "
            + ("--optimizer greedy." if purpose == REWRITE_GROUP else "--llm none."),
        )

    def _next(self, purpose: str, key: str) -> Exchange | None:
        """The recorded answer to this very request, else the next one for its purpose.

        In a session that took another way every request differs, and answers may still be of use.

        What was recorded before it for the purpose is passed over: a session that is taken up
        again goes on where it stopped.
        """
        same = [entry for entry in self._left if entry.purpose == purpose]
        found = next((entry for entry in same if entry.key == key), same[0] if same else None)
        if found is not None:
            others = [entry for entry in self._left if entry.purpose != purpose]
            self._left = [*others, *same[same.index(found) + 1 :]]
        return found


def unheard(exchanges: Sequence[Exchange], revisions: int) -> list[Exchange]:
    """What was answered, without the answers to the first `revisions` revisions."""
    left = []
    answered = 0
    for exchange in exchanges:
        # An answer cut off led to smaller questions; other failures led to nothing.
        if exchange.reply is None or (exchange.error is not None and not exchange.truncated):
            continue
        # A truncated answer belongs to the revision that it did not yet answer.
        of = answered + 1
        if exchange.purpose == REVISE and not exchange.truncated:
            answered += 1
        elif exchange.purpose == REVISE_AGAIN:
            of = answered
        if exchange.purpose not in (REVISE, REVISE_AGAIN) or of > revisions:
            left.append(exchange)
    return left


def _recorded_classes(recording: Recording) -> set[str]:
    """The classes whose rules were asked for, as the recorded schemas name them."""
    return {name for exchange in recording.exchanges for name in classes_in(exchange.reply_schema)}
