"""Predictions from scores: which class, how sure that is, and what was seen.

Confidences are p = softmax(totals / temperature). The temperature (Guo et al. 2017, "On Calibration
of Modern Neural Networks") is one number, fitted on labelled images; it changes no prediction.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from builder.scoring.score import Doubles, Floats, Indices, Scores
from builder.system.file import Calibration
from builder.system.model import AttributeSystem

Totals = Floats | Doubles
# A fitted confidence is about the accuracy on these images, on average. On fewer than 30 that may
# be off by more than 17 points (Wilson's 95 % around one half), and so would be the confidence.
FEWEST_IMAGES = 30
# Bounds of 1 / temperature, times the largest difference of two totals of an image: from "all
# classes alike" to beyond what single precision can tell apart.
_FLATTEST, _SHARPEST = 1e-3, 1e9
_STEPS = 100
_PRECISION = 1e-9
# Images are looked at so many totals at a time, which bounds the memory.
_BLOCK = 1 << 20
# How many of the best classes are told.
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
    """A prediction for each of the n images that the system was scored on."""
    probabilities = class_probabilities(scores.totals, calibration)
    order = np.argsort(-scores.totals, axis=1, kind="stable")[:, :_RANKED]
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
                g.name: float(p[row, k])
                for g, p, k in zip(system.groups, scores.probabilities, seen, strict=True)
            },
            ranking=ranking,
        )


def class_probabilities(totals: Totals, calibration: Calibration | None) -> Doubles:
    """Probabilities [n, C], rows sum to 1; without a calibration at temperature 1."""
    temperature = calibration.temperature if calibration else 1.0
    with np.errstate(over="ignore"):
        p = np.exp(below_best(totals) / temperature)
    probabilities: Doubles = p / p.sum(axis=1, keepdims=True)
    return probabilities


def fit_temperature(totals: Totals, labels: Indices) -> Calibration | None:
    """The likeliest temperature of totals [n, C] for labels [n].

    Images with label -1 are left out. As if one image more had shown the runner-up: else a split on
    which everything is right would ask for certainty. None for fewer than `FEWEST_IMAGES`, and
    where no total differs from another.
    """
    known = labels >= 0
    gaps = below_best(totals[known])
    n = len(gaps)
    if n < FEWEST_IMAGES or not gaps.any():
        return None
    runner_up = np.partition(gaps, -2, axis=1)[:, -2].mean()
    of_label = gaps[np.arange(n), labels[known]].mean()
    inverse = likeliest_inverse(gaps, float(n * of_label + runner_up) / (n + 1))
    return Calibration(temperature=1 / inverse, n=n)


def below_best(totals: Totals) -> Doubles:
    """The totals less the best total of their image: at most 0."""
    exact = np.asarray(totals, np.float64)
    gaps: Doubles = exact - exact.max(axis=1, keepdims=True)
    return gaps


def likeliest_inverse(gaps: Doubles, target: float) -> float:
    """The 1 / temperature for `gaps` [n, C] below the best, some of which are not 0.

    Minimises mean(log sum exp(b * gaps)) - b * target: convex in b, so its slope rises. Newton's
    method, with bisection wherever that would leave what encloses the answer.
    """
    spread = float(-gaps.min())
    low, high = _FLATTEST / spread, _SHARPEST / spread
    b = 1 / spread
    for _ in range(_STEPS):
        mean, variance = _moments(gaps, b)
        low, high = (b, high) if mean < target else (low, b)
        step = b + (target - mean) / variance if variance > 0 else high
        if not low < step < high:
            step = float(np.sqrt(low * high))
        if abs(step - b) <= _PRECISION * b:
            break
        b = step
    return b


def _moments(gaps: Doubles, b: float) -> tuple[float, float]:
    """Means over the images of the mean and the variance of gaps under softmax(b * gaps)."""
    mean = variance = 0.0
    for block in np.array_split(gaps, gaps.size // _BLOCK + 1):
        p = np.exp(b * block)
        p /= p.sum(axis=1, keepdims=True)
        first = (p * block).sum(axis=1)
        mean += float(first.sum())
        variance += float(((p * block**2).sum(axis=1) - first**2).sum())
    return mean / len(gaps), variance / len(gaps)
