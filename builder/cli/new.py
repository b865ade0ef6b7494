"""`cotbuild new`: the flags of a new session."""

from pathlib import Path
from typing import Annotated

from builder.cli import app, flags
from builder.cli.flags import ENCODER, IMAGES, MODEL, RUNNING, flag
from builder.system.model import PlainRule

EXAMPLES = (
    "cotbuild new --classes classes.txt --images images --llm gpt-4.1-mini",
    "cotbuild new --classes classes.txt --images images --start system.json --auto",
)


@app.command(epilog="Examples:\n" + "\n\n".join(EXAMPLES))
def new(
    classes: flags.Classes,
    domain: flags.Domain = None,
    start: Annotated[
        Path | None, flag("--start", "FILE", "Begin from this system, not a draft.")
    ] = None,
    out: Annotated[
        Path | None, flag("--out", "FOLDER", "The session's; default: a new one.")
    ] = None,
    images: flags.ImagesIfAny = None,
    no_images: Annotated[
        bool, flag("--no-images", None, "Draft and edit without scoring anything.", IMAGES)
    ] = False,
    crop: flags.Crop = None,
    image_column: flags.ImageColumn = None,
    label_column: flags.LabelColumn = None,
    data_split: flags.DataSplit = None,
    seed: Annotated[int, flag("--seed", "N", "Seed of the splits; default: 0.", IMAGES)] = 0,
    encoder: Annotated[
        str | None,
        flag("--encoder", "NAME", "jina-clip-v1 (default), jina-clip-v2, hub id, folder.", ENCODER),
    ] = None,
    device: flags.Device = "auto",
    dtype: flags.Dtype = "float32",
    rule: Annotated[
        PlainRule | None,
        flag("--rule", "NAME", "sum, log or robust-log; default: of --start, or sum.", ENCODER),
    ] = None,
    scale: Annotated[
        float | None, flag("--scale", "N", "Logit scale; default: the encoder's own.", ENCODER)
    ] = None,
    llm: flags.Llm = None,
    llm_url: flags.LlmUrl = None,
    context: flags.Context = None,
    attribute: flags.Attribute = None,
    language: flags.Language = "en",
    prompts: flags.PromptFolder = None,
    llm_parallel: flags.LlmParallel = None,
    llm_timeout: flags.LlmTimeout = None,
    no_transcript: Annotated[
        bool, flag("--no-transcript", None, "Keep no requests and replies.", MODEL)
    ] = False,
    max_cost: flags.MaxCost = None,
    max_tokens: flags.MaxTokens = None,
    price: flags.Price = None,
    yes: flags.Yes = False,
    auto: flags.Auto = False,
    rounds: flags.Rounds = None,
    patience: Annotated[
        int, flag("--patience", "N", "Stop N rounds after the best; default: 2.", RUNNING, min=1)
    ] = 2,
    min_accuracy: flags.MinAccuracy = None,
    as_json: flags.JsonEvents = False,
) -> None:
    """Begin a session: draft a system, measure it, review changes, export it."""
    from builder.cli import begin, settings
    from builder.cli.consent import asker_for
    from builder.cli.context import read_context
    from builder.cli.json_events import session_screen
    from builder.cli.model import ModelOptions
    from builder.data.classes import read_classes
    from builder.data.sources import ImageSource

    mode = settings.RunMode(
        auto, yes, rounds, min_accuracy, parallel=llm_parallel, timeout=llm_timeout
    )
    with session_screen(mode, as_json=as_json) as screen:
        entries = read_classes(classes)
        file = settings.start_file(start, entries) if start else None
        asker = asker_for(mode)
        source = None
        if not no_images:
            named = ImageSource(images, image_column, label_column, data_split) if images else None
            source = named or settings.ask_for_images(asker)
        part = settings.crop_of(crop, source)
        given = {"attributes": tuple(attribute)} if attribute else {}
        started = settings.settings_of(
            settings.domain_of(domain, file, asker),
            entries,
            source,
            encoder,
            part,
            ModelOptions(llm, llm_url, price, max_cost, max_tokens, prompts),
            device=device,
            dtype=dtype,
            transcript=not no_transcript,
            language=language,
            context=read_context(context),
            scoring=settings.scoring_of(rule, scale, file),
            seed=seed,
            patience=patience,
            **given,
        )
        begin.begin_session(
            started,
            (start, file) if start and file else None,
            (out or begin.fresh_folder(classes)).resolve(),
            mode,
            screen,
            encoder_named=encoder is not None,
        )
