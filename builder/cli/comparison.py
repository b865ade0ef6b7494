"""Systems and baselines on the same images with one or more encoders: one table per part."""

import gc
import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import typer

from builder.cli.bench import SPLITS, distinct, scoring_from
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
from builder.cli.controlling import Bench, controls_of
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
from builder.near_duplicates import near_duplicates
from builder.referee import SplitData
from builder.scoring import score_names
from builder.system_file import EncoderIdentity, SplitName, SystemFile, load_system_file
from builder.terminal.render import ControlRow, ScoreRow, control_table, score_table


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
    controls: bool
    as_json: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """What one encoder makes of the images: by row, which are right, and the controls."""

    marks: Marks
    identity: EncoderIdentity
    controls: Sequence[ControlRow]


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
    parts = parts_of(files.values(), images)
    task = Task(candidates, names, images, crop, wanted.controls)
    measured = dict(zip(encoders, _measure(task, located, parts, screen), strict=True))
    identities = {spec: each.identity for spec, each in measured.items()}
    say_what_differs(files, identities.values(), screen)

    marks = [each.marks for each in measured.values()]
    tables = {
        part: rows_of(candidates, marks, [image.digest in members for image in images])
        for part, members in parts.items()
    }
    controls = {spec: each.controls for spec, each in measured.items() if wanted.controls}
    if wanted.as_json:
        report = scores_json(
            tables,
            candidates,
            identities,
            controls,
            dtype=wanted.dtype,
            source=wanted.images,
            found=found,
            crop=crop,
        )
        typer.echo(json.dumps(report, ensure_ascii=False))
    else:
        _show(tables, encoders, found, crop, screen)
        for spec, rows in controls.items():
            title = EncoderSpec.parse(spec).title
            screen.table(f"null controls, {ALL}, {title}", control_table(rows))
    _say_looks(files, tables, screen)
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


def _say_looks(
    files: Mapping[Path, SystemFile], tables: Mapping[str, object], screen: Screen
) -> None:
    """How often the session of a system has looked at these images before, as far as it knows."""
    for path, file in files.items():
        if not file.provenance or not any(title in tables for title in SPLIT_TITLES.values()):
            continue
        before = file.provenance
        # Older files count versions only, each of which was a look.
        held_out = max(before.held_out_looks, before.versions_tried)
        looks = f"{counted(held_out, 'time')} at its held-out images"
        if SPLIT_TITLES["final"] in tables:
            looks += f" and {counted(before.final_looks, 'time')} at its final ones"
        screen.warning(
            f"the session of {path.name} looked {looks}; it can't count this look, and every look "
            "makes such figures worth less"
        )


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


@dataclass(frozen=True, slots=True)
class Task:
    """What every encoder is to score: the candidates on these images, and whether with controls."""

    candidates: Sequence[Candidate]
    names: Sequence[str]
    images: Sequence[LabelledImage]
    crop: Crop | None
    controls: bool


def _measure(
    task: Task, located: Mapping[str, Located], parts: Mapping[str, frozenset[str]], screen: Screen
) -> list[Measured]:
    """Encoders one after the other: each is loaded, used and freed before the next."""
    measured: list[Measured] = []
    preprocess = [each.preprocess for each in located.values()]
    folder = default_cache_folder()
    with closing(decoded_once(preprocess, crop=task.crop, folder=folder)) as readers:
        for each, read in zip(located.values(), readers, strict=False):
            title = EncoderSpec.parse(each.name).title
            with screen.step(f"Loading the encoder {title}"):
                encoder = each.load()
            bench = _bench(task, encoder, read, screen)
            if not measured:
                _say_near_duplicates(task, bench, parts, screen)
            measured.append(_measured(task, bench, identity_of(encoder)))
            # Weights may be in reference cycles, and two large encoders need not fit in memory.
            del encoder, bench
            gc.collect()
    return measured


def _bench(task: Task, encoder: Encoder, read: PixelReader, screen: Screen) -> Bench:
    vectors, phrases = encode_images(encoder, task.images, task.crop, screen, read)
    labels = [image.label for image in task.images]
    return Bench(vectors, labels, phrases, encoder.logit_scale)


def _measured(task: Task, bench: Bench, identity: EncoderIdentity) -> Measured:
    marks, controls = [], []
    for each in task.candidates:
        scores = (
            bench.score(each.file)
            if each.file
            else score_names(task.names, bench.images, bench.phrases(each.texts), bench.labels)
        )
        marks.append(scores.correct)
        if task.controls:
            controls += controls_of(each, scores, bench)
    return Measured(marks, identity, controls)


def _say_near_duplicates(
    task: Task, bench: Bench, parts: Mapping[str, frozenset[str]], screen: Screen
) -> None:
    """Of images of a session, those that nearly repeat one of another split."""
    splits: dict[SplitName, SplitData] = {}
    for split in SPLITS:
        members = parts.get(SPLIT_TITLES[split], frozenset())
        rows = [row for row, image in enumerate(task.images) if image.digest in members]
        splits[split] = SplitData(
            digests=tuple(task.images[row].digest for row in rows),
            labels=tuple(bench.labels[row] for row in rows),
            vectors=bench.images[rows],
        )
    names = {image.digest: str(image.path) for image in task.images}
    screen.near_duplicates(near_duplicates(splits), names)
