"""Labelled images: a folder with one sub-folder per class, read once and checked.

A class's sub-folder bears the class's name; where a name holds a `/`, which no folder can, the
folder has `_` in its place (`class_folder_name`). Names are compared after Unicode NFC
normalisation, because file systems differ in how they store accents.
"""

import difflib
import hashlib
import os
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from builder.data.pictures import ImageUnreadable, bombs_as_errors, check_image
from builder.errors import InputError

_SUFFIXES = (
    ".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".jp2", ".avif",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """An image file, the class it shows, and the SHA-256 (hex) of the file."""

    path: Path
    label: str
    digest: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that is left out, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A sub-folder that matches no class, and the names of the classes most like it."""

    folder: str
    nearest: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImageSet:
    """What a folder of images holds.

    `images` is ordered by class, then path. Classes in `empty_classes` have no readable image.
    Files in `conflicting` have the same content as a file of another class: nobody can say which
    label is right, so all of them are left out.
    """

    images: tuple[LabelledImage, ...]
    skipped: tuple[Skipped, ...]
    empty_classes: tuple[str, ...]
    unknown_folders: tuple[Mismatch, ...]
    conflicting: tuple[Skipped, ...] = ()


def class_folder_name(class_name: str) -> str:
    """The sub-folder that holds a class's images: its name in NFC with `_` for each `/`."""
    return unicodedata.normalize("NFC", class_name).replace("/", "_")


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content, in hex; OSError if it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_images(
    folder: Path,
    class_names: Sequence[str],
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> ImageSet:
    """Every readable image below `folder`'s class sub-folders; each file is hashed and decoded.

    Unreadable files never end a run: they are listed in `skipped`. Hidden files are ignored.
    `on_progress(done, total)` counts files. Raises InputError when there is no image to use:
    the folder is missing, a file or empty, no sub-folder matches a class, no file is readable.
    """
    labels = _labels_by_folder(class_names)
    folders, strays = _list_folder(folder)
    matched: defaultdict[str, list[Path]] = defaultdict(list)
    unknown: list[Mismatch] = []
    for sub in folders:
        label = labels.get(unicodedata.normalize("NFC", sub.name))
        if label is not None:
            matched[label].append(sub)
        elif not sub.name.startswith("."):
            unknown.append(Mismatch(sub.name, _nearest(sub.name, class_names)))
    if not matched:
        raise _no_match(folder, unknown)

    files = [
        (path, name) for name in class_names for sub in matched.get(name, ()) for path in _walk(sub)
    ]
    readable, unreadable = _check_files(files, on_progress)
    images, conflicting = _separate_conflicts(readable)
    skipped = [*unreadable, *(Skipped(path, "not inside a class's sub-folder") for path in strays)]
    if not images:
        raise _no_image(folder, [*skipped, *conflicting])
    present = {image.label for image in images}
    return ImageSet(
        images=tuple(images),
        skipped=tuple(skipped),
        empty_classes=tuple(name for name in class_names if name not in present),
        unknown_folders=tuple(unknown),
        conflicting=tuple(conflicting),
    )


def _labels_by_folder(class_names: Sequence[str]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for name in class_names:
        folder = class_folder_name(name)
        if folder in labels:
            raise InputError(
                f"The classes {labels[folder]!r} and {name!r} would share the image folder "
                f"{folder!r}, because a '/' in a class name becomes '_' in its folder's name.",
                hint="Rename one of the two classes.",
            )
        labels[folder] = name
    return labels


def _list_folder(folder: Path) -> tuple[list[Path], list[Path]]:
    """(sub-folders, stray image files), each sorted by name."""
    if folder.is_file():
        raise InputError(
            f"{folder} is a file, not a folder of images.",
            hint="Name the folder that holds one sub-folder of images per class.",
        )
    try:
        entries = sorted(folder.iterdir())
    except FileNotFoundError as error:
        raise InputError(
            f"There is no folder {folder}.",
            hint="Name the folder that holds one sub-folder of images per class.",
        ) from error
    except OSError as error:
        raise InputError(
            f"The folder {folder} cannot be read: {error.strerror or error}.",
            hint="Check that you may read it.",
        ) from error
    if not entries:
        raise InputError(
            f"The folder {folder} is empty.",
            hint="Put one sub-folder of images per class into it, each named like its class.",
        )
    folders = [entry for entry in entries if entry.is_dir()]
    strays = [
        entry
        for entry in entries
        if entry.suffix.lower() in _SUFFIXES
        and not entry.name.startswith(".")
        and not entry.is_dir()
    ]
    return folders, strays


def _walk(folder: Path) -> Iterator[Path]:
    """All files below a folder but hidden ones, in an order that no file system decides."""
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(root, name) for name in sorted(files) if not name.startswith("."))


def _nearest(name: str, candidates: Sequence[str]) -> tuple[str, ...]:
    by_key: dict[str, str] = {}
    for candidate in candidates:
        by_key.setdefault(class_folder_name(candidate).casefold(), candidate)
    keys = difflib.get_close_matches(class_folder_name(name).casefold(), by_key, n=3, cutoff=0.6)
    return tuple(by_key[key] for key in keys)


def _check_files(
    files: Sequence[tuple[Path, str]], on_progress: Callable[[int, int], None] | None
) -> tuple[list[LabelledImage], list[Skipped]]:
    images: list[LabelledImage] = []
    skipped: list[Skipped] = []
    # Decoding and hashing release the interpreter lock, so threads use all cores.
    with bombs_as_errors(), ThreadPoolExecutor() as pool:
        checked = pool.map(lambda item: _check_file(*item), files)
        for done, result in enumerate(checked, start=1):
            if isinstance(result, Skipped):
                skipped.append(result)
            else:
                images.append(result)
            if on_progress is not None:
                on_progress(done, len(files))
    return images, skipped


def _check_file(path: Path, label: str) -> LabelledImage | Skipped:
    try:
        check_image(path)
        return LabelledImage(path, label, file_digest(path))
    except ImageUnreadable as error:
        return Skipped(path, error.reason)
    except OSError as error:
        return Skipped(path, error.strerror or str(error))


def _separate_conflicts(
    images: Sequence[LabelledImage],
) -> tuple[list[LabelledImage], list[Skipped]]:
    by_digest: defaultdict[str, list[LabelledImage]] = defaultdict(list)
    for image in images:
        by_digest[image.digest].append(image)
    kept: list[LabelledImage] = []
    conflicting: list[Skipped] = []
    for image in images:
        others = [other for other in by_digest[image.digest] if other.label != image.label]
        if others:
            reason = f"same content as {others[0].path}, which is labelled {others[0].label!r}"
            conflicting.append(Skipped(image.path, reason))
        else:
            kept.append(image)
    return kept, conflicting


def _no_match(folder: Path, unknown: Sequence[Mismatch]) -> InputError:
    def describe(mismatch: Mismatch) -> str:
        names = ", ".join(repr(name) for name in mismatch.nearest)
        return f"{mismatch.folder!r} (nearest: {names})" if names else repr(mismatch.folder)

    shown = ", ".join(describe(mismatch) for mismatch in unknown)
    found = f"found {shown}" if unknown else "found no sub-folder"
    return InputError(
        f"No sub-folder of {folder} has the name of a class: {found}.",
        hint="Name each sub-folder exactly like its class (with _ for /), or point at the folder "
        "one level up or down.",
    )


def _no_image(folder: Path, left_out: Sequence[Skipped]) -> InputError:
    if not left_out:
        return InputError(
            f"The class folders in {folder} hold no files.",
            hint="Put each class's images into the sub-folder of its name.",
        )
    first = left_out[0]
    return InputError(
        f"{folder} holds no usable image; files left out: {len(left_out)}, the first of them "
        f"{first.path}: {first.reason}.",
        hint="Use JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF files.",
    )
