"""What sets a creature apart: each trait is a list of shapes in three stages around the body."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from builder.demo.anatomy import Body
from builder.demo.effects import flame
from builder.demo.palette import Palette, mix, pick
from builder.demo.raster import Colour, Rng
from builder.demo.shapes import Points, Vector, ellipse, normals, place, points, spline, star, tube

Stage = Literal["behind", "middle", "front"]  # behind the body; under the head; over all


@dataclass(frozen=True, slots=True)
class Shape:
    stage: Stage
    outline: Points
    fill: Colour
    inked: bool = True


Trait = Callable[[Body, Palette, Rng], list[Shape]]
_BONE = (246, 236, 206)


def horn(body: Body, _palette: Palette, rng: Rng) -> list[Shape]:
    """One straight horn with a winding groove."""
    length, half = rng.uniform(0.38, 0.46), 0.062
    angle = body.tilt + rng.uniform(-0.06, 0.12)
    fill = pick(rng, (255, 250, 236), (250, 226, 150), (224, 226, 244))
    groove = mix(fill, (110, 80, 60), 0.55)
    cone = points((-half, 0.03), (0.0, 0.05), (half, 0.03), (0.0, -length))
    shapes = [Shape("front", place(cone, body.forehead, angle=angle), fill)]
    for share in (0.08, 0.3, 0.52, 0.72):
        y, x = -length * share, half * (1 - share)
        band = points((-x, y), (x, y - 0.05), (x * 0.9, y - 0.075), (-x, y - 0.024))
        shapes.append(Shape("front", place(band, body.forehead, angle=angle), groove, False))
    return shapes


def _pair(body: Body) -> list[tuple[Vector, float]]:
    """Roots on the head for the left and the right of a pair, with the side's sign."""
    apart = 0.5 * body.face_radius if body.frontal else 0.32 * body.face_radius
    x, y = body.crown
    drop = 0.05 if body.frontal else -0.01
    return [((x - apart, y + drop), -1.0), ((x + apart, y + drop), 1.0)]


def horns(body: Body, _palette: Palette, rng: Rng) -> list[Shape]:
    """Two thick curved horns with dark tips."""
    size = rng.uniform(0.92, 1.12)
    fill = pick(rng, _BONE, (232, 214, 178), (214, 206, 200))
    shapes = []
    for root, side in _pair(body):
        curve = points((0, 0.02), (side * 0.15, -0.06), (side * 0.24, -0.2), (side * 0.17, -0.37))
        placed = place(curve * size, root, angle=-0.1 * body.tilt)
        shapes.append(Shape("front", tube(placed, [0.07, 0.062, 0.042, 0.01]), fill))
        tip = tube(placed[2:], [0.036, 0.008])
        shapes.append(Shape("front", tip, mix(fill, (70, 50, 44), 0.75), False))
    return shapes


def antlers(body: Body, _palette: Palette, rng: Rng) -> list[Shape]:
    """Two thin branched beams."""
    size = rng.uniform(0.95, 1.12)
    fill = pick(rng, (150, 100, 56), (176, 128, 80), (128, 84, 52))
    beam = points((0.0, 0.02), (0.1, -0.12), (0.22, -0.25), (0.2, -0.46))
    tines = (
        points((0.08, -0.1), (0.02, -0.2), (0.03, -0.29)),
        points((0.2, -0.24), (0.31, -0.28), (0.37, -0.38)),
        points((0.22, -0.31), (0.14, -0.37), (0.1, -0.45)),
    )
    shapes = []
    for root, side in _pair(body):
        for branch in (*tines, beam):
            placed = place(branch * [side * size, size], root, angle=-0.1 * body.tilt)
            shapes.append(Shape("front", tube(placed, [0.034, 0.028, 0.016], steps=4), fill))
        placed = place(beam * [side * size, size], root, angle=-0.1 * body.tilt)
        shapes.append(Shape("front", tube(placed, [0.03, 0.024, 0.01], steps=4), fill, False))
    return shapes


