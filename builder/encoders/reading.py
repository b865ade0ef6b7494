"""Image files to what an encoder's tower takes, ahead of the encoder and once for several."""

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from tempfile import TemporaryFile
from typing import IO, TypeVar

import numpy as np
from PIL import Image

from builder.data import Crop, LabelledImage, file_digest
from builder.data.pictures import bombs_as_errors, decode_image
from builder.encoders.protocol import Pixels
from builder.errors import InputError

Preprocess = Callable[[Image.Image], Pixels]
PixelReader = Callable[[LabelledImage], Pixels]
_Item = TypeVar("_Item")
_Read = TypeVar("_Read")
# Each holds a decoded picture while it works, so that more would cost memory before speed.
_THREADS = max(2, min(8, os.cpu_count() or 1))
# Of temporary disk space per encoder; images beyond it are decoded again.
_SPOOL_LIMIT = 4 * 2**30


def read_pixels(image: LabelledImage, *, crop: Crop | None, preprocess: Preprocess) -> Pixels:
    """Raises ImageUnreadable, or InputError if the file is not what it was when it was listed.

    May run in a thread: the caller wraps all calls in `bombs_as_errors`.
    """
    return preprocess(_open_unchanged(image, crop))


def read_ahead(
    items: Sequence[_Item], read: Callable[[_Item], _Read], batch_size: int
) -> Iterator[list[_Read]]:
    """What `read` gives for each item, in order, in batches of `batch_size`.

    Threads read up to two batches ahead of the one that is in use, never more, so that memory does
    not grow with the number of items.
    """
    waiting: deque[Future[_Read]] = deque()
    left = iter(items)
    with bombs_as_errors(), ThreadPoolExecutor(_THREADS) as pool:
        try:
            waiting.extend(pool.submit(read, item) for item in islice(left, 2 * batch_size))
            while waiting:
                batch = [waiting.popleft().result() for _ in range(min(batch_size, len(waiting)))]
                waiting.extend(pool.submit(read, item) for item in islice(left, len(batch)))
                yield batch
        finally:
            # Else an error, or Ctrl-C, would wait for all that was asked for.
            pool.shutdown(wait=False, cancel_futures=True)


class Spool:
    """Pixels of many images in a temporary file, for one encoder; up to `limit` bytes of them."""

    def __init__(self, limit: int = _SPOOL_LIMIT) -> None:
        self._file: IO[bytes] = TemporaryFile()  # noqa: SIM115
        self._left = limit
        self._lock = threading.Lock()
        # Digest -> input's name -> where its bytes begin, and what they are.
        self._index: dict[str, dict[str, tuple[int, tuple[int, ...], np.dtype[np.generic]]]] = {}

    def put(self, digest: str, pixels: Pixels) -> None:
        """Keeps the pixels if there is room; a full disk is no error."""
        size = sum(array.nbytes for array in pixels.values())
        with self._lock:
            if size > self._left:
                return
            places = {}
            try:
                for name, array in pixels.items():
                    start = self._file.seek(0, os.SEEK_END)
                    self._file.write(np.ascontiguousarray(array).data)
                    places[name] = (start, array.shape, array.dtype)
                self._file.flush()
            except OSError:
                self._left = 0
                return
            self._left -= size
            self._index[digest] = places

    def get(self, digest: str) -> Pixels | None:
        """The pixels that were kept under that digest."""
        with self._lock:
            places = self._index.get(digest)
            if places is None:
                return None
            return {name: self._array(*place) for name, place in places.items()}

    def close(self) -> None:
        """Gives the disk space back."""
        self._file.close()

    def _array(
        self, start: int, shape: tuple[int, ...], dtype: np.dtype[np.generic]
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
        self._file.seek(start)
        data = self._file.read(int(np.prod(shape)) * dtype.itemsize)
        return np.frombuffer(data, dtype=dtype).reshape(shape)


def decoded_once(
    preprocess: Sequence[Preprocess], *, crop: Crop | None
) -> Generator[PixelReader, None, None]:
    """One reader per encoder, for encoders used one after the other on the same images.

    The first that reads an image also preprocesses it for the encoders still to come, whose
    readers then find it on disk; so each file is decoded once, and memory stays bounded.
    """
    spools = [Spool() for _ in preprocess]

    def reader(number: int) -> PixelReader:
        def read(image: LabelledImage) -> Pixels:
            kept = spools[number].get(image.digest)
            if kept is not None:
                return kept
            picture = _open_unchanged(image, crop)
            for spool, prepare in zip(spools[number + 1 :], preprocess[number + 1 :], strict=True):
                spool.put(image.digest, prepare(picture))
            return preprocess[number](picture)

        return read

    try:
        for number, spool in enumerate(spools):
            yield reader(number)
            spool.close()
    finally:
        for spool in spools:
            spool.close()


def _open_unchanged(image: LabelledImage, crop: Crop | None) -> Image.Image:
    # Else the vectors of the new content would be kept under the old content's key.
    picture = decode_image(image.path, crop)
    if file_digest(image.path) != image.digest:
        raise InputError(
            f"{image.path} has changed since the images were listed.",
            hint="Run the command again once nothing else writes to that folder.",
        )
    return picture
