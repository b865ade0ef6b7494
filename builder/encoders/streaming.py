"""Vectors of pictures that come one after the other: in order, as they come, in bounded memory."""

import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from builder.data.images import LabelledImage, Skipped, file_digest
from builder.data.pictures import Crop, ImageUnreadable, prepare
from builder.encoders.protocol import Encoder, Pixels, Vectors
from builder.encoders.reading import open_unchanged, read_ahead
from builder.encoders.vector_cache import VectorCache, check_rows, image_key
from builder.errors import InputError

# A file's path, a whole picture, or what is known to be neither and only keeps its place.
Picture = str | Path | Image.Image | Skipped


@dataclass(frozen=True, slots=True, eq=False)
class _Ready:
    """A picture whose vector [d] is known, or that can't be used; else its `pixels`.

    `key`: what a file's vector is to be kept under.
    """

    picture: Picture
    found: Vectors | Skipped | None = None
    pixels: Pixels = field(default_factory=dict)
    key: bytes | None = None


def stream_vectors(
    encoder: Encoder, cache: VectorCache | None, pictures: Iterable[Picture], *, crop: Crop | None
) -> Iterator[list[tuple[Picture, Vectors | Skipped]]]:
    """Each picture with its vector [d], or with why it has none, in order, batch by batch.

    A batch is what is there when the encoder is free: at least one picture, at most
    `encoder.batch_size`. Vectors of files are kept in `cache`, by content. An unreadable file never
    ends the stream. Raises EncoderError for a vector that is not finite.
    """
    dimension = encoder.encode_texts([]).shape[1]

    def read(picture: Picture) -> _Ready:
        if isinstance(picture, Skipped):
            return _Ready(picture, picture)
        if isinstance(picture, Image.Image):
            return _Ready(picture, pixels=encoder.preprocess(prepare(picture, crop)))
        try:
            path = Path(picture)
            image = LabelledImage(path, "", _digest(path))
            key = image_key(image, crop)
            kept = cache.get([key], dimension) if cache is not None else {}
            if key in kept:
                return _Ready(picture, kept[key])
            pixels = encoder.preprocess(open_unchanged(image, crop))
            return _Ready(picture, pixels=pixels, key=key)
        except ImageUnreadable as error:
            return _Ready(picture, Skipped(str(picture), error.reason))
        except InputError as error:
            return _Ready(picture, Skipped(str(picture), error.message))

    for batch in read_ahead(pictures, read, encoder.batch_size, full=False):
        waiting = [each for each in batch if each.found is None]
        fresh = iter(_encode(encoder, cache, waiting, dimension) if waiting else ())
        yield [(each.picture, next(fresh) if each.found is None else each.found) for each in batch]


def _digest(path: Path) -> str:
    """The file's digest. Raises ImageUnreadable for what is no file that can be read."""
    try:
        mode = path.stat().st_mode
        # Opening a pipe would wait for ever.
        if not stat.S_ISREG(mode):
            raise ImageUnreadable(path, "a folder" if stat.S_ISDIR(mode) else "not a regular file")
        return file_digest(path)
    except FileNotFoundError as error:
        raise ImageUnreadable(path, "there is no such file") from error
    except OSError as error:
        raise ImageUnreadable(path, error.strerror or str(error)) from error
    except ValueError as error:
        # A name with a zero byte, which no file has.
        raise ImageUnreadable(path, str(error)) from error


def _encode(
    encoder: Encoder, cache: VectorCache | None, waiting: Sequence[_Ready], dimension: int
) -> Vectors:
    """Vectors [n, d] of what waits with its pixels; those of files are kept."""
    vectors = encoder.encode_pixels([each.pixels for each in waiting])
    check_rows(encoder, vectors, [each.picture for each in waiting], dimension)
    if cache is not None:
        found = zip(waiting, vectors, strict=True)
        cache.put({each.key: vector for each, vector in found if each.key is not None})
    return vectors
