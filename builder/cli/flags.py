"""Flags that several commands share: sessions, images, encoders, and the language model."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from builder.cli import completion
from builder.system.model import FittedRule, PlainRule

# Panels of the help screen, each for one question; flags in none stand first, in a panel without.
IMAGES = "Images"
ENCODER = "Encoder and scoring"
MODEL = "Language model"
COST = "Cost"
RUNNING = "Running"


def flag(
    name: str, metavar: str | None, words: str, panel: str | None = None, **more: object
) -> Any:
    """An option as the help screens list it; `words` is its help, with any default worth naming."""
    option: Any = typer.Option
    return option(
        name, metavar=metavar, help=words, rich_help_panel=panel, show_default=False, **more
    )


SESSION = "Folder of the session; default: the latest one here."
SessionFolder = Annotated[
    Path | None, typer.Argument(help=SESSION, autocompletion=completion.sessions)
]
VERSION_NAMES = "A version's number, best, last, or now for the working system."
Rule = Literal[PlainRule, FittedRule, "all"]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Classes = Annotated[Path, flag("--classes", "FILE", "A class a line: name | description.")]
Domain = Annotated[str | None, flag("--domain", "WORDS", "What the classes are, e.g. 'Pokémon'.")]
Attribute = Annotated[
    list[str] | None, flag("--attribute", "WORDS", "What the groups must cover; repeatable.", MODEL)
]
_IMAGES = flag("--images", "WHERE", "A folder per class, metadata.csv, or hub id.", IMAGES)
Images = Annotated[str, _IMAGES]
ImagesIfAny = Annotated[str | None, _IMAGES]
ImageColumn = Annotated[
    str | None,
    flag("--image-column", "NAME", "Column with the image, its file or its URL.", IMAGES),
]
LabelColumn = Annotated[
    str | None, flag("--label-column", "NAME", "Column with the class's name.", IMAGES)
]
DataSplit = Annotated[
    str | None, flag("--data-split", "NAME", "Split of a hub data set; default: train.", IMAGES)
]
Crop = Annotated[
    str | None, flag("--crop", "L,T,R,B", "Part of each image, 0 to 1; or pokemon-card.", IMAGES)
]
EncoderIfOther = Annotated[
    str | None,
    typer.Option(
        "--encoder",
        help="As for new. Default: the one that measured the system.",
        autocompletion=completion.encoders,
    ),
]
Device = Annotated[str, flag("--device", "NAME", "auto (default), cpu, cuda or mps.", ENCODER)]
Dtype = Annotated[
    Literal["float32", "float16", "bfloat16"],
    flag("--dtype", "NAME", "float32 (default), float16 or bfloat16.", ENCODER),
]
Llm = Annotated[
    str | None,
    flag(
        "--llm",
        "NAME",
        "Model at OpenAI or --llm-url; or paste, provider/model, replay:FILE, none.",
        MODEL,
    ),
]
LlmUrl = Annotated[str | None, flag("--llm-url", "URL", "Any OpenAI-compatible server.", MODEL)]
LlmParallel = Annotated[
    int | None,
    flag("--llm-parallel", "N", "Calls at a time; default: 4, local: 1.", MODEL, min=1, max=64),
]
LlmTimeout = Annotated[
    float | None, flag("--llm-timeout", "N", "Seconds that it may be silent.", MODEL, min=1)
]
MaxCost = Annotated[
    float | None, flag("--max-cost", "SUM", "The most that the session may spend.", COST, min=0)
]
MaxTokens = Annotated[
    int | None, flag("--max-tokens", "N", "The most tokens that the session may use.", COST, min=0)
]
Price = Annotated[
    str | None, flag("--price", "IN/OUT", "What a million tokens cost, in and out.", COST)
]
Language = Annotated[str, flag("--language", "CODE", "Asks in en (default) or zh.", MODEL)]
PromptFolder = Annotated[
    Path | None, flag("--prompts", "FOLDER", "Templates in place of the shipped ones.", MODEL)
]
Context = Annotated[
    Path | None, flag("--context", "FILE", "Text with background on the classes.", MODEL)
]
Yes = Annotated[bool, flag("--yes", None, "Agree to costs and the encoder's download.", COST)]
Auto = Annotated[bool, flag("--auto", None, "No person: accept what measures better.", RUNNING)]
Rounds = Annotated[
    int | None, flag("--rounds", "N", "Stop after this many rounds.", RUNNING, min=1)
]
MinAccuracy = Annotated[
    float | None,
    flag("--min-accuracy", "N", "Exit with 1 if held-out accuracy is less.", RUNNING, min=0, max=1),
]
JsonEvents = Annotated[
    bool, flag("--json", None, "Print JSON events; for --auto or --edits.", RUNNING)
]
