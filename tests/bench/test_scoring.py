"""Re-scoring from cached vectors against the article's per-image loop and against bare products.

    python -m pytest -n 0 -s tests/bench/test_scoring.py

prints medians and ratios of interleaved runs. The loop is timed on a few images and scaled up.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from builder.scoring.score import cosines, score, score_cosines
from builder.system.model import AttributeGroup, AttributeSystem, Scoring, make_system

Vectors = NDArray[np.float32]
SCALE = 100.0


@dataclass(frozen=True)
class Case:
    system: AttributeSystem
    images: Vectors
    phrases: Vectors
    labels: list[str]


def make_case(classes: int, groups: int, options: int, images: int, size: int) -> Case:
    random = np.random.default_rng(0)

    def unit(count: int) -> Vectors:
        vectors = random.normal(size=(count, size)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    made = [
        AttributeGroup(
            name=f"group {g}",
            prompt=f"It is {{}} {g}.",
            options=tuple(f"o{k}" for k in range(options)),
        )
        for g in range(groups)
    ]
    rules = {
        f"class {c}": {group.name: group.options[random.integers(options)] for group in made}
        for c in range(classes)
    }
    system = make_system("bench", made, rules)
    labels = [system.classes[c] for c in random.integers(classes, size=images)]
    return Case(system, unit(images), unit(groups * options), labels)


def article_loop(case: Case, images: Vectors) -> list[str]:
    """classify_pokemon of the article, text vectors cached, rules as indices."""
    groups = {group.name: len(group.options) for group in case.system.groups}
    position = {g.name: {o: i for i, o in enumerate(g.options)} for g in case.system.groups}
    rules = {
        name: {group: position[group][chosen[0]] for group, chosen in choices.items()}
        for name, choices in case.system.rules.items()
    }
    predicted = []
    for image in images:
        similarities = (case.phrases @ image) / (
            np.linalg.norm(case.phrases, axis=1) * np.linalg.norm(image)
        )
        probabilities = {}
        start = 0
        for group, size in groups.items():
            powers = np.exp(SCALE * similarities[start : start + size])
            probabilities[group] = powers / powers.sum()
            start += size
        scores = {}
        for name, choices in rules.items():
            total = 0.0
            for group, index in choices.items():
                total += probabilities[group][index]
            scores[name] = total
        predicted.append(max(scores, key=lambda name: scores[name]))
    return predicted


def bare(case: Case, rules: Vectors) -> object:
    """Two products, a softmax and an argmax: no rules to read, no ties, nothing kept."""
    sizes = [len(group.options) for group in case.system.groups]
    logits = (case.images @ case.phrases.T).reshape(len(case.images), len(sizes), sizes[0])
    logits *= np.float32(SCALE)
    logits -= logits.max(axis=2, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=2, keepdims=True)
    return (logits.reshape(len(case.images), -1) @ rules).argmax(axis=1)


def medians(runs: dict[str, Callable[[], object]], times: int) -> dict[str, float]:
    """Median seconds of each, run in turns so that a noisy neighbour disturbs all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(times + 1):
        for name, run in runs.items():
            begin = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - begin)
    return {name: float(np.median(taken[1:])) for name, taken in seconds.items()}


@pytest.mark.parametrize(
    ("classes", "groups", "options", "images", "size", "sample", "times"),
    [(13, 5, 10, 117, 768, 117, 31), (1000, 8, 25, 50_000, 512, 40, 9)],
    ids=["article", "large"],
)
def test_rescoring(
    classes: int, groups: int, options: int, images: int, size: int, sample: int, times: int
) -> None:
    case = make_case(classes, groups, options, images, size)
    rules = np.zeros((groups * options, classes), np.float32)
    for c, choices in enumerate(case.system.rules.values()):
        for g, group in enumerate(case.system.groups):
            rules[g * options + group.options.index(choices[group.name][0]), c] = 1
    similar = cosines(case.images, case.phrases)

    def run(rule: Scoring) -> Callable[[], object]:
        return lambda: score(
            case.system, case.images, case.phrases, case.labels, scoring=rule, logit_scale=SCALE
        )

    taken = medians(
        {
            "sum": run(Scoring()),
            "log": run(Scoring(rule="log")),
            "sum, only rules changed": lambda: score_cosines(
                case.system, similar, case.labels, scoring=Scoring(), logit_scale=SCALE
            ),
            "bare products": lambda: bare(case, rules),
            "loop": lambda: article_loop(case, case.images[:sample]),
        },
        times,
    )
    taken["loop"] *= images / sample
    print(f"\n{classes} classes x {images} images x {groups * options} options, d = {size}")
    for name, seconds in taken.items():
        print(
            f"  {name:24} {1000 * seconds:12.2f} ms"
            f"  loop / this = {taken['loop'] / seconds:8.1f}"
            f"  this / bare = {seconds / taken['bare products']:6.2f}"
        )
    made = score(
        case.system, case.images, case.phrases, case.labels, scoring=Scoring(), logit_scale=SCALE
    )
    predicted = [case.system.classes[index] for index in made.predictions[:sample]]
    assert predicted == article_loop(case, case.images[:sample])
    assert taken["loop"] > 5 * taken["sum, only rules changed"]
