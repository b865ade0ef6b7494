"""`cotbuild encoder`: lists encoders, and checks one against its publisher's own files."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from builder import __version__
from builder.cli import app, flags, print_json

if TYPE_CHECKING:
    from builder.encoders.catalog import KnownModel
    from builder.terminal.encoders import EncoderRow

DISAGREES = 1

encoder = typer.Typer(
    name="encoder", help="Which encoders there are; compare one with its publisher's own files."
)
app.add_typer(encoder)


@encoder.command("list")
def list_encoders(as_json: flags.Json = False) -> None:
    """The encoders that have a name here: licence, size, and whether they are on this machine."""
    from builder.encoders.catalog import KNOWN, any_of
    from builder.terminal.encoders import EncoderRow, encoders_table

    rows = [_row(model) for model in KNOWN]
    # Its module would load torch, which takes longer than everything else here.
    notes = ("a toy for drawn cards",)
    rows.append(EncoderRow("miniature", "Apache-2.0", 0, 256, 72, True, None, notes))
    others = (
        f"Besides these, any {any_of()[0]} checkpoint of the Hugging Face hub (org/name) or in a "
        "local folder."
    )
    if as_json:
        print_json({"encoders": [asdict(row) for row in rows], "others": others})
        return
    from builder.terminal.console import result_console

    result_console().print(encoders_table(rows, others))


@encoder.command()
def verify(
    name: Annotated[
        str, typer.Argument(help="jina-clip-v1, jina-clip-v2 or a folder with such a checkpoint.")
    ],
    onnx: Annotated[
        Path | None,
        typer.Option("--onnx", help="Folder with the publisher's ONNX files; default: downloaded."),
    ] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")] = "cpu",
    as_json: flags.Json = False,
) -> None:
    """Compare jina-clip, as cotbuild computes it, with the ONNX files that its publisher made.

    Both get the same token ids and pixel values of bundled sentences and images, in float32.
    Exit code 0 if the vectors agree and the weights are the published ones (of a folder, if the
    vectors agree); 1 if not; 3 if they can't be compared. What agreed with the ONNX files as they
    are downloaded is remembered, and `cotbuild encoder list` shows it. Needs onnxruntime.
    """
    from builder.encoders.jina.onnx_reference import require_onnxruntime

    require_onnxruntime()
    from builder.cli.encoder_verify import agreed

    if not agreed(name, onnx, device, as_json=as_json):
        raise typer.Exit(DISAGREES)


def _row(model: "KnownModel") -> "EncoderRow":
    import huggingface_hub

    from builder.encoders.cache_folder import default_cache_folder
    from builder.encoders.jina.verify import is_verified
    from builder.terminal.encoders import EncoderRow

    weights, commit = "model.safetensors", model.commit
    found = huggingface_hub.try_to_load_from_cache(model.repository, weights, revision=commit)
    licence, _, condition = model.licence.partition(", ")
    verified = None
    if model.onnx_commit:
        verified = is_verified(default_cache_folder(), model, __version__)
    return EncoderRow(
        name=model.name,
        licence=licence,
        weights_bytes=model.weights_bytes,
        dimensions=model.dimensions,
        image_size=model.image_size,
        here=isinstance(found, str),
        verified=verified,
        notes=tuple(note for note in (condition, "" if verified else model.unverified) if note),
    )
