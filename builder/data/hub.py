"""A data set on the Hugging Face hub as rows of labelled images; nothing of it is run.

Which columns hold the images and the labels is known for a few data sets, said by the user, or told
from the columns' types.
"""

import contextlib
import logging
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.data.downloading import is_url
from builder.data.hub_refusals import refusal_in
from builder.data.images import Skipped
from builder.data.rows import Content, Rows, Stored
from builder.errors import InputError

# datasets.Features: column -> its feature. That library has no types.
Features = Mapping[str, Any]
_NAME = re.compile(r"(?P<repository>\w[\w.-]*/\w[\w.-]*)(@(?P<revision>[\w./-]+))?", re.ASCII)
_FILES = ("string", "large_string", "binary", "large_binary")
_LABELS = ("string", "large_string", "bool", "int", "uint")


@dataclass(frozen=True, slots=True)
class KnownDataSet:
    """Where a data set's images and labels are, and the named crop that shows only the picture."""

    image_column: str
    label_column: str
    crop: str | None


# By name in lower case: the hub redirects other spellings to the right one.
_KNOWN = {
    # Columns: id, image_url, caption, name, hp, set_name.
    "thefusion21/pokemoncards": KnownDataSet("image_url", "name", "pokemon-card"),
}


def known_data_set(repository: str) -> KnownDataSet | None:
    """What is known of the data set `org/name`."""
    return _KNOWN.get(repository.lower())


def data_set_name(location: str) -> tuple[str, str | None] | None:
    """Name and revision in `org/name[@revision]`; None if it is something else."""
    match = _NAME.fullmatch(location)
    return (match["repository"], match["revision"]) if match else None


def open_data_set(
    repository: str,
    revision: str | None,
    *,
    split: str,
    images: str | None,
    labels: str | None,
) -> Rows:
    """A split of a data set; `images`, `labels`: columns, None for the known or evident ones.

    Downloaded unless that commit is in the cache of `datasets`, which may take long where the
    images are in the table, and tells neither size nor progress: the caller shows that it is
    being waited for. HF_HUB_OFFLINE, HF_HOME, HF_ENDPOINT and HF_TOKEN work as everywhere.
    Raises InputError.
    """
    with _quietly():
        dataset, commit = _load(repository, revision, split)
        known = known_data_set(repository)
        if known is not None:
            images, labels = images or known.image_column, labels or known.label_column
        picture = image_column(dataset.features, images, repository)
        label = label_column(dataset.features, labels, repository)
        named = labels_of(dataset.features[label], dataset[label][:])
        pictures = _undecoded(dataset, picture)
        # Only what is no file in the table itself is looked for at its path.
        contents, paths = pictures.data.column(picture).flatten()
        urls = {
            row: path
            for row, (path, lacks) in enumerate(
                zip(paths.to_pylist(), contents.is_null().to_pylist(), strict=True)
            )
            if lacks and path is not None and is_url(path)
        }

    def stored(rows: Sequence[int]) -> Iterator[Content | Stored | Skipped]:
        for row, cells in zip(rows, pictures.select(rows), strict=True):
            yield _stored(cells[picture] or {}, f"{repository}, row {row}")

    return Rows(repository, named, urls, stored, commit)


def _undecoded(dataset: Any, column: str) -> Any:
    """The table with one column, whose cells are the bytes or the path of an image file."""
    from datasets import Image

    alone = dataset.select_columns([column])
    # A decoded image would be another file, with another digest, and be decoded twice.
    return alone.cast_column(column, Image(decode=False))


def _stored(cell: dict[str, Any], where: str) -> Content | Stored | Skipped:
    data, path = cell.get("bytes"), cell.get("path")
    if data is not None:
        return Content(data, path or "", where)
    if not path:
        return Skipped(where, "the data set holds no image here")
    if _is_downloaded(path):
        return Stored(Path(path), where)
    return Skipped(where, f"{path!r} is neither an address nor a file of the data set")


def _is_downloaded(path: str) -> bool:
    """Whether it is a file that came from the hub: a table may name any file of this machine."""
    from datasets import config
    from huggingface_hub import constants

    caches = (config.HF_DATASETS_CACHE, config.DOWNLOADED_DATASETS_PATH, constants.HF_HUB_CACHE)
    file = Path(os.path.abspath(path))  # noqa: PTH100 - the hub's cache consists of links
    return any(file.is_relative_to(os.path.abspath(cache)) for cache in caches)  # noqa: PTH100


