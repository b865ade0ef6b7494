"""`cotbuild score`: baselines and systems side by side, on the user's own images."""

from pathlib import Path
from typing import Annotated

import typer

from builder.cli import app, completion, flags
from builder.cli.flags import flag


@app.command()
def score(
    systems: Annotated[
        list[Path], typer.Argument(help="System files, cotbuild's or the article's.")
    ],
    images: flags.Images,
    image_column: flags.ImageColumn = None,
    label_column: flags.LabelColumn = None,
    data_split: flags.DataSplit = None,
    encoder: Annotated[
        list[str] | None,
        flag(
            "--encoder",
            None,
            "As for new; repeatable. Default: the one that measured the system.",
            autocompletion=completion.encoders,
        ),
    ] = None,
    classes: Annotated[
        Path | None, flag("--classes", None, "Classes file, for the baseline with descriptions.")
    ] = None,
    crop: flags.Crop = None,
    rule: Annotated[
        flags.Rule | None,
        flag(
            "--rule",
            None,
            "Scoring rule; default: as in the file. all: side by side. What is fitted is so "
            "on the session's review images, or on a part of the images, and shown on the others.",
        ),
    ] = None,
    scale: Annotated[
        float | None,
        flag("--scale", None, "Logit scale; default: as in the file.", min=1e-6, max=1e6),
    ] = None,
    device: flags.Device = "auto",
    dtype: flags.Dtype = "float32",
    min_accuracy: Annotated[
        float | None,
        flag("--min-accuracy", None, "Exit with 1 if a system is below.", min=0, max=1),
    ] = None,
    controls: Annotated[
        bool,
        flag("--controls", None, "Also score senseless rules, words and names, for comparison."),
    ] = False,
    save: Annotated[
        Path | None, flag("--save", None, "Write the system with the rule of --rule to this file.")
    ] = None,
    as_json: flags.Json = False,
) -> None:
    """Score systems against matching images to names. Images of a session are shown per split."""
    from builder.cli import score_rules, score_tables
    from builder.cli.score_inputs import gather
    from builder.cli.screen import Screen
    from builder.data.classes import read_classes
    from builder.data.sources import ImageSource
    from builder.system.file import load_system_file

    trial = score_rules.is_trial(rule, save)
    if trial:
        scaled, bounded = scale is not None, min_accuracy is not None
        adding = "--controls" if controls else "--classes" if classes else None
        score_rules.check_flags(systems, rule, save, scaled=scaled, bounded=bounded, adding=adding)
    screen = Screen()
    files = {path: load_system_file(path) for path in systems}
    if not trial:
        # A rule that is tried is compared with the file's own.
        files = {path: score_tables.with_scoring(file, rule, scale) for path, file in files.items()}
    entries = read_classes(classes) if classes else ()
    source = ImageSource(images, image_column, label_column, data_split)
    inputs = gather(files, source, encoder or (), crop, device, dtype, screen)
    worst = (
        score_rules.compare_rules(inputs, rule, scale, save, as_json=as_json)
        if trial
        else score_tables.compare(inputs, entries, controls=controls, as_json=as_json)
    )
    screen.check_accuracy(worst, min_accuracy)
