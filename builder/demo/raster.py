"""Pixels of the demo's drawings: which a shape covers, and how colours are laid on them.

A library's drawing changes a little from one version to the next, and sines and cosines from one
processor to the next. Here places are rounded to a fraction of a pixel, and everything after that
is done in whole numbers: whoever draws a card gets the same card.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]  # (height, width, 3)
Mask = NDArray[np.bool_]  # (height, width)
Colour = tuple[int, ...]  # 8-bit RGB or RGBA
Rng = np.random.Generator

_LEVELS = np.arange(256)
_FINE = 64  # parts of a pixel to which places are rounded


class Covered(NamedTuple):
    """A part of a picture: its first column and row, and which of its pixels a shape covers."""

    left: int
    top: int
    mask: Mask


def outlined(loops: Iterable[NDArray[np.float64]], height: int, width: int) -> Covered:
    """The pixels whose middle lies within one of the closed outlines, which are given in pixels.

    Every edge is followed down the rows whose middle it crosses. How often an outline goes around
    a pixel is the sum of the crossings to its left: +1 for an edge down, -1 for one up.
    """
    fixed = [np.rint(loop * _FINE).astype(np.int64) for loop in loops]
    x, y = np.concatenate(fixed).T
    next_x, next_y = np.concatenate([np.concatenate([loop[1:], loop[:1]]) for loop in fixed]).T
    row, next_row = _first_after(y), _first_after(next_y)
    first = np.minimum(row, next_row).clip(0, height)
    count = np.maximum(row, next_row).clip(0, height) - first
    edge = np.repeat(np.arange(len(count)), count)
    if not len(edge):
        return Covered(0, 0, np.zeros((0, 0), dtype=bool))
    rows = np.arange(len(edge)) + (first - (count.cumsum() - count))[edge]
    middle = rows * _FINE + _FINE // 2
    slope, rise = (next_x - x)[edge], (next_y - y)[edge]
    columns = _first_after(x[edge] + (middle - y[edge]) * slope // rise).clip(0, width)
    left, top = int(columns.min()), int(rows.min())
    crossings = np.zeros((int(rows.max()) - top + 1, int(columns.max()) - left + 1), dtype=np.int16)
    np.add.at(crossings, (rows - top, columns - left), np.sign(rise).astype(np.int16))
    return Covered(left, top, crossings.cumsum(axis=1, dtype=np.int16)[:, :-1] != 0)


def _first_after(place: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first pixel, along an axis, whose middle is not before a place."""
    return (place + _FINE // 2 - 1) // _FINE


def disc(x: float, y: float, outer: float, inner: float, height: int, width: int) -> Covered:
    """The pixels whose middle lies between two circles, given in pixels; `inner` 0: in a disc."""
    fixed_x, fixed_y, reach, hole = (round(place * _FINE) for place in (x, y, outer, inner))
    half = _FINE // 2
    left, top = (max(0, (place - reach) // _FINE) for place in (fixed_x, fixed_y))
    right = min(width, (fixed_x + reach) // _FINE + 1)
    bottom = min(height, (fixed_y + reach) // _FINE + 1)
    across = (np.arange(left, right) * _FINE + half - fixed_x) ** 2
    down = (np.arange(top, bottom) * _FINE + half - fixed_y) ** 2
    distance = down[:, None] + across
    mask = distance <= reach * reach
    if hole > 0:
        mask &= distance > hole * hole
    return Covered(left, top, mask)


def lay(picture: Picture, mask: Mask, fill: Colour | Picture) -> None:
    """Paint a picture where the mask is set; a colour's fourth channel is its opacity."""
    # Channel by channel: that is many times faster than all three through one mask.
    for channel in range(3):
        under = picture[..., channel]
        over = fill[..., channel] if isinstance(fill, np.ndarray) else np.uint8(fill[channel])
        if isinstance(fill, tuple) and len(fill) == 4:
            mixed = (_LEVELS * (255 - fill[3]) + fill[channel] * fill[3] + 127) // 255
            over = mixed.astype(np.uint8)[under]
        np.copyto(under, over, where=mask)


def dilate(mask: Mask, radius: int) -> Mask:
    """Grow a mask by about `radius` pixels: crosses and squares in turn, so nearly round."""
    for step in range(radius):
        wide = mask.copy()
        wide[:, 1:] |= mask[:, :-1]
        wide[:, :-1] |= mask[:, 1:]
        basis = wide if step % 2 else mask
        grown = wide.copy()
        grown[1:] |= basis[:-1]
        grown[:-1] |= basis[1:]
        mask = grown
    return mask


def reduced(picture: Picture, times: int) -> Picture:
    """A picture so many times smaller: the mean of every square."""
    height, width = picture.shape[0] // times, picture.shape[1] // times
    squares = picture.reshape(height, times, width, times, 3)
    total = np.full((height, width, 3), times * times // 2, dtype=np.uint32)
    for row, column in np.ndindex(times, times):
        total += squares[:, row, :, column]
    return (total // (times * times)).astype(np.uint8)
