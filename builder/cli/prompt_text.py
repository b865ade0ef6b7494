"""A question to a language model, exactly as it would be sent."""

from collections.abc import Callable
from typing import Any

from builder.errors import InputError
from builder.llm.asking import Asking
from builder.llm.class_rules import Subject, draft_rules, in_batches
from builder.llm.drafting import draft_system
from builder.llm.prompts import Prompts
from builder.llm.revising import revise_system
from builder.llm.transport import Message, ReplyT
from builder.proposals.requests import DraftRequest, RevisionRequest
from builder.review.request import classes_to_show
from builder.system.model import AttributeSystem


class Asked(Exception):
    """The first question that would be sent: its messages, and the JSON schema of the answer."""

    def __init__(self, messages: list[Message], schema: dict[str, Any]) -> None:
        self.messages = messages
        self.schema = schema
        self.text = "\n\n".join(message["content"] for message in messages)
        super().__init__(self.text)


class _Listener:
    """A transport that raises every question as `Asked` instead of sending it."""

    def complete(
        self,
        purpose: str,  # noqa: ARG002
        messages: list[Message],
        reply_model: type[ReplyT],
    ) -> ReplyT:
        raise Asked(messages, reply_model.model_json_schema())


def _first_question(ask: Callable[[Asking], object], prompts: Prompts) -> Asked:
    try:
        ask(Asking(_Listener(), lambda _event: None, prompts))
    except Asked as asked:
        return asked
    raise RuntimeError("nothing was asked")


def of_draft(request: DraftRequest, prompts: Prompts) -> Asked:
    """The question for groups."""
    return _first_question(lambda asking: draft_system(request, asking), prompts)


def of_rules(request: DraftRequest, system: AttributeSystem, prompts: Prompts, batch: int) -> Asked:
    """The question for the rules of a batch of classes, of 1 and up. Raises InputError."""
    batches = in_batches(request.classes, system.groups)
    if batch > len(batches):
        count, size = len(request.classes), len(batches[0])
        raise InputError(
            f"there is no batch {batch}: {count} classes are asked about {size} at a time",
            hint=f"--batch goes up to {len(batches)}",
        )
    asked = batches[batch - 1]
    names = tuple(name for name, _ in request.classes)
    subject = Subject(request.domain, system.groups, names, request.context)
    return _first_question(
        lambda asking: draft_rules(subject, asked, "draft rules", asking), prompts
    )


def of_revision(request: DraftRequest, system: AttributeSystem, prompts: Prompts) -> Asked:
    """The question for proposals."""
    revision = RevisionRequest(
        system,
        descriptions=dict(request.classes),
        context=request.context,
        classes=classes_to_show(system),
    )
    return _first_question(lambda asking: revise_system(revision, asking), prompts)
