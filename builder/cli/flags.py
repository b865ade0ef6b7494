"""Flags that several commands share: sessions, images, encoders, and the language model."""

from pathlib import Path
from typing import Annotated, Literal

import typer

SessionFolder = Annotated[
    Path | None, typer.Argument(help="Folder of the session; default: the latest one here.")
]
VERSION_NAMES = "A version's number, best, last, or now for the working system."
# Scoring rules that need no images to fit anything on.
PlainRule = Literal["sum", "log", "robust-log"]
Rule = Literal[
    "sum", "log", "robust-log", "fitted-scale", "centred", "weighted", "name-prior", "all"
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Classes = Annotated[
    Path, typer.Option("--classes", help="Text file, one class a line: name | description.")
]
Domain = Annotated[
    str | None, typer.Option("--domain", help="What the classes are, e.g. 'Pokémon'.")
]
Attribute = Annotated[
    list[str] | None,
    typer.Option(
        "--attribute", "--attributes", help="An attribute the groups must cover; repeatable."
    ),
]
_IMAGES = typer.Option(
    "--images",
    help="Folder (a sub-folder per class, or metadata.csv), or a data set's id on the hub.",
)
Images = Annotated[str, _IMAGES]
ImagesIfAny = Annotated[str | None, _IMAGES]
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
Llm = Annotated[
    str | None,
    typer.Option(
        "--llm",
        help="A model's name at OpenAI or at --llm-url; provider/model; paste for any chat window; "
        "replay:FILE for a session's llm.jsonl; none to work by hand.",
    ),
]
LlmUrl = Annotated[
    str | None,
    typer.Option("--llm-url", help="Any OpenAI-compatible server, e.g. http://localhost:11434/v1."),
]
LlmParallel = Annotated[
    int | None,
    typer.Option(
        "--llm-parallel",
        min=1,
        max=64,
        help="Calls in flight at most; default: 4, or 1 for a server on this machine.",
    ),
]
Price = Annotated[
    str | None,
    typer.Option("--price", help="IN/OUT: what a million tokens cost, going in and coming out."),
]
MaxCost = Annotated[
    float | None,
    typer.Option("--max-cost", min=0, help="The most that the session may spend on the model."),
]
MaxTokens = Annotated[
    int | None,
    typer.Option("--max-tokens", min=0, help="The most tokens that the session may use."),
]
Language = Annotated[
    str, typer.Option("--language", help="Language that the model is asked in: en, zh.")
]
PromptFolder = Annotated[
    Path | None,
    typer.Option("--prompts", help="Folder with templates that replace the shipped ones."),
]
Context = Annotated[
    Path | None, typer.Option("--context", help="Text file with background on the classes.")
]
