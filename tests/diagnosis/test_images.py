"""The images behind a number, against hand-made ones and slow recounts."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.diagnosis.confusions import confused_pairs, per_class
from builder.diagnosis.images import Case, Seen, changed_cases, class_cases, pair_cases, wrong_cases
from builder.scoring.score import Scores, score_cosines, score_names
from builder.scoring.statistics import compare
from builder.system.model import AttributeGroup, AttributeSystem, Scoring, make_system
from tests.chance import chance
from tests.strategies import QUICK, system_pairs, systems

COLOUR = AttributeGroup(name="colour", prompt="{}", options=("white", "green", "red"))
SCENE = AttributeGroup(name="scene", prompt="In {}", options=("space", "rocks"))
SYSTEM = make_system(
    "test",
    (COLOUR, SCENE),
    {
        "Absol": {"colour": "white", "scene": "rocks"},
        "Absol G": {"colour": "white", "scene": "space"},
        "[red]": {"colour": ["white", "red"], "scene": None},
    },
)


def scored(
    system: AttributeSystem, rows: Sequence[Sequence[float]], labels: Sequence[str]
) -> Scores:
    """At a scale of 1, so that a cosine of log 3 makes an option three times as likely."""
    size = sum(len(group.options) for group in system.groups)
    similar = np.array(rows, np.float32).reshape(-1, size)
    return score_cosines(system, similar, labels, scoring=Scoring(scale=1), logit_scale=1)


def image(colour: int, scene: int, clarity: float = 3.0) -> list[float]:
    """An image that sees one option of each group, so many times as likely as any other."""
    row = [0.0] * 5
    row[colour] = row[3 + scene] = float(np.log(clarity))
    return row


# Two Absols in space, the second more clearly; one among rocks; an Absol G among rocks; a class
# without rules.
ROWS = [image(0, 0), image(0, 0, 9.0), image(0, 1), image(0, 1), image(2, 0)]
LABELS = ["Absol", "Absol", "Absol", "Absol G", "Pikachu"]
SCORES = scored(SYSTEM, ROWS, LABELS)


def indices(cases: Sequence[Case]) -> list[int]:
    return [case.index for case in cases]


def test_what_each_group_saw_against_what_the_rules_say() -> None:
    (_, case, _) = class_cases(SCORES, SYSTEM, "Absol")
    assert (case.index, case.label, case.predicted, case.correct) == (0, "Absol", "Absol G", False)
    assert case.margin == pytest.approx(0.75 - 0.25)
    colour, scene = case.groups
    same = pytest.approx(0.6)
    assert colour == Seen("colour", ("white",), same, "white", same, ("white",), same)
    assert not colour.misled
    assert scene == Seen(
        "scene",
        ("rocks",),
        pytest.approx(0.25),
        "space",
        pytest.approx(0.75),
        ("space",),
        pytest.approx(0.75),
    )
    assert scene.misled


def test_the_worst_come_first() -> None:
    assert indices(class_cases(SCORES, SYSTEM, "Absol")) == [1, 0, 2]
    assert indices(pair_cases(SCORES, SYSTEM, "Absol", "Absol G")) == [1, 0, 3]
    assert indices(pair_cases(SCORES, SYSTEM, "Absol G", "Absol")) == [1, 0, 3]
    assert indices(pair_cases(SCORES, SYSTEM, "Absol", "[red]")) == []
    assert indices(class_cases(SCORES, SYSTEM, "[red]")) == []
    assert indices(wrong_cases(SCORES, SYSTEM)) == [1, 0, 3, 4]
    assert indices(wrong_cases(SCORES, SYSTEM, 2)) == [1, 0]


def test_a_correct_image_is_behind_by_what_the_next_class_lacks() -> None:
    right = class_cases(SCORES, SYSTEM, "Absol")[-1]
    assert (right.label, right.predicted, right.correct) == ("Absol", "Absol", True)
    # [red] comes next: the mean of white and red, and a half for no scene.
    assert right.margin == pytest.approx((0.6 + 0.2) / 2 + 0.5 - (0.6 + 0.75))


def test_a_rule_of_several_options_and_of_none() -> None:
    scores = scored(SYSTEM, [image(1, 0)], ["[red]"])
    (case,) = wrong_cases(scores, SYSTEM)
    colour, scene = case.groups
    assert (colour.ruled, colour.p_ruled) == (("white", "red"), pytest.approx(0.2))
    assert (scene.ruled, scene.p_ruled) == ((), pytest.approx(0.5))
    assert scene.misled


def test_an_image_of_a_class_without_rules() -> None:
    case = wrong_cases(SCORES, SYSTEM)[-1]
    assert (case.label, case.margin, case.correct) == (None, None, False)
    assert [(seen.ruled, seen.p_ruled, seen.misled) for seen in case.groups] == [
        ((), None, False)
    ] * 2
    assert [seen.seen for seen in case.groups] == ["red", "space"]


def test_a_tie_is_no_distance() -> None:
    twins = make_system("t", (SCENE,), {"a": {"scene": "space"}, "b": {"scene": "space"}})
    (case,) = pair_cases(scored(twins, [[1.0, 0.0]], ["b"]), twins, "a", "b")
    assert (case.predicted, case.margin) == ("a", 0.0)
    assert not case.groups[0].misled


def test_fixed_ones_as_they_were_and_broken_ones_as_they_are_then() -> None:
    rules = {**SYSTEM.rules, "Absol": {"scene": ("space",)}, "Absol G": {"scene": ("rocks",)}}
    changed = AttributeSystem(
        domain="test",
        groups=(SCENE,),
        rules={name: {"scene": rule["scene"]} for name, rule in rules.items()},
    )
    after = scored(changed, [row[3:] for row in ROWS], LABELS)
    found = changed_cases(SCORES, SYSTEM, after, changed)
    assert indices(found.fixed) == [1, 0, 3]
    assert [case.predicted for case in found.fixed] == ["Absol G", "Absol G", "Absol"]
    assert [len(case.groups) for case in found.fixed] == [2, 2, 2]
    assert indices(found.broken) == [2]
    assert [(case.predicted, len(case.groups)) for case in found.broken] == [("Absol G", 1)]


def test_a_class_that_a_change_drops_breaks_its_images() -> None:
    rules = {name: rule for name, rule in SYSTEM.rules.items() if name != "Absol"}
    changed = AttributeSystem(domain="test", groups=SYSTEM.groups, rules=rules)
    found = changed_cases(SCORES, SYSTEM, scored(changed, ROWS, LABELS), changed)
    assert [(case.index, case.label) for case in found.broken] == [(2, None)]
    assert found.fixed == ()


def test_without_images() -> None:
    none = scored(SYSTEM, [], [])
    assert wrong_cases(none, SYSTEM) == ()
    assert class_cases(none, SYSTEM, "Absol") == ()
    assert pair_cases(none, SYSTEM, "Absol", "[red]") == ()
    found = changed_cases(none, SYSTEM, none, SYSTEM)
    assert (found.fixed, found.broken) == ((), ())


def test_scores_of_something_else_are_refused() -> None:
    eye = np.eye(3, dtype=np.float32)
    names = score_names(SYSTEM.classes, eye, eye, ["Absol"] * 3)
    for scores in (names, scored(make_system("t", (SCENE,), {"a": {}, "b": {}}), [], [])):
        with pytest.raises(ValueError, match="not the scores of this system"):
            wrong_cases(scores, SYSTEM)
    with pytest.raises(ValueError, match="not the same images"):
        changed_cases(SCORES, SYSTEM, scored(SYSTEM, [], []), SYSTEM)
    with pytest.raises(ValueError, match="not in tuple"):
        class_cases(SCORES, SYSTEM, "Pikachu")


SEEDS = st.integers(0, 2**32 - 1)


def random_scores(system: AttributeSystem, seed: int, n: int = 30) -> Scores:
    """Images of the system's classes, and of one that it does not know."""
    rng = chance(seed)
    names = [*system.classes, "a class that has no rules"]
    labels = [names[pick] for pick in rng.integers(len(names), size=n)]
    size = sum(len(group.options) for group in system.groups)
    similar = rng.normal(size=(n, size)).astype(np.float32)
    return score_cosines(system, similar, labels, scoring=Scoring(), logit_scale=2.0)


