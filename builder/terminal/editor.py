"""The person's own editor, and the text files that pass between it and cotbuild."""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from builder.errors import InputError

_LONGEST_FILE = 10_000_000


def run_editor(path: Path, otherwise: str = "") -> None:
    """Lets the person edit a file, and waits until the editor is closed.

    Raises InputError when it can't be started or ends with an error; what is in the file then stays
    there. `otherwise` names what else the person can do.
    """
    command = _editor()
    try:
        code = subprocess.run([*command, str(path)], check=False).returncode
    except OSError as error:
        raise InputError(
            f"The editor {command[0]} cannot be started: {error.strerror or error}.",
            hint=f"Name another one in EDITOR{otherwise}.",
        ) from error
    if code != 0:
        raise InputError(
            f"The editor {command[0]} ended with an error ({code}).",
            hint=f"Try again{otherwise}.",
        )


def read_text(path: Path, hint: str = "") -> str:
    """The text of a file. Raises InputError; `hint` is for a file that is too large."""
    try:
        path = path.expanduser()
        if path.stat().st_size > _LONGEST_FILE:
            raise InputError(f"{path} has {path.stat().st_size / 1e6:,.0f} MB.", hint=hint)
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError, RuntimeError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise InputError(
            f"{path} cannot be read: {why or error}.", hint="Name a UTF-8 text file."
        ) from error


def write_private(path: Path, text: str, what: str) -> None:
    """The whole file or nothing, readable by its owner alone. Raises InputError, naming `what`."""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
                file.write(text)
            Path(temporary).replace(path)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(
            f"{what} cannot be written to {path}: {error.strerror or error}.",
            hint="Make room or make the folder writable, then go on with cotbuild resume.",
        ) from error


def remove_file(path: Path, what: str) -> None:
    """Raises InputError, naming `what`, where a file that should not stay can't be removed."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{what} cannot be removed from {path}: {error.strerror or error}.",
            hint="Remove the file by hand.",
        ) from error


def _editor() -> list[str]:
    """The person's editor as words of a command. Raises InputError where none is named."""
    named = os.environ.get("VISUAL", "").strip() or os.environ.get("EDITOR", "").strip()
    usual = "notepad" if sys.platform == "win32" else "vi"
    try:
        # A path on Windows holds backslashes.
        command = shlex.split(named or usual, posix=sys.platform != "win32")
    except ValueError as error:
        raise InputError(
            f"The editor {named} is not a command: {error}.", hint="Set EDITOR, e.g. EDITOR=nano."
        ) from error
    return command
