"""Which models were compared with their publisher's files on this machine, and agreed.

A small JSON file beside the caches. A damaged or missing one means that nothing was compared.
"""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from builder.encoders.catalog import KnownModel
from builder.encoders.verification import Verdict
from builder.errors import EncoderError

_FILE = "verified.json"


def is_verified(folder: Path, model: KnownModel) -> bool:
    """Whether just these weights of the model agreed; `folder` is that of the caches."""
    return _key(model) in _read(folder / _FILE)


def remember(folder: Path, model: KnownModel, verdict: Verdict) -> None:
    """Keeps that the model's published weights agreed. Raises EncoderError if it can't be kept."""
    path = folder / _FILE
    differences = {found.kind: found.largest for found in verdict.comparisons}
    entries = {**_read(path), _key(model): differences}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _replace(path, json.dumps(entries, indent=1))
    except OSError as error:
        raise EncoderError(
            f"{path} can't be written, so this is not remembered: {error.strerror or error}.",
            hint="Set COTBUILD_CACHE to a folder that can be written.",
        ) from error


def _key(model: KnownModel) -> str:
    return f"{model.name}@{model.commit}:{model.weights_sha256}"


def _read(path: Path) -> dict[str, Any]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    # Nesting without end is one more way to be damaged.
    except (OSError, ValueError, RecursionError):
        return {}
    return entries if isinstance(entries, dict) else {}


def _replace(path: Path, text: str) -> None:
    """The whole new content or the old one, whatever happens meanwhile."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
