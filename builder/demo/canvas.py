"""A canvas for shapes in unit space, and where that lies in an image."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from builder.demo import raster
from builder.demo.raster import Colour, Covered, Mask, Picture
from builder.demo.shapes import Outline, Points, Vector

# Half a circle in a few steps, which rounds the ends of lines.
_TURN = np.linspace(0, math.pi, 6)[:, None]
_COS, _SIN = np.cos(_TURN), np.sin(_TURN)


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

    def polygon(self, shape: Outline, fill: Colour) -> None:
        self._paint(self._within(shape), fill)

    def line(self, shape: Outline, fill: Colour, width: float) -> None:
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

    def inked(self, shape: Outline, fill: Colour, ink: Colour, width: float) -> None:
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

    def gradient(self, *stops: tuple[float, Colour]) -> None:
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

    def _within(self, shape: Outline) -> Covered:
        pixels = self.frame.to_pixels(np.asarray(shape, dtype=np.float64))
        return raster.outlined([pixels], *self._size)

    def _between(self, centre: Vector, outer: float, inner: float = 0.0) -> Covered:
        x = self._xx * centre[0] + self._xy * centre[1] + self._x
        y = self._yx * centre[0] + self._yy * centre[1] + self._y
        return raster.disc(x, y, outer, inner, *self._size)

    def _paint(self, shape: Covered, fill: Colour | Picture) -> None:
        left, top, mask = shape
        height, width = mask.shape
        raster.lay(self.image[top : top + height, left : left + width], mask, fill)
