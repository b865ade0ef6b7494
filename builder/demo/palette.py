"""Colours: each name is a range of hues, saturations and values, so no two creatures match."""

import colorsys
from dataclasses import dataclass

from builder.demo.raster import Colour, Rng

# name -> (hue centre, hue spread, saturation low/high, value low/high)
RANGES: dict[str, tuple[float, float, float, float, float, float]] = {
    "black": (0.65, 0.20, 0.05, 0.25, 0.11, 0.20),
    "white": (0.12, 0.06, 0.00, 0.06, 0.94, 1.00),
    "gray": (0.60, 0.08, 0.00, 0.09, 0.46, 0.66),
    "red": (0.995, 0.012, 0.76, 0.92, 0.68, 0.92),
    "orange": (0.073, 0.010, 0.82, 0.96, 0.90, 1.00),
    "yellow": (0.142, 0.012, 0.62, 0.88, 0.92, 1.00),
    "green": (0.345, 0.055, 0.52, 0.82, 0.42, 0.80),
    "blue": (0.600, 0.030, 0.60, 0.86, 0.52, 0.92),
    "purple": (0.765, 0.025, 0.52, 0.76, 0.42, 0.78),
    "pink": (0.930, 0.025, 0.32, 0.50, 0.95, 1.00),
    "brown": (0.065, 0.014, 0.50, 0.68, 0.34, 0.54),
}
LIGHT_COLOURS = ("white", "yellow", "pink", "orange")
DARK_COLOURS = ("black", "brown", "purple")


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours that one creature is drawn in."""

    base: Colour
    shade: Colour  # of far limbs
    ink: Colour
    mark: Colour  # of the pattern
    pale: Colour  # of bellies and inner ears
    iris: Colour


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """8-bit RGB; each argument in [0, 1], the hue wraps."""
    red, green, blue = colorsys.hsv_to_rgb(
        hue % 1.0, min(max(saturation, 0.0), 1.0), min(max(value, 0.0), 1.0)
    )
    return round(255 * red), round(255 * green), round(255 * blue)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """RGB between two colours; `share` 0 gives `one`, 1 gives `other`."""
    return tuple(round(a + (b - a) * share) for a, b in zip(one[:3], other[:3], strict=True))


def pick(rng: Rng, *options: Colour) -> Colour:
    return options[int(rng.integers(len(options)))]


def body_colour(name: str, rng: Rng) -> Colour:
    hue, spread, s_low, s_high, v_low, v_high = RANGES[name]
    drawn = rng.random(3)
    return hsv(
        hue + spread * (2 * drawn[0] - 1),
        s_low + (s_high - s_low) * drawn[1],
        v_low + (v_high - v_low) * drawn[2],
    )


def creature_palette(name: str, rng: Rng) -> Palette:
    base = body_colour(name, rng)
    night = (18, 14, 30)
    lighter, darker = mix(base, (255, 255, 255), 0.55), mix(base, night, 0.55)
    lit = bool(rng.random() < 0.5)
    if name in LIGHT_COLOURS:
        lit = False
        darker = mix(base, night, 0.5)
    elif name in DARK_COLOURS:
        lit = True
    pale = mix(base, (255, 244, 214), 0.72)
    if name == "white":
        pale = pick(rng, (250, 214, 150), (240, 190, 170), (190, 206, 226))
    return Palette(
        base=base,
        shade=mix(base, night, 0.3),
        ink=mix(base, night, 0.5 if name == "black" else 0.82),
        mark=lighter if lit else darker,
        pale=pale,
        iris=hsv(*(float(rng.choice([0.0, 0.1, 0.33, 0.5, 0.58, 0.76])), 0.75, 0.75)),
    )
