"""A table of labelled images, whatever its form, and the image set that it holds."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from builder.data.downloading import content_path, download_images
from builder.data.images import ImageSet, LabelledFile, Progress, Skipped, check_files
from builder.data.matching import match_labels, nearest_labels
from builder.errors import InputError
from builder.files import replace_file


@dataclass(frozen=True, slots=True)
class Stored:
    """An image as a file; `where`: where the user finds it."""

    path: Path
    where: str


@dataclass(frozen=True, slots=True)
class Rows:
    """A table of labelled images.

    `labels`: of each row, None for a row without one. `urls`: row -> address of its image.
    `stored`: the images of the other rows that it is asked for, in that order and one by one, so
    that they are never all in memory. `origin` names the table in messages. `revision`: the commit
    of a data set on the hub.
    """

    origin: str
    labels: Sequence[str | None]
    urls: Mapping[int, str]
    stored: Callable[[Sequence[int]], Iterator[Stored | Skipped]]
    revision: str = ""


def gather(
    rows: Rows, class_names: Sequence[str], *, downloads: Path, on_progress: Progress | None
) -> ImageSet:
    """The images of the rows whose label is a class; no other is written or downloaded.

    `on_progress(done, total)` counts addresses if there are any, else rows. Raises InputError
    when there is no image to use.
    """
    counts = Counter(label for label in rows.labels if label is not None)
    matching = match_labels(counts, class_names)
    if not matching.classes:
        raise _no_match(rows.origin, counts, class_names)
    order = {name: number for number, name in enumerate(class_names)}
    # (row, class) of each row that has a class, by class, then row.
    wanted = [
        (row, matching.classes[label])
        for row, label in enumerate(rows.labels)
        if label is not None and label in matching.classes
    ]
    wanted.sort(key=lambda found: order[found[1]])
    remote = [rows.urls[row] for row, _ in wanted if row in rows.urls]
    downloaded = download_images(remote, downloads / "urls", on_progress=on_progress)
    candidates = _candidates(rows, wanted, downloaded)
    told = None if remote else on_progress
    found = check_files(candidates, matching, rows.origin, len(wanted), told)
    meant = set(matching.classes.values())
    others = [label for label in counts if label not in matching.classes]
    return replace(
        found,
        other_labels=len(others),
        other_rows=len(rows.labels) - len(wanted),
        nearest_labels=nearest_labels(class_names, others, meant),
        revision=rows.revision,
    )


def _candidates(
    rows: Rows, wanted: Sequence[tuple[int, str]], downloaded: Mapping[str, Path | Skipped]
) -> Iterator[LabelledFile | Skipped]:
    stored = rows.stored([row for row, _ in wanted if row not in rows.urls])
    for row, label in wanted:
        found: Stored | Skipped
        if (url := rows.urls.get(row)) is None:
            found = next(stored)
        else:
            path = downloaded[url]
            found = path if isinstance(path, Skipped) else Stored(path, url)
        if isinstance(found, Skipped):
            yield found
        else:
            yield LabelledFile(found.path, label, found.where, rows.labels[row] or "")


def keep_image(content: bytes, name: str, folder: Path) -> Path:
    """Where an image is kept, written unless it is there: its file is named after its content.

    `name`: what it was called before, "" if that is not known. Raises InputError.
    """
    path = content_path(content, name, folder)
    if path.is_file():
        return path
    try:
        replace_file(path, content)
    except OSError as error:
        raise InputError(
            f"The images of the data set cannot be written to {folder}: {error.strerror or error}.",
            hint="Check the free space there, and that you may write.",
        ) from error
    return path


def _no_match(origin: str, counts: Counter[str], class_names: Sequence[str]) -> InputError:
    if not counts:
        return InputError(
            f"{origin} labels no image.",
            hint="Name the column that holds the labels with --label-column.",
        )
    near = [
        f"{mismatch.name!r} is most like {' or '.join(map(repr, mismatch.nearest))}"
        for mismatch in nearest_labels(class_names, counts)
        if mismatch.nearest
    ]
    frequent = ", ".join(repr(label) for label, _ in counts.most_common(5))
    return InputError(
        f"{origin} has no image of any of the {len(class_names)} classes: none of its "
        f"{len(counts)} labels is the name of a class. "
        f"{'; '.join(near[:3]) if near else f'The most frequent: {frequent}'}.",
        hint="Name the classes as the data does, or the column that holds their names with "
        "--label-column.",
    )
