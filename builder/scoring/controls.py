"""Null controls: the accuracy that is left when rules, words or names can't mean anything.

A system that is not clearly better than its own controls has learnt nothing about the classes.
"""

import json
from collections.abc import Sequence
from importlib.resources import files

import numpy as np

from builder.scoring.score import Scores
from builder.system.model import AttributeSystem

SHUFFLES = 20
WORD_DRAWS = 5
# Plain words that nobody would say of how a thing looks.
WORDS: tuple[str, ...] = tuple(
    json.loads(files("builder.scoring").joinpath("unrelated_words.json").read_text("utf-8"))
)


def shuffled(scores: Scores, *, seed: int) -> tuple[int, ...]:
    """How many images are correct after each of 20 shuffles of the rules, or names.

    With another class's rules, and name where the scoring counts names, a class gets exactly that
    class's totals, so that only predictions are renamed. Where classes tie, the first of them
    unshuffled gets the image.
    """
    rng = np.random.default_rng(seed)
    shuffles = (rng.permutation(len(scores.classes)) for _ in range(SHUFFLES))
    return tuple(
        int(np.count_nonzero(shuffle[scores.predictions] == scores.labels)) for shuffle in shuffles
    )


def with_random_words(system: AttributeSystem, *, seed: int) -> AttributeSystem:
    """The same system and rules with unrelated words for all options."""
    rng = np.random.default_rng(seed)
    groups, new = [], []
    for group in system.groups:
        words = _words(len(group.options), rng)
        groups.append(group.model_copy(update={"options": words}))
        new.append(dict(zip(group.options, words, strict=True)))
    rules = {
        name: {
            group.name: tuple(words[option] for option in choices[group.name])
            for group, words in zip(system.groups, new, strict=True)
        }
        for name, choices in system.rules.items()
    }
    return AttributeSystem(domain=system.domain, groups=tuple(groups), rules=rules)


def _words(count: int, rng: np.random.Generator) -> tuple[str, ...]:
    """Different words at random; several in a row where there are not enough single ones."""
    found: Sequence[str] = WORDS
    while len(found) < count:
        found = [f"{first} {second}" for first in found for second in WORDS]
    chosen = rng.choice(len(found), size=count, replace=False)
    return tuple(found[index] for index in chosen.tolist())
