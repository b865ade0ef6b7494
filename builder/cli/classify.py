"""`cotbuild classify`: which class each image shows, how sure that is, and why."""

from pathlib import Path
from typing import Annotated

import typer

from builder.cli import app, reports_errors
from builder.cli.flags import Crop, Device, Dtype, EncoderIfOther


@app.command()
@reports_errors
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
    encoder: EncoderIfOther = None,
    crop: Crop = None,
    device: Device = "auto",
    dtype: Dtype = "float32",
    explain: Annotated[
        bool, typer.Option("--explain", help="Also the runner-up, and what each group saw.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object an image.")
    ] = False,
) -> None:
    """Classify images, in the order in which they are named, as fast as they come.

    Exit code 1 if an image could not be read; the others are classified all the same.
    """
    from builder.cli.classify_images import Wanted, classify_all

    classify_all(
        Wanted(
            system=system,
            images=tuple(images),
            encoder=encoder,
            crop=crop,
            device=device,
            dtype=dtype,
            explain=explain,
            as_json=as_json,
        )
    )
