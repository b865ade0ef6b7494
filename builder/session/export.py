"""Exports a session's best version, with proof, to a system file for other tools."""

import hashlib
from collections.abc import Mapping
from pathlib import PurePath

from builder.scoring.evaluator import Evaluator
from builder.scoring.predict import fit_temperature
from builder.scoring.statistics import wilson
from builder.session.confirmation import trial_of
from builder.session.records import Exported
from builder.session.state import State, Version, correct_bits
from builder.system.file import (
    Calibration,
    Confirmation,
    EncoderIdentity,
    Estimate,
    Provenance,
    SplitName,
    SystemFile,
)
from builder.system.model import AttributeSystem

NO_IMAGES = "never scored: there were no images"
NOT_LOOKED = "best so far, not exported: the final images were not looked at"
NO_FINAL = "no untouched estimate: too few images for a final split"
SEEN = "the final estimate was seen already, at an earlier export of the same version"


def version_to_export(state: State) -> tuple[AttributeSystem, Version | None]:
    """The best version; without images the working system. Raises ValueError without a system."""
    best = state.best_version
    if best is not None:
        return best.system, best
    if state.system is None:
        raise ValueError("nothing was drafted yet")
    return state.system, None


def exported(state: State, evaluator: Evaluator | None, path: str) -> Exported:
    """The record of an export to `path`; the look at the final images counts from here on."""
    system, version = version_to_export(state)
    number = version.number if version else 0
    if evaluator is None or not evaluator.splits["final"].labels:
        return Exported(path=path, version=number, final=None)
    step = version.steps[-1] if version else state.steps[-1]
    judge = evaluator.for_step(step, state.rescored)
    final = correct_bits(judge.score(system, "final").correct)
    return Exported(path=path, version=number, images=judge.final_images, final=final)


def calibration_of(state: State, evaluator: Evaluator) -> Calibration | None:
    """The calibration of the best version's totals on review images; None for too few images."""
    _, version = version_to_export(state)
    if version is None:
        return None
    step = version.steps[-1]
    scores = evaluator.for_step(step, state.rescored).score(step.system, "review")
    return fit_temperature(scores.totals, scores.labels)


def estimate(correct: int, n: int) -> Estimate | None:
    """The accuracy with its Wilson 95 % interval; None without images."""
    if n == 0:
        return None
    interval = wilson(correct, n)
    return Estimate(n=n, correct=correct, low=interval.low, high=interval.high)


def data_fingerprint(labels: Mapping[str, str]) -> str:
    """SHA-256 over the sorted image digests with their labels (digest -> label)."""
    lines = (f"{digest} {label}" for digest, label in sorted(labels.items()))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def export_file(
    state: State,
    *,
    created: str,
    cotbuild: str,
    encoder: EncoderIdentity | None,
    labels: Mapping[str, str],
    calibration: Calibration | None,
    baselines: Mapping[str, Mapping[SplitName, Estimate]],
    final: Estimate | None,
    evaluator: Evaluator | None = None,
) -> SystemFile:
    """The system file of the session's best version; `evaluator` has a centred scoring's means.

    `labels`: digest -> class of the images at hand. `final`: the estimate on the final split if
    it was looked at for this file; `state` counts that look.
    """
    system, version = version_to_export(state)
    step = version.steps[-1] if version else state.steps[-1]
    found: dict[SplitName, Estimate | None] = {}
    if version is not None:
        found["review"] = estimate(version.review.count("1"), len(version.review))
        found["held_out"] = estimate(version.correct, len(version.held_out))
    found["final"] = final
    return SystemFile(
        system=system,
        scoring=evaluator.for_step(step, state.rescored).scoring_of(system)
        if evaluator
        else state.scoring,
        calibration=calibration,
        provenance=Provenance(
            created=created,
            cotbuild=cotbuild,
            encoder=encoder,
            llm=model_name(state.started.llm),
            data=data_fingerprint(labels) if labels else None,
            crop=state.started.crop,
            splits=_split_digests(state, labels),
            accuracy={split: value for split, value in found.items() if value},
            baselines={name: dict(found) for name, found in baselines.items()},
            confirmation=_confirmation(state, version),
            held_out_looks=state.held_out_looks,
            final_looks=state.final_looks,
            versions_tried=len(state.versions),
            note=note_on(state, version, looked=final is not None),
        ),
    )


def _confirmation(state: State, version: Version | None) -> Confirmation | None:
    trial = trial_of(state.versions, version.number if version else None)
    if trial is None:
        return None
    return Confirmation(
        confirmed=trial.passed,
        version=trial.version,
        against=trial.against,
        fixed=trial.change.fixed,
        broken=trial.change.broken,
        p=trial.change.p,
        needed=trial.needed,
    )


def model_name(llm: str | None) -> str | None:
    """The model's name; for a recording only the file's name, as exports may be passed on."""
    if llm is None or not llm.startswith("replay:"):
        return llm
    return "replay:" + PurePath(llm.removeprefix("replay:")).name


def _split_digests(state: State, labels: Mapping[str, str]) -> dict[SplitName, tuple[str, ...]]:
    digests = [digest for digest in sorted(labels) if digest in state.splits]
    splits = dict.fromkeys(state.splits[digest] for digest in digests)
    return {split: tuple(d for d in digests if state.splits[d] == split) for split in splits}


def note_on(state: State, version: Version | None, *, looked: bool) -> str:
    """How far an export's figures can be trusted; `looked`: it has a figure on final images."""
    if version is None:
        return NO_IMAGES
    if not looked:
        has_final = "final" in state.splits.values()
        return NOT_LOOKED if has_final else NO_FINAL
    return final_seen(state)


def final_seen(state: State) -> str:
    """Why the last final estimate is worth less; "" if the images were seen only once."""
    if state.final_looks > 1:
        return (
            f"the final images were measured {state.final_looks} times in this session: "
            "their estimate is no longer untouched"
        )
    return SEEN if state.final_exports > 1 else ""
