"""A creature's picture: scene, body with its traits, and the disturbances of a printed card."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from builder.demo.anatomy import GROUND, Body
from builder.demo.attributes import ATTRIBUTES, Creature
from builder.demo.canvas import Canvas, Frame
from builder.demo.effects import EFFECTS
from builder.demo.frontals import biped, blob, octopus
from builder.demo.nuisance import Ink, ink_style, occlude, posed, post_process
from builder.demo.palette import Palette, creature_palette, mix
from builder.demo.patterns import PATTERNS, box_around
from builder.demo.profiles import bird, fish, insect, quadruped, snake
from builder.demo.raster import Colour, Mask, Picture, Rng, dilate, lay, reduced
from builder.demo.scenes import SCENES
from builder.demo.shapes import Points, Vector, ellipse, place, points, spline, tube
from builder.demo.traits import TRAITS, Shape, Stage

BODIES = {
    draw.__name__: draw for draw in (quadruped, bird, fish, snake, blob, octopus, insect, biped)
}
Coat = tuple[str, Rng]  # a pattern, and what varies it
_DETAIL_COLOURS: dict[str, Colour] = {
    "nose": (44, 28, 34),
    "beak": (250, 176, 46),
    "foot": (226, 142, 44),
    "tongue": (224, 40, 70),
    "blush": (255, 130, 150),
}


def draw_art(creature: Creature, rng: Rng, *, nuisance: float = 1.0, size: int = 96) -> Image.Image:
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
    canvas = Canvas(image, posed(scenery.frame, rng, nuisance))
    figure = _Figure(canvas, body, palette, ink, mix(palette.ink, palette.base, ink.coloured))

    SCENES[creature.scene](scenery, rng)
    figure.cast_shadow()
    EFFECTS[creature.effect](scenery, rng, True)
    figure.draw(shapes, creature.pattern, rng)
    EFFECTS[creature.effect](scenery, rng, False)
    occlude(scenery, rng, nuisance)
    return Image.fromarray(post_process(reduced(image, times), rng, nuisance))


def depart(creature: Creature, rng: Rng, probability: float) -> Creature:
    """Replace each attribute, with the given probability, by another of its values."""
    changes = {}
    for attribute, values in ATTRIBUTES.items():
        others = [value for value in values if value != getattr(creature, attribute)]
        leave, other = rng.random() < probability, others[int(rng.integers(len(others)))]
        if leave:
            changes[attribute] = other
    return replace(creature, **changes)


@dataclass(frozen=True, slots=True)
class _Figure:
    """A creature in its pose; `line` is the ink of its outlines."""

    canvas: Canvas
    body: Body
    palette: Palette
    ink: Ink
    line: Colour

    def draw(self, shapes: Sequence[Shape], pattern: str, rng: Rng) -> None:
        """From back to front; the shapes are its trait's."""
        body, palette, outer = self.body, self.palette, self.ink.outer
        coat = np.random.default_rng(int(rng.integers(2**32)))
        limb = mix(palette.base, palette.shade, 0.25)
        self._trait(shapes, "behind")
        self._part(body.rear, palette.shade, outer, ("plain", coat))
        self._part(body.core, palette.base, outer, (pattern, coat))
        on_limbs = "plain" if pattern == "pale_belly" else pattern
        self._part(body.limb, limb, self.ink.inner, (on_limbs, coat))
        self._trait(shapes, "middle")
        self._part(body.head, palette.base, outer, ("plain", coat))
        self._face(rng)
        self._trait(shapes, "front")

    def cast_shadow(self) -> None:
        left, _, right, _ = box_around(self.body.core)
        middle, half = (left + right) / 2, (right - left) / 2
        if self.body.floating:
            shadow, strength = ellipse((middle, 0.78), half * 0.7, 0.05), 60
        else:
            shadow, strength = ellipse((middle, GROUND), half * 1.05, 0.075), 90
        self.canvas.polygon(shadow, (10, 8, 30, strength))

    def _trait(self, shapes: Sequence[Shape], stage: Stage) -> None:
        for shape in shapes:
            if shape.stage == stage:
                edge = mix(shape.fill, (16, 10, 20), 0.78)
                width = max(self.ink.inner, 0.008) if shape.inked else 0.0
                self.canvas.inked(shape.outline, shape.fill, edge, width)

    def _part(self, outlines: tuple[Points, ...], fill: Colour, width: float, coat: Coat) -> None:
        if not outlines:
            return
        frame, (pattern, rng) = self.canvas.frame, coat
        thick = max(1, round(width * frame.scale)) if width > 0 else 0
        # Everything happens within the part's own box: large masks are what takes time.
        pixels = frame.to_pixels(np.concatenate(outlines))
        left, top = (np.floor(pixels.min(axis=0)).astype(int) - thick - 2).tolist()
        right, bottom = (np.ceil(pixels.max(axis=0)).astype(int) + thick + 2).tolist()
        blank = np.full((bottom - top, right - left, 3), fill, dtype=np.uint8)
        coating = Canvas(blank, frame.cropped(left, top))
        mask = coating.mask(outlines)
        colours = replace(self.palette, base=fill)
        PATTERNS[pattern](coating, self.body, box_around(outlines), colours, rng)
        _shade(coating.image, mask, frame.scale, self.ink.shading)
        if thick:
            self.canvas.stamp(left, top, dilate(mask, thick), self.line)
        self.canvas.stamp(left, top, mask, coating.image)

    def _face(self, rng: Rng) -> None:
        canvas, body, palette = self.canvas, self.body, self.palette
        colours = _DETAIL_COLOURS | {
            "inner": mix(palette.pale, (255, 150, 160), 0.35),
            "crease": palette.shade,
            "sucker": palette.pale,
        }
        for role, outline in body.details:
            inked = role in ("beak", "foot", "tongue")
            width = max(self.ink.inner, 0.008) * 0.8 if inked else 0.0
            canvas.inked(outline, colours[role], self.line, width)
        mood, wide = rng.uniform(-0.35, 0.45), rng.uniform(0.92, 1.12)
        for index, (centre, radius) in enumerate(body.eyes):
            mirrored = -1.0 if len(body.eyes) == 2 and index == 0 else 1.0
            self._eye(centre, radius * wide, mood * mirrored)
        (x, y), half = body.mouth[0], body.mouth[1] / 2
        if half > 0:
            smile = [(x - half, y - 0.012), (x, y + 0.03 + 0.04 * mood), (x + half, y - 0.02)]
            dark = sum(palette.base) < 180
            fill = mix(palette.base, (255, 255, 255), 0.5) if dark else (60, 20, 30)
            canvas.polygon(tube(smile, [0.008, 0.014, 0.008], steps=4), fill)

    def _eye(self, centre: Vector, radius: float, lid: float) -> None:
        (x, y), rim = centre, mix(self.line, (10, 6, 14), 0.5)
        disc = self.canvas.disc
        disc(centre, radius + 0.014, rim)
        disc(centre, radius, (255, 255, 252))
        disc((x + radius * 0.16, y + radius * 0.08), radius * 0.74, self.palette.iris)
        disc((x + radius * 0.2, y + radius * 0.1), radius * 0.46, (14, 10, 18))
        disc((x - radius * 0.1, y - radius * 0.26), radius * 0.27, (255, 255, 255))
        brow = points((-1.2, -0.9), (0.0, -1.35), (1.2, -0.95)) * radius
        arch = place(brow, centre, angle=lid)
        self.canvas.line(spline(arch, closed=False, steps=4), rim, 0.022)


def _shade(coat: Picture, mask: Mask, scale: float, strength: float) -> None:
    """Light from above left: a shaded rim below right, a lit one above left."""
    reach = max(1, round(0.05 * scale))
    shadow = mask & ~np.roll(mask, (-round(1.3 * reach), -reach), axis=(0, 1))
    lit = mask & ~np.roll(mask, (round(0.8 * reach), reach // 2), axis=(0, 1))
    lay(coat, shadow, (12, 4, 40, round(255 * 0.36 * strength)))
    lay(coat, lit, (255, 252, 235, round(255 * 0.3 * strength)))
