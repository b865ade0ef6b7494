"""Vectors on disk, so that nothing is encoded twice.

One SQLite file per fingerprint maps the hash of a content to its vector and a checksum: SQLite
keeps the file whole through crashes and lets two processes share it. A cache is a convenience:
whatever is wrong with it is said, and costs time, but never a wrong vector and never a run.
"""

import hashlib
import sqlite3
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from builder.data.images import LabelledImage
from builder.data.pictures import Crop
from builder.encoders.protocol import Encoder, Vectors
from builder.encoders.reading import PixelReader, read_ahead, read_pixels
from builder.errors import EncoderError

_Item = TypeVar("_Item")
_SCHEMA = "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB, checksum INTEGER)"
_KEYS_PER_QUERY = 500
_TEXTS_PER_BATCH = 256
# Raised whenever images are opened, or texts passed on, in another way than before.
_IMAGE_KEY_VERSION = "image-1"
_TEXT_KEY_VERSION = "text-1"
_LOCK_TIMEOUT_S = 10.0
# Primary result codes; SQLITE_ERROR is what a file with another table gives.
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)


class VectorCache:
    """The vectors of one encoder; each fingerprint has a file in `folder`.

    `damaged` counts entries (or, as one, a whole file) that were found damaged. `on_warning` gets
    a sentence about each such find, and one when the cache cannot be read or written at all;
    after that one the cache is empty and keeps nothing.
    """

    def __init__(
        self, folder: Path, fingerprint: str, *, on_warning: Callable[[str], None] = warnings.warn
    ) -> None:
        # Hashed, as a fingerprint may hold what a file name cannot.
        name = hashlib.sha256(fingerprint.encode()).hexdigest()[:32]
        self.path = folder / f"vectors-{name}.sqlite3"
        self.damaged = 0
        self._on_warning = on_warning
        self._usable = True

    def get(self, keys: Sequence[bytes], dimension: int) -> dict[bytes, Vectors]:
        """The intact vectors, each [dimension], of those `keys` that are kept.

        Entries with a wrong checksum or length or with values that are not finite are dropped.
        """
        found: dict[bytes, Vectors] = {}
        damaged: list[bytes] = []

        def select(connection: sqlite3.Connection) -> None:
            for start in range(0, len(keys), _KEYS_PER_QUERY):
                batch = keys[start : start + _KEYS_PER_QUERY]
                marks = ",".join("?" * len(batch))
                query = f"SELECT key, vector, checksum FROM vectors WHERE key IN ({marks})"
                rows = connection.execute(query, batch).fetchall()
                intact = _decode(rows, dimension)
                found.update(intact)
                damaged.extend(key for key, _, _ in rows if key not in intact)

        self._attempt(select)
        if damaged:
            delete, bad = "DELETE FROM vectors WHERE key = ?", [(key,) for key in damaged]
            self._attempt(lambda connection: connection.executemany(delete, bad))
            self.damaged += len(damaged)
            entries = "1 entry" if len(damaged) == 1 else f"{len(damaged)} entries"
            self._on_warning(
                f"The vector cache {self.path} was damaged: {entries} dropped, to be encoded again."
            )
        return found

    def put(self, vectors: Mapping[bytes, Vectors]) -> None:
        """Keep float32 vectors of shape [d] under their keys, in one transaction."""
        blobs = {key: vector.astype("<f4").tobytes() for key, vector in vectors.items()}
        rows = [(key, blob, _checksum(key, blob)) for key, blob in blobs.items()]
        insert = "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)"
        self._attempt(lambda connection: connection.executemany(insert, rows))

    def _attempt(self, operation: Callable[[sqlite3.Connection], object]) -> None:
        """Runs one transaction on a connection of its own, as far as the file allows it."""
        if not self._usable:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with (
                closing(sqlite3.connect(self.path, timeout=_LOCK_TIMEOUT_S)) as connection,
                connection,
            ):
                # Of use to a new file only: vectors of 3 kB waste a quarter of the default pages.
                connection.execute("PRAGMA page_size = 16384")
                # Waiting for the disk would cost more than encoding; what only a power cut can
                # tear, the checksums show.
                connection.execute("PRAGMA synchronous = OFF")
                connection.execute(_SCHEMA)
                operation(connection)
        except (sqlite3.DatabaseError, OSError) as error:
            # Without a code it is Python that could not make sense of what is stored.
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
            if isinstance(error, OSError) or code not in _DAMAGE:
                self._give_up(error)
            else:
                self._move_aside(error)

    def _move_aside(self, error: Exception) -> None:
        aside = self.path.with_suffix(".damaged")
        try:
            self.path.replace(aside)
            # A journal that stayed behind would be applied to the file that comes next.
            self.path.with_name(f"{self.path.name}-journal").unlink(missing_ok=True)
        except OSError as failure:
            self._give_up(failure)
            return
        self.damaged += 1
        self._on_warning(
            f"The vector cache {self.path} was damaged ({error}): it is now {aside.name}, and "
            "a new one is made as vectors are encoded again."
        )

    def _give_up(self, error: Exception) -> None:
        self._usable = False
        self._on_warning(
            f"The vector cache {self.path} cannot be used ({error}): going on without, so "
            "the next run encodes everything again. Set COTBUILD_CACHE to a folder with space "
            "that you may write to."
        )


