"""`cotbuild questions`: asks the groups one by one, and finds how few tell the classes apart."""

from pathlib import Path
from typing import Annotated

import typer

from builder.cli import app, flags
from builder.cli.flags import flag


@app.command()
def questions(
    system: Annotated[Path, typer.Argument(help="A system: cotbuild's JSON or the article's.")],
    images: flags.Images,
    image_column: flags.ImageColumn = None,
    label_column: flags.LabelColumn = None,
    data_split: flags.DataSplit = None,
    encoder: flags.EncoderIfOther = None,
    crop: flags.Crop = None,
    threshold: Annotated[
        list[float] | None,
        flag(
            "--threshold",
            None,
            "Stop asking at this probability of one class; repeatable. Default: 0.8, 0.9 and 0.95.",
            min=0,
            max=1,
        ),
    ] = None,
    proposal: Annotated[
        Path | None,
        flag(
            "--proposal",
            None,
            "Write the drop of the groups that can go, for: cotbuild resume --edits FILE.",
        ),
    ] = None,
    device: flags.Device = "auto",
    dtype: flags.Dtype = "float32",
    as_json: flags.Json = False,
) -> None:
    """Ask a system's groups one by one: how many questions are needed, and which groups can go.

    Adaptive: the next question is the one with the greatest expected information gain, given the
    answers so far. On images of a session, what is chosen is chosen on review and measured on
    held-out; the final images are left alone.
    """
    from builder.cli.questions_measure import interview
    from builder.cli.score_inputs import gather
    from builder.cli.screen import Screen
    from builder.cli.user_files import writable
    from builder.data.sources import ImageSource
    from builder.system.file import load_system_file

    screen = Screen()
    if proposal:
        # Before anything is measured: a file that can't be written is said at once.
        writable(proposal, "--proposal drop.json")
    files = {system: load_system_file(system)}
    source = ImageSource(images, image_column, label_column, data_split)
    encoders = [encoder] if encoder else []
    inputs = gather(files, source, encoders, crop, device, dtype, screen)
    thresholds = sorted(set(threshold or (0.8, 0.9, 0.95)))
    interview(inputs, thresholds, proposal, as_json=as_json)
