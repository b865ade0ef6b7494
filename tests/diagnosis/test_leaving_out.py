"""Leaving a group out, without scoring again, against scoring again."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from builder.diagnosis import groups as leaving_out
from builder.diagnosis.groups import correct_without
from builder.scoring.score import group_slices, score_cosines
from builder.system.model import AttributeGroup, AttributeSystem, Scoring, make_system, scored_texts
from tests.chance import chance
from tests.strategies import QUICK, systems

Rule = Literal["sum", "log", "robust-log"]


def scored_again(
    system: AttributeSystem, similar: NDArray[np.float32], labels: Sequence[str], scoring: Scoring
) -> list[list[bool]]:
    """Per group, the marks of a system that never had it."""
    found = []
    for left, columns in zip(system.groups, group_slices(system), strict=True):
        rest = make_system(
            "test",
            [group for group in system.groups if group != left],
            {
                name: {group: c for group, c in choices.items() if group != left.name}
                for name, choices in system.rules.items()
            },
        )
        kept = np.delete(similar, columns, axis=1)
        scores = score_cosines(rest, kept, labels, scoring=scoring, logit_scale=20.0)
        found.append(scores.correct.tolist())
    return found


def left_out(
    system: AttributeSystem, similar: NDArray[np.float32], labels: Sequence[str], scoring: Scoring
) -> list[list[bool]]:
    scores = score_cosines(system, similar, labels, scoring=scoring, logit_scale=20.0)
    marks = correct_without(system, scores, similar, scoring=scoring, logit_scale=20.0)
    return [group.tolist() for group in marks]


@QUICK
@given(
    systems().filter(lambda system: len(system.groups) > 1),
    st.sampled_from(["sum", "log"]),
    st.sampled_from([None, 1.0, 1e4]),
    st.integers(0, 2**32 - 1),
)
def test_leaving_out_equals_scoring_again(
    system: AttributeSystem, rule: Rule, scale: float | None, seed: int
) -> None:
    rng = chance(seed)
    similar = rng.normal(scale=0.2, size=(40, len(system.phrases()))).astype(np.float32)
    labels = rng.choice([*system.classes, "unknown class"], size=40).tolist()
    scoring = Scoring(rule=rule, scale=scale)
    expected = scored_again(system, similar, labels, scoring)
    assert left_out(system, similar, labels, scoring) == expected


@QUICK
@given(systems().filter(lambda system: len(system.groups) > 1), st.integers(1, 3))
def test_the_scores_stay_as_they_are(system: AttributeSystem, n: int) -> None:
    """Also where a block holds one image, whose totals are contiguous either way."""
    similar = chance(n).normal(scale=0.2, size=(n, len(system.phrases())))
    labels = [system.classes[0]] * n
    scoring = Scoring()
    scores = score_cosines(system, similar, labels, scoring=scoring, logit_scale=20.0)
    totals = scores.totals.copy()
    correct_without(system, scores, similar, scoring=scoring, logit_scale=20.0)
    np.testing.assert_array_equal(scores.totals, totals)


@QUICK
@given(
    systems().filter(lambda system: len(system.groups) > 1),
    st.sampled_from(["sum", "log", "robust-log"]),
    st.booleans(),
    st.floats(0, 2),
    st.integers(0, 2**32 - 1),
)
def test_leaving_out_by_any_scoring(
    system: AttributeSystem, rule: Rule, centred: bool, name_prior: float, seed: int
) -> None:
    rng = chance(seed)
    scoring = Scoring(
        rule=rule,
        weights={group.prompt: float(rng.uniform(0.2, 2)) for group in system.groups},
        name_prior=name_prior,
    )
    texts = scored_texts(system, scoring)
    if centred:
        means = {text: float(rng.uniform(-0.2, 0.2)) for text in texts}
        scoring = scoring.model_copy(update={"means": means})
    similar = rng.normal(scale=0.2, size=(40, len(texts))).astype(np.float32)
    labels = rng.choice([*system.classes, "unknown class"], size=40).tolist()
    expected = scored_again(system, similar, labels, scoring)
    assert left_out(system, similar, labels, scoring) == expected


@pytest.mark.parametrize("rule", ["sum", "log"])
def test_in_blocks_and_with_many_classes(rule: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = chance(0)
    groups = [
        AttributeGroup(name=f"g{g}", prompt=f"{g} {{}}", options=tuple("abcd")) for g in range(4)
    ]
    # 400 classes of 256 different rows: many tie, and more without a group.
    rules = {f"c{c}": {group.name: "abcd"[rng.integers(4)] for group in groups} for c in range(400)}
    system = make_system("test", groups, rules)
    similar = rng.normal(scale=0.1, size=(300, 16)).astype(np.float32)
    labels = rng.choice([*system.classes, "?"], size=300).tolist()
    monkeypatch.setattr(leaving_out, "_BLOCK", 400 * 7)
    scoring = Scoring(rule=rule)
    expected = scored_again(system, similar, labels, scoring)
    assert left_out(system, similar, labels, scoring) == expected


def test_classes_that_become_alike_tie_exactly_to_class_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # No image is scored again: that would be most of them.
    monkeypatch.setattr(leaving_out, "_ROUNDING", -1.0)
    shape = AttributeGroup(name="shape", prompt="{}", options=("round", "long"))
    scene = AttributeGroup(name="scene", prompt="in {}", options=("space", "rocks"))
    system = make_system(
        "test",
        [shape, scene],
        {
            "Absol": {"shape": "long", "scene": "rocks"},
            "Absol G": {"shape": "long", "scene": "space"},
            "Mew": {"shape": "round", "scene": "space"},
        },
    )
    rng = chance(1)
    similar = np.tile([0.0, 0.9, 0.9, 0.0], (50, 1)) + rng.normal(scale=0.01, size=(50, 4))
    marks = [
        left_out(system, similar.astype(np.float32), [name] * 50, Scoring())
        for name in ("Absol", "Absol G")
    ]
    # Without the scene both are long: all go to the first, none to the second.
    assert [group[1] for group in marks] == [[True] * 50, [False] * 50]


def test_the_only_group_can_not_be_left_out() -> None:
    only = AttributeGroup(name="shape", prompt="{}", options=("round", "long"))
    system = make_system("test", [only], {"a": {"shape": "round"}, "b": {"shape": "long"}})
    assert left_out(system, np.zeros((2, 2), np.float32), ["a", "b"], Scoring()) == []
