"""Ten places. Each fills the canvas and leaves the middle calm enough for a creature."""

import math
from collections.abc import Callable

import numpy as np

from builder.demo.canvas import Canvas
from builder.demo.palette import hsv, mix, pick
from builder.demo.raster import Colour, Rng
from builder.demo.shapes import Points, ellipse, place, points, spline, star, tube


def _ridge(rng: Rng, level: float, swell: float, waves: float) -> Points:
    """Ground with rolling hills, up to `level` and down to the canvas's lower edge."""
    x = np.linspace(-1.05, 1.05, 22)
    phase = rng.uniform(0, 2 * math.pi, 2)
    y = level + swell * (np.sin(waves * x + phase[0]) + 0.4 * np.sin(2.3 * waves * x + phase[1]))
    edge = np.stack([x, y], axis=1)
    return np.concatenate([edge, points((1.05, 1.05), (-1.05, 1.05))])


def _cloud(canvas: Canvas, x: float, y: float, size: float, fill: Colour) -> None:
    for dx, dy, r in ((-0.9, 0.1, 0.55), (-0.3, -0.2, 0.75), (0.4, -0.1, 0.65), (0.95, 0.12, 0.5)):
        canvas.disc((x + dx * size, y + dy * size), r * size, fill)
    canvas.polygon([
        (x - size, y + 0.1 * size), (x + size, y + 0.1 * size), (x + size, y + 0.6 * size),
        (x - size, y + 0.6 * size),
    ], fill)  # fmt: skip


def _blades(
    canvas: Canvas, rng: Rng, count: int, level: float, height: float, fill: Colour
) -> None:
    for x, lean, tall in rng.uniform(-1, 1, (count, 3)).tolist():
        top = level - height * (0.75 + 0.25 * tall)
        blade = points((x - 0.022, level + 0.1), (x + lean * 0.07, top), (x + 0.022, level + 0.1))
        canvas.polygon(blade, fill)


def night(canvas: Canvas, rng: Rng) -> None:
    hue = rng.uniform(0.61, 0.69)
    canvas.gradient((0, hsv(hue, 0.8, 0.14)), (0.75, hsv(hue, 0.66, 0.36)), (1, (30, 30, 60)))
    for x, y, size in rng.uniform(-1, 1, (34, 3)).tolist():
        canvas.disc((x, y * 0.7 - 0.3), 0.012 + 0.006 * size, (255, 255, 240))
    x, y = rng.uniform(0.35, 0.7) * float(rng.choice([-1, 1])), rng.uniform(-0.7, -0.5)
    moon = rng.uniform(0.17, 0.23)
    canvas.glow((x, y), moon * 2.4, (220, 220, 255), 0.5)
    if rng.random() < 0.5:
        canvas.disc((x, y), moon, (250, 244, 206))
        canvas.disc((x - 0.06, y - 0.04), moon * 0.2, (226, 218, 176))
        canvas.disc((x + 0.07, y + 0.06), moon * 0.14, (226, 218, 176))
    else:
        turn = np.linspace(-2.3, 2.3, 18)
        outer = np.stack([np.cos(turn), np.sin(turn)], axis=1) * moon
        inner = np.stack([np.cos(turn) * 0.72 - 0.34, np.sin(turn) * 0.86], axis=1)[::-1] * moon
        crescent = np.concatenate([outer, inner])
        canvas.polygon(place(crescent, (x, y), angle=-0.5), (252, 246, 208))
    canvas.polygon(_ridge(rng, 0.3, 0.06, 2.5), hsv(hue, 0.6, 0.2))
    canvas.polygon(_ridge(rng, 0.48, 0.03, 2.0), hsv(hue, 0.5, 0.13))


