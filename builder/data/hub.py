"""A data set on the Hugging Face hub as rows of labelled images; nothing of it is run.

Which columns hold the images and the labels is said by whoever asks, or told from their types.
"""

import contextlib
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
from datasets import config
from datasets.exceptions import DatasetNotFoundError, DatasetsError
from huggingface_hub import constants, errors, utils

from builder.data import hugging_face
from builder.data.downloading import is_url
from builder.data.images import Skipped
from builder.data.rows import Rows, Stored, keep_image
from builder.errors import InputError

# Of waiting for the hub to answer a question.
_TIMEOUT_S = 30
# datasets.Features: column -> its feature. That library has no types.
Features = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a column is to hold: features of a kind, or plain values of some types.

    `usual`: its name where no column, or more than one, is of the kind.
    """

    what: str
    flag: str
    kind: str
    types: tuple[str, ...]
    usual: str


# Images, the bytes of their files, or addresses.
_TEXT = ("string", "large_string")
_IMAGES = _Wanted("images", "--image-column", "Image", (*_TEXT, "binary", "large_binary"), "image")
_LABELS = _Wanted(
    "labels", "--label-column", "ClassLabel", (*_TEXT, "bool", "int", "uint"), "label"
)


def open_data_set(
    repository: str,
    revision: str | None,
    *,
    split: str,
    images: str | None,
    labels: str | None,
    downloads: Path,
) -> Rows:
    """A split of a data set; `images`, `labels`: columns, None for the evident ones.

    Downloaded unless that commit is in the cache of `datasets`, which may take long where the
    images are in the table, and tells neither size nor progress: the caller shows that it is
    being waited for. HF_HUB_OFFLINE, HF_HOME, HF_ENDPOINT and HF_TOKEN work as everywhere.
    Images that are no files yet become files below `downloads` when they are asked for. Raises
    InputError.
    """
    with _silent():
        dataset, commit = _load(repository, revision, split)
        picture = _column(dataset.features, images, _IMAGES, repository)
        label = _column(dataset.features, labels, _LABELS, repository)
        named = _labels_of(dataset.features[label], dataset[label][:])
        # A decoded image would be another file, with another digest, and be decoded twice.
        undecoded = datasets.Image(decode=False)
        pictures = dataset.select_columns([picture]).cast_column(picture, undecoded)
        # Only what is no file in the table itself is looked for at its path.
        contents, paths = pictures.data.column(picture).flatten()
        lacking = contents.is_null().to_pylist()
        urls = {
            row: path
            for row, path in enumerate(paths.to_pylist())
            if lacking[row] and path is not None and is_url(path)
        }

    def stored(rows: Sequence[int]) -> Iterator[Stored | Skipped]:
        for row, cells in zip(rows, pictures.select(rows), strict=True):
            where, cell = f"{repository}, row {row}", cells[picture] or {}
            data, path = cell.get("bytes"), cell.get("path")
            if data is not None:
                yield Stored(keep_image(data, path or "", downloads), where)
            elif not path:
                yield Skipped(where, "the data set holds no image here")
            elif _is_downloaded(path):
                yield Stored(Path(path), where)
            else:
                reason = f"{path!r} is neither an address nor a file of the data set"
                yield Skipped(where, reason)

    return Rows(repository, named, urls, stored, commit)


def _is_downloaded(path: str) -> bool:
    """Whether it is a file that came from the hub: a table may name any file of this machine."""
    caches = (config.HF_DATASETS_CACHE, config.DOWNLOADED_DATASETS_PATH, constants.HF_HUB_CACHE)
    file = Path(os.path.abspath(path))  # noqa: PTH100 - the hub's cache consists of links
    return any(file.is_relative_to(os.path.abspath(cache)) for cache in caches)  # noqa: PTH100


def _load(repository: str, revision: str | None, split: str) -> tuple[Any, str]:
    """The datasets.Dataset of a split, and the commit that it is of.

    From the hub, or from the cache if that is not in reach.
    """
    with _translated(repository, revision):
        commit, refused = None, None
        try:
            commit = hugging_face.look_up(repository, revision, "dataset", timeout=_TIMEOUT_S).sha
        except hugging_face.OutOfReach as error:
            refused = error.refused
        with _offline_if(commit is None):
            try:
                builder = datasets.load_dataset_builder(repository, revision=commit)
            except ConnectionError:
                if refused is None:
                    raise
                why = f"The data set {repository} is not on this machine: {refused.why}."
                raise InputError(why, hint=refused.hint) from None
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


@contextlib.contextmanager
def _offline_if(offline: bool) -> Iterator[None]:
    """Spares the library's half a minute of attempts at a hub that is out of reach."""
    before = config.HF_HUB_OFFLINE
    config.HF_HUB_OFFLINE = before or offline
    try:
        yield
    finally:
        config.HF_HUB_OFFLINE = before


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Silences the libraries' bars, remarks and warnings: they would break the screen."""
    drawing = [bars for bars in (datasets, utils) if not bars.are_progress_bars_disabled()]
    with warnings.catch_warnings(), hugging_face.quietly("datasets", "huggingface_hub", "fsspec"):
        warnings.simplefilter("ignore")
        for bars in drawing:
            bars.disable_progress_bars()
        try:
            yield
        finally:
            for bars in drawing:
                bars.enable_progress_bars()


