"""The letters on the demo's cards, drawn once and shipped: libraries draw a font differently.

`python -m builder.demo.glyphs` draws them again with the font that Pillow brings, Aileron, which is
in the public domain (CC0). Cards change with them.
"""

import math
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Levels = NDArray[np.uint8]  # (height, width): how much of a pixel is ink, 255 for all of it

SHIPPED = Path(__file__).with_name("glyphs.npz")
PRINTABLE = "".join(map(chr, range(32, 127)))
STYLES = {  # size in pixels; whether it's bold
    "name": (16, True),
    "health": (12, False),
    "move": (13, True),
    "rules": (11, False),
    "number": (8, False),
}


def written(text: str, style: str) -> Levels:
    """A line of printable ASCII."""
    glyphs = _glyphs(style)
    return np.concatenate([glyphs[" "][:, :0], *(glyphs[sign] for sign in text)], axis=1)


def width_of(text: str, style: str) -> int:
    """In pixels."""
    return int(written(text, style).shape[1])


@cache
def _glyphs(style: str) -> dict[str, Levels]:
    with np.load(SHIPPED) as shipped:
        levels, ends = shipped[style], shipped[f"{style} ends"]
    return dict(zip(PRINTABLE, np.split(levels, ends[:-1], axis=1), strict=True))


def _drawn(sign: str, size: int, bold: bool) -> Levels:
    font = ImageFont.load_default(size)
    image = Image.new("L", (math.ceil(font.getlength(sign)), round(1.5 * size)))
    draw = ImageDraw.Draw(image)
    for shift in (0.0, 0.6) if bold else (0.0,):
        draw.text((shift, image.height / 2), sign, fill=255, font=font, anchor="lm")
    return np.asarray(image)


def main() -> None:
    shipped = {}
    for style, (size, bold) in STYLES.items():
        signs = [_drawn(sign, size, bold) for sign in PRINTABLE]
        shipped[style] = np.concatenate(signs, axis=1)
        shipped[f"{style} ends"] = np.cumsum([sign.shape[1] for sign in signs])
    np.savez_compressed(SHIPPED, allow_pickle=False, **shipped)


if __name__ == "__main__":
    main()
