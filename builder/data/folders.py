"""Images in folders: one sub-folder per class, or files, folders and patterns that somebody names.

A class's sub-folder bears the class's name; where a name holds a `/`, which no folder can, the
folder has `_` in its place (`class_folder_name`).
"""

import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from glob import iglob
from pathlib import Path

from builder.data import images
from builder.data.matching import Mismatch, by_form, match_labels, nearest
from builder.errors import InputError

_PATTERN = re.compile(r"[*?[]")


def class_folder_name(class_name: str) -> str:
    """The sub-folder that holds a class's images: its name in NFC with `_` for each `/`."""
    return unicodedata.normalize("NFC", class_name).replace("/", "_")


def read_images(
    folder: Path, class_names: Sequence[str], *, on_progress: images.Progress | None = None
) -> images.ImageSet:
    """Every readable image below `folder`'s class sub-folders; each file is hashed and decoded.

    Unreadable files never end a run: they are listed in `skipped`. Hidden files are ignored.
    `on_progress(done, total)` counts files. Raises InputError when there is no image to use:
    the folder is missing, a file or empty, no sub-folder matches a class, no file is readable.
    """
    _refuse_shared_folders(class_names)
    folders, strays = _list_folder(folder)
    matching = match_labels((sub.name for sub in folders), class_names, class_folder_name)
    candidates = by_form(class_names, class_folder_name)
    unknown = tuple(
        Mismatch(sub.name, nearest(sub.name, candidates))
        for sub in folders
        if sub.name not in matching.classes and not sub.name.startswith(".")
    )
    if not matching.classes:
        raise _no_match(folder, unknown)
    order = {name: number for number, name in enumerate(class_names)}
    wanted = [
        images.LabelledFile(path, matching.classes[sub.name], str(path), sub.name)
        for sub in folders
        if sub.name in matching.classes
        for path in walk(sub)
    ]
    wanted.sort(key=lambda file: order[file.label])
    if not wanted:
        raise InputError(
            f"The class folders in {folder} hold no files.",
            hint="Put each class's images into the sub-folder of its name.",
        )

    outside = [images.Skipped(str(path), "not inside a class's sub-folder") for path in strays]
    found = images.check_files(wanted, matching, str(folder), len(wanted), on_progress, outside)
    return replace(found, unknown_folders=unknown)


def _refuse_shared_folders(class_names: Sequence[str]) -> None:
    owners: dict[str, str] = {}
    for name in class_names:
        folder = class_folder_name(name)
        if (owner := owners.setdefault(folder, name)) != name:
            raise InputError(
                f"The classes {owner!r} and {name!r} would share the image folder {folder!r}, "
                "because a '/' in a class name becomes '_' in its folder's name.",
                hint="Rename one of the two classes.",
            )


def _list_folder(folder: Path) -> tuple[list[Path], list[Path]]:
    """(sub-folders, stray image files), each sorted by name."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(
            f"The folder {folder} cannot be read: {error.strerror or error}.",
            hint="Name the folder that holds one sub-folder of images per class, and check that "
            "you may read it.",
        ) from error
    folders = [entry for entry in entries if entry.is_dir()]
    files = [entry for entry in entries if not entry.is_dir() and not entry.name.startswith(".")]
    strays = [file for file in files if file.suffix.lower() in images.IMAGE_SUFFIXES]
    return folders, strays


def walk(folder: Path) -> Iterator[Path]:
    """All files below a folder but hidden ones, in an order that no file system decides."""
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(root, name) for name in sorted(files) if not name.startswith("."))


def _no_match(folder: Path, unknown: Sequence[Mismatch]) -> InputError:
    def describe(mismatch: Mismatch) -> str:
        names = ", ".join(repr(name) for name in mismatch.nearest)
        return f"{mismatch.name!r} (nearest: {names})" if names else repr(mismatch.name)

    shown = ", ".join(describe(mismatch) for mismatch in unknown)
    found = f"found {shown}" if unknown else "found no sub-folder"
    return InputError(
        f"No sub-folder of {folder} has the name of a class: {found}.",
        hint="Name each sub-folder exactly like its class (with _ for /), or point at the folder "
        "one level up or down.",
    )


# --- Files, folders and patterns named on a command line ------------------------------------------


def files_named(name: str) -> Iterator[str | images.Skipped]:
    """The file of that name, or the image files of that folder or pattern, in order of their paths.

    In a pattern, `*`, `?` and `[...]` are as in a shell, and `**` is any number of folders. A name
    that exists is never a pattern. A folder stands for all image files below it, told by their
    suffix; hidden ones are left out. A name that stands for no file comes as Skipped. A name that
    is neither folder nor pattern comes as it is, whether or not there is such a file.
    """
    path = Path(name)
    if name and _check(path.is_dir):
        found, otherwise = walk(path), "no image file in this folder"
    elif _PATTERN.search(name) and not _check(path.exists):
        matches = map(Path, iglob(name, recursive=True))  # noqa: PTH207 - absolute, too
        files = {file for match in matches for file in (walk(match) if match.is_dir() else [match])}
        found, otherwise = iter(sorted(files, key=str)), "no image file has such a name"
    else:
        yield name
        return
    empty = True
    for file in found:
        if file.suffix.lower() in images.IMAGE_SUFFIXES:
            empty = False
            yield str(file)
    if empty:
        yield images.Skipped(name, otherwise)


def _check(question: Callable[[], bool]) -> bool:
    try:
        return question()
    except OSError:
        # Too long for a name: whoever opens it says so.
        return False
