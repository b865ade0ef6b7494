"""The English that the miniature encoder is trained on: synonyms, templates, captions.

Every text comes with the attribute values it is true of, so that the training script can tell
which drawings it matches. Class names never occur here. All randomness comes from the caller.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from builder.demo.attributes import ATTRIBUTES, Creature
from builder.demo.synonyms import SYNONYMS, split

_NEUTRAL = ("{}", "{}.", "a picture of {}", "an image showing {}")
TEMPLATES: dict[str, tuple[str, ...]] = {
    "colour": split(
        "This creature's body is mainly {} in color.; The main color is {}.; Its body is {}.; "
        "The creature is {}.; {} body; a {} creature; a {} animal; The body color is {}.; "
        "It is colored {}.; Its dominant color is {}.; Its skin or fur is {}.; {} in color; "
        "a creature that is mostly {}; Most of its body is {}.; a picture of a {} creature; "
        "The creature's primary color is {}."
    ),
    "form": split(
        "It looks like {}.; The body shape can be described as {}.; This creature resembles {}.; "
        "The creature is {}.; a creature shaped like {}; Its body is that of {}.; "
        "It has the body of {}.; Its form is {}.; The animal looks like {}.; a card showing {}; "
        "This is {}.; Its body type is {}.; The creature most closely resembles {}.; "
        "a drawing of {}; The overall shape is {}.; Its body is {}."
    ),
    "trait": split(
        "Its most notable feature is {}.; It has {}.; The creature has {}.; a creature with {}; "
        "Its distinctive feature is {}.; It bears {}.; It carries {}.; You can see {}.; "
        "The special feature is {}.; a creature that has {}; with {}; Its body has {}.; "
        "This creature is distinguished by {}.; It is known for {}.; It is equipped with {}.; "
        "The most distinctive feature of this creature is {}."
    ),
    "pattern": split(
        "The body is covered with {}.; Its skin has {}.; The skin pattern is {}.; "
        "Its body is marked with {}.; The surface shows {}.; a creature with {}; It has {}.; "
        "The texture of its body is {}.; Its markings are {}.; The pattern on the body is {}.; "
        "The coat has {}.; body with {}; Its skin or fur is decorated with {}.; "
        "The markings can be described as {}.; The body surface is {}."
    ),
    "scene": split(
        "The background looks like {}.; The background is {}.; It is set in {}.; in {}; "
        "The scene shows {}.; The setting is {}.; The creature is in {}.; a creature in {}; "
        "{} in the background; Behind it there is {}.; The environment is {}.; {} background; "
        "The card's background shows {}.; It lives in {}.; The landscape is {}.; "
        "The picture is set at {}."
    ),
    "effect": split(
        "The air around it is filled with {}.; It is surrounded by {}.; Around it there are {}.; "
        "{} around it; There are {} in the air.; {} float around it; The effect is {}.; "
        "The creature gives off {}.; The special effect around it is {}.; surrounded by {}; "
        "The air is full of {}.; {} in the air; with {} all around; The visual effects are {}.; "
        "The picture has {} floating in it."
    ),
}


@dataclass(frozen=True, slots=True)
class Phrase:
    """A text about one attribute, true of every creature whose value is in `values`."""

    attribute: str
    text: str
    values: frozenset[str]


# Attribute | values | phrases: words that several values share, or that name one loosely.
_SHARED = """
colour | black brown | dark color; dark; darkly colored
colour | white pink yellow | light color; light-colored; pastel
colour | red orange yellow pink brown | warm color; warm-colored
colour | blue green purple | cool color; cold color
colour | black white gray | colorless; neutral color; monochrome; black or white or gray
form | blob octopus | round; rounded; round body; boneless; soft body; globular
form | snake | long; slender; long and slender; thin and long; elongated; tube-like
form | bird | winged; winged creature; winged animal; flying animal
form | insect octopus | many-legged; many legs; many limbs; multi-legged
form | insect | thin legs; six legs; antennae
form | biped | upright; standing upright; humanlike; arms and legs; walks upright
form | quadruped | four-legged; four legs; on all fours; walks on four legs
form | biped bird | two-legged; two legs; walks on two legs; on two legs
form | snake blob fish | legless; no legs; without legs; limbless
form | quadruped biped | mammal; furry animal; furry; beast
form | fish octopus | aquatic animal; sea creature; marine animal; water animal
form | fish | finned; fins; streamlined; streamlined body; fish-shaped
trait | horn horns antlers | horns; horned; horned head; head weapons; horns or antlers
trait | feather_wings bat_wings | wings; winged; a pair of wings; large wings
trait | horn horns antlers gem flower | something on its head; head ornament; headgear
trait | shell spikes | something on its back; armored back; armor; back armor
trait | bat_wings feather_wings shell spikes mane flame_tail | nothing on its head; bare head
pattern | stripes spots zigzag | markings; marks; patterned; patterned skin; decorated
pattern | stripes zigzag | lines; line pattern; lined
pattern | plain pale_belly | no lines; no spots or stripes; simple coat
scene | night cave storm | dark place; dark background; dark; dim place; darkness; gloomy
scene | meadow desert snow | bright place; daylight; bright background; sunny; daytime
scene | underwater swamp | wet place; water; watery place
scene | snow | cold place; white background; cold; freezing place
scene | volcano desert | hot place; dry place; heat; hot
scene | volcano | red background; fire background; burning place
scene | snow volcano | mountain; mountains; mountainous place
scene | meadow forest swamp | plants; green place; nature; green background; vegetation
scene | cave volcano | rocks; rocky place; stone; rocky ground; rocky battlefield
scene | night storm meadow | sky; open sky
effect | flames sparkles bubbles leaves lightning | something floating; particles; magical effects
effect | flames sparkles lightning | glowing lights; bright lights; sparks; light
"""


def _shared_phrases() -> tuple[Phrase, ...]:
    rows = [[cell.strip() for cell in line.split("|")] for line in _SHARED.strip().splitlines()]
    return tuple(
        Phrase(attribute, text, frozenset(values.split()))
        for attribute, values, texts in rows
        for text in split(texts)
    )


SHARED = _shared_phrases()

# Sets of shared phrases that a system may use as the options of one group.
_COARSE: dict[str, tuple[str, ...]] = {
    "form": split(
        "blob | round, round body, rounded; snake | long, slender, long and slender; "
        "bird | winged, winged creature; octopus insect | many-legged, many legs, many limbs; "
        "biped | upright, standing upright, walks upright; fish | finned, streamlined, fins; "
        "quadruped | four-legged, four legs, walks on four legs"
    ),
    "trait": split(
        "horn horns antlers | horns, horned, horned head; feather_wings bat_wings | wings, winged; "
        "flower | flower, blossom; shell | shell, snail shell; gem | gem, jewel; mane | mane, ruff;"
        "spikes | spikes, spines; flame_tail | burning tail, flaming tail"
    ),
}

_SPELLINGS = (("color", "colour"), ("gray", "grey"), ("armor", "armour"))
_IRREGULAR = {"wolf": "wolves", "leaf": "leaves", "fish": "fish", "deer": "deer", "lava": "lava"}
_SYLLABLES = split("ka; zor; vi; mel; tro; qua; ne; lix; bru; dam; sho; fe; gur; pol; yth; ran")
NONSENSE_RATE = 0.12


def _pick(items: tuple[str, ...], rng: np.random.Generator) -> str:
    return items[int(rng.integers(len(items)))]


def plural(phrase: str) -> str:
    """The phrase with its last word in the plural, by the regular rules."""
    head, _, last = phrase.rpartition(" ")
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
    elif last.endswith(("s", "x", "ch", "sh")):
        last += "" if last.endswith("s") else "es"
    elif re.search(r"[^aeiou]y$", last):
        last = last[:-1] + "ies"
    else:
        last += "s"
    return f"{head} {last}" if head else last


def _with_article(phrase: str, rng: np.random.Generator) -> str:
    article = ("", "", "a", "the")[int(rng.integers(4))]
    if article == "a":
        article = "an" if phrase[0] in "aeiou" else "a"
    return f"{article} {phrase}".strip()


def wording(attribute: str, value: str, rng: np.random.Generator) -> str:
    """A phrase for one value: a synonym with or without article, now and then in the plural."""
    phrase = _pick(SYNONYMS[attribute][value], rng)
    if attribute in ("colour", "pattern"):
        return phrase
    if attribute in ("form", "trait") and rng.random() < 0.1:
        return plural(phrase)
    return _with_article(phrase, rng)


def template(attribute: str, rng: np.random.Generator) -> str:
    """One of the attribute's templates, or a neutral one, with exactly one `{}`."""
    return _pick(_NEUTRAL if rng.random() < 0.15 else TEMPLATES[attribute], rng)


