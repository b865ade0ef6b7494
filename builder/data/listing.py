"""Which files somebody means who names files, folders and patterns on a command line."""

import re
from collections.abc import Callable, Iterable, Iterator
from glob import iglob
from pathlib import Path

from builder.data.folders import walk
from builder.data.images import IMAGE_SUFFIXES, Skipped

_PATTERN = re.compile(r"[*?[]")


def files_named(name: str) -> Iterator[str | Skipped]:
    """The file of that name, or the image files of that folder or pattern, in order of their paths.

    In a pattern, `*`, `?` and `[...]` are as in a shell, and `**` is any number of folders. A name
    that exists is never a pattern. A folder stands for all image files below it, told by their
    suffix; hidden ones are left out. A name that stands for no file comes as Skipped. A name that
    is neither folder nor pattern comes as it is, whether or not there is such a file.
    """
    path = Path(name)
    if name and _check(path.is_dir):
        yield from _or_skipped(_images(walk(path)), name, "no image file in this folder")
    elif _PATTERN.search(name) and not _check(path.exists):
        found = {
            file
            for match in map(Path, iglob(name, recursive=True))  # noqa: PTH207 - absolute, too
            for file in (walk(match) if match.is_dir() else [match])
        }
        yield from _or_skipped(sorted(_images(found)), name, "no image file has such a name")
    else:
        yield name


def _or_skipped(files: Iterable[str], name: str, otherwise: str) -> Iterator[str | Skipped]:
    empty = True
    for file in files:
        empty = False
        yield file
    if empty:
        yield Skipped(name, otherwise)


def _images(files: Iterable[Path]) -> Iterator[str]:
    return (str(file) for file in files if file.suffix.lower() in IMAGE_SUFFIXES)


def _check(question: Callable[[], bool]) -> bool:
    try:
        return question()
    except OSError:
        # Too long for a name: whoever opens it says so.
        return False
