"""From what the user calls an encoder to the encoder itself."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image

from builder.encoders.catalog import licence_of
from builder.encoders.protocol import Encoder, Pixels
from builder.encoders.spec import EncoderSpec
from builder.errors import EncoderError, InputError


@dataclass(frozen=True, slots=True)
class Located:
    """An encoder whose files are on this machine, before its weights are read.

    `preprocess` is the encoder's own; `licence` is empty where it isn't known.
    """

    name: str
    revision: str
    licence: str
    preprocess: Callable[[Image.Image], Pixels]
    load: Callable[[], Encoder]


def open_encoder(spec: str, *, device: str = "auto", dtype: str = "float32") -> Encoder:
    """`miniature`, a known model's name, a local folder, or a hub id `org/name[@revision]`.

    jina-clip-v2 takes options behind its name: `jina-clip-v2:truncate_dim=256`. A folder that
    exists wins over a hub id of the same spelling. `device` is `auto` or a torch device such as
    `cpu` or `cuda:0`, `dtype` float32, float16 or bfloat16. Raises EncoderError or InputError.
    """
    return locate(spec, device=device, dtype=dtype).load()


def locate(spec: str, *, device: str = "auto", dtype: str = "float32") -> Located:
    """The same without reading the weights; those of a hub checkpoint are downloaded.

    Raises EncoderError or InputError.
    """
    wanted = EncoderSpec.parse(spec)
    if wanted.name == "miniature":
        return _miniature(wanted, device, dtype)
    # Kept out of the way of `--help`: what follows imports torch and transformers.
    from builder.encoders.checkpoint import content_revision, model_type

    if wanted.folder is not None:
        kind = model_type(wanted.folder, wanted.name)
        revision = content_revision(wanted.folder)
        return _checkpoint(wanted, kind, wanted.folder, revision, device, dtype)
    from builder.encoders.hub import fetch_checkpoint

    folder, commit = fetch_checkpoint(wanted.name, wanted.revision)
    return _checkpoint(wanted, model_type(folder, wanted.name), folder, commit, device, dtype)


def bytes_missing(spec: str) -> int:
    """How much `locate` would download. Raises EncoderError or InputError."""
    wanted = EncoderSpec.parse(spec)
    if wanted.folder is not None or wanted.name == "miniature":
        return 0
    from builder.encoders.hub import bytes_to_download

    return bytes_to_download(wanted.name, wanted.revision)


def _miniature(wanted: EncoderSpec, device: str, dtype: str) -> Located:
    from builder.encoders.devices import pick_device
    from builder.encoders.miniature import load_miniature, miniature_revision, preprocess

    if dtype != "float32" or wanted.options:
        raise InputError(
            f"The miniature computes in float32 only and has no options, not {dtype}"
            f"{wanted.options}.",
            hint="Leave --dtype and the options out.",
        )
    if device != "auto" and pick_device(device).type != "cpu":
        raise InputError(
            f"The miniature computes on the CPU only, not on {device}.",
            hint="Leave --device out.",
        )
    return Located("miniature", miniature_revision(), "", preprocess, load_miniature)


def _checkpoint(
    wanted: EncoderSpec, kind: str, folder: Path, revision: str, device: str, dtype: str
) -> Located:
    from builder.encoders.devices import pick_device, pick_dtype

    name = f"{wanted.name}{wanted.options}"
    target, number_type = pick_device(device), pick_dtype(dtype)
    if kind == "jina_clip":
        from builder.encoders.jina.clip import (
            jina_clip_version,
            jina_preprocessing,
            load_jina_clip,
        )

        return Located(
            name,
            revision,
            licence_of(jina_clip_version(folder, name)),
            jina_preprocessing(folder, name),
            partial(
                load_jina_clip,
                folder,
                name=name,
                revision=revision,
                truncate_dim=wanted.truncate_dim,
                task=wanted.task,
                device=target,
                dtype=number_type,
            ),
        )
    if wanted.options:
        raise EncoderError(
            f"{wanted.name} has no options, and {wanted.options!r} was asked for.",
            hint="truncate_dim and task are options of jina-clip-v2.",
        )
    from builder.encoders.transformers_clip import load_preprocessing, load_pretrained

    return Located(
        name,
        revision,
        "",
        load_preprocessing(folder, name),
        partial(
            load_pretrained,
            folder,
            name=name,
            revision=revision,
            device=target,
            dtype=number_type,
        ),
    )
