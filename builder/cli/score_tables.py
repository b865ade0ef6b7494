"""Systems and baselines on the same images with one or more encoders: one table per part."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from builder.cli.file_inputs import say_looks
from builder.cli.score_controls import ImagesAtHand, controls_of
from builder.cli.score_inputs import (
    Comparison,
    Inputs,
    check_accuracy,
    class_names,
    gather,
    with_each_encoder,
)
from builder.cli.score_rows import (
    ALL,
    SPLIT_TITLES,
    Contender,
    CorrectByRow,
    contenders_of,
    parts_of,
    rows_of,
    scores_json,
)
from builder.cli.screen import Screen
from builder.cli.workspace import SPLITS, PhraseVectors, scoring_from, split_data
from builder.data.classes import read_classes
from builder.data.images import ImageSet, LabelledImage
from builder.data.pictures import Crop
from builder.encoders.protocol import Encoder, Vectors
from builder.encoders.spec import EncoderSpec
from builder.scoring.near_duplicates import near_duplicates
from builder.scoring.score import score_names
from builder.scoring.wording import counted
from builder.system.file import SystemFile, load_system_file
from builder.terminal.render import ControlRow, ScoreRow, control_table, score_table


@dataclass(frozen=True, slots=True)
class EncoderResult:
    """The results with one encoder: which images each row has right, and the controls."""

    correct: CorrectByRow
    controls: Sequence[ControlRow]


def compare(wanted: Comparison, *, min_accuracy: float | None) -> None:
    """`cotbuild score`. Raises CotbuildError; typer.Exit(1) for accuracy below `min_accuracy`."""
    screen = Screen.open()
    files = {path: _load(path, wanted) for path in wanted.systems}
    contenders = contenders_of(files, _descriptions(wanted.classes, class_names(files.values())))
    inputs = gather(wanted, files, screen)
    parts = parts_of(files.values(), inputs.images)
    told: set[str] = set()

    def work(encoder: Encoder, vectors: Vectors, phrases: PhraseVectors) -> EncoderResult:
        labels = [image.label for image in inputs.images]
        at_hand = ImagesAtHand(vectors, labels, phrases, encoder.fingerprint, encoder.logit_scale)
        if not told:
            # The same images are near each other with every encoder: once is enough.
            told.add(encoder.fingerprint)
            _say_near_duplicates(inputs.images, at_hand, parts, screen)
        return _measured(contenders, inputs, at_hand, controls=wanted.controls)

    measured = with_each_encoder(inputs, screen, work)
    correct = [each.correct for each, _ in measured.values()]
    tables = {
        part: rows_of(contenders, correct, [image.digest in members for image in inputs.images])
        for part, members in parts.items()
    }
    controls = {spec: each.controls for spec, (each, _) in measured.items() if wanted.controls}
    if wanted.as_json:
        report = scores_json(
            tables,
            contenders,
            {spec: identity for spec, (_, identity) in measured.items()},
            controls,
            dtype=wanted.dtype,
            source=wanted.images,
            found=inputs.found,
            crop=inputs.crop,
        )
        typer.echo(json.dumps(report, ensure_ascii=False))
    else:
        _show(tables, tuple(measured), inputs.found, inputs.crop, screen)
        for spec, rows in controls.items():
            title = EncoderSpec.parse(spec).title
            screen.table(f"null controls, {ALL}, {title}", control_table(rows))
    shown = [split for split in SPLITS if SPLIT_TITLES[split] in tables]
    say_looks(files, shown, screen)
    systems = [row for row, each in zip(tables[ALL], contenders, strict=True) if each.main]
    worst = min(cell.correct / cell.n for row in systems for cell in row.cells)
    check_accuracy(worst, min_accuracy, screen)


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


def _load(path: Path, wanted: Comparison) -> SystemFile:
    """Loads the file; a rule or scale given by flag replaces its scoring, fits and all."""
    file = load_system_file(path)
    if wanted.rule is None and wanted.scale is None:
        return file
    rule = wanted.rule or file.scoring.rule
    scale = file.scoring.scale if wanted.scale is None else wanted.scale
    return file.model_copy(update={"scoring": scoring_from(rule, scale)})


def _descriptions(classes: Path | None, names: Sequence[str]) -> dict[str, str]:
    """Class name -> description, "" where there is none."""
    entries = read_classes(classes) if classes else ()
    described = {entry.name: entry.description for entry in entries}
    return {name: described.get(name, "") for name in names}


def _measured(
    contenders: Sequence[Contender], inputs: Inputs, at_hand: ImagesAtHand, *, controls: bool
) -> EncoderResult:
    correct, rows = [], []
    for each in contenders:
        scores = (
            at_hand.score(each.file)
            if each.file
            else score_names(
                inputs.class_names,
                at_hand.images,
                at_hand.phrases(each.texts),
                at_hand.labels,
            )
        )
        correct.append(scores.correct)
        if controls:
            rows += controls_of(each, scores, at_hand)
    return EncoderResult(correct, rows)


def _say_near_duplicates(
    images: Sequence[LabelledImage],
    at_hand: ImagesAtHand,
    parts: Mapping[str, frozenset[str]],
    screen: Screen,
) -> None:
    """Warns of a session's images that nearly repeat one of another split."""
    splits = {
        split: split_data(images, parts.get(SPLIT_TITLES[split], ()), at_hand.images)
        for split in SPLITS
    }
    names = {image.digest: str(image.path) for image in images}
    screen.near_duplicates(near_duplicates(splits), names)