def storm(canvas: Canvas, rng: Rng) -> None:
    hue = rng.uniform(0.56, 0.66)
    canvas.gradient((0, hsv(hue, 0.22, 0.26)), (0.7, hsv(hue, 0.2, 0.52)), (1, hsv(hue, 0.2, 0.4)))
    for x in (np.linspace(-0.95, 0.95, 5) + rng.uniform(-0.15, 0.15, 5)).tolist():
        y, size = rng.uniform(-0.95, -0.7), rng.uniform(0.26, 0.36)
        _cloud(canvas, x, y, size, hsv(hue, 0.16, rng.uniform(0.24, 0.42)))
    canvas.polygon(_ridge(rng, 0.5, 0.02, 2.0), hsv(hue, 0.25, 0.24))
    for x, y, _ in rng.uniform(-1, 1, (3, 3)).tolist():
        canvas.polygon(ellipse((x, 0.78 + y * 0.16), 0.3, 0.035), hsv(hue, 0.25, 0.42))
    slant = float(rng.choice([-1, 1])) * rng.uniform(0.05, 0.09)
    drops = rng.uniform(-1.05, 1.0, (70, 1, 2))
    canvas.segments(
        np.concatenate([drops, drops + np.array([slant, 0.17])], axis=1),
        (206, 220, 238, 165),
        0.011,
    )


def meadow(canvas: Canvas, rng: Rng) -> None:
    hue = rng.uniform(0.53, 0.58)
    canvas.gradient((0, hsv(hue, 0.62, 0.96)), (0.62, hsv(hue, 0.2, 1.0)), (1, (200, 230, 255)))
    sun = (rng.uniform(0.4, 0.8) * float(rng.choice([-1, 1])), -0.72)
    canvas.glow(sun, 0.5, (255, 250, 190), 0.8)
    canvas.disc(sun, 0.14, (255, 244, 150))
    for x, y in rng.uniform(-1, 1, (3, 2)).tolist():
        _cloud(canvas, x * 0.9, -0.6 + y * 0.25, rng.uniform(0.1, 0.17), (255, 255, 255, 235))
    green = rng.uniform(0.24, 0.31)
    canvas.polygon(_ridge(rng, 0.14, 0.07, 2.6), hsv(green + 0.03, 0.48, 0.76))
    canvas.polygon(_ridge(rng, 0.36, 0.04, 2.2), hsv(green, 0.6, 0.72))
    _blades(canvas, rng, 26, 0.62, 0.14, hsv(green, 0.7, 0.6))
    for x, y in rng.uniform(0, 1, (18, 2)).tolist():
        at = (2 * x - 1, 0.46 + 0.5 * y)
        petal = pick(rng, (255, 120, 160), (255, 255, 255), (255, 220, 70), (190, 120, 250))
        canvas.polygon(star(at, 0.035, 0.02, 5), petal)
        canvas.disc(at, 0.012, (255, 200, 60))


def underwater(canvas: Canvas, rng: Rng) -> None:
    hue = rng.uniform(0.51, 0.57)
    canvas.gradient((0, hsv(hue, 0.58, 0.92)), (1, hsv(hue + 0.05, 0.88, 0.42)))
    for x in (np.linspace(-0.8, 0.9, 4) + rng.uniform(-0.15, 0.15, 4)).tolist():
        w = rng.uniform(0.06, 0.15)
        beam = points((x, -1.05), (x + w, -1.05), (x + 2.2 * w - 0.4, 1.05), (x - 0.5 - w, 1.05))
        canvas.polygon(beam, (220, 255, 255, 46))
    sand = hsv(0.11, 0.4, rng.uniform(0.72, 0.86))
    canvas.polygon(_ridge(rng, 0.6, 0.03, 2.5), mix(sand, (20, 90, 130), 0.35))
    canvas.polygon(_ridge(rng, 0.74, 0.03, 3.0), mix(sand, (20, 90, 130), 0.12))
    for side in (-1, 1):
        for x in rng.uniform(0.5, 0.98, 3).tolist():
            sway, top = rng.uniform(-0.1, 0.1), rng.uniform(-0.05, 0.45)
            at = side * x
            weed = points(
                (at, 0.9), (at + sway, 0.7), (at - sway, (0.7 + top) / 2), (at + sway, top)
            )
            fill = pick(rng, (30, 140, 90), (60, 170, 90), (214, 80, 100), (120, 160, 50))
            canvas.polygon(tube(weed, [0.035, 0.032, 0.01], steps=4), fill)
    shift = rng.uniform(-0.8, 0.8)
    canvas.polygon(star((shift, 0.88), 0.09, 0.04, 5, 0.3), (240, 130, 80))


