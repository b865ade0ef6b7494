"""Files that are written as a whole or not at all, whatever happens meanwhile."""

import os
import secrets
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
