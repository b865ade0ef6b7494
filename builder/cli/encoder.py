"""`cotbuild encoder`: lists encoders, and checks one against its publisher's own files."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from builder import __version__
from builder.cli import app, reports_errors
from builder.cli.flags import Json

if TYPE_CHECKING:
    from builder.encoders.catalog import KnownModel
    from builder.encoders.jina.verify import Agreement
    from builder.errors import CotbuildError
    from builder.terminal.encoders import EncoderRow

DISAGREES = 1
WEIGHTS = "model.safetensors"

encoder = typer.Typer(
    name="encoder", help="Which encoders there are; compare one with its publisher's own files."
)
app.add_typer(encoder)


@encoder.command("list")
@reports_errors
def list_encoders(
    as_json: Json = False,
) -> None:
    """The encoders that have a name here: licence, size, and whether they are on this machine."""
    from builder.encoders.cache_folder import default_cache_folder
    from builder.encoders.catalog import KNOWN, any_of
    from builder.encoders.jina.verify import is_verified
    from builder.terminal.encoders import encoders_table

    cache = default_cache_folder()
    rows = [
        _row(model, verified=is_verified(cache, model, __version__) if model.onnx_commit else None)
        for model in KNOWN
    ]
    rows.append(_miniature())
    others = (
        f"Besides these, any {any_of()[0]} checkpoint of the Hugging Face hub (org/name) or in a "
        "local folder."
    )
    if as_json:
        found = {"encoders": [asdict(row) for row in rows], "others": others}
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    from builder.terminal.console import result_console

    result_console().print(encoders_table(rows, others))


@encoder.command()
@reports_errors
def verify(
    name: Annotated[
        str, typer.Argument(help="jina-clip-v1, jina-clip-v2 or a folder with such a checkpoint.")
    ],
    onnx: Annotated[
        Path | None,
        typer.Option("--onnx", help="Folder with the publisher's ONNX files; default: downloaded."),
    ] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")] = "cpu",
    as_json: Json = False,
) -> None:
    """Compare jina-clip, as cotbuild computes it, with the ONNX files that its publisher made.

    Both get the same token ids and pixel values of bundled sentences and images, in float32.
    Exit code 0 if the vectors agree and the weights are the published ones (of a folder, if the
    vectors agree); 1 if not; 3 if they can't be compared. What agreed with the ONNX files as they
    are downloaded is remembered, and `cotbuild encoder list` shows it. Needs onnxruntime.
    """
    from builder.encoders.jina.onnx_reference import require_onnxruntime
    from builder.terminal.console import progress_console
    from builder.terminal.text import LONG, plain

    require_onnxruntime()
    subject = _subject(name)
    if subject.as_stated is False:
        if onnx is None:
            raise _other_weights(subject, as_json=as_json)
        # Said before the weights are read, which may fail for just that reason.
        progress_console().print(plain(f"{subject.weights} {subject.advice}", LONG))
    files = onnx if onnx is not None else _fetched_onnx(subject)
    verdict = _compare(subject, files, device)
    agrees = verdict.agrees and subject.as_stated is not False
    _show(subject, verdict, agrees=agrees, as_json=as_json)
    if not agrees:
        raise typer.Exit(DISAGREES)
    # Files that somebody named may be anybody's.
    if subject.model is not None and onnx is None:
        _remember(subject.model, verdict)


@dataclass(frozen=True, slots=True)
class _Subject:
    """An encoder folder to compare. model: None where no published weights are known for it."""

    name: str
    model: "KnownModel | None"
    folder: Path
    weights_bytes: int
    weights_sha256: str

    @property
    def as_stated(self) -> bool | None:
        """Whether the weights are the published ones; None where none are known."""
        return None if self.model is None else self.weights_sha256 == self.model.weights_sha256

    @property
    def weights(self) -> str:
        found = f"Weights: {self.weights_bytes:,} bytes, sha256 {self.weights_sha256[:12]}…"
        if self.model is None:
            return f"{found}."
        if self.as_stated:
            return f"{found}, as its publisher states."
        return (
            f"{found}. These are not the published weights ({self.model.weights_bytes:,} bytes, "
            f"sha256 {self.model.weights_sha256[:12]}…)."
        )

    @property
    def advice(self) -> str:
        """What to do where the weights are not the published ones."""
        # The file itself: the hub's cache would take a link to it for the download.
        return f"Delete {(self.folder / WEIGHTS).resolve()} and download them again."


def _subject(name: str) -> _Subject:
    """The folder of that name, else the known model, downloaded if it is not here yet.

    A folder with the published weights of a known model is that model.
    """
    from builder.data.images import file_digest
    from builder.encoders.catalog import KNOWN, known_model
    from builder.encoders.spec import EncoderSpec
    from builder.errors import EncoderError
    from builder.terminal.bars import spinner
    from builder.terminal.console import progress_console

    wanted = EncoderSpec.parse(name)
    folder, model = wanted.folder, None
    if folder is None:
        model = known_model(wanted.name)
        if (
            model is None
            or not model.onnx_commit
            or wanted != EncoderSpec(model.repository, revision=model.commit)
        ):
            names = ", ".join(known.name for known in KNOWN if known.onnx_commit)
            raise EncoderError(
                f"{name} is no folder, and no model with ONNX files that are known to belong to "
                "it.",
                hint=f"Possible are {names}, or a folder in their layout with --onnx.",
            )
        folder = _fetched(model)
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise EncoderError(
            f"{folder} holds no {WEIGHTS}.", hint="Name the folder of a jina-clip checkpoint."
        )
    with spinner("Reading the weights", progress_console()):
        digest = file_digest(weights)
    stated = (known for known in KNOWN if known.weights_sha256 == digest)
    return _Subject(name, model or next(stated, None), folder, weights.stat().st_size, digest)


def _other_weights(subject: _Subject, *, as_json: bool) -> "CotbuildError":
    """The error for weights that aren't the published ones, before gigabytes are fetched."""
    from builder.encoders.jina.verify import Agreement
    from builder.errors import CotbuildError

    if as_json:
        _print_json(subject, Agreement(()), agrees=False)
    return CotbuildError(subject.weights, hint=subject.advice)


