"""What is shown of a prediction: hostile names are harmless, nothing is lost on a narrow screen."""

from io import StringIO

from rich.console import Console, RenderableType

from builder.scoring.predict import Prediction, Ranked
from builder.system.model import make_system
from builder.terminal.predictions import PredictionLine, explained, questions_asked
from tests.worlds import COLOUR, FORM

BAD = "[bold]\x1b[2J"
SYSTEM = make_system(
    "creature",
    [COLOUR, FORM],
    {BAD: {"colour": ["red", "blue"], "form": None}, "Bee": {"colour": "red", "form": "a bird"}},
)


def prediction(name: str, *, calibrated: bool = True) -> Prediction:
    ranking = (Ranked(name, 1.5, 0.931), Ranked("Bee", 0.5, 0.069))
    seen = {"colour": "red", "form": "a bird"}
    return Prediction(name, 1.5, 0.931, calibrated, seen, {"colour": 0.75, "form": 0.5}, ranking)


def drawn(what: RenderableType, width: int = 100) -> list[str]:
    out = StringIO()
    Console(file=out, width=width, emoji=False, markup=False).print(what, crop=False)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_a_line_an_image() -> None:
    long = "/folder" * 30 + "/[red] \x1b.png"
    shown = long.replace("\x1b", "\\x1b")
    assert drawn(PredictionLine(long, prediction(BAD))) == [f"{shown}: [bold]\\x1b[2J, 93.1 %"]
    assert drawn(PredictionLine(long, prediction("Bee", calibrated=False)), 40) == [
        shown,
        "  Bee, 93.1 % (not calibrated)",
    ]


def test_why() -> None:
    assert drawn(explained(prediction(BAD), SYSTEM)) == [
        "  runner-up: Bee, 6.9 %",
        "  colour: red 75.0 % · the rule says red or blue",
        "  form: a bird 50.0 % · no rule",
    ]
    assert drawn(explained(prediction("Bee"), SYSTEM))[1] == (
        "  colour: red 75.0 % · as the rule says"
    )
    assert drawn(explained(prediction(BAD), SYSTEM), 40)[1:3] == [
        "  colour: red 75.0 %",
        "  the rule says red or blue",
    ]


def test_the_questions() -> None:
    assert drawn(questions_asked(SYSTEM))[1] == "  colour: It is {}."
