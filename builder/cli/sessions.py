"""`cotbuild new` and `cotbuild resume`."""

from pathlib import Path
from typing import Annotated

import typer

from builder.cli import app, reports_errors
from builder.cli.flags import (
    Attribute,
    Classes,
    Context,
    Crop,
    DataSplit,
    Device,
    Domain,
    Dtype,
    ImageColumn,
    ImagesIfAny,
    LabelColumn,
    Language,
    Llm,
    LlmParallel,
    LlmUrl,
    MaxCost,
    MaxTokens,
    PlainRule,
    Price,
    PromptFolder,
    SessionFolder,
)

Auto = Annotated[
    bool, typer.Option("--auto", help="No person: accept what helps on review images.")
]
Rounds = Annotated[int | None, typer.Option("--rounds", min=1, help="Stop after this many rounds.")]
Yes = Annotated[
    bool,
    typer.Option("--yes", help="Agree beforehand to the model's price and the encoder's download."),
]
MinAccuracy = Annotated[
    float | None,
    typer.Option(
        "--min-accuracy",
        min=0,
        max=1,
        help="Exit with 1 if the best held-out accuracy is below this fraction.",
    ),
]

JsonEvents = Annotated[
    bool,
    typer.Option(
        "--json", help="Print what happens as one JSON object a line; with --auto or --edits."
    ),
]


@app.command()
@reports_errors
def new(
    classes: Classes,
    images: ImagesIfAny = None,
    image_column: ImageColumn = None,
    label_column: LabelColumn = None,
    data_split: DataSplit = None,
    no_images: Annotated[
        bool, typer.Option("--no-images", help="Draft and edit without scoring anything.")
    ] = False,
    encoder: Annotated[
        str | None,
        typer.Option(
            "--encoder",
            help="jina-clip-v1 (default), jina-clip-v2, or a jina-clip, CLIP or SigLIP checkpoint: "
            "hub id or local folder.",
        ),
    ] = None,
    llm: Llm = None,
    llm_url: LlmUrl = None,
    llm_parallel: LlmParallel = None,
    price: Price = None,
    max_cost: MaxCost = None,
    max_tokens: MaxTokens = None,
    no_transcript: Annotated[
        bool,
        typer.Option(
            "--no-transcript",
            help="Keep no requests and replies in the session; what it spends is counted anew "
            "by each run.",
        ),
    ] = False,
    language: Language = "en",
    prompts: PromptFolder = None,
    context: Context = None,
    domain: Domain = None,
    attribute: Attribute = None,
    start: Annotated[
        Path | None, typer.Option("--start", help="Begin from this system instead of a draft.")
    ] = None,
    crop: Crop = None,
    rule: Annotated[
        PlainRule | None,
        typer.Option("--rule", help="Scoring rule; default: as the file of --start says, or sum."),
    ] = None,
    scale: Annotated[
        float | None,
        typer.Option("--scale", min=1e-6, max=1e6, help="Logit scale; default: the encoder's own."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the session; default: a new one.")
    ] = None,
    device: Device = "auto",
    dtype: Dtype = "float32",
    seed: Annotated[int, typer.Option("--seed", help="Seed of the splits.")] = 0,
    patience: Annotated[
        int, typer.Option("--patience", min=1, help="Rounds without a new best before stopping.")
    ] = 2,
    rounds: Rounds = None,
    auto: Auto = False,
    yes: Yes = False,
    min_accuracy: MinAccuracy = None,
    as_json: JsonEvents = False,
) -> None:
    """Begin a session: draft a system, measure it, review proposals, export the best."""
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
