"""Labelled images as files: what a source of them holds, checked and hashed."""

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from builder.data.matching import Matched, Matching, Mismatch
from builder.data.pictures import ImageUnreadable, bombs_as_errors, check_image
from builder.errors import InputError

IMAGE_SUFFIXES = (
    ".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".jp2", ".avif",
)  # fmt: skip
# Enough to keep all cores busy, few enough that images still to be stored don't fill the memory.
_BATCH = 64
# Each holds a decoded image, which is 160 MB for 40 megapixels.
_THREADS = min(8, os.cpu_count() or 1)
# Told how many of how many are done.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """An image file, the class it shows, and the SHA-256 (hex) of the file."""

    path: Path
    label: str
    digest: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """An image that is left out, and why; `where`: its path, URL, or row."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """A file that should be an image of the class `label`, and where the user finds it.

    `spelled`: the label as its source spells it.
    """

    path: Path
    label: str
    where: str
    spelled: str


@dataclass(frozen=True, slots=True)
class ImageSet:
    """What a source of images holds.

    `images` is ordered by class, then as the source is ordered (a folder: by path).
    `skipped`: images that cannot be used. `conflicting`: images with the same content as one of
    another class; nobody can say which label is right, so all of them are left out.
    `empty_classes` have no image that can be used.
    `matched`: labels that are not spelled like their class, but mean it without doubt, with the
    number of images that can be used.
    `revision`: the commit of a data set on the hub, "" for all else.

    What has a label without a class is left out. Of folders with a sub-folder per class,
    `unknown_folders` lists those sub-folders, with the classes most like each. Data sets and
    metadata files may have thousands: `other_labels` and `other_rows` count them (a row
    without any label counts as a row). `nearest_labels` lists, for each class whose label does
    not occur, the labels most like it, and for each class that labels may mean which are spelled
    in several ways, all those labels.
    """

    images: tuple[LabelledImage, ...]
    skipped: tuple[Skipped, ...]
    empty_classes: tuple[str, ...]
    unknown_folders: tuple[Mismatch, ...] = ()
    conflicting: tuple[Skipped, ...] = ()
    matched: tuple[Matched, ...] = ()
    other_labels: int = 0
    other_rows: int = 0
    nearest_labels: tuple[Mismatch, ...] = ()
    revision: str = ""


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content, in hex; OSError if it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_files(
    candidates: Iterable[LabelledFile | Skipped],
    matching: Matching,
    origin: str,
    total: int,
    on_progress: Progress | None,
    outside: Sequence[Skipped] = (),
) -> ImageSet:
    """Decodes and hashes each file, of `total`; `on_progress` is told how many are done.

    An unreadable file never ends a run. The iterable is consumed batch by batch, in this thread.
    `outside`: what was left out before. Raises InputError if all of `origin` is left out.
    """
    usable: list[tuple[LabelledFile, LabelledImage]] = []
    skipped: list[Skipped] = []
    remaining = iter(candidates)
    # Decoding and hashing release the interpreter lock, so threads use all cores.
    with bombs_as_errors(), ThreadPoolExecutor(_THREADS) as pool:
        while batch := list(islice(remaining, _BATCH)):
            for candidate, result in zip(batch, pool.map(_check, batch), strict=True):
                if isinstance(candidate, LabelledFile) and isinstance(result, LabelledImage):
                    usable.append((candidate, result))
                elif isinstance(result, Skipped):
                    skipped.append(result)
                if on_progress is not None:
                    on_progress(len(usable) + len(skipped), total)
    kept, conflicting = _separate_conflicts(usable)
    left_out = [*skipped, *outside, *conflicting]
    if left_out and not kept:
        raise InputError(
            f"{origin} holds no usable image; images left out: {len(left_out)}, the first of them "
            f"{left_out[0].where}: {left_out[0].reason}.",
            hint="Use JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF files, each labelled with one class.",
        )
    present = {image.label for _, image in kept}
    return ImageSet(
        images=tuple(image for _, image in kept),
        skipped=(*skipped, *outside),
        empty_classes=tuple(name for name in matching.class_names if name not in present),
        conflicting=tuple(conflicting),
        matched=matching.matched(Counter(candidate.spelled for candidate, _ in kept)),
    )


def _check(candidate: LabelledFile | Skipped) -> LabelledImage | Skipped:
    if isinstance(candidate, Skipped):
        return candidate
    try:
        check_image(candidate.path)
        return LabelledImage(candidate.path, candidate.label, file_digest(candidate.path))
    except ImageUnreadable as error:
        return Skipped(candidate.where, error.reason)
    except OSError as error:
        return Skipped(candidate.where, error.strerror or str(error))


def _separate_conflicts(
    usable: Sequence[tuple[LabelledFile, LabelledImage]],
) -> tuple[list[tuple[LabelledFile, LabelledImage]], list[Skipped]]:
    """Those whose content has one label, and those whose content has several."""
    # Content -> label -> where it is first found.
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for candidate, image in usable:
        found[image.digest].setdefault(image.label, candidate.where)
    kept: list[tuple[LabelledFile, LabelledImage]] = []
    conflicting: list[Skipped] = []
    for candidate, image in usable:
        others = [label for label in found[image.digest] if label != image.label]
        if others:
            where = found[image.digest][others[0]]
            same = "" if where == candidate.where else f"same content as {where}, which is "
            reason = f"{same or 'also '}labelled {others[0]!r}"
            conflicting.append(Skipped(candidate.where, reason))
        else:
            kept.append((candidate, image))
    return kept, conflicting
