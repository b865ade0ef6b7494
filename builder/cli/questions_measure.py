"""Asks a system's groups one by one of the user's images, and measures how few suffice."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from builder import __version__
from builder.cli import print_json
from builder.cli.file_inputs import say_looks
from builder.cli.score_inputs import Inputs, with_each_encoder
from builder.cli.score_rows import ALL, SPLIT_TITLES, UNSEEN, parts_of
from builder.cli.screen import Screen
from builder.cli.user_files import write_file
from builder.cli.workspace import PhraseVectors
from builder.data.images import LabelledImage
from builder.diagnosis import questions
from builder.encoders.protocol import Encoder, Vectors
from builder.errors import InputError
from builder.scoring.score import Floats, Indices, Scores, cosines, score_cosines
from builder.scoring.statistics import Change, Proportion, compare
from builder.scoring.wording import counted
from builder.system.file import SystemFile
from builder.system.model import AttributeSystem, Scoring, scored_texts
from builder.terminal.questions import curve_table, order_table, smallest_words, stop_table

# The random orders are the same in each run.
_SEED = 0
_NOT_FINAL = f"{ALL} but the final ones"


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
    """All results to print: what was `chosen` on which images, and `measured` on which.

    `check`: the smallest set on images that did not choose it, if any.
    """

    scoring: Scoring
    chosen: _Part
    measured: _Part
    adaptive: questions.Asked
    fixed: questions.Asked
    random: tuple[float, ...]
    order: Indices
    stops: tuple[tuple[questions.Stopped, questions.Stopped], ...]
    smallest: questions.SmallestSet
    check: Change | None


def interview(
    inputs: Inputs, thresholds: Sequence[float], output: Path | None, *, as_json: bool
) -> None:
    """`cotbuild questions`; `output`: where the drop is proposed. Raises CotbuildError."""
    (file,), screen = inputs.files.values(), inputs.screen
    choosing, measuring = _parts(file, inputs.images)

    def work(encoder: Encoder, vectors: Vectors, phrases: PhraseVectors) -> _Found:
        scoring = file.scoring.for_encoder(encoder.fingerprint)
        scale = encoder.logit_scale
        similar = cosines(vectors, phrases(scored_texts(file.system, scoring)))

        def part(title: str, digests: frozenset[str]) -> _Part:
            rows = [row for row, image in enumerate(inputs.images) if image.digest in digests]
            labels = tuple(inputs.images[row].label for row in rows)
            scores = score_cosines(
                file.system, similar[rows], labels, scoring=scoring, logit_scale=scale
            )
            return _Part(title, similar[rows], labels, scores)

        chosen = part(*choosing)
        measured = chosen if measuring == choosing else part(*measuring)
        with screen.step("Asking"):
            return _found(file.system, scoring, scale, chosen, measured, thresholds)

    ((found, identity),) = with_each_encoder(inputs, work).values()
    if found.measured.title == SPLIT_TITLES["held_out"]:
        say_looks(inputs.files, ["held_out"], screen)
    proposal = questions.drop_proposal(found.smallest)
    if output and proposal:
        data = [proposal.model_dump(mode="json")]
        text = json.dumps(data, ensure_ascii=False, indent=2) + "\n"
        write_file(output.resolve(), text, "--proposal drop.json")
    if as_json:
        report = {
            "cotbuild": __version__,
            "encoder": inputs.encoder_json(identity),
            "images": inputs.images_json(),
            "scoring": found.scoring.model_dump(),
            **_json(file.system, found),
        }
        print_json(report)
    else:
        _show(file.system, found, screen)
    if output and proposal:
        screen.next_command("To measure the drop:", "resume", "SESSION", "--edits", output)
    elif output:
        screen.warning(f"no group can go: nothing was written to {output}")


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
    system: AttributeSystem,
    scoring: Scoring,
    scale: float,
    chosen: _Part,
    measured: _Part,
    thresholds: Sequence[float],
) -> _Found:
    order = questions.best_order(system, chosen.scores)
    adaptive = questions.ask(system, measured.scores)
    fixed = questions.ask(system, measured.scores, order)
    smallest = questions.smallest_set(
        system, chosen.similar, chosen.labels, scoring=scoring, logit_scale=scale
    )
    check = None
    if chosen is not measured and smallest.dropped:
        similar, labels = measured.similar, measured.labels
        after = questions.correct_without_groups(
            smallest.dropped, system, similar, labels, scoring=scoring, logit_scale=scale
        )
        check = compare(measured.scores.correct, after)
    random = questions.random_accuracy(system, measured.scores, seed=_SEED)
    stops = tuple(
        (questions.stopped(adaptive, each), questions.stopped(fixed, each)) for each in thresholds
    )
    return _Found(scoring, chosen, measured, adaptive, fixed, random, order, stops, smallest, check)


def _show(system: AttributeSystem, found: _Found, screen: Screen) -> None:
    chosen, measured = found.chosen, found.measured
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
    on = f"on {chosen.title} ({n})"
    if chosen is measured:
        on = f"and measured on the same {n}: their figures flatter"
    screen.warning(f"the best fixed order and the fewest groups are chosen {on}")


def _json(system: AttributeSystem, found: _Found) -> dict[str, object]:
    chosen, measured = found.chosen, found.measured
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
    return {"correct": found.count, "n": found.n, **found.interval._asdict()}