def snow(canvas: Canvas, rng: Rng) -> None:
    hue = rng.uniform(0.55, 0.62)
    canvas.gradient((0, hsv(hue, 0.38, 0.88)), (0.6, hsv(hue, 0.1, 0.97)), (1, (240, 245, 255)))
    feet = np.linspace(-0.9, 0.9, 4) + rng.uniform(-0.12, 0.12, 4)
    heights = 0.95 * rng.uniform(0.75, 1.15, 4)
    halves = heights * rng.uniform(0.6, 0.8, 4)
    for x, height, half in np.stack([feet, heights, halves], axis=1).tolist():
        peak = points((x - half, 0.36), (x, 0.36 - height), (x + half, 0.36))
        canvas.polygon(peak, hsv(hue, 0.32, 0.74))
        foot_left, top, foot_right = peak
        left, right = top + (foot_left - top) * 0.36, top + (foot_right - top) * 0.36
        middle = (left + right) / 2
        notch = [middle + np.array([0.06, 0.0]), middle - np.array([0.02, 0.03])]
        cap = np.stack([top, right, *notch, left])
        canvas.polygon(cap, (255, 255, 255))
    canvas.polygon(_ridge(rng, 0.34, 0.03, 2.5), hsv(hue, 0.12, 0.95))
    for x in (0.82, -0.86, 0.58):
        _snowy_pine(canvas, x + rng.uniform(-0.1, 0.1), 0.46, rng.uniform(0.4, 0.56))
    canvas.polygon(_ridge(rng, 0.5, 0.025, 2.0), (248, 251, 255))
    for x, y, size in rng.uniform(-1, 1, (48, 3)).tolist():
        canvas.disc((x, y), 0.021 + 0.008 * size, (255, 255, 255))


def _snowy_pine(canvas: Canvas, x: float, foot: float, height: float) -> None:
    for share in (0.0, 0.3, 0.58):
        low, high = foot - height * share, foot - height * (share + 0.45)
        half = 0.15 * (1 - share * 0.8)
        canvas.polygon([(x - half, low), (x, high), (x + half, low)], (52, 96, 92))
        tip = (high + (low - high) * 0.42, half * 0.42)
        canvas.polygon([(x - tip[1], tip[0]), (x, high), (x + tip[1], tip[0])], (250, 253, 255))


def cave(canvas: Canvas, rng: Rng) -> None:
    hue = float(rng.choice([0.05, 0.09, 0.66, 0.8])) + rng.uniform(-0.03, 0.03)
    value = rng.uniform(0.9, 1.15)
    rock = [hsv(hue, 0.3, v * value) for v in (0.1, 0.2, 0.29, 0.4, 0.52)]
    canvas.image[:] = rock[1]
    x, y = rng.uniform(-0.25, 0.25), -0.05
    for radius, tone in ((0.95, 2), (0.72, 3), (0.5, 4)):
        bumps = 1 + 0.07 * rng.uniform(-1, 1, 12)
        opening = ellipse((0, 0), radius, radius * 0.86, n=12) * bumps[:, None]
        canvas.polygon(place(spline(opening, steps=3), (x, y)), rock[tone])
    for level, sign, tone in ((-1.05, 1.0, 0), (1.05, -1.0, 0)):
        for at in (np.linspace(-1, 1, 9) + rng.uniform(-0.07, 0.07, 9)).tolist():
            reach = rng.uniform(0.2, 0.55) * (0.55 + 0.6 * abs(at))
            if sign < 0:
                reach *= 0.75
            half = rng.uniform(0.08, 0.14)
            waist, tip = level + sign * reach * 0.6, level + sign * (reach + 0.08)
            fang = points(
                (at - half, level), (at - half * 0.3, waist), (at, tip), (at + half * 0.3, waist),
                (at + half, level),
            )  # fmt: skip
            canvas.polygon(fang, rock[tone])
    canvas.polygon(_ridge(rng, 0.66, 0.03, 4.0), rock[0])


