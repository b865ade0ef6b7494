"""Flags that several commands share: where images come from, and what encodes them."""

from typing import Annotated, Literal

import typer

Images = Annotated[
    str,
    typer.Option(
        "--images",
        help="Folder (a sub-folder per class, or metadata.csv), or a data set's id on the hub.",
    ),
]
ImageColumn = Annotated[
    str | None,
    typer.Option("--image-column", help="Column with the image, its file name or its URL."),
]
LabelColumn = Annotated[
    str | None, typer.Option("--label-column", help="Column with the class's name.")
]
DataSplit = Annotated[
    str | None, typer.Option("--data-split", help="Split of a hub data set; default: train.")
]
Crop = Annotated[
    str | None,
    typer.Option(
        "--crop",
        help="Part of each image to look at: left,top,right,bottom in fractions, or pokemon-card.",
    ),
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")]
Dtype = Annotated[
    Literal["float32", "float16", "bfloat16"],
    typer.Option("--dtype", help="Floating-point type that the encoder computes in."),
]
