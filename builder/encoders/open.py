"""From what the user calls an encoder to the encoder itself."""

from importlib import import_module

from builder.encoders.catalog import FAMILY_OF, Family, built_in
from builder.encoders.protocol import Encoder, Located, Wanted
from builder.encoders.spec import EncoderSpec
from builder.errors import EncoderError


def open_encoder(spec: str, *, device: str = "auto", dtype: str = "float32") -> Encoder:
    """The encoder that `spec` names, its weights read.

    `spec`: `miniature`, a known model's name, a local folder, or a hub id `org/name[@revision]`.

    jina-clip-v2 takes options behind its name: `jina-clip-v2:truncate_dim=256`. A folder that
    exists wins over a hub id of the same spelling. `device` is `auto` or a torch device such as
    `cpu` or `cuda:0`, `dtype` float32, float16 or bfloat16. Raises EncoderError or InputError.
    """
    return locate(spec, device=device, dtype=dtype).load()


def locate(spec: str, *, device: str = "auto", dtype: str = "float32") -> Located:
    """The encoder that `spec` names, before its weights are read; they are downloaded if need be.

    Raises EncoderError or InputError.
    """
    wanted = EncoderSpec.parse(spec)
    if (family := built_in(wanted.name)) is not None:
        return _located(family, Wanted(wanted, device, dtype))
    # Kept out of the way of `--help`: it imports the hub's library.
    from builder.encoders.checkpoint import content_revision, model_type
    from builder.encoders.hub import fetch_checkpoint

    if wanted.folder is None:
        folder, revision = fetch_checkpoint(wanted.name, wanted.revision)
        family = FAMILY_OF[model_type(folder, wanted.name)]
    else:
        folder = wanted.folder
        family = FAMILY_OF[model_type(folder, wanted.name)]
        revision = content_revision(folder)
    if wanted.options and not family.options:
        raise EncoderError(
            f"{wanted.name} has no options, and {wanted.options!r} was asked for.",
            hint="truncate_dim and task are options of jina-clip-v2.",
        )
    return _located(family, Wanted(wanted, device, dtype, folder, revision))


def _located(family: Family, wanted: Wanted) -> Located:
    # Only the family that is wanted is imported: torch and the like take seconds.
    located: Located = import_module(family.module).locate(wanted)
    return located


def bytes_missing(spec: str) -> int:
    """How much `locate` would download. Raises EncoderError or InputError."""
    wanted = EncoderSpec.parse(spec)
    if wanted.folder is not None or built_in(wanted.name):
        return 0
    from builder.encoders.hub import bytes_to_download

    return bytes_to_download(wanted.name, wanted.revision)