def forest(canvas: Canvas, rng: Rng) -> None:
    hue = rng.uniform(0.28, 0.36)
    canvas.gradient(
        (0, hsv(hue, 0.45, 0.56)), (0.6, hsv(hue - 0.04, 0.36, 0.78)), (1, hsv(hue, 0.5, 0.4))
    )
    for depth, count, width in ((0.5, 6, 0.06), (0.34, 4, 0.1)):
        bark = hsv(0.07, 0.45, depth * 0.8)
        for x in (np.linspace(-0.9, 0.9, count) + rng.uniform(-0.16, 0.16, count)).tolist():
            trunk = points(
                (x - width * 0.6, -1.05), (x + width * 0.6, -1.05), (x + width, 0.56),
                (x + width * 1.7, 0.64), (x - width * 1.7, 0.64), (x - width, 0.56),
            )  # fmt: skip
            canvas.polygon(trunk, bark)
    for value, low in ((0.38, -0.5), (0.28, -0.68)):
        for x in (np.linspace(-1, 1, 6) + rng.uniform(-0.1, 0.1, 6)).tolist():
            r, y = rng.uniform(0.24, 0.34), low + rng.uniform(-0.16, 0.08) - 0.2
            tone = hsv(hue, 0.62, value * rng.uniform(0.85, 1.15))
            canvas.disc((x, y), r, tone)
            canvas.disc((x + r * 0.7, y + r * 0.3), r * 0.6, tone)
    canvas.polygon(_ridge(rng, 0.42, 0.03, 3.0), hsv(hue, 0.55, 0.36))
    _blades(canvas, rng, 30, 0.6, 0.16, hsv(hue, 0.6, 0.27))
    canvas.polygon(_ridge(rng, 0.7, 0.03, 2.0), hsv(hue, 0.5, 0.26))


def volcano(canvas: Canvas, rng: Rng) -> None:
    hue = rng.uniform(-0.01, 0.04)
    canvas.gradient(
        (0, hsv(hue, 0.7, 0.2)),
        (0.45, hsv(hue, 0.85, 0.55)),
        (0.7, hsv(hue + 0.04, 0.9, 0.85)),
        (1, (60, 20, 20)),
    )
    x = rng.uniform(-0.5, 0.5)
    top = rng.uniform(-0.5, -0.35)
    for dx, dy, r in ((0.0, -0.2, 0.17), (0.12, -0.4, 0.2), (-0.06, -0.56, 0.24)):
        canvas.disc((x + dx, top + dy), r, (70, 44, 50, 170))
    canvas.glow((x, top), 0.5, (255, 170, 50), 0.8)
    cone = points((x - 0.9, 0.6), (x - 0.16, top), (x + 0.16, top), (x + 0.9, 0.6))
    canvas.polygon(cone, (62, 38, 42))
    canvas.polygon([(x + 0.04, top), (x + 0.16, top), (x + 0.9, 0.6), (x + 0.3, 0.6)], (44, 26, 32))
    for share, low in ((-0.42, 0.34), (0.05, 1.0), (0.45, 0.5)):
        down = np.linspace(0, low, 6)
        half = 0.14 + 0.74 * down
        wander = share + 0.12 * np.sin(down * 9 + rng.uniform(0, 6))
        stream = np.stack([x + wander * half, top + down * (0.6 - top)], axis=1)
        canvas.polygon(tube(stream, [0.024, 0.022, 0.036], steps=3), (255, 104, 22))
        canvas.polygon(tube(stream, [0.012, 0.009, 0.014], steps=3), (255, 200, 70))
    canvas.polygon(ellipse((x, top), 0.16, 0.035, n=14), (255, 206, 90))
    canvas.polygon(_ridge(rng, 0.46, 0.03, 3.0), (46, 26, 30))
    for at, y in zip((-0.7, 0.0, 0.7), rng.uniform(0.66, 0.9, 3).tolist(), strict=True):
        pool = at + rng.uniform(-0.2, 0.2)
        canvas.polygon(ellipse((pool, y), 0.34, 0.055), (255, 110, 20))
        canvas.polygon(ellipse((pool, y), 0.24, 0.03), (255, 214, 80))


def desert(canvas: Canvas, rng: Rng) -> None:
    hue = rng.uniform(0.09, 0.12)
    canvas.gradient(
        (0, hsv(hue + 0.02, 0.34, 0.97)), (0.6, hsv(hue, 0.18, 1.0)), (1, (250, 226, 170))
    )
    sun = (rng.uniform(-0.7, 0.7), -0.62)
    canvas.glow(sun, 0.55, (255, 255, 230), 0.8)
    canvas.disc(sun, 0.17, (255, 252, 226))
    x = rng.uniform(-0.6, 0.6)
    mesa = points(
        (x - 0.5, 0.3), (x - 0.34, -0.12), (x + 0.1, -0.12), (x + 0.2, 0.06), (x + 0.4, 0.08),
        (x + 0.5, 0.3),
    )  # fmt: skip
    canvas.polygon(mesa, hsv(0.06, 0.46, 0.8))
    canvas.polygon(_ridge(rng, 0.24, 0.05, 2.6), hsv(hue, 0.42, 0.9))
    canvas.polygon(_ridge(rng, 0.42, 0.05, 2.0), hsv(hue - 0.01, 0.5, 0.84))
    side = float(rng.choice([-1, 1]))
    for at, size in ((0.76 * side, 1.0), (-0.84 * side, 0.7)):
        _cactus(canvas, at + rng.uniform(-0.06, 0.06), 0.44, size)
    for dx, dy in rng.uniform(-1, 1, (4, 2)).tolist():
        canvas.polygon(ellipse((dx, 0.78 + 0.16 * dy), 0.22, 0.018), hsv(hue - 0.01, 0.5, 0.72))


