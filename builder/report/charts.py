"""The accuracy of the versions as a drawing: where its points, intervals and lines stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor

from builder.scoring.statistics import wilson
from builder.session.state import Version

_STEP, _HEIGHT = 72, 240


@dataclass(frozen=True, slots=True)
class Chart:
    """Places in pixels; from `low`, at the bottom, to `high` is what it shows of the fractions."""

    count: int
    low: float
    high: float
    left: int = 46
    top: int = 26
    bottom: int = 26 + _HEIGHT
    height: int = 26 + _HEIGHT + 44

    @property
    def right(self) -> int:
        return self.left + self.count * _STEP

    @property
    def width(self) -> int:
        return self.right + 24

    def x(self, place: int) -> float:
        """The middle of a version's column."""
        return self.left + _STEP * (place + 0.5)

    def y(self, fraction: float) -> float:
        return self.top + _HEIGHT * (self.high - fraction) / (self.high - self.low)

    def ends(self, version: Version) -> tuple[float, float]:
        """Of the 95 % interval of a version's held-out accuracy."""
        interval = wilson(version.correct, len(version.held_out))
        return self.y(interval.low), self.y(interval.high)

    def ticks(self) -> list[float]:
        tenths = range(round(10 * self.low), round(10 * self.high) + 1)
        step = 1 if len(tenths) <= 6 else 2
        return [tenth / 10 for tenth in tenths[::step]]


def chart_of(versions: Sequence[Version], level: float | None) -> Chart:
    """Of versions that have held-out images, and a fraction to compare them with."""
    shown = [] if level is None else [level]
    for version in versions:
        interval = wilson(version.correct, len(version.held_out))
        shown += [interval.low, interval.high]
        shown += [version.review.count("1") / len(version.review)] if version.review else []
    # The ends are whole tenths. All points at one of them need some room, too.
    low, high = floor(10 * min(shown)) / 10, ceil(10 * max(shown)) / 10
    low, high = (low, high) if high > low else (max(0.0, low - 0.1), min(1.0, high + 0.1))
    return Chart(len(versions), low, high)
