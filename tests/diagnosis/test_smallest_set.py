"""The groups that can go: which, how far, and what the proposal says of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.diagnosis.questions import correct_without_groups, drop_proposal, smallest_set
from builder.edits.apply import apply
from builder.edits.model import DropGroup
from builder.scoring.score import score_cosines
from builder.scoring.statistics import wilson
from builder.system.model import AttributeGroup, AttributeSystem, Scoring, make_system
from tests.chance import chance
from tests.strategies import QUICK, systems

HOW = {"scoring": Scoring(), "logit_scale": 10.0}


def world(images: int, seed: int) -> tuple[AttributeSystem, np.ndarray, list[str]]:
    """Four classes in two binary groups, and two groups of noise; cosines of noisy images."""
    groups = [
        AttributeGroup(name=name, prompt=f"{name} {{}}", options=("no", "yes"))
        for name in ("noise", "high", "low", "more noise")
    ]
    rules = {
        f"c{c}": {g.name: ("no", "yes")[int(bit)] for g, bit in zip(groups, bits, strict=True)}
        for c, bits in enumerate(["0000", "1010", "1101", "0110"])
    }
    system = make_system("number", groups, rules)
    labels = [f"c{index % 4}" for index in range(images)]
    rng = chance(seed)
    similar = rng.normal(scale=0.3, size=(images, 8)).astype(np.float32)
    for row, label in enumerate(labels):
        for column, name in ((2, "high"), (4, "low")):
            similar[row, column + ("no", "yes").index(system.rules[label][name][0])] += 1.5
    return system, similar, labels


def test_groups_of_noise_go_and_the_proposal_drops_them() -> None:
    system, similar, labels = world(200, seed=1)
    found = smallest_set(system, similar, labels, **HOW)
    assert (found.kept, found.dropped) == (("high", "low"), ("noise", "more noise"))
    proposal = drop_proposal(found)
    assert proposal is not None
    assert proposal.edits == (DropGroup(group="noise"), DropGroup(group="more noise"))
    assert proposal.source == "data"
    assert f"2 of 4 groups get {found.reduced.count} of 200" in proposal.reason


@QUICK
@given(systems(), st.integers(0, 2**32 - 1), st.sampled_from([1, 5, 40]))
def test_what_is_left_is_within_the_interval_and_counted_right(
    system: AttributeSystem, seed: int, images: int
) -> None:
    rng = chance(seed)
    phrases = system.phrases()
    drawn = rng.normal(size=(images, len(phrases))).astype(np.float32)
    # Equal phrases have equal cosines.
    similar = drawn[:, [phrases.index(phrase) for phrase in phrases]]
    labels = [system.classes[index % len(system.classes)] for index in range(images)]
    found = smallest_set(system, similar, labels, **HOW)
    full = score_cosines(system, similar, labels, **HOW)
    assert found.full.count == full.correct.sum()
    assert found.reduced.fraction >= wilson(int(full.correct.sum()), images).low
    marks = correct_without_groups(found.dropped, system, similar, labels, **HOW)
    assert found.reduced.count == marks.sum()
    assert len(found.kept) >= 1
    assert sorted(found.kept + found.dropped) == sorted(group.name for group in system.groups)
    proposal = drop_proposal(found)
    if proposal is None:
        assert found.dropped == ()
    else:
        kept = tuple(group.name for group in apply(system, proposal.edits).groups)
        assert kept == found.kept


def test_where_every_group_is_needed_none_goes() -> None:
    system, similar, labels = world(200, seed=2)
    less = apply(system, [DropGroup(group="noise"), DropGroup(group="more noise")])
    found = smallest_set(less, similar[:, 2:6], labels, **HOW)
    assert found.dropped == ()
    assert drop_proposal(found) is None


def test_marks_without_groups_are_those_of_the_smaller_system() -> None:
    system, similar, labels = world(50, seed=3)
    less = apply(system, [DropGroup(group="high")])
    columns = [0, 1, 4, 5, 6, 7]
    expected = score_cosines(less, similar[:, columns], labels, **HOW).correct
    found = correct_without_groups(("high",), system, similar, labels, **HOW)
    assert found.tolist() == expected.tolist()
    assert found.mean() == pytest.approx(0.5, abs=0.2)
