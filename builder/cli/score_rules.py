"""`cotbuild score --rule`: scoring rules side by side, fitted on some images, shown on others."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from builder import __version__
from builder.cli.file_inputs import say_looks
from builder.cli.file_outputs import writing
from builder.cli.score_inputs import Comparison, check_accuracy, gather, with_each_encoder
from builder.cli.screen import Screen
from builder.cli.workspace import SPLITS, PhraseVectors, scoring_from, split_data
from builder.data.images import LabelledImage
from builder.data.splits import assign_splits
from builder.encoders.protocol import Encoder, Vectors
from builder.errors import InputError
from builder.files import replace_file
from builder.scoring.evaluator import Evaluator
from builder.scoring.fit import FITTED_PART, RULE_NAMES, RuleTrial, try_rules
from builder.scoring.statistics import wilson
from builder.scoring.wording import counted
from builder.session.export import estimate
from builder.system.file import (
    EncoderIdentity,
    Estimate,
    Provenance,
    SplitName,
    SystemFile,
    load_system_file,
    write_system_file,
)
from builder.terminal.scoring_rules import rules_table

# The seed of the halves, where the images are of no session.
SEED = 0


@dataclass(frozen=True, slots=True)
class Halves:
    """Digests of the images to fit on and of those to show, and where they come from."""

    fit: frozenset[str]
    show: frozenset[str]
    of_session: bool

    @property
    def words(self) -> str:
        fit, show = counted(len(self.fit), "image"), f"{len(self.show):,}"
        if self.of_session:
            return f"Fitted on {fit} for review, shown on {show} held out."
        return f"Fitted on {fit} drawn with seed {SEED}, shown on the other {show}."


def is_trial(wanted: Comparison) -> bool:
    """Whether the rule must be fitted on images, or is to be written to a file."""
    return wanted.rule in ("all", *FITTED_PART) or wanted.save is not None


def compare_rules(wanted: Comparison, *, min_accuracy: float | None) -> None:
    """`cotbuild score --rule`. Raises CotbuildError; typer.Exit(1) for accuracy too low."""
    _check(wanted, min_accuracy)
    screen = Screen.open()
    files = {path: load_system_file(path) for path in wanted.systems}
    inputs = gather(wanted, files, screen)
    if wanted.save and len(inputs.located) > 1:
        raise InputError("a file is scored with one encoder", hint="name one with --encoder")
    halves = {path: _halves(file, inputs.images) for path, file in files.items()}

    def work(
        encoder: Encoder, vectors: Vectors, phrases: PhraseVectors
    ) -> dict[Path, Sequence[RuleTrial]]:
        return {
            path: _trials(
                file,
                _evaluator(file, halves[path], encoder, inputs.images, vectors, phrases),
                wanted,
            )
            for path, file in files.items()
        }

    measured = with_each_encoder(inputs, screen, work)
    if wanted.as_json:
        typer.echo(json.dumps(_report(measured, halves), ensure_ascii=False))
    else:
        for spec, (tables, _) in measured.items():
            for path, trials in tables.items():
                screen.table(f"{path.name} · {spec}", rules_table(trials, about=halves[path].words))
    say_looks(
        {path: file for path, file in files.items() if halves[path].of_session},
        ["held_out"],
        screen,
    )
    if wanted.save:
        (path,) = files
        ((tables, identity),) = measured.values()
        _save(wanted.save, files[path], tables[path][-1], identity, halves[path])
        screen.warning(f"{wanted.save} holds the system with this rule")
    tried = [trials[-1] for tables, _ in measured.values() for trials in tables.values()]
    worst = min(float(trial.correct.mean()) for trial in tried)
    check_accuracy(worst, min_accuracy, screen)


def _check(wanted: Comparison, min_accuracy: float | None) -> None:
    """Raises InputError for flags that contradict each other or say too little."""
    if wanted.controls or wanted.classes:
        flag = "--controls" if wanted.controls else "--classes"
        raise InputError(
            f"{flag} adds rows to the table of systems and baselines, here rules are compared",
            hint=f"leave {flag} out, or --rule and --save",
        )
    if wanted.save and (wanted.rule in (None, "all") or len(wanted.systems) > 1):
        raise InputError(
            "--save writes one system with one rule",
            hint="name one: --rule centred --save FILE",
        )
    if wanted.save and wanted.save.is_dir():
        raise InputError(f"{wanted.save} is a folder", hint="name a file: --save system.json")
    if wanted.rule == "all" and min_accuracy is not None:
        raise InputError("--rule all has no one accuracy", hint="leave --min-accuracy out")
    if wanted.scale is not None and wanted.rule in ("all", *FITTED_PART):
        raise InputError(
            f"--rule {wanted.rule} has its own scales", hint="leave --scale out, or name --rule sum"
        )


def _halves(file: SystemFile, images: Sequence[LabelledImage]) -> Halves:
    """The session's review and held-out images, or two halves of others, class by class.

    Nothing is fitted on held-out or final images. Raises InputError for too few others.
    """
    at_hand = {image.digest: image.label for image in images}
    splits = file.provenance.splits if file.provenance else {}
    review, held_out, final = (frozenset(splits.get(split, ())) & set(at_hand) for split in SPLITS)
    if review and held_out:
        return Halves(review, held_out, of_session=True)
    kept = held_out | final
    usable = {digest: label for digest, label in at_hand.items() if digest not in kept}
    drawn = assign_splits(usable, seed=SEED)
    fit = frozenset(digest for digest, split in drawn.items() if split == "review")
    if not fit or len(fit) == len(usable):
        others = " besides held-out and final ones, which nothing is fitted on" if kept else ""
        raise InputError(
            f"there are too few images to fit on some and look at others{others}",
            hint="give all images of the session, or at least two others of each class"
            if kept
            else "give at least two of each class",
        )
    return Halves(fit, frozenset(usable) - fit, of_session=False)


def _evaluator(
    file: SystemFile,
    halves: Halves,
    encoder: Encoder,
    images: Sequence[LabelledImage],
    vectors: Vectors,
    phrases: PhraseVectors,
) -> Evaluator:
    return Evaluator(
        encoder=encoder.fingerprint,
        splits={
            "review": split_data(images, halves.fit, vectors),
            "held_out": split_data(images, halves.show, vectors),
            "final": split_data(images, (), vectors),
        },
        encode=phrases,
        scoring=file.scoring.for_encoder(encoder.fingerprint),
        logit_scale=encoder.logit_scale,
    )


def _trials(file: SystemFile, evaluator: Evaluator, wanted: Comparison) -> Sequence[RuleTrial]:
    if wanted.rule == "all":
        return try_rules(evaluator, file.system)
    for name in RULE_NAMES:
        if name == wanted.rule and wanted.scale is None:
            return try_rules(evaluator, file.system, (name,))
    # A plain rule at a scale by hand.
    return try_rules(evaluator, file.system, (), (scoring_from(str(wanted.rule), wanted.scale),))


def _report(
    measured: Mapping[str, tuple[Mapping[Path, Sequence[RuleTrial]], EncoderIdentity]],
    halves: Mapping[Path, Halves],
) -> object:
    """The results as JSON: what was measured, how, and on what."""
    return {
        "cotbuild": __version__,
        "encoders": {spec: identity.model_dump() for spec, (_, identity) in measured.items()},
        "systems": [
            {
                "name": str(path),
                "encoder": spec,
                "fitted_on": len(halves[path].fit),
                "shown_on": len(halves[path].show),
                "split": "session" if halves[path].of_session else f"seed {SEED}",
                "compared": len(trials) - 1,
                "rules": [_trial_data(trial, first=trial is trials[0]) for trial in trials],
            }
            for spec, (tables, _) in measured.items()
            for path, trials in tables.items()
        ],
    }


def _trial_data(trial: RuleTrial, *, first: bool) -> object:
    correct, n = int(trial.correct.sum()), len(trial.correct)
    found, change = wilson(correct, n), trial.change
    return {
        "rule": "in use" if first else trial.name or "given",
        "scoring": trial.scoring.model_dump(mode="json"),
        "correct": correct,
        "n": n,
        "low": found.low,
        "high": found.high,
        "fixed": change.fixed,
        "broken": change.broken,
        "p": change.p,
    }


def _save(
    path: Path, file: SystemFile, trial: RuleTrial, identity: EncoderIdentity, halves: Halves
) -> None:
    """Writes the system with the trial's scoring; figures of another scoring are left out."""
    provenance = file.provenance
    if provenance is not None:
        accuracy: dict[SplitName, Estimate] = {}
        measured = estimate(int(trial.correct.sum()), len(trial.correct))
        if measured and halves.of_session:
            accuracy["held_out"] = measured
        changed: dict[str, object] = {
            "encoder": identity,
            "accuracy": accuracy,
            "note": "the scoring was changed after the session's export",
        }
        # Baselines were measured with the session's encoder.
        if provenance.encoder is None or provenance.encoder.fingerprint != identity.fingerprint:
            changed["baselines"] = {}
        provenance = Provenance.model_validate({**dict(provenance), **changed})
    # A confidence belongs to the totals that it was fitted to.
    update = {"scoring": trial.scoring, "calibration": None, "provenance": provenance}
    saved = file.model_copy(update=update)
    with writing(path, "--save FILE"):
        replace_file(path, write_system_file(saved))