@QUICK
@given(systems(), SEEDS)
def test_the_groups_add_up_to_the_margin(system: AttributeSystem, seed: int) -> None:
    for case in wrong_cases(random_scores(system, seed), system):
        if case.margin is not None:
            parts = [seen.p_predicted - (seen.p_ruled or 0.0) for seen in case.groups]
            assert sum(parts) == pytest.approx(case.margin, abs=1e-5)


@QUICK
@given(systems(), SEEDS)
def test_every_image_is_found_and_no_other(system: AttributeSystem, seed: int) -> None:
    scores = random_scores(system, seed)
    wrong = wrong_cases(scores, system)
    assert {case.index for case in wrong} == set(np.flatnonzero(~scores.correct).tolist())
    for report in per_class(scores, system):
        cases = class_cases(scores, system, report.name)
        assert len(cases) == report.n
        assert sum(case.correct for case in cases) == report.correct
        misled = Counter(
            seen.group for case in cases if not case.correct for seen in case.groups if seen.misled
        )
        assert misled == {each.group: each.images for each in report.misleading_groups}
    for pair in confused_pairs(scores, system):
        cases = pair_cases(scores, system, pair.first, pair.second)
        assert Counter(case.label for case in cases) == +Counter(
            {pair.first: pair.count_first_as_second, pair.second: pair.count_second_as_first}
        )
    for case in wrong:
        assert scores.classes[scores.predictions[case.index]] == case.predicted
        assert case.label == (
            None if scores.labels[case.index] < 0 else scores.classes[scores.labels[case.index]]
        )


@QUICK
@given(systems(), SEEDS)
def test_in_order_of_their_margins(system: AttributeSystem, seed: int) -> None:
    scores = random_scores(system, seed)
    for cases in (
        wrong_cases(scores, system),
        *(class_cases(scores, system, name) for name in system.classes),
    ):
        margins = [-np.inf if case.margin is None else case.margin for case in cases]
        assert margins == sorted(margins, reverse=True)
        for case, margin in zip(cases, margins, strict=True):
            # Equal totals go to class order, right or wrong.
            assert margin <= 0 if case.correct else margin >= 0 or case.label is None


@QUICK
@given(system_pairs(), SEEDS)
def test_as_many_are_fixed_and_broken_as_the_referee_counts(
    pair: tuple[AttributeSystem, AttributeSystem], seed: int
) -> None:
    before, after = pair
    first = random_scores(before, seed)
    labels = [before.classes[label] if label >= 0 else "no rules" for label in first.labels]
    size = sum(len(group.options) for group in after.groups)
    similar = chance(seed + 1).normal(size=(first.n, size)).astype(np.float32)
    second = score_cosines(after, similar, labels, scoring=Scoring(), logit_scale=2.0)
    found = changed_cases(first, before, second, after)
    change = compare(first.correct, second.correct)
    assert (len(found.fixed), len(found.broken)) == (change.fixed, change.broken)
    assert not any(case.correct for case in (*found.fixed, *found.broken))
