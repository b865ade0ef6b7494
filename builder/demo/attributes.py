"""The toy world's vocabulary: which attributes a drawn creature has, and their values.

The values are identifiers of things that the drawing code can draw. They are not the words that
systems use: a person or a language model describes cards in words of their own.
"""

from dataclasses import dataclass

# Attribute -> its values, in the order of Creature's fields.
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "colour": (
        "black", "white", "gray", "red", "orange", "yellow", "green", "blue", "purple", "pink",
        "brown",
    ),
    "form": ("quadruped", "bird", "fish", "snake", "blob", "octopus", "insect", "biped"),
    "trait": (
        "horn", "horns", "antlers", "feather_wings", "bat_wings", "flower", "shell", "gem", "mane",
        "spikes", "flame_tail",
    ),
    "pattern": ("plain", "stripes", "spots", "scales", "zigzag", "pale_belly"),
    "scene": (
        "night", "storm", "meadow", "underwater", "snow", "cave", "forest", "volcano", "desert",
        "swamp",
    ),
    "effect": ("none", "flames", "sparkles", "bubbles", "leaves", "lightning"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Creature:
    """One value per attribute."""

    colour: str
    form: str
    trait: str
    pattern: str
    scene: str
    effect: str


# The demo's cards: each attribute of a card departs from its class with this probability, and the
# drawing's nuisance (see art.py) is this strong. With five groups (all but the effect) and perfect
# perception 94 % of such cards can be told apart; with half the departure, 97 %.
HARD_DEPARTURE = 0.16
HARD_NUISANCE = 1.8
