"""The text of a question to a language model, exactly as it would be sent."""

from collections.abc import Callable

from builder.errors import InputError
from builder.llm.class_rules import BATCH, Asking, Subject, draft_rules
from builder.llm.drafting import draft_system
from builder.llm.parallel import ParallelCalls
from builder.llm.prompts import Prompts
from builder.llm.revising import revise_system
from builder.llm.transport import Message, ReplyT, Transport
from builder.proposals.requests import DraftRequest, RevisionRequest
from builder.review.request import classes_to_show
from builder.system.model import AttributeSystem


class _Asked(Exception):
    """Raised with the messages of the first question that would be sent."""

    def __init__(self, messages: list[Message]) -> None:
        self.text = "\n\n".join(message["content"] for message in messages)
        super().__init__(self.text)


class _Listener:
    """A transport that raises every question as `_Asked` instead of sending it."""

    def complete(
        self,
        purpose: str,  # noqa: ARG002
        messages: list[Message],
        reply_model: type[ReplyT],  # noqa: ARG002
    ) -> ReplyT:
        raise _Asked(messages)


def _first_question(ask: Callable[[Transport], object]) -> str:
    try:
        ask(_Listener())
    except _Asked as asked:
        return asked.text
    return ""


def _ignored(_: object) -> None:
    """Ignores an event, for nothing is asked."""


def of_draft(request: DraftRequest, prompts: Prompts) -> str:
    """The question for groups."""
    return _first_question(
        lambda transport: draft_system(request, transport, _ignored, prompts=prompts)
    )


def of_rules(request: DraftRequest, system: AttributeSystem, prompts: Prompts, batch: int) -> str:
    """The question for the rules of a batch of classes, of 1 and up. Raises InputError."""
    asked = request.classes[(batch - 1) * BATCH : batch * BATCH]
    if not asked:
        count = len(request.classes)
        raise InputError(
            f"there is no batch {batch}: {count} classes are asked about {BATCH} at a time",
            hint=f"--batch goes up to {-(-count // BATCH)}",
        )
    names = tuple(name for name, _ in request.classes)
    subject = Subject(request.domain, system.groups, names, request.context)
    return _first_question(
        lambda transport: draft_rules(
            subject, asked, "draft rules", Asking(transport, _ignored, prompts, ParallelCalls())
        )
    )


def of_revision(request: DraftRequest, system: AttributeSystem, prompts: Prompts) -> str:
    """The question for proposals."""
    revision = RevisionRequest(
        system,
        descriptions=dict(request.classes),
        context=request.context,
        classes=classes_to_show(system),
    )
    return _first_question(
        lambda transport: revise_system(revision, transport, _ignored, prompts=prompts)
    )
