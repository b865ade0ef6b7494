"""Text files that the user wrote: in UTF-8, with or without a byte order mark."""

from pathlib import Path

from builder.errors import InputError


def read_text(path: Path, hint: str) -> str:
    """The text of a file. Raises InputError, with that hint where the file cannot be read."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.", hint=hint) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path} is not UTF-8: byte 0x{error.object[error.start]:02x} on line {line}.",
            hint="Save the file as UTF-8 (in most editors: Save as..., encoding UTF-8).",
        ) from error
