"""The card around the art: a title band with the name, a framed window, and a line of rules."""

import unicodedata
from functools import cache

import numpy as np

from builder.demo.canvas import Canvas, Frame
from builder.demo.glyphs import PRINTABLE, width_of, written
from builder.demo.palette import mix
from builder.demo.raster import Colour, Picture, Rng, reduced
from builder.demo.shapes import Points

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


def draw_card(name: str, art: Picture, rng: Rng) -> Picture:
    """A printed card of `CARD_SIZE` with `art`, which measures `ART_SIZE`, in its window.

    Cropping the card to `ART_BOX` gives back the art: name, figures and rules stand outside it.
    """
    stock = _STOCKS[int(rng.integers(len(_STOCKS)))]
    points, damage = int(rng.integers(4, 16)) * 10, int(rng.integers(1, 9)) * 10
    move = _MOVES[int(rng.integers(len(_MOVES)))]
    rule = _RULES[int(rng.integers(len(_RULES)))]
    number = int(rng.integers(1, 121))

    card = _blank(stock).copy()
    health = f"HP {points}"
    room = 222 - width_of(health, "health")
    _write(card, (room, 22), health, "health", _RED)
    _write(card, (18, 22), _spelt(name), "name", _INK, room - 8 - 18)
    _write(card, (18, 271), move, "move", _INK)
    _write(card, (198, 271), str(damage), "move", _INK)
    for row, line in enumerate(_wrapped(rule, 204)):
        _write(card, (18, 287 + 13 * row), line, "rules", _INK)
    _write(card, (193, 318), f"{number:03d}/120", "number", _INK)

    left, top, right, bottom = ART_BOX
    card[top:bottom, left:right] = art
    return card


@cache
def _blank(stock: Colour) -> Picture:
    """The card without its text and art, drawn at twice its size for smooth corners."""
    width, height = CARD_SIZE
    large = np.full((2 * height, 2 * width, 3), (42, 38, 48), dtype=np.uint8)
    canvas = Canvas(large, Frame(np.eye(2), np.zeros(2)))
    panel, rim = mix(stock, (255, 255, 255), 0.5), mix(stock, _INK, 0.4)
    for box, radius, edge, fill in (
        ((6, 6, 474, 666), 24, rim, stock),
        ((20, 18, 460, 71), 14, _GOLD, panel),
        ((20, 520, 460, 651), 14, _GOLD, panel),
    ):
        canvas.polygon(_rounded(box, radius, 0), edge)
        canvas.polygon(_rounded(box, radius, 2), fill)
    left, top, right, bottom = (2 * edge for edge in ART_BOX)
    large[top - 6 : bottom + 6, left - 6 : right + 6] = _GOLD
    large[top - 2 : bottom + 2, left - 2 : right + 2] = _INK
    return reduced(large, 2)


def _rounded(box: tuple[int, int, int, int], radius: int, inset: int) -> Points:
    """Outline of a box with round corners, which lies within it by `inset`."""
    left, top, right, bottom = np.add(box, [radius, radius, -radius, -radius])
    corners = [(right, bottom), (left, bottom), (left, top), (right, top)]
    turn = np.concatenate([np.linspace(q, q + 1, 9) for q in range(4)]) * (np.pi / 2)
    arcs = np.stack([np.cos(turn), np.sin(turn)], axis=1) * (radius - inset)
    outline: Points = np.repeat(np.array(corners), 9, axis=0) + arcs
    return outline


def _write(
    card: Picture, at: tuple[int, int], text: str, style: str, ink: Colour, width: int = 204
) -> None:
    """One line of text, centred on a height, and cut off where it is wider than `width`."""
    levels = written(text, style)[:, :width, None].astype(np.uint16)
    left, top = at[0], at[1] - len(levels) // 2
    under = card[top : top + len(levels), left : left + levels.shape[1]]
    under[:] = (under * (255 - levels) + np.array(ink, dtype=np.uint16) * levels + 127) // 255


def _spelt(name: str) -> str:
    """The name in the signs that are shipped: `δ` becomes `delta`, an unknown sign `?`."""

    def drawable(character: str) -> str:
        plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
        title = unicodedata.name(character, "").split()
        return plain or (title[-1].lower() if title[:1] == ["GREEK"] else "?")

    spelt = "".join(map(drawable, " ".join(name.split())))
    return "".join(sign if sign in PRINTABLE else "?" for sign in spelt)


def _wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if width_of(longer, "rules") <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
