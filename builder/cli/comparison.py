"""Systems and baselines on the same images with one or more encoders: one table per part."""

import gc
import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import typer

from builder.cli.bench import distinct, scoring_from
from builder.cli.candidates import (
    ALL,
    SPLIT_TITLES,
    Candidate,
    Marks,
    candidates_of,
    parts_of,
    rows_of,
    scores_json,
)
from builder.cli.measured import (
    crop_for,
    encode_images,
    identity_of,
    measured_by,
    read_images,
    say_unknown_classes,
    say_what_differs,
)
from builder.cli.opening import fetch_encoder
from builder.cli.screen import Screen
from builder.data import Crop, ImageSet, ImageSource, LabelledImage, read_classes
from builder.encoders.cache import default_cache_folder
from builder.encoders.open import Located
from builder.encoders.protocol import Encoder
from builder.encoders.reading import PixelReader, decoded_once
from builder.encoders.spec import EncoderSpec
from builder.figures import counted
from builder.scoring import score, score_names
from builder.system_file import EncoderIdentity, SystemFile, load_system_file
from builder.terminal.render import ScoreRow, score_table


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the flags of `score` ask for."""

    systems: tuple[Path, ...]
    images: ImageSource
    encoders: tuple[str, ...]
    classes: Path | None
    crop: str | None
    rule: str | None
    scale: float | None
    device: str
    dtype: str
    as_json: bool


def compare(wanted: Comparison, *, min_accuracy: float | None) -> None:
    """`cotbuild score`. Raises CotbuildError, and typer.Exit with 1 below `min_accuracy`."""
    screen = Screen.open()
    files = {path: _load(path, wanted) for path in wanted.systems}
    encoders = tuple(dict.fromkeys(wanted.encoders)) or measured_by(files.values())
    crop = crop_for(wanted.crop, wanted.images, files.values())
    names = tuple(dict.fromkeys(name for file in files.values() for name in file.system.classes))
    candidates = candidates_of(files, _descriptions(wanted.classes, names))
    # Before any image is read: a slip in a name is said at once.
    located = {
        spec: fetch_encoder(spec, device=wanted.device, dtype=wanted.dtype, screen=screen)
        for spec in encoders
    }
    found = read_images(wanted.images, names, screen)
    pictures = distinct(found)
    images = [pictures[digest] for digest in sorted(pictures)]
    say_unknown_classes(files, images, screen)
    measured = _measure(candidates, names, located, images, crop, screen)
    identities = dict(zip(encoders, (identity for _, identity in measured), strict=True))
    say_what_differs(files, identities.values(), screen)

    marks = [each for each, _ in measured]
    tables = {
        part: rows_of(candidates, marks, [image.digest in members for image in images])
        for part, members in parts_of(files.values(), images).items()
    }
    if wanted.as_json:
        report = scores_json(
            tables,
            candidates,
            identities,
            dtype=wanted.dtype,
            source=wanted.images,
            found=found,
            crop=crop,
        )
        typer.echo(json.dumps(report, ensure_ascii=False))
    else:
        _show(tables, encoders, found, crop, screen)
    _check_accuracy(candidates, tables[ALL], min_accuracy, screen)


def _show(
    tables: Mapping[str, Sequence[ScoreRow]],
    encoders: Sequence[str],
    found: ImageSet,
    crop: Crop | None,
    screen: Screen,
) -> None:
    titles = [EncoderSpec.parse(spec).title for spec in encoders]
    unlike = titles if len(set(titles)) == len(titles) else encoders
    for title, rows in tables.items():
        looked_at = str(crop) if crop else ""
        screen.table(title, score_table(rows, unlike, looked_at=looked_at))
    lost = len(found.skipped) + len(found.conflicting)
    if lost > len(found.images):
        screen.warning(
            f"{counted(lost, 'image')} could not be used, more than the "
            f"{len(found.images):,} that could: these figures are of a remainder"
        )
    if SPLIT_TITLES["final"] in tables:
        screen.warning("every look at the final images makes their estimate worth less")


def _check_accuracy(
    candidates: Sequence[Candidate],
    rows: Sequence[ScoreRow],
    min_accuracy: float | None,
    screen: Screen,
) -> None:
    """Raises typer.Exit with 1 when any system is worse with any encoder."""
    systems = [row for row, each in zip(rows, candidates, strict=True) if each.main]
    worst = min(cell.correct / cell.n for row in systems for cell in row.cells)
    if min_accuracy is not None and worst < min_accuracy:
        screen.below(worst, min_accuracy)
        raise typer.Exit(1)


def _load(path: Path, wanted: Comparison) -> SystemFile:
    file = load_system_file(path)
    rule = wanted.rule or file.scoring.rule
    scale = file.scoring.scale if wanted.scale is None else wanted.scale
    return file.model_copy(update={"scoring": scoring_from(rule, scale)})


def _descriptions(classes: Path | None, names: Sequence[str]) -> dict[str, str]:
    """Class name -> description, "" where there is none."""
    entries = read_classes(classes) if classes else ()
    described = {entry.name: entry.description for entry in entries}
    return {name: described.get(name, "") for name in names}


def _measure(
    candidates: Sequence[Candidate],
    names: Sequence[str],
    located: Mapping[str, Located],
    images: Sequence[LabelledImage],
    crop: Crop | None,
    screen: Screen,
) -> list[tuple[Marks, EncoderIdentity]]:
    """Encoders one after the other: each is loaded, used and freed before the next."""
    measured = []
    preprocess = [each.preprocess for each in located.values()]
    folder = default_cache_folder()
    with closing(decoded_once(preprocess, crop=crop, folder=folder)) as readers:
        for each, read in zip(located.values(), readers, strict=False):
            title = EncoderSpec.parse(each.name).title
            with screen.step(f"Loading the encoder {title}"):
                encoder = each.load()
            measured.append(
                (
                    _marks(candidates, names, encoder, images, crop, read, screen),
                    identity_of(encoder),
                )
            )
            # Weights may be in reference cycles, and two large encoders need not fit in memory.
            del encoder
            gc.collect()
    return measured


def _marks(
    candidates: Sequence[Candidate],
    names: Sequence[str],
    encoder: Encoder,
    images: Sequence[LabelledImage],
    crop: Crop | None,
    read: PixelReader,
    screen: Screen,
) -> Marks:
    vectors, phrases = encode_images(encoder, images, crop, screen, read)
    labels = [image.label for image in images]
    return [
        (
            score(
                each.file.system,
                vectors,
                phrases(each.texts),
                labels,
                scoring=each.file.scoring,
                logit_scale=encoder.logit_scale,
            )
            if each.file
            else score_names(names, vectors, phrases(each.texts), labels)
        ).correct
        for each in candidates
    ]
