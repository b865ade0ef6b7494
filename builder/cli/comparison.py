"""Systems and baselines on the same images with one or more encoders: one table per part."""

import gc
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray

from builder import __version__
from builder.cli.bench import PhraseVectors, distinct, read_labelled, scoring_from
from builder.cli.screen import Screen
from builder.cli.settings import crop_of
from builder.data import Crop, ImageSource, LabelledImage, read_classes
from builder.encoders.cache import VectorCache, default_cache_folder, encode_image_files
from builder.encoders.open import Located, locate
from builder.encoders.reading import PixelReader, decoded_once
from builder.encoders.spec import EncoderSpec
from builder.errors import InputError
from builder.referee import baseline_texts
from builder.scoring import score, score_names
from builder.statistics import wilson
from builder.system import Scoring
from builder.system_file import EncoderIdentity, SystemFile, load_system_file
from builder.terminal.render import ScoreCell, ScoreRow, score_table

SPLIT_TITLES = {"review": "review", "held_out": "held-out", "final": "final"}
UNSEEN = "images that the session had not seen"
ALL = "all images"
# The baseline that the article's improvements are over.
NAMES = "name"
# The article's pseudo code takes the softmax of bare cosines.
PRINTED_SCALE = 1.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row of the table: texts that are encoded, and how a system scores them.

    `file` is None for a baseline. `main`: the system scored as its file, or a flag, says.
    """

    name: str
    texts: tuple[str, ...]
    file: SystemFile | None = None
    main: bool = False


# By row, in their order: which images are right [n], for one encoder.
Marks = Sequence[NDArray[np.bool_]]


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
    encoders = tuple(dict.fromkeys(wanted.encoders)) or _measured_by(files.values())
    # Before any image is read: a slip in a name is said at once.
    located = {spec: locate(spec, device=wanted.device, dtype=wanted.dtype) for spec in encoders}
    crop = _crop(wanted, files.values())
    names = tuple(dict.fromkeys(name for file in files.values() for name in file.system.classes))
    candidates = _candidates(files, _descriptions(wanted.classes, names), wanted)
    images = _images(wanted.images, names, screen)
    measured = _measure(candidates, names, located, images, crop, screen)

    marks = [each for each, _ in measured]
    tables = {
        part: _rows(candidates, marks, [image.digest in members for image in images])
        for part, members in _parts(files.values(), images).items()
    }
    if wanted.as_json:
        identities = dict(zip(encoders, (found for _, found in measured), strict=True))
        typer.echo(json.dumps(_as_json(tables, identities, crop), ensure_ascii=False))
    else:
        for title, rows in tables.items():
            looked_at = str(crop) if crop else ""
            screen.table(title, score_table(rows, _titles(encoders), looked_at=looked_at))
        if SPLIT_TITLES["final"] in tables:
            screen.warning("every look at the final images makes their estimate worth less")
    _check_accuracy(candidates, tables[ALL], min_accuracy, screen)


def _titles(encoders: Sequence[str]) -> list[str]:
    """Without the folder or organisation, where that leaves them apart."""
    short = [spec.rstrip("/").rpartition("/")[2] for spec in encoders]
    return short if len(set(short)) == len(short) else list(encoders)


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


def _measured_by(files: Iterable[SystemFile]) -> tuple[str, ...]:
    known = {
        _spec(file.provenance.encoder)
        for file in files
        if file.provenance and file.provenance.encoder
    }
    if not known:
        raise InputError(
            "no encoder was named, and the files do not say which one measured them",
            hint="name one or more with --encoder, e.g. --encoder jina-clip-v1",
        )
    return tuple(sorted(known))


def _spec(encoder: EncoderIdentity) -> str:
    """What opens that encoder again: a hub checkpoint at the commit that measured the system."""
    return EncoderSpec.parse(encoder.name).pinned(encoder.revision)


def _crop(wanted: Comparison, files: Iterable[SystemFile]) -> Crop | None:
    crops = {file.provenance.crop for file in files if file.provenance}
    if wanted.crop is not None or not crops:
        return crop_of(wanted.crop, wanted.images)
    if len(crops) > 1:
        raise InputError(
            "the systems were measured on different crops of the images",
            hint="say which part of each image to look at: --crop left,top,right,bottom",
        )
    measured = next(iter(crops))
    return Crop(*measured) if measured else None


def _descriptions(classes: Path | None, names: Sequence[str]) -> dict[str, str]:
    """Class name -> description, "" where there is none."""
    entries = read_classes(classes) if classes else ()
    described = {entry.name: entry.description for entry in entries}
    return {name: described.get(name, "") for name in names}


def _images(source: ImageSource, names: Sequence[str], screen: Screen) -> list[LabelledImage]:
    """One image per content, in an order that no folder decides."""
    with screen.progress("Reading images") as on_progress:
        found = read_labelled(source, names, on_progress)
    pictures = distinct(found)
    screen.images(found, copies=len(found.images) - len(pictures))
    return [pictures[digest] for digest in sorted(pictures)]


def _parts(
    files: Iterable[SystemFile], images: Sequence[LabelledImage]
) -> dict[str, frozenset[str]]:
    """The splits of the session whose images these are, where they are; all images come last."""
    everything = frozenset(image.digest for image in images)
    parts: dict[str, frozenset[str]] = {}
    for file in files:
        splits = file.provenance.splits if file.provenance else {}
        known = {SPLIT_TITLES[split]: everything & set(found) for split, found in splits.items()}
        if any(known.values()):
            parts = {title: found for title, found in known.items() if found}
            if unseen := everything - frozenset[str]().union(*known.values()):
                parts[UNSEEN] = unseen
            break
    return {**parts, ALL: everything}


def _candidates(
    files: Mapping[Path, SystemFile], descriptions: Mapping[str, str], wanted: Comparison
) -> list[Candidate]:
    """The baselines, then the systems; those at the checkpoint's scale also as the article does."""
    domain = next(iter(files.values())).system.domain
    found = [
        Candidate(name, tuple(texts))
        for name, texts in baseline_texts(domain, descriptions).items()
    ]
    for path, file in files.items():
        alone = [other.name for other in files].count(path.name) == 1
        name = path.name if alone and not wanted.as_json else str(path)
        texts, title = file.system.phrases(), name
        if file.scoring == Scoring():
            printed = file.model_copy(update={"scoring": Scoring(scale=PRINTED_SCALE)})
            found.append(Candidate(f"{name} at scale 1", texts, printed))
            title = name if wanted.as_json else f"{name} at own scale"
        found.append(Candidate(title, texts, file, main=True))
    return found


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
    with closing(decoded_once(preprocess, crop=crop)) as readers:
        for (spec, each), read in zip(located.items(), readers, strict=False):
            screen.licence(spec, each.licence)
            measured.append(_marks(candidates, names, each, images, crop, read, screen))
            # Weights may be in reference cycles, and two large encoders need not fit in memory.
            gc.collect()
    return measured


