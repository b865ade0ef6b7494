"""Where labelled images come from: a folder, or a data set on the Hugging Face hub."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.data.folders import read_images
from builder.data.images import ImageSet, Progress
from builder.data.metadata import find_metadata, read_metadata
from builder.data.rows import Rows, gather
from builder.errors import InputError

_DATA_SET = re.compile(r"(?P<repository>\w[\w.-]*/\w[\w.-]*)(@(?P<revision>[\w./-]+))?", re.ASCII)


# Where a data set's images and labels are, and the named crop that shows only the picture. By name
# in lower case: the hub redirects other spellings to the right one.
_KNOWN = {
    # Columns: id, image_url, caption, name, hp, set_name.
    "thefusion21/pokemoncards": ("image_url", "name", "pokemon-card"),
}
_UNKNOWN = (None, None, None)


@dataclass(frozen=True, slots=True)
class ImageSource:
    """Where images are, and in what part of it; a folder wins over a data set of its name.

    `location`: a folder, or a hub data set `org/name[@revision]`. `image_column`, `label_column`:
    for data sets and metadata files; None: found by itself. `data_split`: for data sets only;
    None: train.
    """

    location: str
    image_column: str | None = None
    label_column: str | None = None
    data_split: str | None = None


def read_source(
    source: ImageSource,
    class_names: Sequence[str],
    *,
    downloads: Path,
    on_progress: Progress | None = None,
) -> ImageSet:
    """Every usable image of the classes that the source holds, as a file with its digest.

    A folder holds a sub-folder per class, or is described by metadata.csv / metadata.jsonl.
    Images of a data set that are not files yet are kept below `downloads`; a second run neither
    writes nor downloads them again. `on_progress(done, total)` counts images. Raises InputError
    when there is no image to use.
    """
    folder = Path(source.location)
    rows = _rows(source, folder, downloads)
    if rows is None:
        return read_images(folder, class_names, on_progress=on_progress)
    return gather(rows, class_names, downloads=downloads, on_progress=on_progress)


def known_crop(location: str) -> str | None:
    """The named crop that suits a data set's images, if that is known."""
    match = None if _is_there(Path(location)) else _DATA_SET.fullmatch(location)
    return _KNOWN.get(match["repository"].lower(), _UNKNOWN)[2] if match else None


def _rows(source: ImageSource, folder: Path, downloads: Path) -> Rows | None:
    """The source as a table; None for a folder that is to be read by its sub-folders."""
    if _is_there(folder):
        if source.data_split is not None:
            raise InputError(
                f"{folder} is a folder, and only data sets have splits.",
                hint="Leave out --data-split, or name the sub-folder that holds the split.",
            )
        return _folder_rows(source, folder)
    match = _DATA_SET.fullmatch(source.location)
    if match is None:
        raise InputError(
            f"There is no folder {folder}.",
            hint="Name a folder with one sub-folder of images per class or with a metadata.csv, "
            "or a data set on the Hugging Face hub (org/name or org/name@revision).",
        )
    # Only where there is a data set: the library takes seconds to be imported.
    from builder.data.hub import open_data_set

    image_column, label_column, _ = _KNOWN.get(match["repository"].lower(), _UNKNOWN)
    return open_data_set(
        match["repository"],
        match["revision"],
        split=source.data_split or "train",
        images=source.image_column or image_column,
        labels=source.label_column or label_column,
        downloads=downloads / "images",
    )


def _folder_rows(source: ImageSource, folder: Path) -> Rows | None:
    metadata = find_metadata(folder)
    if metadata is not None:
        return read_metadata(metadata, source.image_column, source.label_column)
    if source.image_column or source.label_column:
        raise InputError(
            f"{folder} has no metadata.csv or metadata.jsonl, so it has no columns.",
            hint="Leave out --image-column and --label-column, or add such a file.",
        )
    return None


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False  # such as a name that is too long
