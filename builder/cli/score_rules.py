"""`cotbuild score --rule`: scoring rules side by side, fitted on some images, shown on others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder import __version__
from builder.cli import print_json
from builder.cli.file_inputs import say_looks
from builder.cli.score_inputs import Inputs, with_each_encoder
from builder.cli.user_files import write_file
from builder.cli.workspace import SPLITS, PhraseVectors, evaluator_of, scoring_from
from builder.data.images import LabelledImage
from builder.data.splits import Split, assign_splits
from builder.encoders.protocol import Encoder, Vectors
from builder.errors import InputError
from builder.scoring.evaluator import Evaluator
from builder.scoring.fit import FITTED_PART, RULE_NAMES, RuleTrial, try_rules
from builder.scoring.statistics import wilson
from builder.scoring.wording import counted
from builder.session.export import estimate
from builder.system.file import EncoderIdentity, Provenance, SystemFile, write_system_file
from builder.system.model import AttributeSystem
from builder.terminal.scoring_rules import rules_table

# The seed of the halves, where the images are of no session.
SEED = 0
Tables = Mapping[Path, Sequence[RuleTrial]]
Members = Mapping[Split, frozenset[str]]


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


def is_trial(rule: str | None, save: Path | None) -> bool:
    """Whether the rule must be fitted on images, or is to be written to a file."""
    return rule in ("all", *FITTED_PART) or save is not None


def check_flags(
    systems: Sequence[Path],
    rule: str | None,
    save: Path | None,
    *,
    scaled: bool,
    bounded: bool,
    adding: str | None,
) -> None:
    """Raises InputError for flags that contradict each other or say too little.

    `scaled`, `bounded`: whether --scale and --min-accuracy are given; `adding`: a flag that adds
    rows, if one is given.
    """
    if adding:
        raise InputError(
            f"{adding} adds rows to the table of systems and baselines, here rules are compared",
            hint=f"leave {adding} out, or --rule and --save",
        )
    if save and (rule in (None, "all") or len(systems) > 1):
        raise InputError(
            "--save writes one system with one rule", hint="name one: --rule centred --save FILE"
        )
    if save and save.is_dir():
        raise InputError(f"{save} is a folder", hint="name a file: --save system.json")
    if rule == "all" and bounded:
        raise InputError("--rule all has no one accuracy", hint="leave --min-accuracy out")
    if scaled and rule in ("all", *FITTED_PART):
        raise InputError(
            f"--rule {rule} has its own scales", hint="leave --scale out, or name --rule sum"
        )


def compare_rules(
    inputs: Inputs, rule: str | None, scale: float | None, save: Path | None, *, as_json: bool
) -> float:
    """`cotbuild score --rule`: the lowest accuracy of the last rules. Raises CotbuildError."""
    files, screen = inputs.files, inputs.screen
    if save and len(inputs.located) > 1:
        raise InputError("a file is scored with one encoder", hint="name one with --encoder")
    halves = {path: _halves(file, inputs.images) for path, file in files.items()}

    def work(encoder: Encoder, vectors: Vectors, phrases: PhraseVectors) -> Tables:
        found = {}
        for path, file in files.items():
            members: Members = {"review": halves[path].fit, "held_out": halves[path].show}
            scoring = file.scoring.for_encoder(encoder.fingerprint)
            evaluator = evaluator_of(encoder, inputs.images, vectors, members, phrases, scoring)
            found[path] = _trials(evaluator, file.system, rule, scale)
        return found

    measured = with_each_encoder(inputs, work)
    if as_json:
        print_json(_report(measured, halves))
    else:
        for spec, (tables, _) in measured.items():
            for path, trials in tables.items():
                screen.table(f"{path.name} · {spec}", rules_table(trials, about=halves[path].words))
    of_session = {path: file for path, file in files.items() if halves[path].of_session}
    say_looks(of_session, ["held_out"], screen)
    if save:
        (path,) = files
        ((tables, identity),) = measured.values()
        _save(save, files[path], tables[path][-1], identity, halves[path])
        screen.warning(f"{save} holds the system with this rule")
    tried = [trials[-1] for tables, _ in measured.values() for trials in tables.values()]
    return min(float(trial.correct.mean()) for trial in tried)


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


def _trials(
    evaluator: Evaluator, system: AttributeSystem, rule: str | None, scale: float | None
) -> Sequence[RuleTrial]:
    if rule == "all":
        return try_rules(evaluator, system)
    for name in RULE_NAMES:
        if name == rule and scale is None:
            return try_rules(evaluator, system, (name,))
    # A plain rule at a scale by hand.
    return try_rules(evaluator, system, (), (scoring_from(str(rule), scale),))


def _report(
    measured: Mapping[str, tuple[Tables, EncoderIdentity]], halves: Mapping[Path, Halves]
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
    return {
        "rule": "in use" if first else trial.name or "given",
        "scoring": trial.scoring.model_dump(mode="json"),
        "correct": correct,
        **wilson(correct, n)._asdict(),
        **trial.change.as_data(),
    }


def _save(
    path: Path, file: SystemFile, trial: RuleTrial, identity: EncoderIdentity, halves: Halves
) -> None:
    """Writes the system with the trial's scoring; figures of another scoring are left out."""
    provenance = file.provenance
    if provenance is not None:
        measured = estimate(int(trial.correct.sum()), len(trial.correct))
        changed: dict[str, object] = {
            "encoder": identity,
            "accuracy": {"held_out": measured} if measured and halves.of_session else {},
            "note": "the scoring was changed after the session's export",
        }
        # Baselines were measured with the session's encoder.
        if provenance.encoder is None or provenance.encoder.fingerprint != identity.fingerprint:
            changed["baselines"] = {}
        provenance = Provenance.model_validate({**dict(provenance), **changed})
    # A confidence belongs to the totals that it was fitted to.
    update = {"scoring": trial.scoring, "calibration": None, "provenance": provenance}
    write_file(path, write_system_file(file.model_copy(update=update)), "--save FILE")
