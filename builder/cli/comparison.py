"""Systems and baselines on the same images with one or more encoders: one table per part."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray

from builder.cli.bench import PhraseVectors, distinct, scoring_from
from builder.cli.screen import Screen
from builder.data import Crop, LabelledImage, read_classes, read_images
from builder.encoders.cache import VectorCache, default_cache_folder, encode_image_files
from builder.encoders.open import open_encoder
from builder.errors import InputError
from builder.referee import baseline_texts
from builder.scoring import score, score_names
from builder.statistics import wilson
from builder.system_file import EncoderIdentity, SystemFile, load_system_file
from builder.terminal.render import ScoreCell, ScoreRow, score_table

SPLIT_TITLES = {"review": "review", "held_out": "held-out", "final": "final"}
UNSEEN = "images that the session had not seen"
ALL = "all images"
# Name of a row -> which images it gets right [n], for one encoder.
Marks = Mapping[str, NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the flags of `score` ask for."""

    systems: tuple[Path, ...]
    images: Path
    encoders: tuple[str, ...]
    classes: Path | None
    crop: str | None
    rule: str | None
    scale: float | None
    device: str


def compare(wanted: Comparison, *, min_accuracy: float | None, as_json: bool) -> None:
    """`cotbuild score`. Raises CotbuildError, and typer.Exit with 1 below `min_accuracy`."""
    screen = Screen.open()
    files = {str(path): _load(path, wanted) for path in wanted.systems}
    encoders = wanted.encoders or _measured_by(files)
    names = tuple(dict.fromkeys(name for file in files.values() for name in file.system.classes))
    entries = read_classes(wanted.classes) if wanted.classes else ()
    described = {entry.name: entry.description for entry in entries}
    with screen.progress("Reading images") as on_progress:
        found = read_images(wanted.images, names, on_progress=on_progress)
    pictures = distinct(found)
    screen.images(found, copies=len(found.images) - len(pictures))

    texts = _texts(files, {name: described.get(name, "") for name in names})
    crop = _crop(wanted, files)
    marks = [_marks(files, texts, spec, wanted.device, pictures, crop, screen) for spec in encoders]
    tables = {
        part: _rows(files, texts, marks, [digest in members for digest in sorted(pictures)])
        for part, members in _parts(files, frozenset(pictures)).items()
    }
    if as_json:
        typer.echo(json.dumps(_as_json(tables, encoders), ensure_ascii=False))
    else:
        files_named = [path.name for path in wanted.systems]
        short = {str(p): p.name for p in wanted.systems if files_named.count(p.name) == 1}
        for title, rows in tables.items():
            shown = [replace(row, name=short.get(row.name, row.name)) for row in rows]
            screen.table(title, score_table(shown, encoders))
        if SPLIT_TITLES["final"] in tables:
            screen.warning("every look at the final images makes their estimate worth less")
    worst = min(c.correct / c.n for row in tables[ALL] if row.name in files for c in row.cells)
    if min_accuracy is not None and worst < min_accuracy:
        screen.below(worst, min_accuracy)
        raise typer.Exit(1)


def _load(path: Path, wanted: Comparison) -> SystemFile:
    file = load_system_file(path)
    rule = wanted.rule or file.scoring.rule
    scale = file.scoring.scale if wanted.scale is None else wanted.scale
    return file.model_copy(update={"scoring": scoring_from(rule, scale)})


def _measured_by(files: Mapping[str, SystemFile]) -> tuple[str, ...]:
    known = {
        _spec(file.provenance.encoder)
        for file in files.values()
        if file.provenance and file.provenance.encoder
    }
    if not known:
        raise InputError(
            "no encoder was named, and the files do not say which one measured them",
            hint="name one or more with --encoder",
        )
    return tuple(sorted(known))


def _spec(encoder: EncoderIdentity) -> str:
    """What opens that encoder again: a hub checkpoint at the commit that measured the system."""
    local = "/" not in encoder.name or Path(encoder.name).is_dir()
    return encoder.name if local else f"{encoder.name}@{encoder.revision}"


def _crop(wanted: Comparison, files: Mapping[str, SystemFile]) -> Crop | None:
    if wanted.crop is not None:
        return Crop.parse(wanted.crop)
    crops = {file.provenance.crop for file in files.values() if file.provenance}
    if len(crops) > 1:
        raise InputError(
            "the systems were measured on different crops of the images",
            hint="say which part of each image to look at: --crop left,top,right,bottom",
        )
    measured = next(iter(crops), None)
    return Crop(*measured) if measured else None


def _parts(
    files: Mapping[str, SystemFile], everything: frozenset[str]
) -> dict[str, frozenset[str]]:
    """The splits of the session whose images these are, where they are; all images come last."""
    parts: dict[str, frozenset[str]] = {}
    for file in files.values():
        splits = file.provenance.splits if file.provenance else {}
        known = {SPLIT_TITLES[split]: everything & set(found) for split, found in splits.items()}
        if any(known.values()):
            parts = {title: found for title, found in known.items() if found}
            if unseen := everything - frozenset[str]().union(*known.values()):
                parts[UNSEEN] = unseen
            break
    return {**parts, ALL: everything}


def _texts(
    files: Mapping[str, SystemFile], descriptions: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """Name of a row -> the texts that are encoded for it: baselines, then systems."""
    domain = next(iter(files.values())).system.domain
    return {
        **baseline_texts(domain, descriptions),
        **{name: file.system.phrases() for name, file in files.items()},
    }


def _marks(
    files: Mapping[str, SystemFile],
    texts: Mapping[str, Sequence[str]],
    spec: str,
    device: str,
    pictures: Mapping[str, LabelledImage],
    crop: Crop | None,
    screen: Screen,
) -> Marks:
    encoder = open_encoder(spec, device=device)
    cache = VectorCache(default_cache_folder(), encoder.fingerprint, on_warning=screen.warning)
    images = [pictures[digest] for digest in sorted(pictures)]
    with screen.progress(f"Encoding images with {spec}") as on_progress:
        vectors = encode_image_files(encoder, cache, images, crop=crop, on_progress=on_progress)
    phrases = PhraseVectors(encoder, cache)
    labels = [image.label for image in images]
    names = tuple(dict.fromkeys(name for file in files.values() for name in file.system.classes))
    return {
        name: (
            score(
                files[name].system,
                vectors,
                phrases(spelled),
                labels,
                scoring=files[name].scoring,
                logit_scale=encoder.logit_scale,
            )
            if name in files
            else score_names(names, vectors, phrases(spelled), labels)
        ).correct
        for name, spelled in texts.items()
    }


def _rows(
    files: Mapping[str, SystemFile],
    texts: Mapping[str, Sequence[str]],
    marks: Sequence[Marks],
    inside: Sequence[bool],
) -> list[ScoreRow]:
    """One row per baseline and system, on the images that are `inside` the part."""
    n = sum(inside)
    right = [{name: int(found[inside].sum()) for name, found in each.items()} for each in marks]
    best = [max(count for name, count in each.items() if name not in files) for each in right]
    return [
        ScoreRow(
            name,
            len(spelled),
            tuple(
                _cell(each[name], n, 100 * (each[name] - top) / n if name in files else None)
                for each, top in zip(right, best, strict=True)
            ),
        )
        for name, spelled in texts.items()
    ]


def _cell(correct: int, n: int, points: float | None) -> ScoreCell:
    interval = wilson(correct, n)
    return ScoreCell(correct, n, interval.low, interval.high, points)


def _as_json(tables: Mapping[str, Sequence[ScoreRow]], encoders: Sequence[str]) -> object:
    return {
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
        ]
    }