@contextlib.contextmanager
def _translated(repository: str, revision: str | None) -> Iterator[None]:
    """Raises what the libraries raise as InputError."""
    try:
        yield
    # What the libraries are known to raise on files that they cannot read is among these.
    except (DatasetsError, *hugging_face.HUB_ERRORS, RuntimeError, LookupError, TypeError) as error:
        kind: type[Exception] = type(error)
        if isinstance(error, DatasetNotFoundError):
            gated = "gated" in str(error)
            kind = errors.GatedRepoError if gated else errors.RepositoryNotFoundError
        message, hint = hugging_face.refusal(kind, repository, revision, "dataset") or _trouble(
            repository, error
        )
        raise InputError(message, hint=hint) from error


def _trouble(repository: str, error: Exception) -> tuple[str, str]:
    """What any other error says, and what to do."""
    if isinstance(error, ConnectionError):
        return (
            f"There is no folder {repository}, and a data set of that name is not on this "
            f"machine: {hugging_face.out_of_reach()}.",
            "Check the spelling of the folder, or go online for the data set.",
        )
    if "scripts are no longer supported" in hugging_face.said(error):
        return (
            f"The data set {repository} consists of a program, which is not run here.",
            "The hub may have converted it: name that copy with "
            f"{repository}@refs/convert/parquet.",
        )
    return (
        f"The data set {repository} cannot be loaded: {hugging_face.said(error)}",
        "Check its page on the hub; it needs files such as Parquet, CSV, JSON or images.",
    )


# --- Columns --------------------------------------------------------------------------------------


def _column(features: Features, named: str | None, wanted: _Wanted, origin: str) -> str:
    """The column as named, else the only one of the kind, else that of the usual name.

    Raises InputError, which lists the columns with their types.
    """
    of_kind = [name for name, feature in features.items() if _kind(feature) == wanted.kind]
    column = named or (of_kind[0] if len(of_kind) == 1 else wanted.usual)
    if column in features and _holds(features[column], wanted):
        return column
    if column in features:
        problem = f"The column {column!r} of {origin} holds no {wanted.what}"
    elif named:
        problem = f"{origin} has no column {column!r}"
    else:
        problem = f"It can't be told which column of {origin} holds the {wanted.what}"
    columns = ", ".join(f"{name} ({_described(feature)})" for name, feature in features.items())
    raise InputError(
        f"{problem}. Its columns: {columns}.",
        hint=f"Say which column holds the {wanted.what}: {wanted.flag}.",
    )


def _holds(feature: Any, wanted: _Wanted) -> bool:
    if isinstance(feature, dict):
        return wanted is _IMAGES and bool(feature) and set(feature) <= {"bytes", "path"}
    plain = _kind(feature) == "Value" and feature.dtype.rstrip("0123456789") in wanted.types
    return plain or _kind(feature) == wanted.kind


def _labels_of(feature: Any, values: Sequence[Any]) -> list[str | None]:
    """The cells of a label column as text; None where there is no label."""
    names: Sequence[str] | None = getattr(feature, "names", None)
    if names is None:
        return [None if value is None else str(value) for value in values]
    # -1 stands for "no label".
    return [None if value is None or value < 0 else names[value] for value in values]


def _kind(feature: Any) -> str:
    return type(feature).__name__


def _described(feature: Any) -> str:
    if _kind(feature) == "Value":
        return str(feature.dtype)
    if _kind(feature) == "ClassLabel":
        return f"ClassLabel with {feature.num_classes} names"
    return _kind(feature)
