"""`cotbuild prompt`: what a language model would be told, without telling it."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from builder.cli import app, flags, print_json
from builder.cli.flags import flag


@app.command()
def prompt(
    which: Annotated[
        Literal["draft", "rules", "revise"],
        typer.Argument(help="The question for groups, for rules, or for proposals."),
    ],
    classes: flags.Classes,
    domain: flags.Domain = None,
    attribute: flags.Attribute = None,
    language: flags.Language = "en",
    prompts: flags.PromptFolder = None,
    context: flags.Context = None,
    system: Annotated[
        Path | None, flag("--system", None, "System whose groups and rules the question is about.")
    ] = None,
    batch: Annotated[
        int, typer.Option("--batch", min=1, help="Which batch of classes, for rules.")
    ] = 1,
    as_json: flags.Json = False,
) -> None:
    """Print what would be sent, and nothing else; --json adds the JSON schema of the answer."""
    from builder.cli import prompt_text
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
        asked = prompt_text.of_draft(request, chosen)
    elif known is None:
        subject = "rules" if which == "rules" else "proposals"
        raise InputError(
            f"the question for {subject} is about a system", hint="name one with --system FILE"
        )
    elif which == "rules":
        asked = prompt_text.of_rules(request, known, chosen, batch)
    else:
        asked = prompt_text.of_revision(request, known, chosen)
    if as_json:
        print_json({"messages": asked.messages, "schema": asked.schema})
    else:
        typer.echo(asked.text)
