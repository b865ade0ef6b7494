"""A creature's picture: scene, body with its traits, and the disturbances of a printed card."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from builder.demo.anatomy import GROUND, Body
from builder.demo.attributes import ATTRIBUTES, Creature
from builder.demo.bodies import BODIES
from builder.demo.canvas import Canvas, Frame
from builder.demo.effects import EFFECTS
from builder.demo.nuisance import Ink, ink_style, occlude, posed, post_process
from builder.demo.palette import Palette, creature_palette, mix
from builder.demo.patterns import PATTERNS, box_around
from builder.demo.raster import Colour, Mask, Picture, dilate, lay, reduced
from builder.demo.scenes import SCENES
from builder.demo.shapes import Points, ellipse, place, points, spline, tube
from builder.demo.traits import TRAITS, Shape, Stage

_DETAIL_COLOURS: dict[str, Colour] = {
    "nose": (44, 28, 34),
    "beak": (250, 176, 46),
    "foot": (226, 142, 44),
    "tongue": (224, 40, 70),
    "blush": (255, 130, 150),
}


def draw_art(
    creature: Creature, rng: np.random.Generator, *, nuisance: float = 1.0, size: int = 96
) -> Image.Image:
    """Draw a creature in its scene: RGB, `size` by `size` pixels.

    Pose, proportions and the shades of a colour vary with `rng` at any `nuisance`, which scales
    whatever else disturbs the picture: 0 is clean, 1 the standard, 1.8 hard. It is drawn at twice
    the size (192 pixels at least) and reduced, so a picture's content does not depend on its size.
    """
    times = max(2, math.ceil(192 / size))
    image = np.zeros((times * size, times * size, 3), dtype=np.uint8)
    scenery = Canvas(image, Frame.whole(times * size))
    body = BODIES[creature.form](rng)
    palette = creature_palette(creature.colour, rng)
    ink = ink_style(rng, nuisance)
    shapes = TRAITS[creature.trait](body, palette, rng)
    figure = Canvas(image, posed(scenery.frame, rng, nuisance))

    SCENES[creature.scene](scenery, rng)
    _cast_shadow(figure, body)
    EFFECTS[creature.effect](scenery, rng, True)
    _draw_figure(figure, creature, body, palette, ink, shapes, rng)
    EFFECTS[creature.effect](scenery, rng, False)
    occlude(scenery, rng, nuisance)
    return Image.fromarray(post_process(reduced(image, times), rng, nuisance))


def depart(creature: Creature, rng: np.random.Generator, probability: float) -> Creature:
    """Replace each attribute, with the given probability, by another of its values."""
    changes = {}
    for attribute, values in ATTRIBUTES.items():
        others = [value for value in values if value != getattr(creature, attribute)]
        leave, other = rng.random() < probability, others[int(rng.integers(len(others)))]
        if leave:
            changes[attribute] = other
    return replace(creature, **changes)


def _draw_figure(
    canvas: Canvas,
    creature: Creature,
    body: Body,
    palette: Palette,
    ink: Ink,
    shapes: Sequence[Shape],
    rng: np.random.Generator,
) -> None:
    line = mix(palette.ink, palette.base, ink.coloured)
    coat = np.random.default_rng(int(rng.integers(2**32)))

    def group(outlines: tuple[Points, ...], fill: Colour, width: float, marked: bool) -> None:
        if not outlines:
            return
        thick = max(1, round(width * canvas.frame.scale)) if width > 0 else 0
        # Everything happens within the group's own box: large masks are what takes time.
        left, top, right, bottom = _pixel_box(canvas, outlines, thick + 2)
        within = canvas.frame.cropped(left, top)
        coat_of = np.full((bottom - top, right - left, 3), fill, dtype=np.uint8)
        coating = Canvas(coat_of, within)
        mask = coating.mask(outlines)
        if marked:
            box = box_around(outlines)
            PATTERNS[creature.pattern](coating, body, box, replace(palette, base=fill), coat)
        _shade(coating.image, mask, within.scale, ink.shading)
        if thick:
            canvas.stamp(left, top, dilate(mask, thick), line)
        canvas.stamp(left, top, mask, coating.image)

    def trait(stage: Stage) -> None:
        for shape in shapes:
            if shape.stage == stage:
                edge = mix(shape.fill, (16, 10, 20), 0.78)
                width = max(ink.inner, 0.008) if shape.inked else 0.0
                canvas.inked(shape.outline, shape.fill, edge, width)

    trait("behind")
    group(body.rear, palette.shade, ink.outer, False)
    group(body.core, palette.base, ink.outer, True)
    group(
        body.limb,
        mix(palette.base, palette.shade, 0.25),
        ink.inner,
        creature.pattern != "pale_belly",
    )
    trait("middle")
    group(body.head, palette.base, ink.outer, False)
    _draw_face(canvas, body, palette, line, max(ink.inner, 0.008), rng)
    trait("front")


def _pixel_box(
    canvas: Canvas, outlines: Sequence[Points], margin: int
) -> tuple[int, int, int, int]:
    """Box around the shapes in pixels: left, top, right, bottom, with a margin; not clipped."""
    pixels = canvas.frame.to_pixels(np.concatenate(outlines))
    left, top = (np.floor(pixels.min(axis=0)).astype(int) - margin).tolist()
    right, bottom = (np.ceil(pixels.max(axis=0)).astype(int) + margin).tolist()
    return left, top, right, bottom


def _shade(coat: Picture, mask: Mask, scale: float, strength: float) -> None:
    """Light from above left: a shaded rim below right, a lit one above left."""
    reach = max(1, round(0.05 * scale))
    shadow = mask & ~np.roll(mask, (-round(1.3 * reach), -reach), axis=(0, 1))
    lit = mask & ~np.roll(mask, (round(0.8 * reach), reach // 2), axis=(0, 1))
    lay(coat, shadow, (12, 4, 40, round(255 * 0.36 * strength)))
    lay(coat, lit, (255, 252, 235, round(255 * 0.3 * strength)))


def _cast_shadow(canvas: Canvas, body: Body) -> None:
    left, _, right, _ = box_around(body.core)
    middle, half = (left + right) / 2, (right - left) / 2
    if body.floating:
        canvas.polygon(ellipse((middle, 0.78), half * 0.7, 0.05), (10, 8, 30, 60))
    else:
        canvas.polygon(ellipse((middle, GROUND), half * 1.05, 0.075), (10, 8, 30, 90))


def _draw_face(
    canvas: Canvas,
    body: Body,
    palette: Palette,
    line: Colour,
    width: float,
    rng: np.random.Generator,
) -> None:
    colours = _DETAIL_COLOURS | {
        "inner": mix(palette.pale, (255, 150, 160), 0.35),
        "crease": palette.shade,
        "sucker": palette.pale,
    }
    for role, outline in body.details:
        inked = role in ("beak", "foot", "tongue")
        canvas.inked(outline, colours[role], line, width * 0.8 if inked else 0.0)
    mood, wide = rng.uniform(-0.35, 0.45), rng.uniform(0.92, 1.12)
    for index, ((x, y), radius) in enumerate(body.eyes):
        mirrored = -1.0 if len(body.eyes) == 2 and index == 0 else 1.0
        _draw_eye(canvas, (x, y), radius * wide, palette.iris, line, mood * mirrored)
    (x, y), half = body.mouth[0], body.mouth[1] / 2
    if half > 0:
        smile = points((x - half, y - 0.012), (x, y + 0.03 + 0.04 * mood), (x + half, y - 0.02))
        mouth = mix(palette.base, (255, 255, 255), 0.5) if sum(palette.base) < 180 else (60, 20, 30)
        canvas.polygon(tube(smile, [0.008, 0.014, 0.008], steps=4), mouth)


def _draw_eye(
    canvas: Canvas,
    centre: tuple[float, float],
    radius: float,
    iris: Colour,
    line: Colour,
    lid: float,
) -> None:
    x, y = centre
    canvas.disc(centre, radius + 0.014, mix(line, (10, 6, 14), 0.5))
    canvas.disc(centre, radius, (255, 255, 252))
    canvas.disc((x + radius * 0.16, y + radius * 0.08), radius * 0.74, iris)
    canvas.disc((x + radius * 0.2, y + radius * 0.1), radius * 0.46, (14, 10, 18))
    canvas.disc((x - radius * 0.1, y - radius * 0.26), radius * 0.27, (255, 255, 255))
    brow = points((-1.2, -0.9), (0.0, -1.35), (1.2, -0.95)) * radius
    arch = place(brow, centre, angle=lid)
    canvas.line(spline(arch, closed=False, steps=4), mix(line, (10, 6, 14), 0.5), 0.022)
