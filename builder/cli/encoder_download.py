"""Downloads the encoder that the flags name, after saying its size and licence."""

from builder.cli.screen import Screen
from builder.encoders.open import bytes_missing, locate
from builder.encoders.protocol import Located
from builder.encoders.spec import EncoderSpec


def download_needed(spec: str, screen: Screen) -> str | None:
    """What must be downloaded for an encoder, as an unfinished sentence; None for nothing.

    Raises EncoderError or InputError.
    """
    wanted = EncoderSpec.parse(spec)
    with screen.step(f"Looking for the encoder {wanted.title}"):
        missing = bytes_missing(spec)
    if not missing:
        return None
    licence = f" (licence: {wanted.licence})" if wanted.licence else ""
    return (
        f"the encoder {wanted.title}{licence} is not on this machine: {missing / 1e6:,.0f} MB must "
        "be downloaded from the Hugging Face hub, once"
    )


def fetch_encoder(
    spec: str, *, device: str, dtype: str, screen: Screen, agreed: bool = False
) -> Located:
    """The encoder's files on this machine; says its licence. Raises EncoderError or InputError.

    agreed: somebody was told of the download already.
    """
    wanted = EncoderSpec.parse(spec)
    screen.licence(wanted.title, wanted.licence)
    if not agreed and (needed := download_needed(spec, screen)):
        screen.warning(needed)
    # What is downloaded draws progress bars of its own.
    located = locate(spec, device=device, dtype=dtype)
    screen.licence(wanted.title, located.licence)
    return located
