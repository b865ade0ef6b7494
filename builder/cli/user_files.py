"""Files and folders that a person named: if they can be used; how they are read and written."""

import os
from pathlib import Path

from builder.errors import InputError, SessionError
from builder.files import command, replace_file
from builder.session.journal import JOURNAL, OWN_FILES
from builder.session.state import State


def expanded(path: str) -> Path:
    """The path with `~` resolved. Raises InputError."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise InputError(f"{path}: {error}", hint="write the folder's name out") from error


def read_text(path: Path, hint: str) -> str:
    """The text of a file that a flag names. Raises InputError with that hint."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InputError(f"{path} can't be read: {why}", hint=hint) from error


def writable(path: Path, flag: str = "-o export.json") -> Path:
    """The path to write to, links followed. Raises InputError for what must not be replaced."""
    found = path.resolve()
    if found.exists() and not found.is_file():
        kind = "a folder" if found.is_dir() else "not a regular file"
        raise InputError(f"{path} is {kind}", hint=f"name a file: {flag}")
    if found.name in OWN_FILES and (found.parent / JOURNAL).exists():
        raise InputError(f"{path} belongs to the session itself", hint=f"name another file: {flag}")
    # Where a new folder or file would be made.
    folder = next(parent for parent in found.parents if parent.exists())
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise InputError(
            f"{path} can't be written", hint="name a file in a folder that you may write to"
        )
    return found


def write_file(path: Path, text: str, flag: str) -> None:
    """Replaces `path`, which `flag` named. Raises InputError where it can't be written."""
    try:
        replace_file(path, text)
    except OSError as error:
        raise InputError(
            f"{path} can't be written: {error.strerror or error}",
            hint=f"name a file in a folder that you may write to:\n{flag}",
        ) from error


def check_drafted(state: State, folder: Path) -> None:
    """Raises SessionError for a session without a system."""
    if state.system is None:
        raise SessionError(
            f"nothing was drafted yet in {folder}", hint=f"go on with:\n{command('resume', folder)}"
        )
