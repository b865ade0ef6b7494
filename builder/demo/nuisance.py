"""Disturbances which say nothing about the creature: pose, ink, light, print and wear."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from builder.demo.canvas import Canvas, Frame
from builder.demo.palette import hsv
from builder.demo.raster import Picture, Rng
from builder.demo.shapes import ellipse, points, spline

Levels = NDArray[np.float64]

_REFERENCE = 96  # side in pixels at which blur and grain are measured


@dataclass(frozen=True, slots=True)
class Ink:
    """An outline: its width (unit space), and how strongly light and shade are drawn."""

    outer: float
    inner: float
    shading: float
    coloured: float  # share of the coat's colour in the ink


INK_STYLES = (
    Ink(outer=0.026, inner=0.018, shading=1.0, coloured=0.0),  # comic
    Ink(outer=0.012, inner=0.010, shading=0.8, coloured=0.15),  # fine pen
    Ink(outer=0.038, inner=0.022, shading=0.35, coloured=0.0),  # bold and flat
    Ink(outer=0.000, inner=0.000, shading=1.25, coloured=0.6),  # painted, no lines
)


def ink_style(rng: Rng, nuisance: float) -> Ink:
    """The comic style, or with probability 0.6 * nuisance (at most 0.9) another one."""
    other, which = rng.random(), int(rng.integers(1, len(INK_STYLES)))
    return INK_STYLES[which if other < min(0.9, 0.6 * nuisance) else 0]


def posed(frame: Frame, rng: Rng, nuisance: float) -> Frame:
    """The frame with a random size, turn, side and place."""
    size, turn, side, right, down = rng.uniform(-1, 1, 5).tolist()
    return frame.posed(
        scale=min(1.25, max(0.6, 0.99 - nuisance * (0.04 - 0.12 * size))),
        angle=0.15 * nuisance * turn,
        flip=side < min(1.0, nuisance) - 1.0,
        shift=(0.09 * nuisance * right, 0.07 * nuisance * down + 0.06),
    )


def occlude(canvas: Canvas, rng: Rng, nuisance: float) -> None:
    """Something before the creature, near an edge, with probability 0.3 * nuisance."""
    chance, kind = rng.random(), int(rng.integers(3))
    side = float(rng.choice([-1.0, 1.0]))
    at, size, tone = (rng.uniform(0.4, 0.85) * side, rng.uniform(0.8, 1.25), rng.random())
    if chance >= min(0.75, 0.3 * nuisance):
        return
    if kind == 0:
        rock = points(
            (-0.36, 0.3), (-0.3, 0.02), (-0.12, -0.12), (0.12, -0.1), (0.3, 0.06), (0.38, 0.3)
        )
        rock = spline(rock, steps=4) * size + [at, 0.85]
        canvas.inked(rock, hsv(0.6, 0.06, 0.3 + 0.25 * tone), (30, 30, 36), 0.018)
        canvas.polygon(ellipse((at - 0.06, 0.8), 0.12 * size, 0.03), (255, 255, 255, 60))
    elif kind == 1:
        for d in np.linspace(-0.3, 0.3, 7).tolist():
            blade = points(
                (at + d - 0.04, 1.05), (at + d * 1.6, 1.0 - 0.42 * size), (at + d + 0.04, 1.05)
            )
            canvas.polygon(blade, hsv(0.28, 0.6, 0.25 + 0.3 * tone))
    else:
        edge = side * 0.98
        trunk = points(
            (edge - 0.14, -1.05), (edge + 0.14, -1.05), (edge + 0.2, 1.05), (edge - 0.2, 1.05)
        )
        canvas.polygon(trunk, hsv(0.07, 0.45, 0.2 + 0.2 * tone))
        canvas.line([(edge - side * 0.04, -1), (edge - side * 0.06, 1)], (20, 12, 10, 120), 0.03)


def post_process(image: Picture, rng: Rng, nuisance: float) -> Picture:
    """Blur, light, colour, grain and foil on a square picture; the identity when 0.

    In double precision and in a fixed order, without matrix products: where the last digits
    differ from one processor to the next, the whole numbers in the end don't.
    """
    size = len(image)
    drawn = rng.uniform(-1, 1, 10).tolist()
    tint = rng.uniform(-1, 1, 3)
    grain = rng.standard_normal((_REFERENCE, _REFERENCE), dtype=np.float32).astype(np.float64)
    if nuisance == 0:
        return image
    blur = nuisance * 0.68 * max(0.0, drawn[0])
    pixels = _blurred(image.astype(np.float64), blur * size / _REFERENCE)
    fading = min(0.8, 0.32 * nuisance * max(0.0, drawn[1]))
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    grey = 0.3 * red + 0.59 * green + 0.11 * blue
    pixels += fading * (grey[..., None] - pixels)
    contrast = float(np.clip(1 + 0.22 * nuisance * drawn[2], 0.45, 1.6))
    light = _slope(size, drawn[3] * math.pi) * (0.2 * nuisance * abs(drawn[4]))
    light += contrast
    pixels = (pixels - 128.0) * light[..., None]
    pixels += 128.0 + 12.0 * nuisance * drawn[5] + 11.0 * nuisance * tint
    if drawn[6] > 1 - 0.34 * min(nuisance, 2.0):
        pixels += _foil(size, drawn[7] * math.pi, drawn[8]) * (20.0 * min(nuisance, 1.6))
    rough = nuisance * (4.0 + 9.0 * max(0.0, drawn[9]))
    pixels += rough * _resized(grain, size)[..., None]
    printed: Picture = np.clip(pixels, 0, 255).astype(np.uint8)
    return printed


def _blurred(pixels: Levels, radius: float) -> Levels:
    """A Gaussian blur; `radius` in pixels is its standard deviation."""
    if radius < 0.1:  # the neighbours would not count
        return pixels
    reach = math.ceil(2.5 * radius)
    weights = [math.exp(-0.5 * (tap / radius) ** 2) for tap in range(reach + 1)]
    weights = [weight / (2 * sum(weights) - weights[0]) for weight in weights]
    size = len(pixels)
    for _ in range(2):
        padded = np.concatenate([pixels[:1]] * reach + [pixels] + [pixels[-1:]] * reach)
        pixels = weights[0] * pixels
        for tap in range(1, reach + 1):
            before, after = padded[reach - tap :][:size], padded[reach + tap :][:size]
            pixels += weights[tap] * (before + after)
        pixels = pixels.swapaxes(0, 1)
    return pixels


def _slope(size: int, angle: float) -> Levels:
    """A plane from -1 to 1 across the image, steepest along `angle`."""
    axis = np.linspace(-1, 1, size)
    return axis[None, :] * math.cos(angle) + axis[:, None] * math.sin(angle)


def _foil(size: int, angle: float, phase: float) -> Levels:
    """A rainbow sheen: one band across the image, its colours a third of a turn apart."""
    across = _slope(size, angle)
    band = np.exp(-((across - 0.6 * phase) ** 2) * 6)
    hues = across[..., None] * 5 + np.array([0.0, 2.1, 4.2])
    sheen: Levels = band[..., None] * (0.35 + np.sin(hues))
    return sheen


def _resized(grain: Levels, size: int) -> Levels:
    """Grain of the reference size on an image of another: as coarse to the eye.

    Along each axis a value is interpolated by the cubic curve through its four neighbours.
    """
    place = (np.arange(size) + 0.5) * (len(grain) / size) - 0.5
    first = np.floor(place).astype(int)
    t = (place - first)[:, None]
    weights = (
        ((2 - t) * t - 1) * t / 2,
        (t * t * (3 * t - 5) + 2) / 2,
        ((4 - 3 * t) * t + 1) * t / 2,
        (t - 1) * t * t / 2,
    )
    for _ in range(2):
        taps = (grain[(first + tap - 1).clip(0, len(grain) - 1)] for tap in range(4))
        grain = sum(weight * tap for weight, tap in zip(weights, taps, strict=True)).T
    return grain
