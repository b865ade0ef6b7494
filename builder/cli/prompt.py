"""`cotbuild prompt`: what a language model would be told, without telling it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from builder.cli import app, reports_errors
from builder.cli.flags import Attribute, Classes, Context, Domain, Language, PromptFolder

if TYPE_CHECKING:
    from builder.llm.asking import Asking
    from builder.llm.prompts import Prompts
    from builder.llm.transport import Message, ReplyT
    from builder.proposals.requests import DraftRequest
    from builder.system.model import AttributeSystem


@app.command()
@reports_errors
def prompt(
    which: Annotated[
        Literal["draft", "rules", "revise"],
        typer.Argument(help="The question for groups, for rules, or for proposals."),
    ],
    classes: Classes,
    domain: Domain = None,
    attribute: Attribute = None,
    language: Language = "en",
    prompts: PromptFolder = None,
    context: Context = None,
    system: Annotated[
        Path | None,
        typer.Option("--system", help="System whose groups and rules the question is about."),
    ] = None,
    batch: Annotated[
        int, typer.Option("--batch", min=1, help="Which batch of classes, for rules.")
    ] = 1,
) -> None:
    """Print what would be sent, and nothing else; the JSON schema of the answer goes beside it."""
    from builder.cli.context import read_context
    from builder.cli.settings import start_file
    from builder.data.classes import read_classes
    from builder.errors import InputError
    from builder.llm.prompts import Prompts
    from builder.proposals.requests import DEFAULT_ATTRIBUTES, DraftRequest

    chosen = Prompts.open(language, prompts)
    entries = read_classes(classes)
    known = start_file(system, entries).system if system else None
    request = DraftRequest(
        (domain or "").strip() or (known.domain if known else "object"),
        tuple((entry.name, entry.description) for entry in entries),
        tuple(attribute or ()) or DEFAULT_ATTRIBUTES,
        read_context(context),
    )
    if which == "draft":
        text = _draft(request, chosen)
    elif known is None:
        subject = "rules" if which == "rules" else "proposals"
        raise InputError(
            f"the question for {subject} is about a system", hint="name one with --system FILE"
        )
    elif which == "rules":
        text = _rules(request, known, chosen, batch)
    else:
        text = _revise(request, known, chosen)
    typer.echo(text)


class _Asked(Exception):
    """Raised with the messages of the first question that would be sent."""

    def __init__(self, messages: "list[Message]") -> None:
        self.text = "\n\n".join(message["content"] for message in messages)
        super().__init__(self.text)


class _Listener:
    """A transport that raises every question as `_Asked` instead of sending it."""

    def complete(
        self,
        purpose: str,  # noqa: ARG002
        messages: "list[Message]",
        reply_model: "type[ReplyT]",  # noqa: ARG002
    ) -> "ReplyT":
        raise _Asked(messages)


def _first_question(ask: Callable[["Asking"], object], prompts: "Prompts") -> str:
    """The text of the first question, exactly as it would be sent."""
    from builder.llm.asking import Asking

    try:
        ask(Asking(_Listener(), lambda _event: None, prompts))
    except _Asked as asked:
        return asked.text
    return ""


def _draft(request: "DraftRequest", prompts: "Prompts") -> str:
    from builder.llm.drafting import draft_system

    return _first_question(lambda asking: draft_system(request, asking), prompts)


def _rules(
    request: "DraftRequest", system: "AttributeSystem", prompts: "Prompts", batch: int
) -> str:
    from builder.errors import InputError
    from builder.llm.class_rules import BATCH, Subject, draft_rules

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
        lambda asking: draft_rules(subject, asked, "draft rules", asking), prompts
    )


def _revise(request: "DraftRequest", system: "AttributeSystem", prompts: "Prompts") -> str:
    from builder.llm.revising import revise_system
    from builder.proposals.requests import RevisionRequest
    from builder.review.request import classes_to_show

    revision = RevisionRequest(
        system,
        descriptions=dict(request.classes),
        context=request.context,
        classes=classes_to_show(system),
    )
    return _first_question(lambda asking: revise_system(revision, asking), prompts)