def _wings(body: Body, wing: list[tuple[Points, Colour, bool]]) -> list[Shape]:
    """A pair of wings: behind on both sides of a frontal body, else one behind and one before."""
    (x, y), near = body.wing
    spots: list[tuple[Stage, Vector, float, float, float]]  # stage, root, side, size, turn
    if body.frontal:
        spots = [("behind", (side * x, y), side, 1.1, 0.0) for side in (-1.0, 1.0)]
    else:
        # A profile's far wing points forward a little, so that both can be seen.
        far = (x + 0.12, y - 0.04)
        spots = [("behind", far, 1.0, 0.95, -0.62), ("front", (x, y), -1.0, near * 1.15, 0.12)]
    return [
        Shape(stage, place(outline * [side * size, size], root, angle=turn), fill, inked)
        for stage, root, side, size, turn in spots
        for outline, fill, inked in wing
    ]


def feather_wings(body: Body, _palette: Palette, rng: Rng) -> list[Shape]:
    """Wings of long rounded feathers under a row of short ones."""
    fill = pick(rng, (252, 252, 248), (255, 246, 214), (226, 240, 255))
    second = mix(fill, pick(rng, (120, 170, 220), (232, 190, 120), (200, 190, 220)), 0.4)
    spread = rng.uniform(0.92, 1.08)
    plume = spline([
        (0.0, 0.0), (0.25, -0.1), (0.7, -0.13), (1.0, 0.0), (0.7, 0.12), (0.25, 0.08),
    ], steps=3)  # fmt: skip

    wing: list[tuple[Points, Colour, bool]] = []
    for share, length in ((0.0, 0.36), (0.2, 0.46), (0.42, 0.54), (0.64, 0.6), (0.88, 0.62)):
        angle = 0.2 - share * 1.6 * spread
        wing.append((place(plume, (0, 0), scale=(length, 0.62), angle=angle), fill, True))
    for share in (0.1, 0.4, 0.7):
        angle = 0.15 - share * 1.65 * spread
        wing.append((place(plume, (0, 0), scale=(0.33, 0.56), angle=angle), second, True))
    wing.append((ellipse((0.02, -0.01), 0.07, 0.065, n=16), fill, False))
    return _wings(body, wing)


def bat_wings(body: Body, _palette: Palette, rng: Rng) -> list[Shape]:
    """Skin stretched between dark fingers, with a scalloped edge."""
    skin = pick(rng, (150, 30, 44), (92, 40, 120), (54, 50, 84), (40, 66, 100))
    bone = mix(skin, (14, 8, 18), 0.6)
    reach = rng.uniform(0.94, 1.08)
    elbow = (0.1, -0.36)
    # From the root over the elbow; the fingers end at every second point of the edge.
    edge = points(
        (0.0, 0.0), elbow, (0.24, -0.62), (0.36, -0.42), (0.56, -0.44), (0.52, -0.2), (0.66, -0.1),
        (0.47, 0.0), (0.46, 0.16), (0.24, 0.06), (0.02, 0.1),
    )  # fmt: skip
    wing: list[tuple[Points, Colour, bool]] = [(edge * reach, skin, True)]
    for tip in edge[2:9:2].tolist():
        wing.append((tube(points(elbow, tip) * reach, [0.018, 0.008], steps=2), bone, False))
    wing.append((tube(points((0, 0.04), elbow) * reach, [0.034, 0.028], steps=2), bone, False))
    claw = points((0.06, -0.36), (0.08, -0.5), (0.14, -0.37)) * reach
    wing.append((claw, _BONE, True))
    return _wings(body, wing)


