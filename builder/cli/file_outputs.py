"""Files that a person named are written."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from builder.errors import InputError


@contextmanager
def writing(path: Path, flag: str) -> Iterator[None]:
    """Raises InputError where `path`, which `flag` named, can't be written."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{path} can't be written: {error.strerror or error}",
            hint=f"name a file in a folder that you may write to: {flag}",
        ) from error
