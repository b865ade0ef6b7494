"""`cotbuild score`: baselines and systems side by side, on the user's own images."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from builder.cli import app, reports_errors


@app.command()
@reports_errors
def score(
    systems: Annotated[
        list[Path], typer.Argument(help="System files, cotbuild's or the article's.")
    ],
    images: Annotated[Path, typer.Option("--images", help="Folder with one sub-folder per class.")],
    encoder: Annotated[
        list[str] | None,
        typer.Option("--encoder", help="Repeatable; default: the one that measured the system."),
    ] = None,
    classes: Annotated[
        Path | None,
        typer.Option("--classes", help="Classes file, for the baseline with descriptions."),
    ] = None,
    crop: Annotated[
        str | None,
        typer.Option("--crop", help="left,top,right,bottom; default: as the system was measured."),
    ] = None,
    rule: Annotated[
        Literal["sum", "log"] | None,
        typer.Option("--rule", help="Scoring rule; default: as in the file."),
    ] = None,
    scale: Annotated[
        float | None,
        typer.Option("--scale", min=1e-6, max=1e6, help="Logit scale; default: as in the file."),
    ] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")] = "auto",
    min_accuracy: Annotated[
        float | None,
        typer.Option("--min-accuracy", min=0, max=1, help="Exit with 1 if a system is below."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Score systems against matching images to names. Images of a session are shown per split."""
    from builder.cli.comparison import Comparison, compare

    wanted = Comparison(
        systems=tuple(systems),
        images=images,
        encoders=tuple(encoder or ()),
        classes=classes,
        crop=crop,
        rule=rule,
        scale=scale,
        device=device,
    )
    compare(wanted, min_accuracy=min_accuracy, as_json=as_json)
