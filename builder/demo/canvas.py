"""Primitives of the drawing: splines, tubes and ellipses in unit space, and a canvas for them.

Unit space spans -1 to 1 on both axes, x to the right and y downwards, whatever the size in pixels.
"""

import colorsys
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from builder.demo import raster
from builder.demo.raster import Colour, Covered, Mask, Picture

Points = NDArray[np.float64]  # (n, 2), unit space unless said otherwise
Vector = tuple[float, float]

# Half a circle in a few steps, which rounds the ends of lines.
_TURN = np.linspace(0, math.pi, 6)[:, None]
_COS, _SIN = np.cos(_TURN), np.sin(_TURN)


def points(*xy: Vector) -> Points:
    return np.array(xy, dtype=np.float64)


def spline(control: Points, *, closed: bool = True, steps: int = 6) -> Points:
    """Catmull-Rom curve through the control points.

    Returns (n * steps, 2) when closed, ((n - 1) * steps + 1, 2) when open.
    """
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


def tube(control: Points, radii: Sequence[float], *, steps: int = 5) -> Points:
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
    shape: Points, origin: Vector, *, scale: float | Vector = 1.0, angle: float = 0.0
) -> Points:
    """Scale a shape, turn it by `angle` radians (clockwise on screen), and move it to `origin`."""
    cos, sin = math.cos(angle), math.sin(angle)
    turned: Points = (shape * scale) @ np.array([[cos, sin], [-sin, cos]])
    return turned + origin


def star(centre: Vector, outer: float, inner: float, tips: int, angle: float = 0.0) -> Points:
    turn = np.arange(2 * tips) * (math.pi / tips) + angle - math.pi / 2
    radius = np.where(np.arange(2 * tips) % 2 == 0, outer, inner)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1) + centre


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """8-bit RGB; each argument in [0, 1], the hue wraps."""
    red, green, blue = colorsys.hsv_to_rgb(
        hue % 1.0, min(max(saturation, 0.0), 1.0), min(max(value, 0.0), 1.0)
    )
    return round(255 * red), round(255 * green), round(255 * blue)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """RGB between two colours; `share` 0 gives `one`, 1 gives `other`."""
    return tuple(round(a + (b - a) * share) for a, b in zip(one[:3], other[:3], strict=True))


@dataclass(frozen=True, slots=True)
class Frame:
    """Where unit space lies in an image: pixel = matrix @ point + offset."""

    matrix: Points  # (2, 2)
    offset: Points  # (2,)

    @staticmethod
    def whole(size: int) -> "Frame":
        return Frame(np.eye(2) * (size / 2), np.full(2, size / 2))

    def posed(self, scale: float, angle: float, flip: bool, shift: Vector) -> "Frame":
        """The same frame for a figure which is scaled, turned, mirrored and moved (unit space)."""
        cos, sin = math.cos(angle), math.sin(angle)
        pose = np.array([[cos, -sin], [sin, cos]]) * scale
        pose[:, 0] *= -1 if flip else 1
        return Frame(self.matrix @ pose, self.matrix @ np.array(shift) + self.offset)

    def cropped(self, left: int, top: int) -> "Frame":
        """The same frame for an image cut out of this one at a pixel."""
        return Frame(self.matrix, self.offset - [left, top])

    @property
    def scale(self) -> float:
        """Pixels per unit."""
        return math.hypot(self.matrix[0, 0], self.matrix[1, 0])

    def to_pixels(self, shape: Points) -> Points:
        return shape @ self.matrix.T + self.offset


