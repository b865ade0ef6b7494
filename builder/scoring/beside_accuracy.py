"""The figures that belong beside an accuracy where classes are uneven or many."""

from collections.abc import Sequence
from typing import Literal

from builder.scoring.score import Scores
from builder.scoring.statistics import Correct, class_mean, uneven

BEST = 5
_MANY = 20
Beside = Literal["class_mean", "among_best_5"]


def worth_telling(labels: Sequence[str], classes: int) -> tuple[Beside, ...]:
    """Which figures these are for images of the classes `labels`, told apart from all `classes`.

    None, unless the images' classes are uneven or more than 20. How many images have their class
    among the five best is left out where five are half of the classes or more.
    """
    if not uneven(labels) and len(set(labels)) <= _MANY:
        return ()
    return ("class_mean", "among_best_5") if classes > 2 * BEST else ("class_mean",)


def beside_accuracy(
    correct: Correct, labels: Sequence[str], scores: Scores | None = None
) -> dict[str, float]:
    """Named fractions in [0, 1]; none where the accuracy says enough by itself.

    correct: [n], of images of the classes `labels`; the best five are known from their scores.
    """
    worth = worth_telling(labels, len(scores.classes) if scores else 0)
    figures = {}
    if "class_mean" in worth:
        figures["mean over classes"] = class_mean(correct, labels)
    if scores and "among_best_5" in worth:
        figures["among the best five"] = float(scores.among_best(BEST).mean())
    return figures
