"""How sure an accuracy is, and whether two versions really differ on the same images."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

Correct = NDArray[np.bool_]


class Effect(BaseModel):
    """What a change does to the same n images: of a proposal by itself, or between two versions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: int
    fixed: int
    broken: int

    @property
    def net(self) -> int:
        return self.fixed - self.broken

    @property
    def points(self) -> float:
        """The change of accuracy in percentage points; 0 for n = 0."""
        return 100.0 * self.net / self.n if self.n else 0.0

    @property
    def p(self) -> float:
        """Exact two-sided McNemar; 1.0 if nothing changed.

        It is honest only on images that played no part in choosing the change.
        """
        return mcnemar(self.fixed, self.broken)

    def as_data(self) -> dict[str, float]:
        """The effect and its p, as they are reported in JSON."""
        return {"fixed": self.fixed, "broken": self.broken, "n": self.n, "p": self.p}

    def words(self) -> str:
        """The effect in words, without a p-value: e.g. "+4.2 pp (5 fixed, 0 broken)"."""
        return f"{self.points:+.1f} pp ({self.fixed} fixed, {self.broken} broken)"


# Between versions the same is told as of a proposal.
Change = Effect


class Interval(NamedTuple):
    """A confidence interval of a fraction; both ends in [0, 1]."""

    low: float
    high: float


def wilson(correct: float, n: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval (1927, without continuity correction) of `correct` out of `n`.

    `correct` may be an expected count. (0, 1) for n = 0. Raises ValueError unless
    0 <= correct <= n and 0 < confidence < 1.
    """
    if not 0 <= correct <= n or not 0 < confidence < 1:
        raise ValueError(f"no interval for {correct} of {n} at confidence {confidence}")
    if n == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    fraction = correct / n
    centre = fraction + z * z / (2 * n)
    radius = z * sqrt(fraction * (1 - fraction) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # The ends are 0 and 1 exactly there, which rounding would miss.
    low = 0.0 if correct == 0 else max(0.0, (centre - radius) / scale)
    high = 1.0 if correct == n else min(1.0, (centre + radius) / scale)
    return Interval(low, high)


@dataclass(frozen=True, slots=True)
class Proportion:
    """`count` of `n`; an expected count need not be whole."""

    count: float
    n: int

    @property
    def fraction(self) -> float:
        """The fraction, in [0, 1]; 0 for n = 0."""
        return self.count / self.n if self.n else 0.0

    @property
    def interval(self) -> Interval:
        """The Wilson 95 % interval of the fraction."""
        return wilson(self.count, self.n)


def compare(before: Correct, after: Correct) -> Change:
    """The change from `before` to `after`, both [n] with True where the image is correct.

    Raises ValueError when their lengths differ.
    """
    if before.shape != after.shape:
        raise ValueError(f"{len(before)} images before, {len(after)} after: not the same images")
    fixed = int(np.count_nonzero(after & ~before))
    broken = int(np.count_nonzero(before & ~after))
    return Change(fixed=fixed, broken=broken, n=len(before))


def mcnemar(fixed: int, broken: int) -> float:
    """Exact two-sided p: each changed image was as likely to be fixed as broken (binomial, 1/2)."""
    changed = fixed + broken
    # Whole numbers until the last step: no rounding on the way.
    ways = accumulate(
        range(min(fixed, broken)), lambda ways, k: ways * (changed - k) // (k + 1), initial=1
    )
    everything: int = 2**changed
    return min(1.0, 2 * sum(ways) / everything)


def holm(ps: Sequence[float]) -> tuple[float, ...]:
    """The p-values of several tests made at once, each in place, adjusted for their number.

    Holm's step-down adjustment (1979): the chance that any of them is at most 0.05 without a true
    effect is at most 0.05, however they depend on each other.
    """
    adjusted = [1.0] * len(ps)
    reached = 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        reached = max(reached, min(1.0, (len(ps) - rank) * ps[index]))
        adjusted[index] = reached
    return tuple(adjusted)


def class_mean(correct: Correct, labels: Sequence[object]) -> float:
    """The mean over classes of the part [0, 1] of each one's images that is correct, both [n].

    Known as macro accuracy, or balanced accuracy: a class with few images counts as much as one
    with many. 0 without images.
    """
    right: dict[object, list[bool]] = {}
    for label, each in zip(labels, correct.tolist(), strict=True):
        right.setdefault(label, []).append(each)
    return sum(sum(found) / len(found) for found in right.values()) / max(len(right), 1)


def uneven(labels: Iterable[object]) -> bool:
    """Whether one class has more than twice as many images as another."""
    sizes = Counter(labels).values()
    return bool(sizes) and max(sizes) > 2 * min(sizes)
