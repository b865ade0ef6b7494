"""The card around the art: a title band with the name, a framed window, and a line of rules."""

import unicodedata

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from builder.demo.canvas import Colour, mix

CARD_SIZE = (240, 336)  # width, height in pixels
ART_SIZE = 210  # side of the art window in pixels
ART_BOX = (15, 42, 225, 252)  # left, top, right, bottom of the art in pixels
# The same as fractions of the card's width and height; sixteenths, so they're exact.
ART_CROP: tuple[float, float, float, float] = (15 / 240, 42 / 336, 225 / 240, 252 / 336)

_STOCKS: tuple[Colour, ...] = (
    (222, 208, 166), (212, 218, 214), (232, 214, 216), (206, 216, 230), (214, 224, 200),
)  # fmt: skip
_MOVES = ("Sweep", "Rush", "Drift", "Glare", "Guard", "Pounce", "Whirl", "Ambush")
_RULES = (
    "Once per turn, look at the top card of your deck.",
    "Draw a card, then discard one card.",
    "Flip a coin. If heads, this attack does 10 more.",
    "The defending creature can't retreat next turn.",
    "Heal 10 damage from one of your creatures.",
)
_INK: Colour = (28, 24, 30)
_RED: Colour = (150, 24, 30)
_GOLD: Colour = (150, 122, 62)


def draw_card(name: str, art: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A printed card, RGB of `CARD_SIZE`, with `art` in its window.

    Cropping the card to `ART_BOX` gives back the art: as it was where it measures `ART_SIZE`, else
    resized to that. Name, figures and rules stand outside the window.
    """
    stock = _STOCKS[int(rng.integers(len(_STOCKS)))]
    points, damage = int(rng.integers(4, 16)) * 10, int(rng.integers(1, 9)) * 10
    move = _MOVES[int(rng.integers(len(_MOVES)))]
    rule = _RULES[int(rng.integers(len(_RULES)))]
    number = int(rng.integers(1, 121))

    card = _blank(stock)
    draw = ImageDraw.Draw(card)
    name = _spelt(name, _font(16))
    health = f"HP {points}"
    health_width = _font(12).getlength(health)
    _write(draw, (222 - health_width, 22), health, 12, _RED, health_width + 1)
    _write(draw, (18, 22), name, 16, _INK, 222 - health_width - 18 - 8, bold=True)
    _write(draw, (18, 271), move, 13, _INK, 120, bold=True)
    _write(draw, (198, 271), str(damage), 13, _INK, 30, bold=True)
    for row, line in enumerate(_wrapped(rule, 11, 204)):
        _write(draw, (18, 287 + 13 * row), line, 11, _INK, 204)
    _write(draw, (193, 318), f"{number:03d}/120", 8, _INK, 40)

    window = (ART_SIZE, ART_SIZE)
    picture = art.convert("RGB")
    card.paste(picture if art.size == window else picture.resize(window), ART_BOX[:2])
    return card


def _blank(stock: Colour) -> Image.Image:
    """The card without its text and art, drawn at twice its size for smooth corners."""
    width, height = CARD_SIZE
    large = Image.new("RGB", (2 * width, 2 * height), (42, 38, 48))
    draw = ImageDraw.Draw(large)
    panel, rim = mix(stock, (255, 255, 255), 0.5), mix(stock, _INK, 0.4)
    draw.rounded_rectangle((6, 6, 473, 665), 24, fill=stock, outline=rim, width=2)
    for box in ((20, 18, 459, 70), (20, 520, 459, 650)):
        draw.rounded_rectangle(box, 14, fill=panel, outline=_GOLD, width=2)
    left, top, right, bottom = (2 * edge for edge in ART_BOX)
    draw.rectangle((left - 6, top - 6, right + 5, bottom + 5), fill=_GOLD)
    draw.rectangle((left - 2, top - 2, right + 1, bottom + 1), fill=_INK)
    return large.reduce(2)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)


def _write(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    size: int,
    fill: Colour,
    width: float,
    *,
    bold: bool = False,
) -> None:
    """One line of text, centred on a height, in a smaller size where it is wider than `width`."""
    while size > 6 and _font(size).getlength(text) > width:
        size -= 1
    for shift in (0.0, 0.6) if bold else (0.0,):
        draw.text((at[0] + shift, at[1]), text, fill=fill, font=_font(size), anchor="lm")


def _spelt(name: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """The name with characters the font can draw: `δ` becomes `delta`, an unknown sign `?`."""
    missing = bytes(font.getmask("\U0010ffff"))

    def drawable(character: str) -> str:
        if character.isspace() or bytes(font.getmask(character)) != missing:
            return character
        plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
        title = unicodedata.name(character, "").split()
        return plain or (title[-1].lower() if title[:1] == ["GREEK"] else "?")

    return "".join(drawable(character) for character in " ".join(name.split()))


def _wrapped(text: str, size: int, width: float) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if _font(size).getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
