"""From what the user calls an encoder to the encoder itself."""

import re
from pathlib import Path

from builder.encoders.protocol import Encoder
from builder.errors import EncoderError

_JINA = re.compile(r"(jinaai/)?jina-clip-v[12](@.*)?")
# The hub's own rules for names are stricter; this only tells names from slips.
_HUB_ID = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)(@(?P<revision>[^@\s]+))?")

POSSIBLE = (
    "Possible are: `miniature` (a toy for drawn cards); a CLIP or SigLIP checkpoint on the "
    "Hugging Face hub, such as openai/clip-vit-base-patch32 or google/siglip-base-patch16-224, "
    "with @revision if need be; a local folder with such a checkpoint."
)


def open_encoder(spec: str, *, device: str = "auto") -> Encoder:
    """`miniature`, a local folder, or a hub id `org/name[@revision]` -> Encoder.

    A folder that exists wins over a hub id of the same spelling. `device` is `auto` or a torch
    device such as `cpu` or `cuda:0`. Raises EncoderError.
    """
    if spec == "miniature":
        from builder.encoders.miniature import load_miniature

        return load_miniature()
    # Kept out of the way of `--help`: what follows imports torch and transformers.
    from builder.encoders.checkpoint import coming_next, content_revision, model_type

    folder = _folder(spec)
    if folder is not None:
        model_type(folder, spec)
        return _load(folder, spec, content_revision(folder), device)
    if _JINA.fullmatch(spec):
        raise coming_next(spec)
    match = _HUB_ID.fullmatch(spec)
    if match is None or spec.startswith((".", "~")):
        raise EncoderError(f"Unknown encoder {spec!r}: no such folder or name.", hint=POSSIBLE)
    from builder.encoders.hub import fetch_checkpoint

    folder, commit = fetch_checkpoint(match["repository"], match["revision"])
    return _load(folder, match["repository"], commit, device)


def _folder(spec: str) -> Path | None:
    """The local folder of that name, if there is one. Raises EncoderError for a file."""
    try:
        path = Path(spec).expanduser()
        # An empty path would mean the folder one stands in.
        if spec and path.is_dir():
            return path
        is_file = path.is_file()
    except (OSError, RuntimeError, ValueError):
        return None  # too long for a path, or somebody's home that doesn't exist
    if is_file:
        raise EncoderError(
            f"{spec} is a file, not a folder with a checkpoint.",
            hint="Name the folder that holds config.json, the tokenizer and the weights.",
        )
    return None


def _load(folder: Path, name: str, revision: str, device: str) -> Encoder:
    from builder.encoders.pretrained import load_pretrained

    return load_pretrained(folder, name=name, revision=revision, device=device)