class Canvas:
    """Draws unit-space shapes on a picture; colours with a fourth channel are laid over."""

    def __init__(self, image: Picture, frame: Frame) -> None:
        self.image = image
        self.frame = frame
        self._size: tuple[int, int] = image.shape[:2]
        (self._xx, self._xy), (self._yx, self._yy) = frame.matrix.tolist()
        self._x, self._y = frame.offset.tolist()
        self._scale = frame.scale

    def polygon(self, shape: Points, fill: Colour) -> None:
        self._paint(self._within(shape), fill)

    def line(self, shape: Points, fill: Colour, width: float) -> None:
        """A polyline with round joints and ends, `width` in units; never thinner than a pixel."""
        self.segments(np.stack([shape[:-1], shape[1:]], axis=1), fill, width)

    def segments(self, ends: Points, fill: Colour, width: float) -> None:
        """Straight lines painted as one shape; `ends` is (n, 2, 2): start and end of each."""
        radius = max(1.0, width * self._scale) / 2
        start, end = self.frame.to_pixels(ends).swapaxes(0, 1)
        along = end - start
        along /= np.maximum(np.hypot(along[:, :1], along[:, 1:]), 1e-9)
        across = np.stack([along[:, 1], -along[:, 0]], axis=1)
        cap = radius * (_COS * across[:, None] + _SIN * along[:, None])
        loops = np.concatenate([end[:, None] + cap, start[:, None] - cap], axis=1)
        self._paint(raster.outlined(loops, *self._size), fill)

    def inked(self, shape: Points, fill: Colour, ink: Colour, width: float) -> None:
        """A filled polygon with an outline `width` wide, outside its edge; none when 0."""
        if width > 0:
            self.line(np.concatenate([shape, shape[:1]]), ink, 2 * width)
        self.polygon(shape, fill)

    def disc(self, centre: Vector, radius: float, fill: Colour) -> None:
        self._paint(self._between(centre, radius * self._scale), fill)

    def ring(
        self,
        centre: Vector,
        radius: float,
        colour: Colour,
        width: float,
        fill: Colour | None = None,
    ) -> None:
        outer = radius * self._scale
        inner = outer - max(1.0, width * self._scale)
        self._paint(self._between(centre, outer, inner), colour)
        if fill is not None:
            self._paint(self._between(centre, inner), fill)

    def gradient(self, stops: Sequence[tuple[float, Colour]]) -> None:
        """Fill the image from top (0) to bottom (1) with colours between the stops."""
        at, colours = [stop[0] for stop in stops], np.array([stop[1] for stop in stops])
        rows = np.linspace(0, 1, len(self.image))
        column = np.stack([np.interp(rows, at, colours[:, c]) for c in range(3)], axis=1)
        self.image[:] = np.round(column[:, None])

    def glow(self, centre: Vector, radius: float, colour: Colour, strength: float) -> None:
        """A soft round light; `strength` in [0, 1] is its opacity in the middle."""
        rings = max(4, min(14, round(radius * 30)))
        veil = (*colour[:3], round(255 * (1 - (1 - strength) ** (1 / rings))))
        for ring in range(rings, 0, -1):
            self.disc(centre, radius * ring / rings, veil)

    def mask(self, shapes: Sequence[Points]) -> Mask:
        """Union of the shapes, as large as the image."""
        union = np.zeros(self._size, dtype=bool)
        for left, top, covered in map(self._within, shapes):
            height, width = covered.shape
            union[top : top + height, left : left + width] |= covered
        return union

    def stamp(self, left: int, top: int, mask: Mask, fill: Colour | Picture) -> None:
        """Paint where a mask is set whose corner lies on a pixel of this image or outside it."""
        height, width = self._size
        rows, columns = slice(max(0, -top), height - top), slice(max(0, -left), width - left)
        if isinstance(fill, np.ndarray):
            fill = fill[rows, columns]
        self._paint(Covered(max(0, left), max(0, top), mask[rows, columns]), fill)

    def _within(self, shape: Points) -> Covered:
        return raster.outlined([self.frame.to_pixels(shape)], *self._size)

    def _between(self, centre: Vector, outer: float, inner: float = 0.0) -> Covered:
        x = self._xx * centre[0] + self._xy * centre[1] + self._x
        y = self._yx * centre[0] + self._yy * centre[1] + self._y
        return raster.disc(x, y, outer, inner, *self._size)

    def _paint(self, shape: Covered, fill: Colour | Picture) -> None:
        left, top, mask = shape
        height, width = mask.shape
        raster.lay(self.image[top : top + height, left : left + width], mask, fill)
