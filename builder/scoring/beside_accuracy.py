"""The figures that belong beside an accuracy where classes are uneven or many."""

from collections.abc import Sequence

from builder.scoring.score import Scores
from builder.scoring.statistics import Correct, class_mean, uneven

_MANY = 20
_BEST = 5


def beside_accuracy(
    correct: Correct, labels: Sequence[str], scores: Scores | None = None
) -> dict[str, float]:
    """Named fractions in [0, 1]; none where the accuracy says enough by itself.

    correct: [n], of images of the classes `labels`. With the scores of these images also how many
    have their class among the five best, unless five are half of the classes or more.
    """
    if not uneven(labels) and len(set(labels)) <= _MANY:
        return {}
    figures = {"mean over classes": class_mean(correct, labels)}
    if scores is not None and len(scores.classes) > 2 * _BEST:
        figures["among the best five"] = float(scores.among_best(_BEST).mean())
    return figures
