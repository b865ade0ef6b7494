"""The English that the miniature encoder is trained on: synonyms, templates, captions.

Every text comes with the attribute values it is true of, so that the training script can tell
which drawings it matches. Class names never occur here. All randomness comes from the caller.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from builder.demo.attributes import ATTRIBUTES, Creature

NONSENSE_RATE = 0.12


@dataclass(frozen=True, slots=True)
class Phrase:
    """A text about one attribute, true of every creature whose value is in `values`."""

    attribute: str
    text: str
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Named:
    """Phrases that several values share, or that name one loosely."""

    values: frozenset[str]
    phrases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """What `grammar.json` holds, by attribute where nothing else is said.

    synonyms: for every value phrases that name it, bare: articles, plurals and British spelling are
    added when drawn. coarse: shared phrases that a system may use as the options of one group.
    neutral_templates: for any attribute. british, plurals: by the American word, by the singular.
    """

    templates: dict[str, tuple[str, ...]]
    neutral_templates: tuple[str, ...]
    synonyms: dict[str, dict[str, tuple[str, ...]]]
    shared: dict[str, tuple[Named, ...]]
    coarse: dict[str, tuple[Named, ...]]
    british: dict[str, str]
    plurals: dict[str, str]
    syllables: tuple[str, ...]


_FILE = Path(__file__).with_name("grammar.json")
WORDS = TypeAdapter(Words).validate_json(_FILE.read_bytes())
SYNONYMS = WORDS.synonyms
SHARED = tuple(
    Phrase(attribute, text, named.values)
    for attribute, rows in WORDS.shared.items()
    for named in rows
    for text in named.phrases
)


def _pick(items: tuple[str, ...], rng: np.random.Generator) -> str:
    return items[int(rng.integers(len(items)))]


def plural(phrase: str) -> str:
    """The phrase with its last word in the plural, by the regular rules."""
    head, _, last = phrase.rpartition(" ")
    if last in WORDS.plurals:
        last = WORDS.plurals[last]
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
    return _pick(
        WORDS.neutral_templates if rng.random() < 0.15 else WORDS.templates[attribute], rng
    )


def british(text: str) -> str:
    """The text in British spelling."""
    for american, spelling in WORDS.british.items():
        text = text.replace(american, spelling)
    return text


def _spelled(text: str, rng: np.random.Generator) -> str:
    return british(text) if rng.random() < 0.3 else text


def with_nonsense(text: str, rng: np.random.Generator) -> str:
    """The text, in 12 % of cases with an invented word put in somewhere; never emptied."""
    if rng.random() >= NONSENSE_RATE:
        return text
    words = text.split()
    invented = "".join(_pick(WORDS.syllables, rng) for _ in range(int(rng.integers(2, 4))))
    words.insert(int(rng.integers(len(words) + 1)), invented)
    return " ".join(words)


def group(attribute: str, rng: np.random.Generator) -> list[Phrase]:
    """Filled prompts of one group, as a system would have them: one template, an option a value.

    Now and then the options are coarse ones ("many-legged"), which cover several values each.
    """
    shape = template(attribute, rng)
    if attribute in WORDS.coarse and rng.random() < 0.25:
        options = [(named.values, _pick(named.phrases, rng)) for named in WORDS.coarse[attribute]]
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
    texts = [*WORDS.neutral_templates, *(t for some in WORDS.templates.values() for t in some)]
    for values in SYNONYMS.values():
        for phrases in values.values():
            texts += [*phrases, *map(plural, phrases)]
    texts += [phrase.text for phrase in SHARED]
    texts += [text for rows in WORDS.coarse.values() for row in rows for text in row.phrases]
    texts.append("a an the and or no without not has there is")
    return [*texts, *map(british, texts)]