def flower(body: Body, _palette: Palette, rng: Rng) -> list[Shape]:
    """A blossom on the head, with two leaves."""
    x, y = body.crown
    size = rng.uniform(0.115, 0.14)
    centre = (x + math.sin(body.tilt) * 0.06, y - 0.05)
    fill = pick(
        rng, (255, 90, 150), (250, 70, 70), (190, 110, 250), (255, 250, 250), (255, 170, 60)
    )
    leaf = spline([(0.0, 0.0), (0.1, -0.07), (0.26, -0.04), (0.12, 0.06)], steps=4)
    leaves = [
        Shape("front", place(leaf, (centre[0], centre[1] + 0.05), angle=angle), (70, 170, 60))
        for angle in (0.25, math.pi - 0.25)
    ]
    start = rng.uniform(0, 1)
    petals = []
    for t in (start + i * 2 * math.pi / 5 for i in range(5)):
        at = centre[0] + size * 0.78 * math.cos(t), centre[1] + size * 0.78 * math.sin(t)
        petals.append(Shape("front", ellipse(at, size * 0.62, size * 0.52, t, n=16), fill))
    middle = Shape("front", ellipse(centre, size * 0.48, size * 0.48, n=14), (255, 214, 60))
    return [*leaves, *petals, middle]


def shell(body: Body, _palette: Palette, rng: Rng) -> list[Shape]:
    """A coiled snail shell on the back."""
    (x, y), radius = body.shell
    radius *= rng.uniform(0.96, 1.1)
    fill = pick(rng, (214, 150, 90), (236, 196, 130), (120, 190, 150), (206, 130, 160))
    dark, light = mix(fill, (50, 26, 20), 0.6), mix(fill, (255, 255, 255), 0.4)
    turn = np.linspace(0.6, 0.6 + 2.3 * 2 * math.pi, 44)
    reach = np.linspace(0.98, 0.06, 44) * radius
    coil = np.stack([x + reach * np.cos(turn), y + reach * np.sin(turn)], axis=1)
    stage: Stage = "front" if not body.frontal else "middle"
    gleam = (x - radius * 0.2, y - radius * 0.3)
    return [
        Shape(stage, ellipse((x, y), radius, radius * 0.97, n=32), fill),
        Shape(stage, ellipse(gleam, radius * 0.6, radius * 0.5), light, False),
        Shape(stage, tube(coil, [0.026, 0.022, 0.014], steps=1), dark, False),
    ]


def gem(body: Body, _palette: Palette, rng: Rng) -> list[Shape]:
    """A cut stone on the forehead: lit and shaded facets."""
    x, y = body.forehead
    y += 0.02
    size = rng.uniform(0.135, 0.16)
    fill = pick(rng, (40, 220, 250), (250, 60, 120), (80, 240, 140), (190, 110, 255))
    light, dark = mix(fill, (255, 255, 255), 0.65), mix(fill, (10, 10, 60), 0.4)
    tilt = body.tilt * 0.6

    def facet(fill: Colour, *xy: Vector, inked: bool = False) -> Shape:
        return Shape("front", place(xy, (x, y), scale=size, angle=tilt), fill, inked)

    return [
        facet(fill, (0, -1.05), (0.85, -0.1), (0, 1.1), (-0.85, -0.1), inked=True),
        facet(light, (0, -1.05), (-0.85, -0.1), (-0.3, -0.1)),
        facet(dark, (0.85, -0.1), (0, 1.1), (0.3, -0.1)),
        facet(mix(fill, light, 0.6), (0, -1.05), (0.3, -0.1), (-0.3, -0.1)),
        Shape("front", star((x - 0.06, y - 0.08), 0.07, 0.014, 4), (255, 255, 255), False),
    ]


