"""The effects of 200 proposals on large systems, against scoring each changed system from scratch.

    python -m pytest -n 0 -s -o addopts= tests/bench/test_increments.py

Vectors of images and phrases are cached. Increments start from scores of the working system, as
the review does, and pay for all they keep. Ten of the proposals, of all kinds, are re-scored, and
their time is scaled up to 200. The two run in turns; the ratio is that of each round.
"""

import time
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from builder.edits.apply import apply
from builder.edits.model import (
    AddGroup,
    AddOption,
    DropGroup,
    Edit,
    RenameOption,
    SetPrompt,
    SetRule,
)
from builder.scoring.effects import Increments
from builder.scoring.score import Scores, score
from builder.system.model import AttributeGroup, AttributeSystem, Scoring, make_system

Vectors = NDArray[np.float32]
SCALE = 100.0
SIZE = 512
CLASSES, IMAGES, OPTIONS = 1000, 20_000, 10
ROUNDS = 3


def unit(random: np.random.Generator, count: int) -> Vectors:
    vectors = random.normal(size=(count, SIZE)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


class Encoder:
    """A direction for each phrase, drawn when it is first asked for."""

    def __init__(self, random: np.random.Generator) -> None:
        self._random = random
        self._known: dict[str, Vectors] = {}

    def __call__(self, texts: Sequence[str]) -> Vectors:
        for text in texts:
            if text not in self._known:
                self._known[text] = unit(self._random, 1)[0]
        return np.stack([self._known[text] for text in texts])


def make_group(name: str, options: int = OPTIONS) -> AttributeGroup:
    texts = tuple(f"{name} {k}" for k in range(options))
    return AttributeGroup(name=name, prompt="It is {}.", options=texts)


def made_system(random: np.random.Generator, groups: int) -> AttributeSystem:
    made = [make_group(f"group {g}", 8 + g % 5) for g in range(groups)]
    rules = {
        f"class {c}": {
            group.name: group.options[random.integers(len(group.options))] for group in made
        }
        for c in range(CLASSES)
    }
    return make_system("bench", made, rules)


def made_images(
    random: np.random.Generator, system: AttributeSystem, encode: Encoder
) -> tuple[Vectors, list[str]]:
    """Images near the sum of their class's phrases, so that many are recognised."""
    labels = [system.classes[c] for c in random.integers(CLASSES, size=IMAGES)]
    truth = {
        name: encode([group.phrase(row[group.name][0]) for group in system.groups]).sum(axis=0)
        for name, row in system.rules.items()
    }
    images = np.stack([truth[label] for label in labels])
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    images += 6 * unit(random, IMAGES)
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    return images.astype(np.float32), labels


def proposals(random: np.random.Generator, system: AttributeSystem) -> list[list[Edit]]:
    """The edits of each of 200 proposals, kind after kind."""
    groups = system.groups

    def group() -> AttributeGroup:
        return groups[random.integers(len(groups))]

    def option(of: AttributeGroup) -> str:
        return of.options[random.integers(len(of.options))]

    def classes(count: int) -> list[str]:
        return [system.classes[c] for c in random.choice(CLASSES, count, replace=False)]

    def rules(count: int) -> list[Edit]:
        return [
            SetRule(class_name=name, group=of.name, options=(option(of),))
            for name in classes(count)
            for of in [group()]
        ]

    def new_option(text: str) -> list[Edit]:
        of = group().name
        users = [SetRule(class_name=name, group=of, options=(text,)) for name in classes(20)]
        return [AddOption(group=of, option=text), *users]

    def rename(text: str) -> list[Edit]:
        of = group()
        return [RenameOption(group=of.name, option=option(of), to=text)]

    def new_group(name: str) -> list[Edit]:
        added = make_group(name)
        return [AddGroup(group=added, rules={c: (option(added),) for c in system.classes})]

    return [
        *(rules(1) for _ in range(80)),
        *(rules(3) for _ in range(40)),
        *(rename(f"renamed {i}") for i in range(30)),
        *(new_option(f"added {i}") for i in range(15)),
        *([SetPrompt(group=group().name, prompt=f"{i}: {{}}")] for i in range(15)),
        *([DropGroup(group=group().name)] for _ in range(10)),
        *(new_group(f"new group {i}") for i in range(10)),
    ]


def seconds(run: Callable[[], object]) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


@pytest.mark.parametrize("rule", ["sum", "log"])
@pytest.mark.parametrize("groups", [8, 20])
@pytest.mark.timeout(900)
def test_effects_of_200_proposals(groups: int, rule: str) -> None:
    random = np.random.default_rng(0)
    encode = Encoder(random)
    system = made_system(random, groups)
    images, labels = made_images(random, system, encode)
    scoring = Scoring.model_validate({"rule": rule})

    def full(of: AttributeSystem) -> Scores:
        phrases = encode(of.phrases())
        return score(of, images, phrases, labels, scoring=scoring, logit_scale=SCALE)

    def increments() -> Increments:
        return Increments(system, before, images, labels, encode, scoring, SCALE)

    before = full(system)
    made = proposals(random, system)
    begin = time.perf_counter()
    afters = [apply(system, edits) for edits in made]
    applying = (time.perf_counter() - begin) / len(afters)
    for after in afters:
        encode(after.phrases())
    sample = afters[:: len(afters) // 10][:9] + afters[-1:]
    print(
        f"\n{rule}: {CLASSES} classes x {groups} groups x {IMAGES} images, d = {SIZE}, "
        f"{100 * before.accuracy:.0f} % right; applying a proposal {1000 * applying:.1f} ms"
    )

    ratios, with_applying = [], []
    for _ in range(ROUNDS):
        together = seconds(lambda: list(increments().effects(afters)))
        scratch = seconds(lambda: [full(after) for after in sample]) / len(sample) * len(afters)
        spent = applying * len(afters)
        ratios.append(scratch / together)
        with_applying.append((scratch + spent) / (together + spent))
        print(
            f"  200 effects {together:6.2f} s, from scratch {scratch:7.1f} s (10 x 20)"
            f"   ratio {ratios[-1]:5.1f}, with applying {with_applying[-1]:5.1f}"
        )
    print(f"  median ratio {np.median(ratios):.1f}, with applying {np.median(with_applying):.1f}")

    base, changed, different = increments(), 0, 0
    for after in sample:
        expected = full(after).correct
        changed += np.count_nonzero(before.correct != expected)
        different += np.count_nonzero(next(base.correct([after])) != expected)
    print(f"  of {changed} marks that ten proposals change, {different} differ by rounding")
    assert different <= changed / 100
    assert np.median(ratios) > 10