def _load(repository: str, revision: str | None, split: str) -> tuple[Any, str]:
    """The datasets.Dataset of a split, and the commit that it is of.

    From the hub, or from the cache if that is not in reach.
    """
    import datasets

    with _translated(repository, revision):
        commit, refused = _commit(repository, revision)
        with _offline_if(commit is None):
            try:
                builder = datasets.load_dataset_builder(repository, revision=commit)
            except ConnectionError:
                if refused is None:
                    raise
                raise refused from None
    if revision is not None and commit is None and not str(builder.hash).startswith(revision):
        raise InputError(
            f"Revision {revision!r} of {repository} cannot be looked up, because the hub is out of "
            f"reach; the copy on this machine is commit {builder.hash}.",
            hint=f"Go online and try again, or name the copy: {repository}@{builder.hash}.",
        )
    with _translated(repository, revision):
        builder.download_and_prepare()
    try:
        return builder.as_dataset(split=split), commit or str(builder.hash)
    except ValueError as error:
        raise InputError(
            f"{repository} has no split {split!r}, only {', '.join(builder.info.splits)}.",
            hint="Name one of them with --data-split.",
        ) from error


def _commit(repository: str, revision: str | None) -> tuple[str | None, Exception | None]:
    """The commit that a revision (None: the newest) stands for; None if the hub is out of reach.

    With it the hub's refusal to answer now, which leaves what is in the cache.
    """
    from datasets import config
    from huggingface_hub import HfApi, errors

    if config.HF_HUB_OFFLINE:
        return None, None
    try:
        return HfApi().dataset_info(repository, revision=revision, timeout=30).sha, None
    except errors.HfHubHTTPError as error:
        if refusal_in(error) is None:
            raise
        return None, error
    # OfflineModeIsEnabled, or the HTTP client's own errors, of which this is the base.
    except (ConnectionError, errors.HTTPError):  # type: ignore[attr-defined]
        return None, None


@contextlib.contextmanager
def _offline_if(offline: bool) -> Iterator[None]:
    """Spares the library's half a minute of attempts at a hub that is out of reach."""
    from datasets import config

    before = config.HF_HUB_OFFLINE
    config.HF_HUB_OFFLINE = before or offline
    try:
        yield
    finally:
        config.HF_HUB_OFFLINE = before


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Silences the libraries' bars, remarks and warnings: they would break the screen."""
    import datasets
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    loggers = [logging.getLogger(name) for name in ("datasets", "huggingface_hub", "fsspec")]
    levels = [logger.level for logger in loggers]
    bars = not datasets.are_progress_bars_disabled()
    of_hub = not are_progress_bars_disabled()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        datasets.disable_progress_bars()
        disable_progress_bars()
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
            if bars:
                datasets.enable_progress_bars()
            if of_hub:
                enable_progress_bars()


@contextlib.contextmanager
def _translated(repository: str, revision: str | None) -> Iterator[None]:
    """Raises what the libraries raise as InputError."""
    from datasets.exceptions import DatasetNotFoundError, DatasetsError
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        raise _gated(repository) from error
    except errors.RepositoryNotFoundError as error:
        raise _missing(repository) from error
    except errors.RevisionNotFoundError as error:
        raise InputError(
            f"The data set {repository} has no revision {revision!r}.",
            hint="Leave out the @revision, or name a branch, tag or commit of that data set.",
        ) from error
    except DatasetNotFoundError as error:
        raise (_gated if "gated" in str(error) else _missing)(repository) from error
    # HTTPError is the HTTP client's own base. The others are what the library is known to raise
    # on files that it cannot read.
    except (
        DatasetsError,
        OSError,
        ValueError,
        RuntimeError,
        LookupError,
        TypeError,
        errors.HTTPError,  # type: ignore[attr-defined]
    ) as error:
        raise _unreadable(repository, error) from error


