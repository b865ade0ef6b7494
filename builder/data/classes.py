"""classes.txt: one class a line, optionally ` | description`."""

import unicodedata
from dataclasses import dataclass
from pathlib import Path

from builder.errors import InputError

_FORMAT_HINT = (
    "Write one class name a line, in UTF-8, optionally followed by ' | ' and a description; "
    "lines that start with # are comments."
)


@dataclass(frozen=True, slots=True)
class ClassEntry:
    """A class as the user named it, with what they want reviewers and the model to know of it."""

    name: str
    description: str = ""


def read_classes(path: Path) -> tuple[ClassEntry, ...]:
    """The classes in file order, at least two; names are NFC and trimmed, otherwise as written.

    Raises InputError for a file that is missing, a folder, unreadable, not UTF-8 or without
    classes; for a single class, an empty or duplicate name (ignoring case) and control characters.
    """
    entries: list[ClassEntry] = []
    first_lines: dict[str, tuple[int, str]] = {}
    # Not splitlines(): that also breaks at form feeds and U+2028, which no editor shows as a line.
    for number, raw in enumerate(_read_text(path).split("\n"), start=1):
        line = raw.strip(" \t\r")
        if not line or line.startswith("#"):
            continue
        entry = _parse_line(path, number, line)
        key = unicodedata.normalize("NFC", entry.name.casefold())
        if key in first_lines:
            earlier, spelling = first_lines[key]
            spelled = "" if spelling == entry.name else f" (there spelled {spelling!r})"
            raise InputError(
                f"{path}: class {entry.name!r} on line {number} is already on line "
                f"{earlier}{spelled}.",
                hint="Remove or rename one of the two lines; upper and lower case do not "
                "make two classes.",
            )
        first_lines[key] = (number, entry.name)
        entries.append(entry)
    if not entries:
        raise InputError(f"{path} holds no class.", hint=_FORMAT_HINT)
    if len(entries) == 1:
        raise InputError(
            f"{path} holds only one class, {entries[0].name!r}: with one class there is "
            "nothing to tell apart.",
            hint="Add at least one more class, each on a line of its own.",
        )
    return tuple(entries)


def _read_text(path: Path) -> str:
    if path.is_dir():
        raise InputError(
            f"{path} is a folder, not a file of class names.",
            hint=f"Name the file inside it, for example {path / 'classes.txt'}.",
        )
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}.", hint=_FORMAT_HINT) from error
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror or error}.",
            hint="Check the path and that you may read the file.",
        ) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # With a byte order mark the decoder counts from behind it.
        start = len(data) - len(error.object) + error.start
        raise InputError(
            f"{path} is not UTF-8: byte 0x{data[start]:02x} at position {start}, on line "
            f"{data.count(10, 0, start) + 1}.",
            hint="Save the file as UTF-8 (in most editors: Save as..., encoding UTF-8).",
        ) from error


def _parse_line(path: Path, number: int, line: str) -> ClassEntry:
    # Only a bar between spaces separates, so that a name may hold a bar itself.
    name, _, description = unicodedata.normalize("NFC", f" {line} ").partition(" | ")
    entry = ClassEntry(name.strip(), description.strip())
    if not entry.name:
        raise InputError(
            f"{path}: line {number} has no class name before the '|'.", hint=_FORMAT_HINT
        )
    for character in entry.name + entry.description:
        # Cc: control characters; Cf would take away joiners that some scripts need.
        if unicodedata.category(character) == "Cc" or character in "\u2028\u2029":
            raise InputError(
                f"{path}: line {number} holds the control character U+{ord(character):04X}.",
                hint="Delete it; it is invisible in most editors, so retype the line if need be.",
            )
    return entry
