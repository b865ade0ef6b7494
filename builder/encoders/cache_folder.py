"""The cache folder: where it is, what it holds, and how its own files alone are removed.

vectors-*.sqlite3   the vectors of one encoder (see `vector_cache`), with SQLite's files beside it
vectors-*.damaged   a file that was found damaged
images/             downloaded images, named by the hash of their address
modes.json          in which forms endpoints of language models answer
"""

import contextlib
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

from builder.errors import EncoderError, InputError

IMAGES = "images"
_VECTORS = re.compile(r"vectors-[0-9a-f]{32}\.sqlite3")
_BESIDE = re.compile(r"vectors-[0-9a-f]{32}\.(sqlite3-(journal|wal|shm)|damaged)")
_OTHERS = re.compile(rf"{_BESIDE.pattern}|modes\.json")
_SHARD = re.compile(r"[0-9a-f]{2}")
_IMAGE = re.compile(r"[0-9a-f]{64}(\.[a-z0-9]+)*")
_LOCK = ".lock"
_WAIT_S = 0.2


def default_cache_folder() -> Path:
    """COTBUILD_CACHE if set, else the place this system keeps a user's caches.

    Raises InputError for the home of somebody who does not exist.
    """
    override = os.environ.get("COTBUILD_CACHE")
    try:
        return Path(override).expanduser() if override else platformdirs.user_cache_path("cotbuild")
    except RuntimeError as error:
        raise InputError(
            f"COTBUILD_CACHE is {override!r}: {error}", hint="Write the folder's name out."
        ) from error


@dataclass(frozen=True, slots=True)
class VectorFile:
    """The vectors of one encoder. `vectors`: how many, None where that can't be read now."""

    name: str
    vectors: int | None
    size: int


@dataclass(frozen=True, slots=True)
class Cached:
    """What a cache folder holds; sizes are in bytes. `damaged`: files that were set aside."""

    folder: Path
    files: tuple[VectorFile, ...]
    damaged: int
    damaged_size: int
    images: int
    images_size: int

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files) + self.damaged_size + self.images_size


def cached_in(folder: Path) -> Cached:
    """What `folder` holds; nothing where there is no such folder. Raises EncoderError."""
    if folder.exists() and not folder.is_dir():
        raise EncoderError(
            f"{folder} is a file, so that nothing can be kept in it.",
            hint="Set COTBUILD_CACHE to a folder.",
        )
    with _translated(folder):
        files = tuple(
            VectorFile(path.name, _count(path), _size(path)) for path in _own(folder, _VECTORS)
        )
        beside = _own(folder, _BESIDE)
        images = _images(folder)
        return Cached(
            folder,
            files,
            damaged=sum(path.suffix == ".damaged" for path in beside),
            damaged_size=sum(map(_size, beside)),
            images=len(images),
            images_size=sum(map(_size, images)),
        )


def clear(folder: Path) -> None:
    """Removes what `cached_in` finds, and modes.json. What else lies in the folder stays.

    Raises EncoderError if a file is in use by another process, and removes nothing then; also if
    a file can't be removed.
    """
    with _translated(folder):
        vectors, images = _own(folder, _VECTORS), _images(folder)
        for path in vectors:
            _check_unlocked(path)
        for path in images:
            if path.suffix == _LOCK:
                try:
                    with FileLock(path, timeout=0):
                        pass
                except Timeout as error:
                    raise _in_use(folder / IMAGES, "downloads images there") from error
        for path in (*vectors, *_own(folder, _OTHERS), *images):
            path.unlink(missing_ok=True)
        for shard in _shards(folder):
            # One that holds something else stays.
            with contextlib.suppress(OSError):
                shard.rmdir()


def _check_unlocked(path: Path) -> None:
    try:
        with closing(sqlite3.connect(path, timeout=_WAIT_S)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            connection.rollback()
    except sqlite3.DatabaseError as error:
        # Anything else is wrong with the file, which is no reason to keep it.
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
            raise _in_use(path, "is using it") from error


def _in_use(path: Path, doing: str) -> EncoderError:
    return EncoderError(
        f"{path} is locked: another process {doing}.",
        hint="Let that end first, then run the command again. Nothing was removed.",
    )


def _count(path: Path) -> int | None:
    try:
        # Read-only: to look at a cache must not make one.
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1)
        ) as found:
            (count,) = found.execute("SELECT COUNT(*) FROM vectors").fetchone()
    except sqlite3.DatabaseError:
        return None
    return int(count)


def _own(
    folder: Path, name: re.Pattern[str], is_kind: Callable[[Path], bool] = Path.is_file
) -> list[Path]:
    """What has such a name in the folder; what a link leads to may be anybody's."""
    if not folder.is_dir():
        return []
    found = (path for path in folder.iterdir() if name.fullmatch(path.name))
    return sorted(path for path in found if is_kind(path) and not path.is_symlink())


def _shards(folder: Path) -> list[Path]:
    images = folder / IMAGES
    return [] if images.is_symlink() else _own(images, _SHARD, Path.is_dir)


def _images(folder: Path) -> list[Path]:
    return [path for shard in _shards(folder) for path in _own(shard, _IMAGE)]


def _size(path: Path) -> int:
    # Another process may have removed it since it was listed.
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


@contextlib.contextmanager
def _translated(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EncoderError(
            f"The cache {error.filename or folder} can't be used: {error.strerror or error}.",
            hint="Check who may read and write there, or set COTBUILD_CACHE to another folder.",
        ) from error
