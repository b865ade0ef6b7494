"""A stream of images to a stream of predictions, told to people or to programs as they come."""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import typer

from builder.api import Classifier, Prediction, Skipped
from builder.cli import INTERRUPTED
from builder.cli.encoder_download import fetch_encoder
from builder.cli.file_inputs import measured_by, say_what_differs
from builder.cli.screen import Screen
from builder.cli.workspace import identity_of
from builder.data.folders import files_named
from builder.data.pictures import Crop
from builder.encoders.cache_folder import default_cache_folder
from builder.encoders.spec import EncoderSpec
from builder.encoders.streaming import Picture
from builder.encoders.vector_cache import VectorCache
from builder.errors import InputError
from builder.scoring.wording import counted
from builder.system.file import load_system_file
from builder.system.model import AttributeSystem
from builder.terminal.console import OutputClosed
from builder.terminal.predictions import PredictionLine, explained, questions_asked

_STDIN = 0
_LIST = "-"
UNREADABLE = 1
_CHUNK = 1 << 16
# More bytes than any path has.
_LONGEST = 1 << 20


@dataclass(slots=True)
class Tally:
    """How many images were classified, and how many could not be."""

    classified: int = 0
    unreadable: int = 0
    # Names that stand for no image: their number, and the first with its reason.
    nothing: int = 0
    first: str = ""

    def count(self, picture: Picture, found: Prediction | Skipped) -> None:
        """Counts one more outcome."""
        if not isinstance(found, Skipped):
            self.classified += 1
        elif isinstance(picture, Skipped):
            self.nothing += 1
            self.first = self.first or f"{found.where}: {found.reason}"
        else:
            self.unreadable += 1

    @property
    def words(self) -> str:
        lost = f", {self.unreadable:,} could not be read" if self.unreadable else ""
        return f"{counted(self.classified, 'image')} classified{lost}."

    def check(self) -> None:
        """Raises InputError if no image was named at all, typer.Exit(1) if anything was lost."""
        if not self.classified and not self.unreadable:
            raise InputError(
                f"there is no image to classify{f': {self.first}' if self.first else ''}",
                hint="name image files, folders or patterns, or - for a list of paths on stdin",
            )
        if self.unreadable or self.nothing:
            raise typer.Exit(UNREADABLE)


def _leave_at_once() -> NoReturn:
    """Ends the process without waiting for threads.

    One may wait for a line for ever, and others be within the decoder or the encoder, which crash
    where Python tidies up below them.
    """
    typer.echo("\nStopped.", err=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(INTERRUPTED)


def classify_all(
    classifier: Classifier, images: Iterable[str], screen: Screen, *, explain: bool, as_json: bool
) -> None:
    """Classifies all. Raises CotbuildError, and typer.Exit(1) if an image was unreadable."""
    tally = Tally()
    explaining = classifier.file.system if explain else None
    try:
        if explaining and not as_json:
            screen.results.print(questions_asked(explaining))
        for picture, found in classifier.stream(paths(images, lines_of(_STDIN))):
            tally.count(picture, found)
            if as_json:
                # ASCII, so that it arrives whole whatever the terminal's encoding.
                line = json.dumps(_data(picture, found, explaining))
                screen.results.out(line, highlight=False)
            else:
                _show(picture, found, explaining, screen)
    except OutputClosed:
        # Whoever reads has seen enough: `cotbuild classify ... | head`.
        return
    except KeyboardInterrupt:
        _leave_at_once()
    screen.progress_to.print(tally.words)
    tally.check()


def open_classifier(
    path: Path, spec: str | None, crop: str | None, device: str, dtype: str, screen: Screen
) -> Classifier:
    """The classifier by a system's file; says where it is not sure. Raises CotbuildError."""
    file = load_system_file(path)
    spec = spec or measured_by([file])[0]
    part = Crop.parse(crop) if crop is not None else None
    located = fetch_encoder(spec, device=device, dtype=dtype, screen=screen)
    with screen.step(f"Loading the encoder {EncoderSpec.parse(spec).title}"):
        encoder = located.load()
    say_what_differs({path: file}, [identity_of(encoder)], screen)
    cache = VectorCache(default_cache_folder(), encoder.fingerprint, on_warning=screen.warning)
    classifier = Classifier(file, encoder, crop=part, cache=cache)
    if classifier.calibration is None:
        why = "the file has no calibration"
        if file.calibration is not None:
            why = "that needs the encoder and the crop that the system was measured with"
        screen.warning(f"the confidence is not calibrated, it only ranks: {why}")
    return classifier


def _show(
    picture: Picture,
    found: Prediction | Skipped,
    explaining: AttributeSystem | None,
    screen: Screen,
) -> None:
    if isinstance(found, Skipped):
        screen.warning(f"{found.where} left out: {found.reason}")
        return
    screen.results.print(PredictionLine(str(picture), found), crop=False)
    if explaining:
        screen.results.print(explained(found, explaining))


def _data(
    picture: Picture, found: Prediction | Skipped, explaining: AttributeSystem | None
) -> dict[str, Any]:
    """A line of `--json`; `explaining`: also each group's prompt, and the options of the rule."""
    if isinstance(found, Skipped):
        return {"path": found.where, "error": found.reason}
    best = [
        {"class": r.class_name, "score": _short(r.score), "confidence": _short(r.confidence)}
        for r in found.ranking
    ]
    seen: dict[str, dict[str, Any]] = {}
    for group, option in found.seen.items():
        seen[group] = {"option": option, "probability": _short(found.seen_probability[group])}
        if explaining:
            rule = list(explaining.rules[found.class_name][group])
            seen[group] |= {"question": explaining.group(group).prompt, "rule": rule}
    return {
        "path": str(picture),
        "class": found.class_name,
        "confidence": _short(found.confidence),
        "calibrated": found.calibrated,
        "best": best,
        "seen": seen,
    }


def _short(value: float) -> float:
    """A probability or score without the digits that differ between machines."""
    return round(value, 6)


def paths(names: Iterable[str], lines: Iterator[str]) -> Iterator[str | Skipped]:
    """The named files, in order; for `-` the paths in `lines`."""
    for name in names:
        yield from lines if name == _LIST else files_named(name)


def lines_of(stdin: int) -> Iterator[str]:
    """Lines of a file descriptor as they come, without blank ones. Raises InputError for no text.

    Read without Python's buffer, which a thread that waits would lock while the program ends.
    """
    rest = b""
    while chunk := os.read(stdin, _CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > _LONGEST:
            raise InputError(
                "stdin holds no list of paths: a line is longer than any path",
                hint="write one path a line: ls *.png | cotbuild classify SYSTEM -",
            )
        yield from _named(lines)
    yield from _named([rest])


def _named(lines: Iterable[bytes]) -> Iterator[str]:
    # Names of files may be any bytes; those that are no UTF-8 go through unharmed.
    texts = (line.removesuffix(b"\r").decode("utf-8", "surrogateescape") for line in lines)
    # Some editors put a mark at the beginning of a text.
    return (text for text in (each.removeprefix("\ufeff") for each in texts) if text.strip())
