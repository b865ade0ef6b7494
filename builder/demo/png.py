"""PNG files whose bytes are fixed.

Images are told apart, and dealt to review and held-out images, by a hash of their file. Compressed
by a library, the same picture gives other bytes with another version of it; so the few steps that
a deck needs are taken here: each pixel less its prediction, and Huffman codes for what is left.
"""

import heapq
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from builder.demo.raster import Picture

_LONGEST = 15  # bits of a code, by the format
_END = 256  # the symbol behind the last byte


def encoded(picture: Picture) -> bytes:
    height, width, _ = picture.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8-bit RGB, not interlaced
    chunks = (b"IHDR", header), (b"IDAT", _deflated(_filtered(picture))), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def _filtered(picture: Picture) -> bytes:
    """Rows less their prediction (Paeth: left, above or above left, whichever fits their sum)."""
    padded = np.pad(picture.astype(np.int16), ((1, 0), (1, 0), (0, 0)))
    left, above, corner = padded[1:, :-1], padded[:-1, 1:], padded[:-1, :-1]
    to_left, to_above = np.abs(above - corner), np.abs(left - corner)
    to_corner = np.abs(left + above - 2 * corner)
    predicted = np.where(to_above <= to_corner, above, corner)
    predicted = np.where((to_left <= to_above) & (to_left <= to_corner), left, predicted)
    rows = np.full((len(picture), 1 + 3 * picture.shape[1]), 4, dtype=np.uint8)  # 4: Paeth
    rows[:, 1:] = (picture - predicted).astype(np.uint8).reshape(len(picture), -1)
    return rows.tobytes()


def _deflated(data: bytes) -> bytes:
    """A zlib stream of one block with its own Huffman codes, without repeats."""
    symbols = np.frombuffer(data, dtype=np.uint8)
    by_symbol = _code_lengths([*np.bincount(symbols, minlength=_END).tolist(), 1])
    codes, lengths = np.array([_codes(by_symbol), by_symbol], dtype=np.uint32)
    # The last block, with codes of its own: 257 symbols, one distance, 19 lengths of lengths.
    header = [(1, 1), (2, 2), (0, 5), (0, 5), (15, 4)]
    # Lengths from 0 to 15 are written in 4 bits each; the ways to repeat one stay unused.
    header += [(size, 3) for size in (0, 0, 0, *[4] * 16)]
    header += [(_reversed(length, 4), 4) for length in (*by_symbol, 0)]
    header_bits, header_sizes = np.array(header, dtype=np.uint32).T
    bits = np.concatenate([header_bits, codes.take(symbols), codes[_END:]])
    sizes = np.concatenate([header_sizes, lengths.take(symbols), lengths[_END:]])
    return b"\x78\x01" + _packed(bits, sizes) + struct.pack(">I", zlib.adler32(data))


def _packed(bits: NDArray[np.uint32], sizes: NDArray[np.uint32]) -> bytes:
    """Values of up to 15 bits one behind the other, the lowest bit of each first."""
    empty = np.zeros(-len(bits) % 4, dtype=np.uint32)
    bits, sizes = np.append(bits, empty), np.append(sizes, empty)
    bits, sizes = bits[::2] | bits[1::2] << sizes[::2], sizes[::2] + sizes[1::2]
    # Four of them go into a word of 64 bits, and lie in it or across its end.
    wide = bits[::2] | bits[1::2].astype(np.uint64) << sizes[::2]
    ends = (sizes[::2] + sizes[1::2]).cumsum(dtype=np.uint64)
    starts = ends - sizes[::2] - sizes[1::2]
    word, shift = (starts // 64).astype(np.int64), starts % 64
    words = np.zeros(int(ends[-1]) // 64 + 2, dtype="<u8")
    np.add.at(words, word, wide << shift)
    np.add.at(words, word + 1, wide >> np.uint64(1) >> (np.uint64(63) - shift))
    return words.tobytes()[: -(-int(ends[-1]) // 8)]


def _code_lengths(counts: list[int]) -> list[int]:
    """Huffman's lengths in bits, for each symbol; 0 for one that does not occur."""
    heap: list[tuple[int, int, list[int]]] = [
        (count, symbol, [symbol]) for symbol, count in enumerate(counts) if count
    ]
    heapq.heapify(heap)
    lengths = [0] * len(counts)
    while len(heap) > 1:
        few, first, some = heapq.heappop(heap)
        many, _, others = heapq.heappop(heap)
        for symbol in some + others:
            lengths[symbol] += 1
        heapq.heappush(heap, (few + many, first, some + others))
    if max(lengths) > _LONGEST:
        return _code_lengths([(count + 1) // 2 for count in counts])
    return lengths


def _codes(lengths: list[int]) -> list[int]:
    """Each symbol's code, to be written from its lowest bit on; shorter codes come first."""
    codes = [0] * len(lengths)
    code, before = 0, 0
    for length, symbol in sorted((length, s) for s, length in enumerate(lengths) if length):
        code <<= length - before
        codes[symbol] = _reversed(code, length)
        code, before = code + 1, length
    return codes


def _reversed(value: int, size: int) -> int:
    """The format writes codes with the highest bit first, everything else the other way round."""
    return int(f"{value:0{size}b}"[::-1], 2)
