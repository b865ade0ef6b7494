"""`cotbuild questions`: asks the groups one by one, and finds how few tell the classes apart."""

from pathlib import Path
from typing import Annotated

import typer

from builder.cli import app, reports_errors
from builder.cli.flags import (
    Crop,
    DataSplit,
    Device,
    Dtype,
    EncoderIfOther,
    ImageColumn,
    Images,
    Json,
    LabelColumn,
)


@app.command()
@reports_errors
def questions(
    system: Annotated[Path, typer.Argument(help="A system: cotbuild's JSON or the article's.")],
    images: Images,
    image_column: ImageColumn = None,
    label_column: LabelColumn = None,
    data_split: DataSplit = None,
    encoder: EncoderIfOther = None,
    crop: Crop = None,
    threshold: Annotated[
        list[float] | None,
        typer.Option(
            "--threshold",
            min=0,
            max=1,
            help="Stop asking at this probability of one class; repeatable. "
            "Default: 0.8, 0.9 and 0.95.",
        ),
    ] = None,
    proposal: Annotated[
        Path | None,
        typer.Option(
            "--proposal",
            help="Write the drop of the groups that can go, for: cotbuild resume --edits FILE.",
        ),
    ] = None,
    device: Device = "auto",
    dtype: Dtype = "float32",
    as_json: Json = False,
) -> None:
    """Ask a system's groups one by one: how many questions are needed, and which groups can go.

    Adaptive: the next question is the one with the greatest expected information gain, given the
    answers so far. On images of a session, what is chosen is chosen on review and measured on
    held-out; the final images are left alone.
    """
    from builder.cli.questions_measure import Interview, interview
    from builder.data.sources import ImageSource

    wanted = Interview(
        system=system,
        images=ImageSource(images, image_column, label_column, data_split),
        encoder=encoder,
        crop=crop,
        thresholds=tuple(sorted(set(threshold or (0.8, 0.9, 0.95)))),
        proposal=proposal,
        device=device,
        dtype=dtype,
        as_json=as_json,
    )
    interview(wanted)