def _marks(
    candidates: Sequence[Candidate],
    names: Sequence[str],
    located: Located,
    images: Sequence[LabelledImage],
    crop: Crop | None,
    read: PixelReader,
    screen: Screen,
) -> tuple[Marks, EncoderIdentity]:
    with screen.step(f"Loading the encoder {located.name}"):
        encoder = located.load()
    cache = VectorCache(default_cache_folder(), encoder.fingerprint, on_warning=screen.warning)
    with screen.progress(f"Encoding images with {located.name}") as on_progress:
        vectors = encode_image_files(
            encoder, cache, images, crop=crop, on_progress=on_progress, read=read
        )
    phrases = PhraseVectors(encoder, cache)
    labels = [image.label for image in images]
    marks = [
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
    return marks, EncoderIdentity(
        name=encoder.name,
        revision=encoder.revision,
        fingerprint=encoder.fingerprint,
        logit_scale=encoder.logit_scale,
    )


def _rows(
    candidates: Sequence[Candidate], marks: Sequence[Marks], inside: Sequence[bool]
) -> list[ScoreRow]:
    """One row per baseline and system, on the images that are `inside` the part."""
    n = sum(inside)
    # [encoder][row]
    right = [[int(found[inside].sum()) for found in each] for each in marks]
    baselines = [row for row, each in enumerate(candidates) if each.file is None]
    (plain,) = [row for row in baselines if candidates[row].name == NAMES]
    return [
        ScoreRow(
            each.name,
            len(each.texts),
            tuple(
                _cell(
                    counts[row],
                    n,
                    None
                    if each.file is None
                    else (counts[plain], max(counts[other] for other in baselines)),
                )
                for counts in right
            ),
        )
        for row, each in enumerate(candidates)
    ]


def _cell(correct: int, n: int, beaten: tuple[int, int] | None) -> ScoreCell:
    """`beaten`: how many images the bare names, and the best baseline, get right."""
    interval = wilson(correct, n)
    over = [100 * (correct - other) / n for other in beaten] if beaten else [None, None]
    return ScoreCell(correct, n, interval.low, interval.high, *over)


def _as_json(
    tables: Mapping[str, Sequence[ScoreRow]],
    encoders: Mapping[str, EncoderIdentity],
    crop: Crop | None,
) -> object:
    return {
        "cotbuild": __version__,
        "encoders": {spec: found.model_dump() for spec, found in encoders.items()},
        "crop": str(crop) if crop else None,
        "parts": [
            {
                "images": title,
                "rows": [
                    {
                        "name": row.name,
                        "texts": row.n_texts,
                        "encoders": {
                            encoder: {**asdict(cell), "accuracy": cell.correct / cell.n}
                            for encoder, cell in zip(encoders, row.cells, strict=True)
                        },
                    }
                    for row in rows
                ],
            }
            for title, rows in tables.items()
        ],
    }
