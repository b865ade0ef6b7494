"""Compares jina-clip, as it is computed here, with its publisher's ONNX files."""

from dataclasses import asdict, dataclass
from pathlib import Path

from builder import __version__
from builder.cli import print_json
from builder.data.images import file_digest
from builder.encoders import catalog
from builder.encoders.cache_folder import default_cache_folder
from builder.encoders.hub import fetch_checkpoint
from builder.encoders.jina.clip import JinaClipEncoder
from builder.encoders.jina.onnx_reference import fetch_onnx, open_reference, verify
from builder.encoders.jina.verify import Agreement, remember
from builder.encoders.protocol import Wanted
from builder.encoders.samples import sample_images, sample_texts
from builder.encoders.spec import EncoderSpec
from builder.errors import CotbuildError, EncoderError, InputError
from builder.terminal.bars import spinner
from builder.terminal.console import progress_console, result_console
from builder.terminal.encoders import DifferenceRow, megabytes, verdict_screen
from builder.terminal.render import error_panel
from builder.terminal.text import LONG, plain

WEIGHTS = "model.safetensors"


def agreed(name: str, onnx: Path | None, device: str, *, as_json: bool) -> bool:
    """Whether the encoder agrees with the files in `onnx`, or else with its publisher's.

    Shows how far they are apart, and remembers what agreed with the publisher's. Raises
    CotbuildError.
    """
    console = progress_console()
    subject = _subject(name)
    if subject.as_stated is False:
        if onnx is None:
            # Before gigabytes are fetched.
            if as_json:
                _print_json(subject, Agreement(()), agrees=False)
            raise CotbuildError(subject.weights, hint=subject.advice)
        # Said before the weights are read, which may fail for just that reason.
        console.print(plain(f"{subject.weights} {subject.advice}", LONG))
    verdict = _compare(subject, onnx or _fetched_onnx(subject), device)
    agrees = verdict.agrees and subject.as_stated is not False
    if as_json:
        _print_json(subject, verdict, agrees=agrees)
    else:
        rows = [DifferenceRow(**asdict(comparison)) for comparison in verdict.comparisons]
        drawn = verdict_screen(
            subject.name, subject.weights, rows, tolerance=verdict.tolerance, agrees=agrees
        )
        result_console().print(drawn)
    # Files that somebody named may be anybody's.
    if agrees and subject.model is not None and onnx is None:
        try:
            remember(default_cache_folder(), subject.model, __version__, verdict)
        except EncoderError as error:
            # The verdict holds, although it could not be stored.
            console.print(error_panel(error), crop=False)
    return agrees


@dataclass(frozen=True, slots=True)
class _Subject:
    """An encoder folder to compare. model: None where no published weights are known for it."""

    name: str
    model: catalog.KnownModel | None
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
    wanted = EncoderSpec.parse(name)
    folder, model = wanted.folder, None
    if folder is None:
        model = catalog.known_model(wanted.name)
        if (
            model is None
            or not model.onnx_commit
            or wanted != EncoderSpec(model.repository, revision=model.commit)
        ):
            names = ", ".join(known.name for known in catalog.KNOWN if known.onnx_commit)
            raise EncoderError(
                f"{name} is no folder, and no model with ONNX files that are known to belong to "
                "it.",
                hint=f"Possible are {names}, or a folder in their layout with --onnx.",
            )
        progress_console().print(f"Licence of {model.name}: {model.licence}.")
        folder, _ = fetch_checkpoint(model.repository, model.commit)
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise EncoderError(
            f"{folder} holds no {WEIGHTS}.", hint="Name the folder of a jina-clip checkpoint."
        )
    with spinner("Reading the weights", progress_console()):
        digest = file_digest(weights)
    stated = (known for known in catalog.KNOWN if known.weights_sha256 == digest)
    return _Subject(name, model or next(stated, None), folder, weights.stat().st_size, digest)


def _fetched_onnx(subject: _Subject) -> Path:
    if subject.model is None:
        raise InputError(
            f"It isn't known which ONNX files belong to the folder {subject.name}.",
            hint="Name the folder that holds them with --onnx. They are known for a folder with "
            "the published weights of jina-clip-v1 or jina-clip-v2.",
        )
    size = megabytes(subject.model.onnx_bytes)
    progress_console().print(f"The publisher's ONNX files: {size}, unless they are here already.")
    return fetch_onnx(subject.model.repository, subject.model.onnx_commit)


def _compare(subject: _Subject, onnx: Path, device: str) -> Agreement:
    console = progress_console()
    with spinner("Opening both", console):
        reference = open_reference(onnx)
        spec, weights = EncoderSpec(subject.name), subject.weights_sha256
        native = JinaClipEncoder(Wanted(spec, device, "float32", subject.folder, weights))
    texts, images = sample_texts(), sample_images()
    with spinner(f"Comparing {len(texts)} sentences and {len(images)} images", console):
        return verify(native, reference, texts, images)


def _print_json(subject: _Subject, verdict: Agreement, *, agrees: bool) -> None:
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
    print_json(result)
