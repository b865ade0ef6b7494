"""`cotbuild new` and `cotbuild resume`."""

from pathlib import Path
from typing import Annotated

import typer

from builder.cli import app, reports_errors
from builder.cli.flags import (
    ENCODER,
    IMAGES,
    MODEL,
    RUNNING,
    Attribute,
    Auto,
    Classes,
    Context,
    Crop,
    DataSplit,
    Device,
    Domain,
    Dtype,
    ImageColumn,
    ImagesIfAny,
    JsonEvents,
    LabelColumn,
    Language,
    Llm,
    LlmParallel,
    LlmUrl,
    MaxCost,
    MaxTokens,
    MinAccuracy,
    PlainRule,
    Price,
    PromptFolder,
    Rounds,
    SessionFolder,
    Yes,
)

EXAMPLES = (
    "cotbuild new --classes classes.txt --images images --llm gpt-4.1-mini",
    "cotbuild new --classes classes.txt --images images --start system.json --auto",
)


@app.command(epilog="Examples:\n" + "\n\n".join(EXAMPLES))
@reports_errors
def new(
    classes: Classes,
    domain: Domain = None,
    start: Annotated[
        Path | None,
        typer.Option("--start", metavar="FILE", help="Begin from this system, not a draft."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="The session's; default: a new one."),
    ] = None,
    images: ImagesIfAny = None,
    no_images: Annotated[
        bool,
        typer.Option(
            "--no-images",
            help="Draft and edit without scoring anything.",
            rich_help_panel=IMAGES,
        ),
    ] = False,
    crop: Crop = None,
    image_column: ImageColumn = None,
    label_column: LabelColumn = None,
    data_split: DataSplit = None,
    seed: Annotated[
        int,
        typer.Option(
            "--seed",
            metavar="N",
            show_default=False,
            help="Seed of the splits; default: 0.",
            rich_help_panel=IMAGES,
        ),
    ] = 0,
    encoder: Annotated[
        str | None,
        typer.Option(
            "--encoder",
            metavar="NAME",
            help="jina-clip-v1 (default), jina-clip-v2, hub id, folder.",
            rich_help_panel=ENCODER,
        ),
    ] = None,
    device: Device = "auto",
    dtype: Dtype = "float32",
    rule: Annotated[
        PlainRule | None,
        typer.Option(
            "--rule",
            metavar="NAME",
            help="sum, log or robust-log; default: of --start, or sum.",
            rich_help_panel=ENCODER,
        ),
    ] = None,
    scale: Annotated[
        float | None,
        typer.Option(
            "--scale",
            metavar="N",
            help="Logit scale; default: the encoder's own.",
            rich_help_panel=ENCODER,
        ),
    ] = None,
    llm: Llm = None,
    llm_url: LlmUrl = None,
    context: Context = None,
    attribute: Attribute = None,
    language: Language = "en",
    prompts: PromptFolder = None,
    llm_parallel: LlmParallel = None,
    no_transcript: Annotated[
        bool,
        typer.Option(
            "--no-transcript",
            help="Keep no requests and replies.",
            rich_help_panel=MODEL,
        ),
    ] = False,
    max_cost: MaxCost = None,
    max_tokens: MaxTokens = None,
    price: Price = None,
    yes: Yes = False,
    auto: Auto = False,
    rounds: Rounds = None,
    patience: Annotated[
        int,
        typer.Option(
            "--patience",
            metavar="N",
            min=1,
            show_default=False,
            help="Stop N rounds after the best; default: 2.",
            rich_help_panel=RUNNING,
        ),
    ] = 2,
    min_accuracy: MinAccuracy = None,
    as_json: JsonEvents = False,
) -> None:
    """Begin a session: draft a system, measure it, review changes, export it."""
    from builder.cli.json_events import session_screen
    from builder.cli.model import ModelOptions
    from builder.cli.settings import SessionOptions
    from builder.cli.setup import RunMode, begin
    from builder.data import ImageSource

    options = SessionOptions(
        classes=classes,
        images=ImageSource(images, image_column, label_column, data_split) if images else None,
        no_images=no_images,
        encoder=encoder,
        model=ModelOptions(llm, llm_url, llm_parallel, price, max_cost, max_tokens, prompts),
        transcript=not no_transcript,
        language=language,
        context=context,
        domain=domain,
        attributes=tuple(attribute or ()),
        start=start,
        crop=crop,
        rule=rule,
        scale=scale,
        device=device,
        dtype=dtype,
        seed=seed,
        patience=patience,
    )
    mode = RunMode(auto, yes, rounds, min_accuracy)
    with session_screen(mode, as_json=as_json) as screen:
        begin(options, out, mode, screen)


@app.command()
@reports_errors
def resume(
    session: SessionFolder = None,
    llm: Llm = None,
    llm_url: LlmUrl = None,
    llm_parallel: LlmParallel = None,
    price: Price = None,
    max_cost: MaxCost = None,
    max_tokens: MaxTokens = None,
    prompts: PromptFolder = None,
    edits: Annotated[
        Path | None,
        typer.Option(
            "--edits", help="Accept the proposals in this JSON file, measure them, and stop."
        ),
    ] = None,
    rounds: Rounds = None,
    auto: Auto = False,
    yes: Yes = False,
    min_accuracy: MinAccuracy = None,
    as_json: JsonEvents = False,
) -> None:
    """Go on with a session, where it was left."""
    from builder.cli.json_events import session_screen
    from builder.cli.model import ModelOptions
    from builder.cli.setup import RunMode, go_on
    from builder.session.journal import latest_session

    mode = RunMode(auto, yes, rounds, min_accuracy, edits)
    options = ModelOptions(llm, llm_url, llm_parallel, price, max_cost, max_tokens, prompts)
    with session_screen(mode, as_json=as_json) as screen:
        go_on(session or latest_session(Path.cwd()), options, mode, screen)
