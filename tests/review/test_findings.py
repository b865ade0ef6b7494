"""Findings: measured once, when asked for, with images that follow renamed classes."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray

from builder.edits.apply import EditError, apply
from builder.edits.model import DropClass, DropGroup, Proposal, RenameClass, SetRule
from builder.edits.renames import Renames
from builder.review.findings import Measurements
from builder.scoring.statistics import compare
from builder.session.state import Step
from tests.strategies import QUICK, proposals_to
from tests.worlds import CLASSES, DRAFT, GOOD, encode, evaluator, started

CELEBI = CLASSES[2]
REPAIR = Proposal(
    edits=(SetRule(class_name=CELEBI, group="form", options=("a fish",)),), source="llm"
)


@dataclass
class Counting:
    """The encoder, and how often it was asked."""

    asked: list[Sequence[str]] = field(default_factory=list)

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked.append(tuple(texts))
        return encode(texts)


def test_a_system_is_measured_once_and_baselines_once_for_all_systems() -> None:
    counting = Counting()
    measurements = Measurements(replace(evaluator(), encode=counting), started())
    first, second = Step(DRAFT, None), Step(GOOD, None)
    findings = measurements.of(first, None)
    assert measurements.of(first, None) is findings
    assert findings.effect(REPAIR) == findings.effect(REPAIR)
    asked = len(counting.asked)
    assert findings.effect(REPAIR).fixed == 6
    assert len(counting.asked) == asked
    assert measurements.of(second, None).baselines is findings.baselines
    # Only the last few are kept.
    for number in range(3):
        measurements.of(Step(GOOD, None, Renames(classes={"nobody": str(number)})), None)
    assert measurements.of(first, None) is not findings


def test_what_nobody_asks_for_is_not_worked_out() -> None:
    counting = Counting()
    measurements = Measurements(replace(evaluator(), encode=counting), started())
    findings = measurements.of(Step(DRAFT, None), None)
    scored = len(counting.asked)
    assert findings.digests == evaluator().splits["review"].digests
    assert len(counting.asked) == scored
    assert findings.groups
    assert len(counting.asked) > scored


@QUICK
@given(proposals_to(GOOD))
def test_an_effect_is_that_of_a_full_score_with_the_images_under_their_new_names(
    proposal: Proposal,
) -> None:
    judge = evaluator()
    findings = Measurements(judge, started()).of(Step(GOOD, None), None)
    try:
        after = apply(GOOD, proposal.edits)
    except EditError:
        with pytest.raises(EditError):
            findings.effect(proposal)
        return
    # On the images of the system as it is: those of a dropped class are broken.
    renamed = judge.for_step(Step(GOOD, None), None).renamed(Renames().after(proposal.edits))
    scores = renamed.score(after, "review")
    change = compare(judge.score(GOOD, "review").correct, scores.correct)
    effect = findings.effect(proposal)
    assert (effect.fixed, effect.broken, effect.n) == (change.fixed, change.broken, change.n)
    system, tried = findings.try_out(proposal)
    assert system == after
    assert tried.correct.tolist() == scores.correct.tolist()


def test_images_of_a_class_that_gave_its_name_away_are_no_longer_that_classs() -> None:
    """The second class is dropped, and the first takes its name."""
    first, second, _ = CLASSES
    edits = (RenameClass(class_name=first, to="between"),)
    names = (
        Renames()
        .after((DropClass(class_name=second), *edits))
        .after((RenameClass(class_name="between", to=second),))
    )
    labels = evaluator().renamed(names).splits["review"].labels
    assert set(labels) == {second, CELEBI, ""}
    assert labels.count(second) == evaluator().splits["review"].labels.count(first)
    # Nobody's images are scored for a step.
    scored = evaluator().for_step(Step(GOOD, None, names), None).splits["review"]
    assert scored.labels == tuple(label for label in labels if label)
    assert len(scored.vectors) == len(scored.digests) == len(scored.labels)


def test_a_proposal_that_does_not_fit_is_no_finding() -> None:
    findings = Measurements(evaluator(), started()).of(Step(DRAFT, None), None)
    with pytest.raises(EditError):
        findings.try_out(Proposal(edits=(DropGroup(group="tail"),), source="llm"))
