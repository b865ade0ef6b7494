"""The rows of `cotbuild score`: baselines and systems, and how many images each gets right."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import compress
from pathlib import Path
from typing import NamedTuple, Self

from builder import __version__
from builder.cli.score_inputs import Inputs
from builder.data.images import LabelledImage
from builder.scoring.beside_accuracy import BEST
from builder.scoring.evaluator import baseline_texts
from builder.scoring.score import Scores
from builder.scoring.statistics import Correct, class_mean, wilson
from builder.system.file import EncoderIdentity, SplitName, SystemFile
from builder.system.model import Scoring, scored_texts
from builder.terminal.render import ControlRow, ScoreCell, ScoreRow

SPLIT_TITLES: dict[SplitName, str] = {"review": "review", "held_out": "held-out", "final": "final"}
UNSEEN = "images that the session had not seen"
ALL = "all images"
# The baseline that the article's improvements are over.
NAMES = "name"
# The article's pseudo code takes the softmax of bare cosines.
PRINTED_SCALE = 1.0


class Right(NamedTuple):
    """Where a contender has an image [n] right, and where its class is among the best 5."""

    correct: Correct
    among_best: Correct

    @classmethod
    def of(cls, scores: Scores) -> Self:
        return cls(scores.correct, scores.among_best(BEST))


# By row, in their order, for one encoder.
RightByRow = Sequence[Right]


@dataclass(frozen=True, slots=True)
class Contender:
    """A row of the table: texts to encode, and how its system scores them.

    `path` names it to programs, `title` to people. `file` is None for a baseline. `main`: the
    system scored as its file, or a flag, says.
    """

    path: str
    title: str
    texts: tuple[str, ...]
    file: SystemFile | None = None
    main: bool = False


def contenders_of(
    files: Mapping[Path, SystemFile], descriptions: Mapping[str, str]
) -> list[Contender]:
    """The baselines, then the systems; at the checkpoint's scale also scored as in the article."""
    domain = next(iter(files.values())).system.domain
    found = [
        Contender(name, name, tuple(texts))
        for name, texts in baseline_texts(domain, descriptions).items()
    ]
    for path, file in files.items():
        alone = [other.name for other in files].count(path.name) == 1
        title = path.name if alone else str(path)
        texts = scored_texts(file.system, file.scoring)
        if file.scoring == Scoring():
            scoring = Scoring(scale=PRINTED_SCALE)
            printed = file.model_copy(update={"scoring": scoring})
            at_one = f"{title} at scale 1"
            found.append(Contender(f"{path} at scale 1", at_one, texts, printed))
            title = f"{title} at own scale"
        found.append(Contender(str(path), title, texts, file, main=True))
    return found


def parts_of(
    files: Iterable[SystemFile], images: Sequence[LabelledImage]
) -> dict[str, frozenset[str]]:
    """The splits of the images' session, if they are known, then all images."""
    everything = frozenset(image.digest for image in images)
    parts: dict[str, frozenset[str]] = {}
    for file in files:
        splits = file.provenance.splits if file.provenance else {}
        known = {
            title: everything & set(splits.get(split, ())) for split, title in SPLIT_TITLES.items()
        }
        if any(known.values()):
            parts = {title: found for title, found in known.items() if found}
            if unseen := everything - frozenset[str]().union(*known.values()):
                parts[UNSEEN] = unseen
            break
    return {**parts, ALL: everything}


def rows_of(
    contenders: Sequence[Contender],
    right: Sequence[RightByRow],
    labels: Sequence[str],
    inside: Sequence[bool],
) -> list[ScoreRow]:
    """One row per contender, on the images that are `inside` the part; `labels` of all, [n]."""
    labels = list(compress(labels, inside))
    n = len(labels)
    # [encoder][row]
    found = [[Right(*(where[inside] for where in row)) for row in each] for each in right]
    baselines = [row for row, each in enumerate(contenders) if each.file is None]
    (plain,) = [row for row in baselines if contenders[row].title == NAMES]

    def cell(each: RightByRow, row: int) -> ScoreCell:
        counts = [int(other.correct.sum()) for other in each]
        interval = wilson(counts[row], n)
        over: tuple[float | None, float | None] = (None, None)
        if contenders[row].file is not None:
            best = max(counts[other] for other in baselines)
            over = (100 * (counts[row] - counts[plain]) / n, 100 * (counts[row] - best) / n)
        mean, among = class_mean(each[row].correct, labels), float(each[row].among_best.mean())
        return ScoreCell(counts[row], n, interval.low, interval.high, mean, among, *over)

    return [
        ScoreRow(each.title, len(each.texts), tuple(cell(right, row) for right in found))
        for row, each in enumerate(contenders)
    ]


def scores_json(
    tables: Mapping[str, Sequence[ScoreRow]],
    contenders: Sequence[Contender],
    encoders: Mapping[str, EncoderIdentity],
    controls: Mapping[str, Sequence[ControlRow]],
    inputs: Inputs,
) -> object:
    """The results as JSON: what was measured, how, and on what."""
    parts = []
    for title, rows in tables.items():
        each = zip(contenders, rows, strict=True)
        parts.append({"images": title, "rows": [_row_json(*pair, list(encoders)) for pair in each]})
    return {
        "cotbuild": __version__,
        "encoders": {spec: inputs.encoder_json(identity) for spec, identity in encoders.items()},
        "images": inputs.images_json(),
        "parts": parts,
        # Empty unless --controls asks for them.
        "controls": {
            spec: [{**asdict(row), "accuracy": row.mean / row.n} for row in rows]
            for spec, rows in controls.items()
        },
    }


def _row_json(contender: Contender, row: ScoreRow, encoders: Sequence[str]) -> object:
    return {
        "name": contender.path,
        "texts": row.n_texts,
        # Without a scale of its own, a system is scored at the encoder's logit scale.
        "scoring": contender.file.scoring.model_dump() if contender.file else None,
        "encoders": {
            spec: {**asdict(cell), "accuracy": cell.correct / cell.n}
            for spec, cell in zip(encoders, row.cells, strict=True)
        },
    }
