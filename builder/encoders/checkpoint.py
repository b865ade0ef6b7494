"""A checkpoint folder before it is loaded: which model it is, and which revision."""

import hashlib
import json
from pathlib import Path

from builder.errors import EncoderError

# Everything that vectors depend on; the weights are added to these.
_CONFIGURATION = (
    "config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
)
SUPPORTED_TYPES = ("clip", "siglip", "siglip2", "jina_clip")
SUPPORTED_HINT = "Name a jina-clip, CLIP, SigLIP or SigLIP 2 checkpoint, or `miniature`."


def model_type(folder: Path, name: str) -> str:
    """One of SUPPORTED_TYPES; EncoderError for any other model or an unusable config."""
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise EncoderError(
            f"{name} holds no config.json, so it is no checkpoint of transformers.",
            hint="Name the folder that holds config.json, preprocessor_config.json, "
            "tokenizer.json and the weights (model.safetensors).",
        ) from error
    except (OSError, ValueError) as error:
        raise EncoderError(
            f"{path} cannot be read: {error}.", hint="Download the checkpoint again."
        ) from error
    found = config.get("model_type") if isinstance(config, dict) else None
    if found not in SUPPORTED_TYPES:
        raise EncoderError(
            f"{name} is a model of type {found!r}, which is not an image-text encoder that "
            "cotbuild can load.",
            hint=SUPPORTED_HINT,
        )
    return str(found)


def weight_files(folder: Path) -> list[Path]:
    """The files that the weights are read from, sorted; empty if there are none."""
    return sorted(folder.glob("model*.safetensors")) or sorted(folder.glob("pytorch_model*.bin"))


def content_revision(folder: Path) -> str:
    """SHA-256 (hex) over names and contents of the configuration, tokenizer and weights.

    Reads the weights once. The same files in another folder have the same revision.
    """
    digest = hashlib.sha256()
    configuration = [folder / name for name in _CONFIGURATION if (folder / name).is_file()]
    for path in [*configuration, *weight_files(folder)]:
        with path.open("rb") as file:
            digest.update(f"{path.name}\0".encode())
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
