"""The toy world's vocabulary: which attributes a drawn creature has, and their values.

The values are identifiers of things that the drawing code can draw. They are not the words that
systems use: a person or a language model describes cards in words of their own.
"""

from dataclasses import dataclass

COLOURS = (
    "black", "white", "gray", "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown",
)  # fmt: skip
FORMS = ("quadruped", "bird", "fish", "snake", "blob", "octopus", "insect", "biped")
TRAITS = (
    "horn", "horns", "antlers", "feather_wings", "bat_wings", "flower", "shell", "gem", "mane",
    "spikes", "flame_tail",
)  # fmt: skip
PATTERNS = ("plain", "stripes", "spots", "scales", "zigzag", "pale_belly")
SCENES = (
    "night", "storm", "meadow", "underwater", "snow", "cave", "forest", "volcano", "desert",
    "swamp",
)  # fmt: skip
EFFECTS = ("none", "flames", "sparkles", "bubbles", "leaves", "lightning")


@dataclass(frozen=True, slots=True)
class Creature:
    """One value per attribute, each from the tuple of its name above."""

    colour: str
    form: str
    trait: str
    pattern: str
    scene: str
    effect: str


# Attribute -> its values, in the order of Creature's fields.
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "colour": COLOURS,
    "form": FORMS,
    "trait": TRAITS,
    "pattern": PATTERNS,
    "scene": SCENES,
    "effect": EFFECTS,
}

# The demo's cards: each attribute of a card departs from its class with this probability, and the
# drawing's nuisance (see art.py) is this strong. With five groups (all but the effect) and perfect
# perception 94 % of such cards can be told apart; with half the departure, 97 %.
HARD_DEPARTURE = 0.16
HARD_NUISANCE = 1.8
