"""Things in the air around a creature, and the flame that tails share with them."""

import math
from collections.abc import Callable

import numpy as np

from builder.demo.canvas import Canvas
from builder.demo.palette import hsv, pick
from builder.demo.raster import Rng
from builder.demo.shapes import Points, Vector, place, points, spline, star

_TONGUE = points(
    (0.0, -1.0), (0.16, -0.55), (0.44, -0.3), (0.56, 0.12), (0.36, 0.46), (0.0, 0.58),
    (-0.36, 0.46), (-0.56, 0.1), (-0.38, -0.22), (-0.22, -0.36), (-0.14, -0.7),
)  # fmt: skip
_FIRE = ((1.0, (236, 74, 28)), (0.7, (255, 158, 30)), (0.4, (255, 236, 120)))


def flame(centre: Vector, size: float, angle: float) -> list[tuple[Points, tuple[int, ...]]]:
    """Three nested tongues of fire with their colours, the largest first."""
    tongue = spline(_TONGUE, steps=3)
    up = np.array([math.sin(angle), -math.cos(angle)])
    return [
        (place(tongue, centre - up * size * 0.5 * (1 - s), scale=size * s, angle=angle), colour)
        for s, colour in _FIRE
    ]


def _spread(rng: Rng, count: int, clear: float = 0.5) -> list[Vector]:
    """Places around the creature, mostly clear of its middle, one per slice of the circle."""
    turn = (np.arange(count) + rng.uniform(0.1, 0.9, count)) * (2 * math.pi / count)
    reach = rng.uniform(clear, 0.92, count)
    xy = np.stack([np.cos(turn), np.sin(turn)], axis=1) * reach[:, None] * [1.0, 0.95]
    return [(x, y) for x, y in xy.tolist()]


def none(canvas: Canvas, rng: Rng, behind: bool) -> None:
    """Clear air."""


def flames(canvas: Canvas, rng: Rng, behind: bool) -> None:
    for centre in _spread(rng, 6 if behind else 4, 0.56):
        size = rng.uniform(0.085, 0.14)
        canvas.glow(centre, size * 2.3, (255, 140, 30), 0.42)
        for shape, colour in flame(centre, size, rng.uniform(-0.3, 0.3)):
            canvas.polygon(shape, colour)


def sparkles(canvas: Canvas, rng: Rng, behind: bool) -> None:
    colour = pick(rng, (255, 255, 236), (255, 240, 160), (255, 222, 246))
    for centre in _spread(rng, 8 if behind else 5):
        size = rng.uniform(0.075, 0.155)
        canvas.glow(centre, size * 1.1, colour, 0.5)
        canvas.polygon(star(centre, size, size * 0.17, 4), colour)
        canvas.disc(centre, size * 0.24, (255, 255, 255))


def bubbles(canvas: Canvas, rng: Rng, behind: bool) -> None:
    for x, y in _spread(rng, 8 if behind else 6, 0.45):
        size = rng.uniform(0.05, 0.12)
        canvas.disc((x, y), size, (200, 240, 255, 70))
        canvas.ring((x, y), size, (236, 252, 255), 0.022)
        canvas.disc((x - size * 0.35, y - size * 0.35), size * 0.24, (255, 255, 255))


def leaves(canvas: Canvas, rng: Rng, behind: bool) -> None:
    hue = rng.uniform(0.25, 0.32)
    blade = spline([
        (0.0, -1.0), (0.42, -0.35), (0.4, 0.3), (0.0, 0.95), (-0.4, 0.3), (-0.42, -0.35),
    ], steps=4)  # fmt: skip
    for centre in _spread(rng, 9 if behind else 6, 0.48):
        size, angle = rng.uniform(0.07, 0.115), rng.uniform(0, 2 * math.pi)
        fill = hsv(hue + rng.uniform(-0.03, 0.03), 0.78, rng.uniform(0.6, 0.86))
        canvas.inked(place(blade, centre, scale=size, angle=angle), fill, (26, 62, 22), 0.009)
        rib = place([(0.0, -0.8), (0.0, 1.25)], centre, scale=size, angle=angle)
        canvas.line(rib, (214, 246, 150), 0.014)


def lightning(canvas: Canvas, rng: Rng, behind: bool) -> None:
    """Jagged bolts from above; one behind on either side, and a short one in front."""
    sides = (-1.0, 1.0) if behind else (float(rng.choice([-1.0, 1.0])),)
    for side in sides:
        x, y = side * rng.uniform(0.55, 0.8), -1.05 if behind else 0.05
        bolt = _bolt(x, y, rng.uniform(1.1, 1.5) if behind else 0.75, 5 if behind else 3, rng)
        canvas.line(np.concatenate([bolt, bolt[:1]]), (255, 250, 200, 130), 0.065)
        canvas.polygon(bolt, (255, 222, 50))
        canvas.line(np.concatenate([bolt, bolt[:2]]), (120, 84, 10), 0.012)


def _bolt(x: float, y: float, length: float, joints: int, rng: Rng) -> Points:
    """A jagged ribbon that narrows to a point; every joint steps back before it goes on."""
    sway = np.where(np.arange(joints + 1) % 2 == 0, -1.0, 1.0) * float(rng.choice([-1.0, 1.0]))
    across = x + sway * rng.uniform(0.05, 0.1, joints + 1)
    down = y + np.linspace(0, length, joints + 1)
    half = np.linspace(0.075, 0.0, joints + 1)
    left = np.stack([across - half, down - sway * 0.035], axis=1)
    right = np.stack([across + half, down + sway * 0.035], axis=1)
    return np.concatenate([left, right[::-1]])


EFFECTS: dict[str, Callable[[Canvas, Rng, bool], None]] = {
    draw.__name__: draw for draw in (none, flames, sparkles, bubbles, leaves, lightning)
}