def encode_image_files(
    encoder: Encoder,
    cache: VectorCache | None,
    images: Sequence[LabelledImage],
    *,
    crop: Crop | None,
    on_progress: Callable[[int, int], None] | None = None,
    read: PixelReader | None = None,
) -> Vectors:
    """Vectors [n, d] of image files, in their order; equal contents are encoded once.

    Files are opened and preprocessed ahead, in threads, while the encoder is busy. `read` takes
    the place of opening files (see `decoded_once`). `on_progress(done, total)` counts the images
    that have to be encoded and is called after each batch of them, which is kept at once. Raises
    ImageUnreadable or InputError for a file that has changed since it was listed, EncoderError
    for a vector that is not finite.
    """
    keys = [image_key(image, crop) for image in images]
    reader = read or partial(read_pixels, crop=crop, preprocess=encoder.preprocess)

    def encode(missing: Sequence[LabelledImage]) -> Iterator[Vectors]:
        for batch in read_ahead(missing, reader, encoder.batch_size):
            yield encoder.encode_pixels(batch)

    return _fill(encoder, cache, keys, images, encode, on_progress)


def encode_phrases(encoder: Encoder, cache: VectorCache | None, texts: Sequence[str]) -> Vectors:
    """Vectors [m, d] of texts, in their order; equal texts are encoded once.

    Raises EncoderError for a vector that is not finite.
    """
    keys = [_key(_TEXT_KEY_VERSION, text) for text in texts]

    def encode(missing: Sequence[str]) -> Iterator[Vectors]:
        for start in range(0, len(missing), _TEXTS_PER_BATCH):
            yield encoder.encode_texts(missing[start : start + _TEXTS_PER_BATCH])

    return _fill(encoder, cache, keys, texts, encode, None)


def image_key(image: LabelledImage, crop: Crop | None) -> bytes:
    """What the vector of that part of that content is kept under."""
    return _key(_IMAGE_KEY_VERSION, image.digest, str(crop))


def _checksum(key: bytes, blob: bytes) -> int:
    """A checksum of key and vector, so that a vector never passes for another's."""
    return zlib.crc32(blob, zlib.crc32(key))


def _decode(rows: Sequence[tuple[Any, Any, Any]], dimension: int) -> dict[bytes, Vectors]:
    """The vectors of those rows (key, blob, checksum) that are as they were written."""
    whole = [
        (key, blob)
        for key, blob, checksum in rows
        # A damaged record may come back with columns of any type.
        if isinstance(key, bytes)
        and isinstance(blob, bytes)
        and len(blob) == 4 * dimension
        and checksum == _checksum(key, blob)
    ]
    matrix = np.frombuffer(b"".join(blob for _, blob in whole), dtype="<f4").astype(np.float32)
    matrix = matrix.reshape(len(whole), dimension)
    finite = np.flatnonzero(np.isfinite(matrix).all(axis=1))
    return {whole[index][0]: matrix[index] for index in finite}


def _key(*parts: str) -> bytes:
    # Lone surrogates may come from a file name or a reply; they must not end a run here.
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()


def _fill(
    encoder: Encoder,
    cache: VectorCache | None,
    keys: Sequence[bytes],
    items: Sequence[_Item],
    encode: Callable[[Sequence[_Item]], Iterable[Vectors]],
    on_progress: Callable[[int, int], None] | None,
) -> Vectors:
    """Vectors [len(keys), d]: from the cache where it has them, else encoded and kept.

    `encode` gives the vectors of what it gets batch by batch, in the same order.
    """
    dimension = encoder.encode_texts([]).shape[1]
    distinct = dict(zip(keys, items, strict=True))
    known = cache.get(list(distinct), dimension) if cache is not None else {}
    missing = [key for key in distinct if key not in known]
    done = 0
    for fresh in encode([distinct[key] for key in missing]) if missing else ():
        batch = missing[done : done + len(fresh)]
        check_rows(encoder, fresh, [distinct[key] for key in batch], dimension)
        rows = dict(zip(batch, fresh, strict=True))
        known |= rows
        done += len(batch)
        if cache is not None:
            cache.put(rows)
        if on_progress is not None:
            on_progress(done, len(missing))
    if done != len(missing):
        raise _misshapen(encoder, f"{done} vectors", len(missing))
    if not keys:
        return np.empty((0, dimension), dtype=np.float32)
    return np.stack([known[key] for key in keys])


def check_rows(encoder: Encoder, vectors: Vectors, items: Sequence[object], dimension: int) -> None:
    """Raises EncoderError unless there is a finite vector [dimension] for each item."""
    if vectors.shape != (len(items), dimension):
        raise _misshapen(encoder, f"vectors of shape {vectors.shape}", len(items))
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if bad.size:
        item = items[bad[0]]
        name = str(item.path) if isinstance(item, LabelledImage) else repr(item)
        raise EncoderError(
            f"{encoder.name} gave values that are not finite for {name}.",
            hint="Look at that input, or choose another encoder.",
        )


def _misshapen(encoder: Encoder, given: str, asked: int) -> EncoderError:
    return EncoderError(
        f"{encoder.name} gave {given} for {asked} inputs.",
        hint="Choose another encoder; this one does not do what cotbuild needs.",
    )
