"""What a system makes of images, a line or a few for each."""

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.text import Text

from builder.scoring.predict import Prediction
from builder.scoring.wording import percent
from builder.system.model import AttributeSystem, Choice
from builder.terminal.tables import NARROW, Pieces
from builder.terminal.text import LONG, indented, plain, shortened, visible


def questions_asked(system: AttributeSystem) -> RenderableType:
    """What the encoder is asked of every image: the prompt of each group."""
    asked = (f"{shortened(g.name)}: {shortened(g.prompt, LONG)}" for g in system.groups)
    return Group(Text("Asked of each image:", style="dim"), *map(indented, asked), Text())


@dataclass(frozen=True, slots=True)
class PredictionLine:
    """An image's path, its class and how sure that is; on a narrow screen in two lines."""

    path: str
    prediction: Prediction

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        # Wrapped by the terminal and not by us, a path can be copied, and a line found again.
        path = Text(visible(self.path), no_wrap=True, overflow="ignore")
        name = plain(self.prediction.class_name, style="bold")
        found = Text.assemble(name, f", {_sure(self.prediction)}")
        if options.max_width < NARROW:
            yield path
            yield Padding.indent(found, 2)
        else:
            yield path.append(": ").append(found)


def explained(prediction: Prediction, system: AttributeSystem) -> RenderableType:
    """The runner-up, and per group what was seen beside what the rule of the class says."""
    second = prediction.ranking[1]
    lines = [[f"runner-up: {shortened(second.class_name)}, {percent(second.confidence, 1)}"]]
    rules = system.rules[prediction.class_name]
    for group, option in prediction.seen.items():
        seen = percent(prediction.seen_probability[group], 1)
        told = f"{shortened(group)}: {shortened(option)} {seen}"
        lines.append([told, _rule(rules[group], option)])
    return Group(*(Pieces(line, indent=2) for line in lines))


def _sure(prediction: Prediction) -> str:
    confidence = percent(prediction.confidence, 1)
    return confidence if prediction.calibrated else f"{confidence} (not calibrated)"


def _rule(chosen: Choice, seen: str) -> str:
    if not chosen:
        return "no rule"
    if chosen == (seen,):
        return "as the rule says"
    return f"the rule says {' or '.join(map(shortened, chosen))}"
