"""Files that are written whole or not at all; commands that name files, to be copied."""

import contextlib
import os
import secrets
import shlex
from functools import partial
from pathlib import Path


def replace_file(path: Path, content: str | bytes, *, private: bool = False) -> None:
    """Replaces a file at once, by renaming a temporary one beside it; makes missing folders.

    private: only its owner may read it. Raises OSError; then the old content is still there.
    """
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = 0o600 if private else 0o666
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with open(temporary, "xb", opener=partial(os.open, mode=mode)) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def command(*words: object) -> str:
    """A command of cotbuild, quoted so that it can be copied into a shell as it stands.

    A `Path` is written from the current folder where it lies below that.
    """
    written = (_from_here(word) if isinstance(word, Path) else str(word) for word in words)
    return shlex.join(["cotbuild", *written])


def _from_here(path: Path) -> str:
    # Elsewhere, or where the current folder is gone, it stays as it is.
    with contextlib.suppress(ValueError, OSError):
        path = path.relative_to(Path.cwd())
    return f"./{path}" if str(path).startswith("-") else str(path)