def british(text: str) -> str:
    """The text in British spelling."""
    for american, spelling in _SPELLINGS:
        text = text.replace(american, spelling)
    return text


def _spelled(text: str, rng: np.random.Generator) -> str:
    return british(text) if rng.random() < 0.3 else text


def with_nonsense(text: str, rng: np.random.Generator) -> str:
    """The text, in 12 % of cases with an invented word put in somewhere; never emptied."""
    if rng.random() >= NONSENSE_RATE:
        return text
    words = text.split()
    invented = "".join(_pick(_SYLLABLES, rng) for _ in range(int(rng.integers(2, 4))))
    words.insert(int(rng.integers(len(words) + 1)), invented)
    return " ".join(words)


def group(attribute: str, rng: np.random.Generator) -> list[Phrase]:
    """Filled prompts of one group, as a system would have them: one template, an option a value.

    Now and then the options are coarse ones ("many-legged"), which cover several values each.
    """
    shape = template(attribute, rng)
    if attribute in _COARSE and rng.random() < 0.25:
        rows = [option.split("|") for option in _COARSE[attribute]]
        options = [(frozenset(v.split()), _pick(tuple(t.split(",")), rng).strip()) for v, t in rows]
    else:
        options = [(frozenset([v]), wording(attribute, v, rng)) for v in ATTRIBUTES[attribute]]
    if rng.random() < 0.3:
        shape, options = british(shape), [(values, british(text)) for values, text in options]
    return [
        Phrase(attribute, with_nonsense(shape.replace("{}", text), rng), values)
        for values, text in options
    ]


