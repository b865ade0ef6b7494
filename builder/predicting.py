"""From the scores of images to what somebody wants to know of each: which class, how sure, why."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from builder.calibration import class_probabilities
from builder.scoring import Scores
from builder.system import AttributeSystem
from builder.system_file import Calibration

# Of all classes, so many of the best are told.
_RANKED = 5


@dataclass(frozen=True, slots=True)
class Ranked:
    """A class, its total score, and its probability in [0, 1]."""

    class_name: str
    score: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """The best class of an image, its total score, and how sure that is, in [0, 1].

    calibrated: whether `confidence` was fitted to images; else it only ranks. seen: per group the
    option the encoder saw most of; seen_probability: how much of it, in [0, 1]. ranking: the
    five best classes; ties go to class order.
    """

    class_name: str
    score: float
    confidence: float
    calibrated: bool
    seen: dict[str, str]
    seen_probability: dict[str, float]
    ranking: tuple[Ranked, ...]


def predictions(
    system: AttributeSystem, scores: Scores, calibration: Calibration | None
) -> Iterator[Prediction]:
    """One for each of the n images that the system was scored on."""
    probabilities = class_probabilities(scores.totals, calibration)
    order = np.argsort(-scores.totals, axis=1, kind="stable")[:, :_RANKED]
    names = [group.name for group in system.groups]
    best_options = [p.argmax(axis=1) for p in scores.probabilities]
    for row, best in enumerate(order):
        ranking = tuple(
            Ranked(scores.classes[k], float(scores.totals[row, k]), float(probabilities[row, k]))
            for k in best
        )
        seen = [int(options[row]) for options in best_options]
        yield Prediction(
            class_name=ranking[0].class_name,
            score=ranking[0].score,
            confidence=ranking[0].confidence,
            calibrated=calibration is not None,
            seen={g.name: g.options[k] for g, k in zip(system.groups, seen, strict=True)},
            seen_probability={
                name: float(p[row, k])
                for name, p, k in zip(names, scores.probabilities, seen, strict=True)
            },
            ranking=ranking,
        )
