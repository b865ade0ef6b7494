"""Primitives of the drawing: splines, tubes and ellipses in unit space, and a canvas for them.

Unit space spans -1 to 1 on both axes, x to the right and y downwards, whatever the size in pixels.
"""

import colorsys
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw

Points = NDArray[np.float64]  # (n, 2), unit space unless said otherwise
Vector = tuple[float, float]
Colour = tuple[int, ...]  # 8-bit RGB or RGBA


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


def dilate(mask: Image.Image, radius: int) -> Image.Image:
    """Grow a mask by about `radius` pixels: crosses and squares in turn, so nearly round."""
    for step in range(radius):
        wide = ImageChops.lighter(ImageChops.offset(mask, 1, 0), ImageChops.offset(mask, -1, 0))
        basis = ImageChops.lighter(mask, wide) if step % 2 else mask
        tall = ImageChops.lighter(ImageChops.offset(basis, 0, 1), ImageChops.offset(basis, 0, -1))
        mask = ImageChops.lighter(ImageChops.lighter(mask, wide), tall)
    return mask


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
    """Draws unit-space shapes on an image; colours with a fourth channel are laid over."""

    def __init__(self, image: Image.Image, frame: Frame) -> None:
        self.image = image
        self.frame = frame
        self._draw = ImageDraw.Draw(image, "RGBA" if image.mode == "RGB" else None)
        (self._xx, self._xy), (self._yx, self._yy) = frame.matrix.tolist()
        self._x, self._y = frame.offset.tolist()
        self._scale = frame.scale

    def _box(self, centre: Vector, radius: float) -> tuple[float, float, float, float]:
        """A disc's bounding box in pixels."""
        x = self._xx * centre[0] + self._xy * centre[1] + self._x
        y = self._yx * centre[0] + self._yy * centre[1] + self._y
        r = radius * self._scale
        return x - r, y - r, x + r, y + r

    def polygon(self, shape: Points, fill: Colour | int) -> None:
        self._draw.polygon(self.frame.to_pixels(shape).ravel().tolist(), fill=fill)

    def line(self, shape: Points, fill: Colour, width: float) -> None:
        """A polyline, `width` in units; never thinner than a pixel."""
        pixels = max(1, round(width * self._scale))
        joint = "curve" if pixels > 3 else None
        self._draw.line(
            self.frame.to_pixels(shape).ravel().tolist(), fill=fill, width=pixels, joint=joint
        )

    def segments(self, ends: Points, fill: Colour, width: float) -> None:
        """Separate straight lines; `ends` is (n, 2, 2): start and end of each."""
        pixels = max(1, round(width * self._scale))
        for line in (ends @ self.frame.matrix.T + self.frame.offset).reshape(-1, 4).tolist():
            self._draw.line(line, fill=fill, width=pixels)

    def inked(self, shape: Points, fill: Colour, ink: Colour, width: float) -> None:
        """A filled polygon with an outline `width` wide, outside its edge; none when 0."""
        if width > 0:
            self.line(np.concatenate([shape, shape[:2]]), ink, 2 * width)
        self.polygon(shape, fill)

    def disc(self, centre: Vector, radius: float, fill: Colour) -> None:
        self._draw.ellipse(self._box(centre, radius), fill=fill)

    def ring(
        self,
        centre: Vector,
        radius: float,
        colour: Colour,
        width: float,
        fill: Colour | None = None,
    ) -> None:
        pixels = max(1, round(width * self._scale))
        self._draw.ellipse(self._box(centre, radius), fill=fill, outline=colour, width=pixels)

    def gradient(self, stops: Sequence[tuple[float, Colour]]) -> None:
        """Fill the image from top (0) to bottom (1) with colours between the stops."""
        height = self.image.height
        at, colours = [stop[0] for stop in stops], np.array([stop[1] for stop in stops])
        rows = np.linspace(0, 1, height)
        column = np.stack([np.interp(rows, at, colours[:, c]) for c in range(3)], axis=1)
        strip = Image.fromarray(np.round(column[:, None]).astype(np.uint8))
        self.image.paste(strip.resize(self.image.size, Image.Resampling.NEAREST))

    def glow(self, centre: Vector, radius: float, colour: Colour, strength: float) -> None:
        """A soft round light; `strength` in [0, 1] is its opacity in the middle."""
        rings = max(4, min(14, round(radius * 30)))
        veil = (*colour[:3], round(255 * (1 - (1 - strength) ** (1 / rings))))
        for ring in range(rings, 0, -1):
            self.disc(centre, radius * ring / rings, veil)

    def mask(self, shapes: Sequence[Points]) -> Image.Image:
        """Union of the shapes: an "L" image of this canvas's size, 255 inside."""
        union = Image.new("L", self.image.size)
        stencil = Canvas(union, self.frame)
        for shape in shapes:
            stencil.polygon(shape, 255)
        return union
