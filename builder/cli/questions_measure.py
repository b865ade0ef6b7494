"""Asks a system's groups one by one of the user's images, and measures how few suffice."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import typer

from builder import __version__
from builder.cli.encoder_download import fetch_encoder
from builder.cli.export import target
from builder.cli.file_inputs import (
    crop_for,
    encode_images,
    measured_by,
    read_images,
    say_looks,
    say_what_differs,
)
from builder.cli.file_outputs import writing
from builder.cli.score_rows import ALL, SPLIT_TITLES, UNSEEN, images_json, parts_of
from builder.cli.screen import Screen
from builder.cli.workspace import distinct, identity_of
from builder.data.images import LabelledImage
from builder.data.sources import ImageSource
from builder.diagnosis.questions import (
    Asked,
    SmallestSet,
    Stopped,
    ask,
    best_order,
    correct_without_groups,
    drop_proposal,
    random_accuracy,
    smallest_set,
    stopped,
)
from builder.edits.model import Proposal
from builder.encoders.spec import EncoderSpec
from builder.errors import InputError
from builder.scoring.score import Floats, Indices, Scores, cosines, score_cosines
from builder.scoring.statistics import Change, Proportion, compare
from builder.scoring.wording import counted
from builder.system.file import SystemFile, load_system_file
from builder.system.model import AttributeSystem, scored_texts
from builder.terminal.questions import curve_table, order_table, smallest_words, stop_table

# The random orders are the same in each run.
_SEED = 0
_NOT_FINAL = f"{ALL} but the final ones"


@dataclass(frozen=True, slots=True)
class Interview:
    """The flags of `questions`."""

    system: Path
    images: ImageSource
    encoder: str | None
    crop: str | None
    thresholds: tuple[float, ...]
    proposal: Path | None
    device: str
    dtype: str
    as_json: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A part of the images: its title, its cosines [n, Q], labels and scores."""

    title: str
    similar: Floats
    labels: tuple[str, ...]
    scores: Scores

    @property
    def right(self) -> Proportion:
        return Proportion(int(self.scores.correct.sum()), self.scores.n)


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """All results to print. `check`: the smallest set on images that did not choose it, if any."""

    adaptive: Asked
    fixed: Asked
    random: tuple[float, ...]
    order: Indices
    stops: tuple[tuple[Stopped, Stopped], ...]
    smallest: SmallestSet
    check: Change | None


def interview(wanted: Interview) -> None:
    """`cotbuild questions`. Raises CotbuildError."""
    screen = Screen.open()
    # Before anything is measured: a file that can't be written is said at once.
    output = target(wanted.proposal, "--proposal drop.json") if wanted.proposal else None
    file = load_system_file(wanted.system)
    spec = wanted.encoder or measured_by([file])[0]
    crop = crop_for(wanted.crop, wanted.images, [file])
    located = fetch_encoder(spec, device=wanted.device, dtype=wanted.dtype, screen=screen)
    read = read_images(wanted.images, file.system.classes, screen)
    pictures = distinct(read)
    images = [pictures[digest] for digest in sorted(pictures)]
    choosing, measuring = _parts(file, images)
    with screen.step(f"Loading the encoder {EncoderSpec.parse(spec).title}"):
        encoder = located.load()
    say_what_differs({wanted.system: file}, [identity_of(encoder)], screen)
    file = file.model_copy(update={"scoring": file.scoring.for_encoder(encoder.fingerprint)})
    vectors, phrases = encode_images(encoder, images, crop, screen)
    similar = cosines(vectors, phrases(scored_texts(file.system, file.scoring)))

    def part(title: str, digests: frozenset[str]) -> _Part:
        rows = [row for row, image in enumerate(images) if image.digest in digests]
        labels = tuple(images[row].label for row in rows)
        scores = score_cosines(
            file.system,
            similar[rows],
            labels,
            scoring=file.scoring,
            logit_scale=encoder.logit_scale,
        )
        return _Part(title, similar[rows], labels, scores)

    chosen = part(*choosing)
    measured = chosen if measuring == choosing else part(*measuring)
    with screen.step("Asking"):
        found = _found(file, chosen, measured, encoder.logit_scale, wanted.thresholds)
    if measured.title == SPLIT_TITLES["held_out"]:
        say_looks({wanted.system: file}, ["held_out"], screen)
    proposal = drop_proposal(found.smallest)
    if output and proposal:
        _write(output, proposal)
    if wanted.as_json:
        report = {
            "cotbuild": __version__,
            "encoder": {**identity_of(encoder).model_dump(), "dtype": wanted.dtype},
            "images": images_json(wanted.images, read, crop),
            "scoring": file.scoring.model_dump(),
            **_json(file.system, chosen, measured, found),
        }
        typer.echo(json.dumps(report, ensure_ascii=False))
    else:
        _show(file.system, chosen, measured, found, screen)
    if wanted.proposal:
        if proposal:
            screen.warning(f"cotbuild resume SESSION --edits {wanted.proposal} measures the drop")
        else:
            screen.warning(f"no group can go: nothing was written to {wanted.proposal}")


