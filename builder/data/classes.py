"""classes.txt: one class a line, optionally ` | description`."""

import unicodedata
from dataclasses import dataclass
from pathlib import Path

from builder.data.text_files import read_text
from builder.errors import InputError

_FORMAT_HINT = (
    "Write one class name a line into a file such as classes.txt, in UTF-8, optionally followed by "
    "' | ' and a description; lines that start with # are comments."
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
    for number, raw in enumerate(read_text(path, _FORMAT_HINT).split("\n"), start=1):
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