def _cactus(canvas: Canvas, x: float, foot: float, size: float) -> None:
    stems = (
        points((0, 0), (0, -0.56)),
        points((0, -0.2), (0.15, -0.22), (0.16, -0.42)),
        points((0, -0.14), (-0.15, -0.16), (-0.16, -0.32)),
    )
    for stem, radius in zip(stems, (0.075, 0.045, 0.045), strict=True):
        outline = tube(stem * size + [x, foot], [radius * size] * 2, steps=3)
        canvas.inked(outline, (74, 140, 78), (40, 84, 52), 0.012)


def swamp(canvas: Canvas, rng: Rng) -> None:
    hue = rng.uniform(0.18, 0.25)
    canvas.gradient(
        (0, hsv(hue, 0.4, 0.42)),
        (0.55, hsv(hue, 0.34, 0.66)),
        (0.6, hsv(hue, 0.55, 0.34)),
        (1, hsv(hue, 0.6, 0.2)),
    )
    for x in (-0.78, 0.72):
        _dead_tree(canvas, x + rng.uniform(-0.12, 0.12), rng)
    for y in (-0.2, 0.1, 0.3):
        canvas.polygon(ellipse((rng.uniform(-0.6, 0.6), y), 0.9, 0.07), (214, 226, 170, 70))
    for x, y in rng.uniform(-1, 1, (5, 2)).tolist():
        canvas.polygon(ellipse((x, 0.7 + 0.22 * y), 0.4, 0.016), hsv(hue, 0.4, 0.5))
    for x, y in zip((-0.7, -0.15, 0.45, 0.85), rng.uniform(0.6, 0.92, 4).tolist(), strict=True):
        pad = ellipse((0, 0), 0.17, 0.055, n=20)[1:-1]
        pad = np.concatenate([pad, points((0.02, 0.0))])
        at = (x + rng.uniform(-0.1, 0.1), y)
        canvas.inked(place(pad, at), (110, 150, 50), (46, 66, 26), 0.012)
    for side in (-1, 1):
        for at in rng.uniform(0.6, 0.98, 3).tolist():
            x, top = side * at, rng.uniform(0.0, 0.3)
            canvas.line([(x, 0.95), (x, top)], (74, 90, 36), 0.02)
            canvas.polygon(ellipse((x, top), 0.032, 0.105, n=12), (98, 60, 30))


def _dead_tree(canvas: Canvas, x: float, rng: Rng) -> None:
    bark = (50, 48, 36)
    bend = rng.uniform(-0.12, 0.12)
    trunk = points((x, 0.5), (x + bend, 0.0), (x + bend * 0.4, -0.45), (x + bend * 2, -0.8))
    canvas.polygon(tube(trunk, [0.09, 0.06, 0.045, 0.015], steps=4), bark)
    for side, y in ((1, -0.1), (-1, -0.3), (1, -0.5)):
        root = x + bend * 0.7
        limb = points((root, y), (root + side * 0.17, y - 0.12), (root + side * 0.26, y - 0.3))
        canvas.polygon(tube(limb, [0.032, 0.024, 0.008], steps=3), bark)
        moss = points(
            (root + side * 0.12, y - 0.08),
            (root + side * 0.15, y + 0.1),
            (root + side * 0.18, y - 0.1),
        )
        canvas.polygon(moss, (110, 128, 60))


SCENES: dict[str, Callable[[Canvas, Rng], None]] = {
    draw.__name__: draw
    for draw in (night, storm, meadow, underwater, snow, cave, forest, volcano, desert, swamp)
}
