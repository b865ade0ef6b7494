"""Which columns of a hub data set hold the images and the labels."""

from collections.abc import Mapping, Sequence
from typing import Any

from builder.errors import InputError

# datasets.Features: column -> its feature. That library has no types.
Features = Mapping[str, Any]
_FILES = ("string", "large_string", "binary", "large_binary")
_LABELS = ("string", "large_string", "bool", "int", "uint")


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