def caption(creature: Creature, rng: np.random.Generator) -> tuple[str, tuple[str, ...]]:
    """A caption that mentions one to four attributes, shuffled; and which ones it mentions."""
    count = int(rng.integers(1, 5))
    mentioned = tuple(str(a) for a in rng.permutation(list(ATTRIBUTES))[:count])
    whole = rng.random() < 0.5
    parts = []
    for attribute in mentioned:
        words = wording(attribute, getattr(creature, attribute), rng)
        parts.append(template(attribute, rng).replace("{}", words) if whole else words)
    joined = _pick((" ", ", ", " and ", "; "), rng).join(parts)
    return with_nonsense(_spelled(joined, rng), rng), mentioned


def _negated(rng: np.random.Generator) -> Phrase:
    if rng.random() < 0.4:
        shared = tuple(p for p in SHARED if p.text in ("horns", "wings", "markings", "water"))
        base = shared[int(rng.integers(len(shared)))]
    else:
        attribute = _pick(("trait", "pattern", "scene", "effect"), rng)
        value = _pick(tuple(v for v in ATTRIBUTES[attribute] if v not in ("plain", "none")), rng)
        base = Phrase(attribute, _pick(SYNONYMS[attribute][value][:4], rng), frozenset([value]))
    negation = _pick(("no", "without", "not", "has no", "there is no"), rng)
    others = frozenset(ATTRIBUTES[base.attribute]) - base.values
    return Phrase(base.attribute, f"{negation} {base.text}", others)


def _alternative(rng: np.random.Generator) -> Phrase:
    attribute = _pick(tuple(ATTRIBUTES), rng)
    first, second = (str(v) for v in rng.permutation(ATTRIBUTES[attribute])[:2])
    text = f"{wording(attribute, first, rng)} or {wording(attribute, second, rng)}"
    return Phrase(attribute, text, frozenset([first, second]))


def generic(rng: np.random.Generator) -> Phrase:
    """A phrase that covers a set of values: "horns", "a dark place", "no wings", "red or blue"."""
    kind = rng.random()
    if kind < 0.25:
        phrase = _negated(rng)
    elif kind < 0.45:
        phrase = _alternative(rng)
    else:
        phrase = SHARED[int(rng.integers(len(SHARED)))]
    text = _with_article(phrase.text, rng) if kind >= 0.45 else phrase.text
    shape = template(phrase.attribute, rng) if rng.random() < 0.7 else "{}"
    text = with_nonsense(_spelled(shape.replace("{}", text), rng), rng)
    return Phrase(phrase.attribute, text, phrase.values)


def every_text() -> Iterable[str]:
    """Texts that together hold every real word that training texts can hold."""
    texts = [t for shapes in TEMPLATES.values() for t in shapes] + list(_NEUTRAL)
    for values in SYNONYMS.values():
        for phrases in values.values():
            texts += [*phrases, *map(plural, phrases)]
    texts += [phrase.text for phrase in SHARED]
    texts += [option.split("|")[1] for options in _COARSE.values() for option in options]
    texts.append("a an the and or no without not has there is")
    return [*texts, *map(british, texts)]