def _fetched(model: "KnownModel") -> Path:
    from builder.encoders.hub import fetch_checkpoint
    from builder.terminal.console import progress_console

    progress_console().print(f"Licence of {model.name}: {model.licence}.")
    folder, _ = fetch_checkpoint(model.repository, model.commit)
    return folder


def _fetched_onnx(subject: _Subject) -> Path:
    from builder.encoders.jina.onnx_reference import fetch_onnx
    from builder.errors import InputError
    from builder.terminal.console import progress_console
    from builder.terminal.encoders import megabytes

    if subject.model is None:
        raise InputError(
            f"It isn't known which ONNX files belong to the folder {subject.name}.",
            hint="Name the folder that holds them with --onnx. They are known for a folder with "
            "the published weights of jina-clip-v1 or jina-clip-v2.",
        )
    size = megabytes(subject.model.onnx_bytes)
    progress_console().print(f"The publisher's ONNX files: {size}, unless they are here already.")
    return fetch_onnx(subject.model.repository, subject.model.onnx_commit)


def _compare(subject: _Subject, onnx: Path, device: str) -> "Agreement":
    from builder.encoders.jina.clip import JinaClipEncoder
    from builder.encoders.jina.onnx_reference import open_reference, verify
    from builder.encoders.protocol import Wanted
    from builder.encoders.samples import sample_images, sample_texts
    from builder.encoders.spec import EncoderSpec
    from builder.terminal.bars import spinner
    from builder.terminal.console import progress_console

    console = progress_console()
    with spinner("Opening both", console):
        reference = open_reference(onnx)
        spec, weights = EncoderSpec(subject.name), subject.weights_sha256
        native = JinaClipEncoder(Wanted(spec, device, "float32", subject.folder, weights))
    texts, images = sample_texts(), sample_images()
    with spinner(f"Comparing {len(texts)} sentences and {len(images)} images", console):
        return verify(native, reference, texts, images)


def _show(subject: _Subject, verdict: "Agreement", *, agrees: bool, as_json: bool) -> None:
    if as_json:
        _print_json(subject, verdict, agrees=agrees)
        return
    from builder.terminal.console import result_console
    from builder.terminal.encoders import DifferenceRow, verdict_screen

    rows = [DifferenceRow(**asdict(comparison)) for comparison in verdict.comparisons]
    drawn = verdict_screen(
        subject.name, subject.weights, rows, tolerance=verdict.tolerance, agrees=agrees
    )
    result_console().print(drawn)


def _print_json(subject: _Subject, verdict: "Agreement", *, agrees: bool) -> None:
    result = {
        "name": subject.name,
        "revision": None if subject.model is None else subject.model.commit,
        "weights": {
            "bytes": subject.weights_bytes,
            "sha256": subject.weights_sha256,
            "as_stated": subject.as_stated,
        },
        "tolerance": verdict.tolerance,
        "compared": [asdict(comparison) for comparison in verdict.comparisons],
        "agrees": agrees,
    }
    typer.echo(json.dumps(result, ensure_ascii=False))


def _remember(model: "KnownModel", verdict: "Agreement") -> None:
    from builder.encoders.cache_folder import default_cache_folder
    from builder.encoders.jina.verify import remember
    from builder.errors import EncoderError
    from builder.terminal.console import progress_console
    from builder.terminal.render import error_panel

    try:
        remember(default_cache_folder(), model, __version__, verdict)
    except EncoderError as error:
        # The verdict holds, although it could not be stored.
        progress_console().print(error_panel(error))


def _row(model: "KnownModel", *, verified: bool | None) -> "EncoderRow":
    import huggingface_hub

    from builder.terminal.encoders import EncoderRow

    found = huggingface_hub.try_to_load_from_cache(model.repository, WEIGHTS, revision=model.commit)
    licence, _, condition = model.licence.partition(", ")
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


def _miniature() -> "EncoderRow":
    from builder.terminal.encoders import EncoderRow

    # Its module would load torch, which takes longer than everything else here.
    return EncoderRow(
        name="miniature",
        licence="Apache-2.0",
        weights_bytes=0,
        dimensions=256,
        image_size=72,
        here=True,
        verified=None,
        notes=("a toy for drawn cards",),
    )
