"""`cotbuild new`: the flags of a new session."""

from pathlib import Path
from typing import Annotated

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
    Price,
    PromptFolder,
    Rounds,
    Yes,
    flag,
)
from builder.system.model import PlainRule

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
        Path | None, flag("--start", "FILE", "Begin from this system, not a draft.")
    ] = None,
    out: Annotated[
        Path | None, flag("--out", "FOLDER", "The session's; default: a new one.")
    ] = None,
    images: ImagesIfAny = None,
    no_images: Annotated[
        bool, flag("--no-images", None, "Draft and edit without scoring anything.", IMAGES)
    ] = False,
    crop: Crop = None,
    image_column: ImageColumn = None,
    label_column: LabelColumn = None,
    data_split: DataSplit = None,
    seed: Annotated[int, flag("--seed", "N", "Seed of the splits; default: 0.", IMAGES)] = 0,
    encoder: Annotated[
        str | None,
        flag("--encoder", "NAME", "jina-clip-v1 (default), jina-clip-v2, hub id, folder.", ENCODER),
    ] = None,
    device: Device = "auto",
    dtype: Dtype = "float32",
    rule: Annotated[
        PlainRule | None,
        flag("--rule", "NAME", "sum, log or robust-log; default: of --start, or sum.", ENCODER),
    ] = None,
    scale: Annotated[
        float | None, flag("--scale", "N", "Logit scale; default: the encoder's own.", ENCODER)
    ] = None,
    llm: Llm = None,
    llm_url: LlmUrl = None,
    context: Context = None,
    attribute: Attribute = None,
    language: Language = "en",
    prompts: PromptFolder = None,
    llm_parallel: LlmParallel = None,
    no_transcript: Annotated[
        bool, flag("--no-transcript", None, "Keep no requests and replies.", MODEL)
    ] = False,
    max_cost: MaxCost = None,
    max_tokens: MaxTokens = None,
    price: Price = None,
    yes: Yes = False,
    auto: Auto = False,
    rounds: Rounds = None,
    patience: Annotated[
        int, flag("--patience", "N", "Stop N rounds after the best; default: 2.", RUNNING, min=1)
    ] = 2,
    min_accuracy: MinAccuracy = None,
    as_json: JsonEvents = False,
) -> None:
    """Begin a session: draft a system, measure it, review changes, export it."""
    from builder import __version__
    from builder.cli.begin import begin_session, fresh_folder
    from builder.cli.consent import asker_for
    from builder.cli.context import read_context
    from builder.cli.json_events import session_screen
    from builder.cli.model import ModelOptions, spoken_to
    from builder.cli.settings import (
        RunMode,
        ask_for_images,
        class_infos,
        crop_of,
        domain_of,
        scoring_of,
        start_file,
        with_images,
    )
    from builder.data.classes import read_classes
    from builder.data.sources import ImageSource
    from builder.proposals.requests import DEFAULT_ATTRIBUTES
    from builder.session.records import Started

    mode = RunMode(auto, yes, rounds, min_accuracy, parallel=llm_parallel)
    with session_screen(mode, as_json=as_json) as screen:
        entries = read_classes(classes)
        file = start_file(start, entries) if start else None
        asker = asker_for(mode)
        source = None
        if not no_images:
            named = ImageSource(images, image_column, label_column, data_split) if images else None
            source = named or ask_for_images(asker)
        part = crop_of(crop, source)
        settings = Started(
            cotbuild=__version__,
            domain=domain_of(domain, file, asker),
            classes=class_infos(entries),
            images=None,
            encoder=None,
            device=device,
            dtype=dtype,
            llm=None,
            transcript=not no_transcript,
            language=language,
            context=read_context(context),
            attributes=tuple(attribute or ()) or DEFAULT_ATTRIBUTES,
            scoring=scoring_of(rule, scale, file),
            seed=seed,
            patience=patience,
            rounds=rounds if auto else None,
            start=str(start.absolute()) if start else None,
        )
        settings = with_images(settings, source, encoder, part)
        model = ModelOptions(llm, llm_url, price, max_cost, max_tokens, prompts)
        begin_session(
            spoken_to(settings, model),
            (start, file) if start and file else None,
            (out or fresh_folder(classes)).resolve(),
            mode,
            screen,
            encoder_named=encoder is not None,
        )