def _parts(
    file: SystemFile, images: Sequence[LabelledImage]
) -> tuple[tuple[str, frozenset[str]], tuple[str, frozenset[str]]]:
    """The images to choose on and to measure on, never the final ones. Raises InputError."""
    parts = parts_of([file], images)
    review = SPLIT_TITLES["review"]
    fresh = next((part for part in (SPLIT_TITLES["held_out"], UNSEEN) if part in parts), None)
    if review in parts and fresh:
        return (review, parts[review]), (fresh, parts[fresh])
    final = SPLIT_TITLES["final"]
    others = [title for title in parts if title not in (ALL, final)]
    usable = parts[ALL] - parts.get(final, frozenset())
    if not usable:
        raise InputError(
            "these are the session's final images, which are kept for the export",
            hint="give all images of the session, or others",
        )
    title = others[0] if len(others) == 1 else _NOT_FINAL if final in parts else ALL
    return (title, usable), (title, usable)


def _found(
    file: SystemFile,
    chosen: _Part,
    measured: _Part,
    logit_scale: float,
    thresholds: Sequence[float],
) -> _Found:
    system, scoring = file.system, file.scoring
    order = best_order(system, chosen.scores)
    adaptive, fixed = ask(system, measured.scores), ask(system, measured.scores, order)
    smallest = smallest_set(
        system, chosen.similar, chosen.labels, scoring=scoring, logit_scale=logit_scale
    )
    check = None
    if chosen is not measured and smallest.dropped:
        after = correct_without_groups(
            smallest.dropped,
            system,
            measured.similar,
            measured.labels,
            scoring=scoring,
            logit_scale=logit_scale,
        )
        check = compare(measured.scores.correct, after)
    return _Found(
        adaptive=adaptive,
        fixed=fixed,
        random=random_accuracy(system, measured.scores, seed=_SEED),
        order=order,
        stops=tuple((stopped(adaptive, each), stopped(fixed, each)) for each in thresholds),
        smallest=smallest,
        check=check,
    )


def _show(
    system: AttributeSystem, chosen: _Part, measured: _Part, found: _Found, screen: Screen
) -> None:
    curve = curve_table(found.adaptive.accuracy, found.fixed.accuracy, found.random, measured.right)
    screen.table(f"Accuracy after so many questions, {measured.title}", curve)
    screen.table("Asked until one class is that likely", stop_table(found.stops))
    names = [group.name for group in system.groups]
    screen.table("Which questions come first", order_table(names, found.adaptive, found.order))
    screen.table(
        "The fewest groups within one interval",
        smallest_words(found.smallest, found.check, chosen.title, measured.title),
    )
    n = counted(chosen.scores.n, "image")
    if chosen is measured:
        screen.warning(
            f"the best fixed order and the fewest groups are chosen and measured on the same {n}: "
            "their figures flatter"
        )
    else:
        screen.warning(
            f"the best fixed order and the fewest groups are chosen on {chosen.title} ({n})"
        )


def _json(
    system: AttributeSystem, chosen: _Part, measured: _Part, found: _Found
) -> dict[str, object]:
    curves = zip(found.adaptive.accuracy, found.fixed.accuracy, found.random, strict=True)
    places = found.adaptive.places.mean(axis=0)
    fixed = found.order.argsort() + 1
    return {
        "chosen_on": {"images": chosen.title, **_proportion(chosen.right)},
        "measured_on": {"images": measured.title, **_proportion(measured.right)},
        "curve": [
            {"questions": step, "adaptive": adaptive, "best_fixed": best, "random": random}
            for step, (adaptive, best, random) in enumerate(curves, start=1)
        ],
        "thresholds": [
            {"adaptive": asdict(adaptive), "best_fixed": asdict(best)}
            for adaptive, best in found.stops
        ],
        "groups": [
            {"name": group.name, "mean_place": float(place), "best_fixed_place": int(best)}
            for group, place, best in zip(system.groups, places, fixed, strict=True)
        ],
        "smallest_set": {
            "kept": found.smallest.kept,
            "dropped": found.smallest.dropped,
            "full": _proportion(found.smallest.full),
            "reduced": _proportion(found.smallest.reduced),
            "check": found.check.as_data() if found.check else None,
        },
    }


def _proportion(found: Proportion) -> dict[str, float]:
    interval = found.interval
    return {"correct": found.count, "n": found.n, "low": interval.low, "high": interval.high}


def _write(path: Path, proposal: Proposal) -> None:
    text = json.dumps([proposal.model_dump(mode="json")], ensure_ascii=False, indent=2)
    with writing(path, "--proposal drop.json"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
