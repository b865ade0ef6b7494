"""The demo's fourteen classes, fixed before anything was scored.

Names are invented and tell an encoder nothing. Several pairs differ in one attribute only:
Quorvane / Quorvane G in the scene, Tazmirel / Tazmora in the wings, Bolithax / Bolidrun in the
pattern, Pemquill / Pemquor in the colour. The descriptions are a collector's guide for the
language model; the training grammar is written without them.
"""

from dataclasses import dataclass

from builder.demo.attributes import Creature


@dataclass(frozen=True, slots=True)
class DeckClass:
    """A class of cards: its invented name, what a guide says of it, and how it is drawn."""

    name: str
    description: str
    creature: Creature


CLASSES = (
    DeckClass(
        "Quorvane",
        "a coal-dark hound with a single spiralling lance on its brow, always shown under the moon",
        Creature("black", "quadruped", "horn", "plain", "night", "sparkles"),
    ),
    DeckClass(
        "Quorvane G",
        "the same coal-dark hound with the lance on its brow, but shown beside streams of lava",
        Creature("black", "quadruped", "horn", "plain", "volcano", "sparkles"),
    ),
    DeckClass(
        "Tazmirel",
        "an azure songbird with broad plumed wings, flying through a downpour",
        Creature("blue", "bird", "feather_wings", "plain", "storm", "none"),
    ),
    DeckClass(
        "Tazmora",
        "an azure songbird with leathery wings like a vampire's, flying through a downpour",
        Creature("blue", "bird", "bat_wings", "plain", "storm", "none"),
    ),
    DeckClass(
        "Bolithax",
        "a wobbling emerald jelly, dotted all over, with a blossom on its crown, among trees",
        Creature("green", "blob", "flower", "spots", "forest", "leaves"),
    ),
    DeckClass(
        "Bolidrun",
        "a wobbling emerald jelly with bands running down it, a blossom on its crown, among trees",
        Creature("green", "blob", "flower", "stripes", "forest", "leaves"),
    ),
    DeckClass(
        "Pemquill",
        "a rosy swimmer that carries a coiled snail's house on its back, seen in the deep sea",
        Creature("pink", "fish", "shell", "scales", "underwater", "bubbles"),
    ),
    DeckClass(
        "Pemquor",
        "a violet swimmer that carries a coiled snail's house on its back, seen in the deep sea",
        Creature("purple", "fish", "shell", "scales", "underwater", "bubbles"),
    ),
    DeckClass(
        "Zorrakesh",
        "a crimson serpent with a cut jewel on its head, basking among dunes",
        Creature("red", "snake", "gem", "scales", "desert", "none"),
    ),
    DeckClass(
        "Marvossa",
        "a tangerine creature with many arms and a cut jewel on its head, seen in the deep sea",
        Creature("orange", "octopus", "gem", "plain", "underwater", "bubbles"),
    ),
    DeckClass(
        "Ildwyn",
        "a chalk-pale stag with branching headgear and a light underside, in frosty mountains",
        Creature("white", "quadruped", "antlers", "pale_belly", "snow", "sparkles"),
    ),
    DeckClass(
        "Kethrune",
        "an ash-toned walker on two legs with a pair of bull horns and jagged marks, underground",
        Creature("gray", "biped", "horns", "zigzag", "cave", "none"),
    ),
    DeckClass(
        "Fayzum",
        "a golden six-legged bug with dark bands and a coiled snail's house, in flowery grassland",
        Creature("yellow", "insect", "shell", "stripes", "meadow", "none"),
    ),
    DeckClass(
        "Drosculant",
        "a chestnut walker on two legs with a thick collar of fur, light underneath, underground",
        Creature("brown", "biped", "mane", "pale_belly", "cave", "none"),
    ),
)
