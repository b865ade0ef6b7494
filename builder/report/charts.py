"""The accuracy of the versions as a drawing: points with intervals, and a line to compare with."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor

from builder.report.markup import Markup, element, joined
from builder.scoring.statistics import wilson
from builder.scoring.wording import accuracy, accuracy_interval, percent

_STEP, _HEIGHT = 72, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 24, 26, 44


@dataclass(frozen=True, slots=True)
class Point:
    """A version's correct images, out of n, on held-out and on review images."""

    name: str
    correct: int
    n: int
    review_correct: int
    review_n: int
    best: bool


@dataclass(frozen=True, slots=True)
class Level:
    """What the versions are compared with: a fraction, and what it is."""

    name: str
    fraction: float


def accuracy_chart(points: Sequence[Point], level: Level | None) -> Markup:
    """Held-out accuracy as dots with 95 % intervals, review accuracy as squares.

    Every point must have held-out images.
    """
    scale = _Scale.around(points, level)
    width = _LEFT + max(1, len(points)) * _STEP + _RIGHT
    places = [_LEFT + _STEP * (place + 0.5) for place in range(len(points))]
    route = " ".join(
        f"{x:.1f},{scale.y(point.correct / point.n):.1f}"
        for x, point in zip(places, points, strict=True)
    )
    return element(
        "svg",
        _grid(scale, width),
        _level(scale, level, width) if level else "",
        element("polyline", points=route, class_="route"),
        *(_point(scale, x, point) for x, point in zip(places, points, strict=True)),
        class_="chart",
        viewBox=f"0 0 {width} {_TOP + _HEIGHT + _BOTTOM}",
        width=width,
        height=_TOP + _HEIGHT + _BOTTOM,
        role="img",
        aria_label="Held-out accuracy by version; the same figures stand in the list of versions.",
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    """From fractions to pixels; the ends are whole tenths."""

    low: float
    high: float

    @classmethod
    def around(cls, points: Sequence[Point], level: Level | None) -> "_Scale":
        shown = [level.fraction] if level else []
        for point in points:
            interval = wilson(point.correct, point.n)
            shown += [interval.low, interval.high]
            shown += [point.review_correct / point.review_n] if point.review_n else []
        low, high = floor(10 * min(shown)) / 10, ceil(10 * max(shown)) / 10
        # All points at one whole tenth need some room, too.
        return cls(low, high) if high > low else cls(max(0.0, low - 0.1), min(1.0, high + 0.1))

    def y(self, fraction: float) -> float:
        return _TOP + _HEIGHT * (self.high - fraction) / (self.high - self.low)

    def ticks(self) -> list[float]:
        tenths = range(round(10 * self.low), round(10 * self.high) + 1)
        step = 1 if len(tenths) <= 6 else 2
        return [tenth / 10 for tenth in tenths[::step]]


def _grid(scale: _Scale, width: int) -> Markup:
    lines = []
    for tick in scale.ticks():
        y = f"{scale.y(tick):.1f}"
        lines.append(element("line", x1=_LEFT, x2=width - _RIGHT, y1=y, y2=y, class_="grid"))
        label = f"{100 * tick:.0f} %"
        lines.append(element("text", label, x=_LEFT - 8, y=y, class_="tick", dy="0.32em"))
    return joined(lines)


def _level(scale: _Scale, level: Level, width: int) -> Markup:
    y = scale.y(level.fraction)
    # Above the line, unless the top of the drawing is near.
    text_y = y - 6 if y > _TOP + 20 else y + 16
    return joined(
        (
            element(
                "line", x1=_LEFT, x2=width - _RIGHT, y1=f"{y:.1f}", y2=f"{y:.1f}", class_="level"
            ),
            element("text", level.name, x=_LEFT + 2, y=f"{text_y:.1f}", class_="level-name"),
        )
    )


def _point(scale: _Scale, x: float, point: Point) -> Markup:
    interval = wilson(point.correct, point.n)
    y, low, high = (
        f"{scale.y(value):.1f}" for value in (point.correct / point.n, interval.low, interval.high)
    )
    at = f"{x:.1f}"
    told = (
        f"{point.name}, held-out: {accuracy(point.correct, point.n)} "
        f"({accuracy_interval(point.correct, point.n)})"
    )
    parts = [element("line", x1=at, x2=at, y1=low, y2=high, class_="interval")]
    for end in (low, high):
        parts.append(element("line", x1=x - 5, x2=x + 5, y1=end, y2=end, class_="interval"))
    if point.review_n:
        review = scale.y(point.review_correct / point.review_n)
        square = element("title", f"review: {accuracy(point.review_correct, point.review_n)}")
        parts.append(
            element(
                "rect", square, x=f"{x + 11:.1f}", y=f"{review - 4:.1f}", width=8, height=8,
                class_="review",
            )
        )  # fmt: skip
    parts.append(element("circle", cx=at, cy=y, r=6 if point.best else 4.5, class_="held-out"))
    base = _TOP + _HEIGHT
    figure = percent(point.correct, point.n)
    parts += [
        element("text", point.name, x=at, y=base + 18, class_="name"),
        element("text", figure, x=at, y=base + 34, class_="best" if point.best else "name"),
        element("title", told),
    ]
    return element("g", *parts)
