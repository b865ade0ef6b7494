"""Which models were compared with their publisher's files on this machine, and agreed.

A small JSON file beside the caches. A damaged or missing one means that nothing was compared.
`version` is cotbuild's: what another version computes was not compared.
"""

import json
from pathlib import Path
from typing import Any

from builder.encoders.catalog import KnownModel
from builder.encoders.jina.config import PREPARATION
from builder.encoders.jina.verify import Agreement
from builder.errors import EncoderError
from builder.files import replace_file

_FILE = "verified.json"


def is_verified(folder: Path, model: KnownModel, version: str) -> bool:
    """Whether just these weights agreed as this version loads them; `folder`: of the caches."""
    return _key(model, version) in _read(folder / _FILE)


def remember(folder: Path, model: KnownModel, version: str, verdict: Agreement) -> None:
    """Keeps that the model's published weights agreed. Raises EncoderError if it can't be kept."""
    path = folder / _FILE
    differences = {found.kind: found.largest for found in verdict.comparisons}
    entries = {**_read(path), _key(model, version): differences}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(path, json.dumps(entries, indent=1))
    except OSError as error:
        raise EncoderError(
            f"{path} can't be written, so this is not remembered: {error.strerror or error}.",
            hint="Set COTBUILD_CACHE to a folder that can be written.",
        ) from error


def _key(model: KnownModel, version: str) -> str:
    weights = f"{model.name}@{model.commit}:{model.weights_sha256}"
    return f"{weights}:cotbuild-{version}:{PREPARATION}"


def _read(path: Path) -> dict[str, Any]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    # Nesting without end is one more way to be damaged.
    except (OSError, ValueError, RecursionError):
        return {}
    return entries if isinstance(entries, dict) else {}
