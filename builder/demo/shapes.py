"""Outlines in unit space: splines, tubes, ellipses and stars.

Unit space spans -1 to 1 on both axes, x to the right and y downwards, whatever the size in pixels.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]  # (n, 2), unit space unless said otherwise
Vector = tuple[float, float]
Outline = Points | Sequence[Vector]


def points(*xy: Vector) -> Points:
    return np.array(xy, dtype=np.float64)


def spline(through: Outline, *, closed: bool = True, steps: int = 6) -> Points:
    """Catmull-Rom curve through control points.

    Returns (n * steps, 2) when closed, ((n - 1) * steps + 1, 2) when open.
    """
    control = np.asarray(through, dtype=np.float64)
    if closed:
        at = np.arange(len(control))
        start, p0 = control, control[at - 1]
        after, p3 = control[at - len(control) + 1], control[at - len(control) + 2]
    else:
        padded = np.concatenate(
            [2 * control[:1] - control[1:2], control, 2 * control[-1:] - control[-2:-1]]
        )
        p0, start, after, p3 = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    t = (np.arange(steps) / steps)[None, :, None]
    p0, p1, p2, p3 = p0[:, None], start[:, None], after[:, None], p3[:, None]
    cubic = 3 * (p1 - p2) + p3 - p0
    square = 2 * p0 - 5 * p1 + 4 * p2 - p3
    curve: Points = (p1 + 0.5 * t * (p2 - p0 + t * (square + t * cubic))).reshape(-1, 2)
    return curve if closed else np.concatenate([curve, control[-1:]])


def normals(curve: Points) -> Points:
    """Unit normals of an open curve, to the left of its direction as seen on screen."""
    along = np.empty_like(curve)
    along[1:-1] = curve[2:] - curve[:-2]
    along[0], along[-1] = curve[1] - curve[0], curve[-1] - curve[-2]
    along /= np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
    return np.stack([along[:, 1], -along[:, 0]], axis=1)


def tube(control: Outline, radii: Sequence[float], *, steps: int = 5) -> Points:
    """Outline of a round-ended tube along a spline; `radii` are spread evenly over its length."""
    centre = spline(control, closed=False, steps=steps)
    across = normals(centre)
    at = np.linspace(0, len(radii) - 1, len(centre))
    radius = np.interp(at, np.arange(len(radii)), radii)[:, None]
    tip = _cap(centre[-1], across[-1], radii[-1])
    root = _cap(centre[0], -across[0], radii[0])
    left, right = centre + across * radius, centre - across * radius
    return np.concatenate([left, tip, right[::-1], root])


def _cap(centre: Points, across: Points, radius: float) -> Points:
    """Half circle from `across` to its opposite, around the end of a tube."""
    turn = np.linspace(0, math.pi, 7)[1:-1, None]
    onward = np.array([-across[1], across[0]])
    arc: Points = centre + radius * (np.cos(turn) * across + np.sin(turn) * onward)
    return arc


def ellipse(centre: Vector, rx: float, ry: float, angle: float = 0.0, n: int = 26) -> Points:
    """Outline of an ellipse turned by `angle` radians."""
    turn = np.arange(n) * (2 * math.pi / n)
    return place(np.stack([rx * np.cos(turn), ry * np.sin(turn)], axis=1), centre, angle=angle)


def place(
    shape: Outline, origin: Vector | Points, *, scale: float | Vector = 1.0, angle: float = 0.0
) -> Points:
    """Scale a shape, turn it by `angle` radians (clockwise on screen), and move it to `origin`."""
    cos, sin = math.cos(angle), math.sin(angle)
    turned: Points = (np.asarray(shape) * scale) @ np.array([[cos, sin], [-sin, cos]])
    return turned + origin


def star(centre: Vector, outer: float, inner: float, tips: int, angle: float = 0.0) -> Points:
    turn = np.arange(2 * tips) * (math.pi / tips) + angle - math.pi / 2
    radius = np.where(np.arange(2 * tips) % 2 == 0, outer, inner)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1) + centre
