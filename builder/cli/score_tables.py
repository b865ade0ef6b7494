"""Systems and baselines on the same images with one or more encoders: one table per part."""

from collections.abc import Mapping, Sequence
from itertools import compress

from builder.cli import print_json, score_rows
from builder.cli.file_inputs import say_looks
from builder.cli.score_controls import ImagesAtHand, controls_of
from builder.cli.score_inputs import Inputs, with_each_encoder
from builder.cli.workspace import SPLITS, PhraseVectors, scoring_from, split_data
from builder.data.classes import ClassEntry
from builder.encoders.protocol import Encoder, Vectors
from builder.encoders.spec import EncoderSpec
from builder.scoring.beside_accuracy import Beside, worth_telling
from builder.scoring.near_duplicates import near_duplicates
from builder.scoring.score import score_names
from builder.scoring.wording import counted
from builder.system.file import SystemFile
from builder.terminal.render import ControlRow, ScoreRow, control_table, score_table


def compare(
    inputs: Inputs, classes: Sequence[ClassEntry], *, controls: bool, as_json: bool
) -> float:
    """`cotbuild score`: the lowest accuracy of a system. Raises CotbuildError.

    `classes` have the descriptions for a baseline.
    """
    files, images, screen = inputs.files, inputs.images, inputs.screen
    described = {entry.name: entry.description for entry in classes}
    descriptions = {name: described.get(name, "") for name in inputs.class_names}
    contenders = score_rows.contenders_of(files, descriptions)
    parts = score_rows.parts_of(files.values(), images)
    told: set[str] = set()

    def work(
        encoder: Encoder, vectors: Vectors, phrases: PhraseVectors
    ) -> tuple[score_rows.RightByRow, list[ControlRow]]:
        """What each contender has right, and the controls."""
        at_hand = ImagesAtHand(encoder, vectors, phrases, [image.label for image in images])
        if not told:
            # The same images are near each other with every encoder: once is enough.
            told.add(encoder.fingerprint)
            members = {split: parts.get(score_rows.SPLIT_TITLES[split], ()) for split in SPLITS}
            names = {image.digest: str(image.path) for image in images}
            screen.near_duplicates(near_duplicates(split_data(images, members, vectors)), names)
        right, rows = [], []
        for each in contenders:
            if each.file:
                scores = at_hand.score(each.file)
            else:
                texts = phrases(each.texts)
                scores = score_names(inputs.class_names, vectors, texts, at_hand.labels)
            right.append(score_rows.Right.of(scores))
            if controls:
                rows += controls_of(each, scores, at_hand)
        return right, rows

    measured = with_each_encoder(inputs, work)
    right = [found for (found, _), _ in measured.values()]
    labels = [image.label for image in images]
    inside = {part: [i.digest in members for i in images] for part, members in parts.items()}
    tables = {
        part: score_rows.rows_of(contenders, right, labels, each) for part, each in inside.items()
    }
    control_rows = {spec: rows for spec, ((_, rows), _) in measured.items() if controls}
    if as_json:
        identities = {spec: identity for spec, (_, identity) in measured.items()}
        print_json(score_rows.scores_json(tables, contenders, identities, control_rows, inputs))
    else:
        size = len(inputs.class_names)
        beside = {
            part: worth_telling(list(compress(labels, each)), size) for part, each in inside.items()
        }
        _show(tables, beside, tuple(measured), inputs)
        for spec, rows in control_rows.items():
            title = EncoderSpec.parse(spec).title
            screen.table(f"null controls, {score_rows.ALL}, {title}", control_table(rows))
    shown = [split for split in SPLITS if score_rows.SPLIT_TITLES[split] in tables]
    say_looks(files, shown, screen)
    systems = [
        row for row, each in zip(tables[score_rows.ALL], contenders, strict=True) if each.main
    ]
    return min(cell.correct / cell.n for row in systems for cell in row.cells)


def _show(
    tables: Mapping[str, Sequence[ScoreRow]],
    beside: Mapping[str, Sequence[Beside]],
    encoders: Sequence[str],
    inputs: Inputs,
) -> None:
    titles = [EncoderSpec.parse(spec).title for spec in encoders]
    unlike = titles if len(set(titles)) == len(titles) else encoders
    looked_at = str(inputs.crop) if inputs.crop else ""
    for title, rows in tables.items():
        inputs.screen.table(
            title, score_table(rows, unlike, looked_at=looked_at, beside=beside[title])
        )
    found = inputs.found
    lost = len(found.skipped) + len(found.conflicting)
    if lost > len(found.images):
        inputs.screen.warning(
            f"{counted(lost, 'image')} could not be used, more than the "
            f"{len(found.images):,} that could: these figures are of a remainder"
        )


def with_scoring(file: SystemFile, rule: str | None, scale: float | None) -> SystemFile:
    """The file; a rule or scale given by flag replaces its scoring, fits and all."""
    if rule is None and scale is None:
        return file
    scale = file.scoring.scale if scale is None else scale
    return file.model_copy(update={"scoring": scoring_from(rule or file.scoring.rule, scale)})
