"""Images in folders: one sub-folder per class, or files, folders and patterns that somebody names.

A class's sub-folder bears the class's name; where a name holds a `/`, which no folder can, the
folder has `_` in its place (`class_folder_name`).
"""

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from glob import iglob
from pathlib import Path

from builder.data.images import IMAGE_SUFFIXES, ImageSet, LabelledFile, Skipped, check_files
from builder.data.matching import Matching, Mismatch, by_form, match_labels, nearest
from builder.errors import InputError

_PATTERN = re.compile(r"[*?[]")


def class_folder_name(class_name: str) -> str:
    """The sub-folder that holds a class's images: its name in NFC with `_` for each `/`."""
    return unicodedata.normalize("NFC", class_name).replace("/", "_")


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
    _refuse_shared_folders(class_names)
    folders, strays = _list_folder(folder)
    matching = match_labels((sub.name for sub in folders), class_names, class_folder_name)
    unknown = _unknown(folders, matching, class_names)
    if not matching.classes:
        raise _no_match(folder, unknown)

    files = {sub.name: tuple(walk(sub)) for sub in folders if sub.name in matching.classes}
    wanted = _by_class(files, matching, class_names)
    if not wanted:
        raise InputError(
            f"The class folders in {folder} hold no files.",
            hint="Put each class's images into the sub-folder of its name.",
        )

    def on_checked(done: int) -> None:
        if on_progress is not None:
            on_progress(done, len(wanted))

    checked = check_files(wanted, on_checked)
    outside = [Skipped(str(path), "not inside a class's sub-folder") for path in strays]
    checked.require_image(str(folder), outside)
    present = {image.label for image in checked.images}
    return ImageSet(
        images=checked.images,
        skipped=(*checked.skipped, *outside),
        empty_classes=tuple(name for name in class_names if name not in present),
        unknown_folders=unknown,
        conflicting=checked.conflicting,
        matched=matching.matched(checked.spellings),
    )


def _unknown(
    folders: Sequence[Path], matching: Matching, class_names: Sequence[str]
) -> tuple[Mismatch, ...]:
    candidates = by_form(class_names, class_folder_name)
    return tuple(
        Mismatch(sub.name, nearest(sub.name, candidates))
        for sub in folders
        if sub.name not in matching.classes and not sub.name.startswith(".")
    )


def _by_class(
    files: Mapping[str, Sequence[Path]], matching: Matching, class_names: Sequence[str]
) -> list[LabelledFile]:
    folders: defaultdict[str, list[str]] = defaultdict(list)
    for name in files:
        folders[matching.classes[name]].append(name)
    return [
        LabelledFile(path, label, str(path), name)
        for label in class_names
        for name in folders[label]
        for path in files[name]
    ]


def _refuse_shared_folders(class_names: Sequence[str]) -> None:
    owners: dict[str, str] = {}
    for name in class_names:
        folder = class_folder_name(name)
        if folder in owners:
            raise InputError(
                f"The classes {owners[folder]!r} and {name!r} would share the image folder "
                f"{folder!r}, because a '/' in a class name becomes '_' in its folder's name.",
                hint="Rename one of the two classes.",
            )
        owners[folder] = name


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
        if entry.suffix.lower() in IMAGE_SUFFIXES
        and not entry.name.startswith(".")
        and not entry.is_dir()
    ]
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
