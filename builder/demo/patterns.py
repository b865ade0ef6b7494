"""Coat patterns, painted over the body's colour before it is clipped to the body's outline."""

from collections.abc import Callable

import numpy as np

from builder.demo.anatomy import Body
from builder.demo.canvas import Canvas
from builder.demo.palette import Palette
from builder.demo.raster import Rng
from builder.demo.shapes import Points, ellipse, points

Box = tuple[float, float, float, float]  # left, top, right, bottom of the body, unit space
Pattern = Callable[[Canvas, Body, Box, Palette, Rng], None]


def plain(canvas: Canvas, body: Body, box: Box, palette: Palette, rng: Rng) -> None:
    """No marks: the coat stays as it is."""


def stripes(canvas: Canvas, _body: Body, box: Box, palette: Palette, rng: Rng) -> None:
    """Upright bands, slightly bent."""
    left, top, right, bottom = box
    gap, slant = rng.uniform(0.14, 0.17), rng.uniform(-0.12, 0.12)
    half = gap * rng.uniform(0.2, 0.26)
    middle = (top + bottom) / 2
    for x in np.arange(left - 0.1 + gap * rng.random(), right + 0.1, gap).tolist():
        bend = rng.uniform(0.01, 0.05)
        band = points(
            (x - half + slant, top), (x + half + slant, top), (x + half + bend, middle),
            (x + half - slant, bottom), (x - half - slant, bottom), (x - half + bend, middle),
        )  # fmt: skip
        canvas.polygon(band, palette.mark)


def spots(canvas: Canvas, _body: Body, box: Box, palette: Palette, rng: Rng) -> None:
    """Rows of discs, each a little off its place."""
    left, top, right, bottom = box
    gap = rng.uniform(0.145, 0.185)
    for row, y in enumerate(np.arange(top, bottom + gap, gap * 0.86).tolist()):
        for x in np.arange(left + gap / 2 * (row % 2), right + gap, gap).tolist():
            dx, dy, size = rng.uniform(-1, 1, 3).tolist()
            spot = (x + dx * gap * 0.14, y + dy * gap * 0.14)
            canvas.disc(spot, gap * (0.29 + 0.06 * size), palette.mark)


def scales(canvas: Canvas, _body: Body, box: Box, palette: Palette, rng: Rng) -> None:
    """Overlapping rows of rounded scales, each row over the one above it."""
    left, top, right, bottom = box
    gap = rng.uniform(0.115, 0.135)
    rows = np.arange(bottom + gap, top - gap, -gap * 0.55).tolist()
    for row, y in enumerate(rows):
        for x in np.arange(left - gap + gap / 2 * (row % 2), right + gap, gap).tolist():
            canvas.ring((x, y), gap * 0.6, palette.mark, gap * 0.16, palette.base)


def zigzag(canvas: Canvas, _body: Body, box: Box, palette: Palette, rng: Rng) -> None:
    """Level lines with sharp teeth."""
    left, top, right, bottom = box
    tooth, height = rng.uniform(0.085, 0.11), rng.uniform(0.05, 0.07)
    gap = height * rng.uniform(3.2, 3.7)
    x = np.arange(left - tooth, right + 2 * tooth, tooth)
    teeth = np.where(np.arange(len(x)) % 2 == 0, -height, height)
    for y in np.arange(top + gap * rng.random(), bottom + gap, gap).tolist():
        upper = np.stack([x, y + teeth - 0.03], axis=1)
        lower = np.stack([x, y + teeth + 0.035], axis=1)
        canvas.polygon(np.concatenate([upper, lower[::-1]]), palette.mark)


def pale_belly(canvas: Canvas, body: Body, _box: Box, palette: Palette, rng: Rng) -> None:
    """One large light patch underneath."""
    (x, y), rx, ry, angle = body.belly
    grow = rng.uniform(1.0, 1.15)
    canvas.polygon(ellipse((x, y), rx * grow, ry * grow, angle), palette.pale)


PATTERNS: dict[str, Pattern] = {
    draw.__name__: draw for draw in (plain, stripes, spots, scales, zigzag, pale_belly)
}


def box_around(shapes: tuple[Points, ...]) -> Box:
    every = np.concatenate(shapes)
    (left, top), (right, bottom) = every.min(axis=0).tolist(), every.max(axis=0).tolist()
    return left, top, right, bottom
