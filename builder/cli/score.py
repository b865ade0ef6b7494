"""`cotbuild score`: baselines and systems side by side, on the user's own images."""

from pathlib import Path
from typing import Annotated

import typer

from builder.cli import app, reports_errors
from builder.cli.flags import (
    Crop,
    DataSplit,
    Device,
    Dtype,
    ImageColumn,
    Images,
    Json,
    LabelColumn,
    Rule,
)


@app.command()
@reports_errors
def score(
    systems: Annotated[
        list[Path], typer.Argument(help="System files, cotbuild's or the article's.")
    ],
    images: Images,
    image_column: ImageColumn = None,
    label_column: LabelColumn = None,
    data_split: DataSplit = None,
    encoder: Annotated[
        list[str] | None,
        typer.Option(
            "--encoder",
            help="As for new; repeatable. Default: the one that measured the system.",
        ),
    ] = None,
    classes: Annotated[
        Path | None,
        typer.Option("--classes", help="Classes file, for the baseline with descriptions."),
    ] = None,
    crop: Crop = None,
    rule: Annotated[
        Rule | None,
        typer.Option(
            "--rule",
            help="Scoring rule; default: as in the file. all: side by side. What is fitted is so "
            "on the session's review images, or on a part of the images, and shown on the others.",
        ),
    ] = None,
    scale: Annotated[
        float | None,
        typer.Option("--scale", min=1e-6, max=1e6, help="Logit scale; default: as in the file."),
    ] = None,
    device: Device = "auto",
    dtype: Dtype = "float32",
    min_accuracy: Annotated[
        float | None,
        typer.Option("--min-accuracy", min=0, max=1, help="Exit with 1 if a system is below."),
    ] = None,
    controls: Annotated[
        bool,
        typer.Option(
            "--controls", help="Also score senseless rules, words and names, for comparison."
        ),
    ] = False,
    save: Annotated[
        Path | None,
        typer.Option("--save", help="Write the system with the rule of --rule to this file."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Score systems against matching images to names. Images of a session are shown per split."""
    from builder.cli.score_inputs import Comparison
    from builder.cli.score_rules import compare_rules, is_trial
    from builder.cli.score_tables import compare
    from builder.data.sources import ImageSource

    wanted = Comparison(
        systems=tuple(systems),
        images=ImageSource(images, image_column, label_column, data_split),
        encoders=tuple(encoder or ()),
        classes=classes,
        crop=crop,
        rule=rule,
        scale=scale,
        device=device,
        dtype=dtype,
        controls=controls,
        as_json=as_json,
        save=save,
    )
    if is_trial(wanted):
        compare_rules(wanted, min_accuracy=min_accuracy)
    else:
        compare(wanted, min_accuracy=min_accuracy)