def _gated(repository: str) -> InputError:
    return InputError(
        f"The hub gives the data set {repository} only to those who accepted its terms.",
        hint=f"Accept them on https://huggingface.co/datasets/{repository}, then log in with "
        "`hf auth login` or set HF_TOKEN.",
    )


def _missing(repository: str) -> InputError:
    return InputError(
        f"There is no folder {repository}, and the Hugging Face hub has no public data set of "
        "that name.",
        hint="Check the spelling of the folder or of the data set (org/name). For a private data "
        "set log in with `hf auth login` or set HF_TOKEN.",
    )


def _unreadable(repository: str, error: Exception) -> InputError:
    from datasets import config

    if refusal := refusal_in(error):
        return InputError(
            f"The data set {repository} is not on this machine: {refusal.why}.", hint=refusal.hint
        )
    if isinstance(error, ConnectionError):
        why = "HF_HUB_OFFLINE is set" if config.HF_HUB_OFFLINE else "the hub cannot be reached"
        return InputError(
            f"There is no folder {repository}, and a data set of that name is not on this "
            f"machine: {why}.",
            hint="Check the spelling of the folder, or go online for the data set.",
        )
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    if "scripts are no longer supported" in said:
        return InputError(
            f"The data set {repository} consists of a program, which is not run here.",
            hint="The hub may have converted it: name that copy with "
            f"{repository}@refs/convert/parquet.",
        )
    return InputError(
        f"The data set {repository} cannot be loaded: {said}",
        hint="Check its page on the hub; it needs files such as Parquet, CSV, JSON or images.",
    )


# --- Columns --------------------------------------------------------------------------------------


def image_column(features: Features, named: str | None, origin: str) -> str:
    """The column as named, else the only Image column, else `image`.

    It may hold images, the bytes of their files, or addresses. Raises InputError, which lists
    the columns with their types.
    """
    column = named or _found(features, "Image", "image")
    if column in features and _holds_images(features[column]):
        return column
    raise _unusable(features, column, named, "images", "--image-column", origin)


def label_column(features: Features, named: str | None, origin: str) -> str:
    """The column as named, else the only ClassLabel column, else `label`.

    It may hold a ClassLabel, text, or whole numbers. Raises InputError, which lists the columns
    with their types.
    """
    column = named or _found(features, "ClassLabel", "label")
    if column in features and _holds_labels(features[column]):
        return column
    raise _unusable(features, column, named, "labels", "--label-column", origin)


def labels_of(feature: Any, values: Sequence[Any]) -> list[str | None]:
    """The cells of a label column as text; None where there is no label."""
    names: Sequence[str] | None = getattr(feature, "names", None)
    if names is None:
        return [None if value is None else str(value) for value in values]
    # -1 stands for "no label".
    return [None if value is None or value < 0 else names[value] for value in values]


def _found(features: Features, kind: str, usual: str) -> str:
    of_kind = [name for name, feature in features.items() if _kind(feature) == kind]
    return of_kind[0] if len(of_kind) == 1 else usual


def _holds_images(feature: Any) -> bool:
    if isinstance(feature, dict):
        return bool(feature) and set(feature) <= {"bytes", "path"}
    return _kind(feature) == "Image" or (_kind(feature) == "Value" and feature.dtype in _FILES)


def _holds_labels(feature: Any) -> bool:
    plain = _kind(feature) == "Value" and feature.dtype.rstrip("0123456789") in _LABELS
    return plain or _kind(feature) == "ClassLabel"


def _kind(feature: Any) -> str:
    return type(feature).__name__


def _described(feature: Any) -> str:
    if _kind(feature) == "Value":
        return str(feature.dtype)
    if _kind(feature) == "ClassLabel":
        return f"ClassLabel with {feature.num_classes} names"
    return _kind(feature)


def _unusable(
    features: Features, column: str, named: str | None, what: str, flag: str, origin: str
) -> InputError:
    if column in features:
        problem = f"The column {column!r} of {origin} holds no {what}"
    elif named:
        problem = f"{origin} has no column {column!r}"
    else:
        problem = f"It can't be told which column of {origin} holds the {what}"
    columns = ", ".join(f"{name} ({_described(feature)})" for name, feature in features.items())
    return InputError(
        f"{problem}. Its columns: {columns}.", hint=f"Say which column holds the {what}: {flag}."
    )
