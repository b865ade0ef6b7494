"""`cotbuild classify`: which class each image shows, how sure that is, and why."""

from pathlib import Path
from typing import Annotated

import typer

from builder.cli import app, flags
from builder.cli.flags import flag


@app.command()
def classify(
    system: Annotated[Path, typer.Argument(help="System file, cotbuild's or the article's.")],
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE...",
            help="Image files, folders, or patterns such as 'cards/**/*.png'; - reads paths from "
            "stdin, one a line.",
        ),
    ],
    encoder: flags.EncoderIfOther = None,
    crop: flags.Crop = None,
    device: flags.Device = "auto",
    dtype: flags.Dtype = "float32",
    explain: Annotated[
        bool, flag("--explain", None, "Also the runner-up, and what each group saw.")
    ] = False,
    as_json: Annotated[bool, flag("--json", None, "Print one JSON object an image.")] = False,
) -> None:
    """Classify images, in the order in which they are named, as fast as they come.

    Exit code 1 if an image could not be read; the others are classified all the same.
    """
    from builder.cli.classify_images import classify_all, open_classifier
    from builder.cli.screen import Screen

    screen = Screen()
    classifier = open_classifier(system, encoder, crop, device, dtype, screen)
    classify_all(classifier, images, screen, explain=explain, as_json=as_json)
