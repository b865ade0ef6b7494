"""Image files to what an encoder's tower takes, ahead of the encoder and once for several."""

import contextlib
import os
import pickle
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from io import FileIO
from pathlib import Path
from queue import Queue
from tempfile import TemporaryFile
from typing import TypeVar

from PIL import Image

from builder.data.images import LabelledImage, file_digest
from builder.data.pictures import Crop, bombs_as_errors, decode_image
from builder.encoders.protocol import Pixels
from builder.errors import InputError

Preprocess = Callable[[Image.Image], Pixels]
PixelReader = Callable[[LabelledImage], Pixels]
_Item = TypeVar("_Item")
_Read = TypeVar("_Read")
# Each holds a decoded picture while it works, so that more would cost memory before speed.
_THREADS = max(2, min(8, os.cpu_count() or 1))
# Of temporary disk space for all encoders; images beyond it are decoded again.
_SPOOL_LIMIT = 4 * 2**30


def read_pixels(image: LabelledImage, *, crop: Crop | None, preprocess: Preprocess) -> Pixels:
    """The image as an encoder's tower takes it; raises what `open_unchanged` does."""
    return preprocess(open_unchanged(image, crop))


def read_ahead(
    items: Iterable[_Item], read: Callable[[_Item], _Read], batch_size: int, *, full: bool = True
) -> Iterator[list[_Read]]:
    """What `read` gives for each item, in order, in batches of `batch_size`.

    Threads read up to two batches ahead of the one that is in use, never more, so that memory does
    not grow with the number of items. full=False is for items that may be slow to come, such as
    lines that another program writes: a batch is what has come by then, at least one item, and
    none waits for the next. `items` is consumed in a thread of its own.
    """
    # None: the end.
    # One more is read before there is room for it.
    waiting: Queue[Future[_Read] | None] = Queue(2 * batch_size - 1)
    stopped = threading.Event()
    with bombs_as_errors(), ThreadPoolExecutor(_THREADS) as pool:

        def feed() -> None:
            try:
                for item in items:
                    waiting.put(pool.submit(read, item))
                    if stopped.is_set():
                        return
            except Exception as error:  # noqa: BLE001 - raised where the batches are taken
                failed: Future[_Read] = Future()
                failed.set_exception(error)
                waiting.put(failed)
            waiting.put(None)

        # A daemon, as nothing can wake it while it waits for a line.
        threading.Thread(target=feed, daemon=True).start()
        try:
            while (first := waiting.get()) is not None:
                # Meanwhile others come.
                batch = [first.result()]
                while len(batch) < batch_size and (full or not waiting.empty()):
                    if (following := waiting.get()) is None:
                        yield batch
                        return
                    batch.append(following.result())
                yield batch
        finally:
            stopped.set()
            # Else an error, or Ctrl-C, would wait for all that was asked for.
            pool.shutdown(wait=False, cancel_futures=True)
            # One that waits for room would wait for ever.
            while not waiting.empty():
                waiting.get()


class Spool:
    """Pixels of many images for several encoders, in a temporary file of up to `limit` bytes.

    It lies in `folder`, which is made; None: where this system keeps temporary files, which may
    be memory. A folder or a disk that can't be used means that less, or nothing, is kept.
    """

    def __init__(self, folder: Path | None, limit: int = _SPOOL_LIMIT) -> None:
        self._left = limit
        self._lock = threading.Lock()
        # Encoder and digest -> where their pixels begin.
        self._index: dict[tuple[int, str], int] = {}
        self._file: FileIO | None = None
        with contextlib.suppress(OSError):
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
            # Without a buffer nothing of a write that failed is left to be tried again later.
            self._file = TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - see `close`

    def put(self, encoder: int, digest: str, pixels: Pixels) -> None:
        """Keeps the pixels if there is room."""
        size = sum(array.nbytes for array in pixels.values())
        with self._lock:
            if self._file is None or size > self._left:
                return
            start, data = self._file.seek(0, os.SEEK_END), memoryview(pickle.dumps(pixels))
            try:
                while data:
                    data = data[self._file.write(data) :]
            except OSError:
                self._left = 0
                return
            self._left -= size
            self._index[encoder, digest] = start

    def get(self, encoder: int, digest: str) -> Pixels | None:
        """The pixels that were kept for that encoder under that digest."""
        with self._lock:
            start = self._index.get((encoder, digest))
            if start is None or self._file is None:
                return None
            self._file.seek(start)
            pixels: Pixels = pickle.load(self._file)
            return pixels

    def close(self) -> None:
        """Gives the disk space back."""
        if self._file is not None:
            self._file.close()


def decoded_once(
    preprocess: Sequence[Preprocess], *, crop: Crop | None, folder: Path | None = None
) -> Generator[PixelReader, None, None]:
    """One reader per encoder, for encoders used one after the other on the same images.

    The first that reads an image also preprocesses it for the encoders still to come, whose
    readers then find it on disk, in a temporary file in `folder` (see `Spool`); so each file is
    decoded once, and memory stays bounded.
    """
    if len(preprocess) == 1:
        yield partial(read_pixels, crop=crop, preprocess=preprocess[0])
        return
    with closing(Spool(folder)) as spool:

        def read(number: int, image: LabelledImage) -> Pixels:
            kept = spool.get(number, image.digest)
            if kept is not None:
                return kept
            picture = open_unchanged(image, crop)
            for later in range(number + 1, len(preprocess)):
                spool.put(later, image.digest, preprocess[later](picture))
            return preprocess[number](picture)

        for number in range(len(preprocess)):
            yield partial(read, number)


def open_unchanged(image: LabelledImage, crop: Crop | None) -> Image.Image:
    """The image as encoders see it, whole or cropped.

    Raises ImageUnreadable, or InputError if the file is not what it was when it was listed. May run
    in a thread: the caller wraps all calls in `bombs_as_errors`.
    """
    # Else the vectors of the new content would be kept under the old content's key.
    picture = decode_image(image.path, crop)
    if file_digest(image.path) != image.digest:
        raise InputError(
            f"{image.path} has changed since the images were listed.",
            hint="Run the command again once nothing else writes to that folder.",
        )
    return picture
