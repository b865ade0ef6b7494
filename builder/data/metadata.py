"""metadata.csv / metadata.jsonl: a folder of images in the ImageFolder layout of Hugging Face.

A line for each image: `file_name`, its path relative to the folder, and `label`. An address
(http, https) may stand in the place of the path.
"""

import csv
import functools
import io
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from builder.data.downloading import is_url
from builder.data.images import Skipped
from builder.data.rows import Rows, Stored
from builder.data.text_files import read_text
from builder.errors import InputError

# Its number, and what stands in it by the names of the columns.
_Line = tuple[int, Mapping[str, object]]
_NAMES = ("metadata.csv", "metadata.jsonl")
_HINT = "Write a line for each image, with its file_name (relative to the folder) and its label."


def find_metadata(folder: Path) -> Path | None:
    """The folder's metadata file, None if it has none; InputError if it has two."""
    found = [folder / name for name in _NAMES if (folder / name).is_file()]
    if len(found) > 1:
        raise InputError(
            f"{folder} holds both {_NAMES[0]} and {_NAMES[1]}.",
            hint="Remove one of them, so that it is clear which one labels the images.",
        )
    return found[0] if found else None


def read_metadata(path: Path, image_column: str | None, label_column: str | None) -> Rows:
    """The rows of a metadata file; columns: `file_name` and `label` unless they are named.

    Raises InputError for a file that cannot be read, holds no line, or lacks a column.
    """
    text = read_text(path, _HINT)
    lines = _csv_lines(path, text) if path.suffix == ".csv" else _json_lines(path, text)
    columns = list(dict.fromkeys(name for _, values in lines for name in values))
    if not columns:
        raise InputError(f"{path} names no image.", hint=_HINT)
    image_column = _require(path, columns, image_column or "file_name", "--image-column")
    label_column = _require(path, columns, label_column or "label", "--label-column")
    names = [_text(values.get(image_column)) for _, values in lines]
    labels = [_text(values.get(label_column)) for _, values in lines]

    def stored(rows: Sequence[int]) -> Iterator[Stored | Skipped]:
        seen: dict[tuple[str, str | None], int] = {}
        for row in rows:
            number, _ = lines[row]
            first = seen.setdefault((os.path.normpath(names[row] or ""), labels[row]), number)
            found = _locate(path.parent, names[row])
            if first != number and isinstance(found, Path):
                found = f"the same image as on line {first}"
            if isinstance(found, str):
                yield Skipped(f"{path}, line {number}", found)
            else:
                yield Stored(found, str(found))

    urls = {row: name for row, name in enumerate(names) if name and is_url(name)}
    return Rows(str(path), labels, urls, stored)


def _csv_lines(path: Path, text: str) -> list[_Line]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        _refuse_twice(f"{path} has two columns", reader.fieldnames or ())
        # Columns beyond the header come as a list under None.
        return [
            (reader.line_num, {name: row[name] for name in row if isinstance(name, str)})
            for row in reader
        ]
    except csv.Error as error:
        raise InputError(
            f"{path}, line {reader.reader.line_num}: {error}.",
            hint="Put a value that holds a quote, a comma or a line break into quotes, and write "
            "its own quotes twice.",
        ) from error


def _json_lines(path: Path, text: str) -> list[_Line]:
    lines: list[_Line] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            values = json.loads(line, object_pairs_hook=functools.partial(_object, path, number))
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}, line {number} is not JSON: {error}.", hint=_HINT) from error
        if not isinstance(values, dict):
            raise InputError(
                f"{path}, line {number} holds no JSON object.",
                hint='Write each line like {"file_name": "1.png", "label": "a class"}.',
            )
        lines.append((number, values))
    return lines


def _object(path: Path, number: int, pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    _refuse_twice(f"{path}, line {number} has two values", [name for name, _ in pairs])
    return dict(pairs)


def _refuse_twice(problem: str, names: Sequence[str]) -> None:
    """Raises InputError if a name occurs twice, since nobody can say which one is meant."""
    for name, times in Counter(names).items():
        if times > 1 and name:
            raise InputError(
                f"{problem} of the name {name!r}.", hint="Remove or rename one of the two."
            )


def _require(path: Path, columns: Sequence[str], name: str, flag: str) -> str:
    if name not in columns:
        raise InputError(
            f"{path} has no column {name!r}, only {', '.join(map(repr, columns))}.",
            hint=f"Rename a column, or say which one it is with {flag}.",
        )
    return name


def _text(value: object) -> str | None:
    """A cell as text; None if it is empty or no single value."""
    if isinstance(value, str):
        return value.strip() or None
    return str(value) if isinstance(value, int | float) else None


def _locate(folder: Path, name: str | None) -> Path | str:
    """The file that a line names, or why there is none."""
    if name is None:
        return "no file is named"
    relative = Path(os.path.normpath(name))
    if relative.is_absolute() or relative.parts[:1] == ("..",) or "\0" in name:
        return f"{name!r} is not inside the folder"
    path = folder / relative
    try:
        return path if path.is_file() else f"there is no file {name!r}"
    except OSError as error:
        # Such as a name that is too long, so it is not repeated here.
        return f"its file cannot be looked up: {error.strerror or error}"