def mane(body: Body, palette: Palette, rng: Rng) -> list[Shape]:
    """A shaggy collar of pointed locks in a colour of its own."""
    centre, radius = body.neck
    fill = pick(rng, (250, 240, 222), (122, 66, 34), (236, 176, 80), (70, 52, 60))
    # A collar that vanishes against the coat says nothing: keep it apart in lightness.
    if abs(sum(fill) - sum(palette.base)) < 200:
        fill = (250, 244, 232) if sum(palette.base) < 400 else (104, 58, 34)
    dark = mix(fill, (60, 40, 40), 0.2)
    turn = rng.uniform(0, 1)
    if not body.head and not body.frontal:
        return _collar(body, fill, dark)
    tips = 13 if body.head else 17
    outer = star(centre, radius * 1.12, radius * 0.84, tips, turn)
    inner = star(centre, radius * 0.84, radius * 0.62, tips, turn + 0.2)
    stage: Stage = "middle" if body.head else "behind"
    shapes = [Shape(stage, outer, fill), Shape(stage, inner, dark, False)]
    return shapes if body.head else [*shapes, *_fringe(body, fill)]


def _collar(body: Body, fill: Colour, dark: Colour) -> list[Shape]:
    """A ruff behind the gills, for bodies whose head and trunk are one."""
    (x, y), radius = body.neck
    spread = np.linspace(-1.0, 1.0, 8)
    shapes = []
    for reach, colour, inked in ((0.34, fill, True), (0.2, dark, False)):
        lock = points((0.08, -0.085), (-reach, 0.02), (0.06, 0.085))
        for s in spread.tolist():
            root = (x + 0.07 * (1 - s * s), y + s * radius)
            shapes.append(Shape("front", place(lock, root, angle=-0.75 * s), colour, inked))
    return shapes


def _fringe(body: Body, fill: Colour) -> list[Shape]:
    """Three locks on the crown, in front of a frontal body with its mane around it."""
    x, y = body.crown
    lock = spline([
        (-0.07, -0.07), (0.0, -0.1), (0.08, -0.06), (0.07, 0.06), (0.0, 0.19), (-0.05, 0.06),
    ], steps=3)  # fmt: skip
    apart = (-0.13, 0.13, 0.0)
    return [Shape("front", place(lock, (x + d, y), angle=-d * 2.2), fill) for d in apart]


def spikes(body: Body, palette: Palette, rng: Rng) -> list[Shape]:
    """A row of sharp spikes along the back."""
    fill = pick(rng, (90, 60, 110), (236, 96, 50), (240, 232, 214), (50, 120, 130))
    if abs(sum(fill) - sum(palette.base)) < 120:
        fill = (244, 236, 216) if sum(palette.base) < 400 else (84, 50, 96)
    line = spline(body.back, closed=False, steps=6)
    outward = normals(line)
    # The back may run either way round: spikes point away from the body's middle.
    if float(((line - line.mean(axis=0)) * outward).sum()) < 0 or outward[:, 1].mean() > 0:
        outward = -outward
    size = rng.uniform(0.23, 0.28)
    shapes = []
    for at in np.linspace(1, len(line) - 2, 7).round().astype(int).tolist():
        along = np.array([-outward[at, 1], outward[at, 0]])
        foot, tip = line[at] - outward[at] * 0.06, line[at] + outward[at] * size
        outline = np.stack([foot - along * 0.085, tip, foot + along * 0.085])
        shapes.append(Shape("behind", outline, fill))
    return shapes


def flame_tail(body: Body, _palette: Palette, rng: Rng) -> list[Shape]:
    """A large fire at the tail's tip, burning upwards."""
    size = rng.uniform(0.25, 0.3)
    (x, y), lean = body.tail
    angle = lean * 0.3
    centre = (x + math.sin(angle) * size * 0.4, y - math.cos(angle) * size * 0.4)
    return [
        Shape("front", outline, colour, index == 0)
        for index, (outline, colour) in enumerate(flame(centre, size, angle))
    ]


TRAITS: dict[str, Trait] = {
    draw.__name__: draw
    for draw in (
        horn, horns, antlers, feather_wings, bat_wings, flower, shell, gem, mane, spikes,
        flame_tail,
    )
}  # fmt: skip
