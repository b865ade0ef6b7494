"""Flags that several commands share: sessions, images, encoders, and the language model."""

from pathlib import Path
from typing import Annotated, Literal

import typer

# Panels of the help screen, each for one question; flags in none stand first, in a panel without.
IMAGES = "Images"
ENCODER = "Encoder and scoring"
MODEL = "Language model"
COST = "Cost"
RUNNING = "Running"

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
    Path,
    typer.Option("--classes", metavar="FILE", help="A class a line: name | description."),
]
Domain = Annotated[
    str | None,
    typer.Option("--domain", metavar="WORDS", help="What the classes are, e.g. 'Pokémon'."),
]
Attribute = Annotated[
    list[str] | None,
    typer.Option(
        "--attribute",
        metavar="WORDS",
        help="What the groups must cover; repeatable.",
        rich_help_panel=MODEL,
    ),
]
_IMAGES = typer.Option(
    "--images",
    metavar="WHERE",
    help="Folder (a sub-folder per class, or metadata.csv), or a data set's id on the hub.",
    rich_help_panel=IMAGES,
)
Images = Annotated[str, _IMAGES]
ImagesIfAny = Annotated[str | None, _IMAGES]
ImageColumn = Annotated[
    str | None,
    typer.Option(
        "--image-column",
        metavar="NAME",
        help="Column with the image, its file or its URL.",
        rich_help_panel=IMAGES,
    ),
]
LabelColumn = Annotated[
    str | None,
    typer.Option(
        "--label-column",
        metavar="NAME",
        help="Column with the class's name.",
        rich_help_panel=IMAGES,
    ),
]
DataSplit = Annotated[
    str | None,
    typer.Option(
        "--data-split",
        metavar="NAME",
        help="Split of a hub data set; default: train.",
        rich_help_panel=IMAGES,
    ),
]
Crop = Annotated[
    str | None,
    typer.Option(
        "--crop",
        metavar="L,T,R,B",
        help="Part of each image, 0 to 1; or pokemon-card.",
        rich_help_panel=IMAGES,
    ),
]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="NAME",
        show_default=False,
        help="auto (default), cpu, cuda or mps.",
        rich_help_panel=ENCODER,
    ),
]
Dtype = Annotated[
    Literal["float32", "float16", "bfloat16"],
    typer.Option(
        "--dtype",
        metavar="NAME",
        show_default=False,
        help="float32 (default), float16 or bfloat16.",
        rich_help_panel=ENCODER,
    ),
]
Llm = Annotated[
    str | None,
    typer.Option(
        "--llm",
        metavar="NAME",
        help="Model at OpenAI or --llm-url; or paste, provider/model, replay:FILE, none.",
        rich_help_panel=MODEL,
    ),
]
LlmUrl = Annotated[
    str | None,
    typer.Option(
        "--llm-url",
        metavar="URL",
        help="Any OpenAI-compatible server.",
        rich_help_panel=MODEL,
    ),
]
LlmParallel = Annotated[
    int | None,
    typer.Option(
        "--llm-parallel",
        metavar="N",
        min=1,
        max=64,
        help="Calls at a time; default: 4, local: 1.",
        rich_help_panel=MODEL,
    ),
]
MaxCost = Annotated[
    float | None,
    typer.Option(
        "--max-cost",
        metavar="SUM",
        min=0,
        help="The most that the session may spend.",
        rich_help_panel=COST,
    ),
]
MaxTokens = Annotated[
    int | None,
    typer.Option(
        "--max-tokens",
        metavar="N",
        min=0,
        help="The most tokens that the session may use.",
        rich_help_panel=COST,
    ),
]
Price = Annotated[
    str | None,
    typer.Option(
        "--price",
        metavar="IN/OUT",
        help="What a million tokens cost, in and out.",
        rich_help_panel=COST,
    ),
]
Language = Annotated[
    str,
    typer.Option(
        "--language",
        metavar="CODE",
        show_default=False,
        help="Asks in en (default) or zh.",
        rich_help_panel=MODEL,
    ),
]
PromptFolder = Annotated[
    Path | None,
    typer.Option(
        "--prompts",
        metavar="FOLDER",
        help="Templates in place of the shipped ones.",
        rich_help_panel=MODEL,
    ),
]
Context = Annotated[
    Path | None,
    typer.Option(
        "--context",
        metavar="FILE",
        help="Text with background on the classes.",
        rich_help_panel=MODEL,
    ),
]
Yes = Annotated[
    bool,
    typer.Option(
        "--yes",
        help="Agree to costs and the encoder's download.",
        rich_help_panel=COST,
    ),
]
Auto = Annotated[
    bool,
    typer.Option(
        "--auto",
        help="No person: accept what measures better.",
        rich_help_panel=RUNNING,
    ),
]
Rounds = Annotated[
    int | None,
    typer.Option(
        "--rounds",
        metavar="N",
        min=1,
        help="Stop after this many rounds.",
        rich_help_panel=RUNNING,
    ),
]
MinAccuracy = Annotated[
    float | None,
    typer.Option(
        "--min-accuracy",
        metavar="N",
        min=0,
        max=1,
        help="Exit with 1 if held-out accuracy is less.",
        rich_help_panel=RUNNING,
    ),
]
JsonEvents = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print JSON events; for --auto or --edits.",
        rich_help_panel=RUNNING,
    ),
]
