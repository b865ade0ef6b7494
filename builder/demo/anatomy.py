"""What a body is made of: outlines in unit space, facing right, and anchors for its traits."""

from dataclasses import dataclass

from builder.demo.raster import Rng
from builder.demo.shapes import Outline, Points, Vector

GROUND = 0.62  # height (unit space) at which standing creatures touch the ground


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """Outlines from back to front, and anchors. `back` runs along the back from head to tail."""

    rear: tuple[Points, ...]  # far limbs and fins, drawn darker
    core: tuple[Points, ...]  # one union, which carries the pattern
    limb: tuple[Points, ...] = ()  # near limbs, over the core
    head: tuple[Points, ...] = ()  # over the limbs; none where the head is part of the core
    details: tuple[tuple[str, Points], ...] = ()  # (role, shape): beak, feet, inner ears ...
    eyes: tuple[tuple[Vector, float], ...]  # centre, radius
    mouth: tuple[Vector, float]  # centre, width
    face_radius: float
    crown: Vector  # top of the head
    forehead: Vector
    tilt: float = 0.0  # radians by which the head's "up" leans clockwise
    neck: tuple[Vector, float]  # where a mane sits, and its radius
    back: Outline
    tail: tuple[Vector, float]  # tip, angle in radians: 0 points up, positive leans clockwise
    wing: tuple[Vector, float]  # root, size
    shell: tuple[Vector, float]  # centre, radius
    belly: tuple[Vector, float, float, float]  # centre, radii, angle
    frontal: bool = False  # seen from the front, so wings and horns are symmetrical
    floating: bool = False  # casts a small, faint shadow


def jitter(rng: Rng, amount: float) -> float:
    """A number within `amount` of 0."""
    return rng.uniform(-amount, amount)
