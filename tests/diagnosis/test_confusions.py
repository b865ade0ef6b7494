"""Diagnosis of small systems whose every figure can be worked out, and against slow recounts."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from builder.diagnosis.confusions import (
    ConfusedPair,
    Misleading,
    confused_pairs,
    per_class,
    rule_evidence,
)
from builder.resources import resource_folder
from builder.scoring.score import Scores, group_rules, score_cosines, score_names
from builder.scoring.statistics import wilson
from builder.system.checks import check
from builder.system.file import load_system_file
from builder.system.model import AttributeGroup, AttributeSystem, Scoring, make_system
from tests.chance import chance

examples = settings(derandomize=True, deadline=None, max_examples=40)

COLOUR = AttributeGroup(name="colour", prompt="{}", options=("white", "green", "red"))
SHAPE = AttributeGroup(name="shape", prompt="It is {}", options=("round", "long"))
SCENE = AttributeGroup(name="scene", prompt="In {}", options=("space", "rocks", "a field"))
GROUPS = (COLOUR, SHAPE, SCENE)

SYSTEM = make_system(
    "test",
    GROUPS,
    {
        "Absol": {"colour": "white", "shape": "long", "scene": "rocks"},
        "Absol G": {"colour": "white", "shape": "long", "scene": "space"},
        "Venusaur": {"colour": "green", "shape": "round", "scene": None},
        "Venusaur-GX": {"colour": "green", "shape": "round", "scene": None},
        "[red]": {"colour": ["red", "white"], "shape": "long", "scene": "a field"},
    },
)


def image(colour: int, shape: int, scene: int) -> list[float]:
    """Cosines of an image that sees one option clearly in each group."""
    row = [0.0] * 8
    row[colour] = row[3 + shape] = row[5 + scene] = 0.5
    return row


def scored(rows: Sequence[Sequence[float]], labels: Sequence[str]) -> Scores:
    similar = np.array(rows, np.float32).reshape(-1, 8)
    return score_cosines(SYSTEM, similar, labels, scoring=Scoring(), logit_scale=4.0)


# Absol is white and long; 2 of its 4 images are in space, so they go to Absol G.
ROWS = [image(0, 1, 1)] * 2 + [image(0, 1, 0)] * 2
LABELS = ["Absol"] * 4
# Absol G, 3 images: right, a green round one, and one in the rocks.
ROWS += [image(0, 1, 0), image(1, 0, 0), image(0, 1, 1)]
LABELS += ["Absol G"] * 3
# Venusaur-GX, whose rules are Venusaur's; and one image of a class that no rule knows.
ROWS += [image(1, 0, 2)] * 2 + [image(2, 0, 2)]
LABELS += ["Venusaur-GX"] * 2 + ["Pikachu"]


def test_per_class() -> None:
    scores = scored(ROWS, LABELS)
    absol, absol_g, venusaur, venusaur_gx, red = per_class(scores, SYSTEM)
    assert (absol.name, absol.n, absol.correct, absol.accuracy) == ("Absol", 4, 2, 0.5)
    assert absol.interval == wilson(2, 4)
    assert absol.mistaken_for == (("Absol G", 2),)
    # Of the odds 1 : e^2 : 1, what speaks for space rather than rocks.
    lead = pytest.approx((math.e**2 - 1) / (math.e**2 + 2))
    assert absol.misleading_groups == (Misleading("scene", 2, lead),)
    assert (absol.wrong, red.wrong) == (2, 0)

    assert (absol_g.n, absol_g.correct) == (3, 1)
    # One each: in class order.
    assert absol_g.mistaken_for == (("Absol", 1), ("Venusaur", 1))
    # The green round one is in space, which speaks for Absol G all the same.
    by_lead = [(m.group, m.images) for m in absol_g.misleading_groups]
    assert by_lead == [("shape", 1), ("colour", 1), ("scene", 1)]

    assert (venusaur.n, venusaur.accuracy, venusaur.interval) == (0, 0.0, wilson(0, 0))
    assert venusaur_gx.mistaken_for == (("Venusaur", 2),)
    assert venusaur_gx.misleading_groups == ()
    assert (red.name, red.n, red.mistaken_for) == ("[red]", 0, ())
    assert [r.misleading_groups for r in per_class(scores)] == [()] * 5


def test_mistaken_for_most_first() -> None:
    scores = scored([image(1, 0, 1), *[image(0, 1, 0)] * 2], ["Absol"] * 3)
    assert per_class(scores)[0].mistaken_for == (("Absol G", 2), ("Venusaur", 1))


def test_per_class_of_a_names_baseline() -> None:
    eye = np.eye(2, dtype=np.float32)
    scores = score_names(("a", "b"), eye[[0, 1, 1]], eye, ["a", "a", "b"])
    assert [(r.n, r.correct, r.mistaken_for) for r in per_class(scores)] == [
        (2, 1, (("b", 1),)),
        (1, 1, ()),
    ]
    with pytest.raises(ValueError, match="not the scores of this system"):
        per_class(scores, SYSTEM)


def test_confused_pairs() -> None:
    scores = scored(ROWS, LABELS)
    absols, venusaurs, odd = confused_pairs(scores, SYSTEM)
    assert (absols.first, absols.second) == ("Absol", "Absol G")
    assert (absols.count_first_as_second, absols.count_second_as_first, absols.count) == (2, 1, 3)
    # The scene is the only group whose rules differ: right on 2 of 4 and on 2 of 3 images.
    assert dict(absols.separating_groups) == pytest.approx({"scene": (2 / 4 + 2 / 3) / 2})
    assert not absols.identical
    assert '"Absol" taken for "Absol G" 2 times, the other way 1 times' in absols.words()
    assert "scene (58%)" in absols.words()

    assert (venusaurs.first, venusaurs.second) == ("Venusaur", "Venusaur-GX")
    assert (venusaurs.count_first_as_second, venusaurs.count_second_as_first) == (0, 2)
    assert venusaurs.identical
    assert "identical" in venusaurs.words()

    # Venusaur has no images: Absol G's alone decide, and Venusaur's "none" is 1/3 on each scene.
    assert (odd.first, odd.second, odd.count) == ("Absol G", "Venusaur", 1)
    assert dict(odd.separating_groups) == pytest.approx(
        {"colour": 2 / 3, "shape": 2 / 3, "scene": 2 / 3}
    )
    assert confused_pairs(scores, SYSTEM, limit=1) == (absols,)


def test_a_group_that_sees_no_difference_is_a_coin() -> None:
    even = [[0.0] * 8]
    (pair,) = confused_pairs(scored(even, ["Absol G"]), SYSTEM)
    assert (pair.first, pair.second, pair.separating_groups) == (
        "Absol",
        "Absol G",
        (("scene", 0.5),),
    )


def test_nothing_comes_of_no_images() -> None:
    assert per_class(scored([], []), SYSTEM)[0].n == 0
    assert confused_pairs(scored([], []), SYSTEM) == ()
    assert rule_evidence(scored([], []), SYSTEM) == ()


@pytest.mark.parametrize(
    ("groups", "verdict"),
    [
        ([], "identical rules: no group can tell them apart"),
        (
            [("color", 0.6)],
            "only color differs, and the images don't show it (60 %): reword it or add a group",
        ),
        (
            [("color", 0.7), ("shape", 0.2)],
            "2 groups differ, but the images hardly show it (the best, color, 70 %): reword them "
            "or add a group",
        ),
        (
            [("color", 0.75)],
            "color should tell them apart and does in 75 %; nothing else differs: add a group",
        ),
        (
            [("shape", 0.85), ("scene", 0.8), ("form", 0.3)],
            "shape should tell them apart and does in 85 %; form misleads (30 %): reword it or "
            "change its rules",
        ),
        (
            [("shape", 0.85), ("form", 0.5)],
            "shape should tell them apart and does in 85 %; form hardly does (50 %): reword it or "
            "add a group",
        ),
        (
            [("shape", 0.85), ("form", 0.8)],
            "shape should tell them apart and does in 85 %; the others do in 80 % or more: add a "
            "group for the rest",
        ),
    ],
)
def test_a_pair_s_verdict_says_what_is_missing(
    groups: list[tuple[str, float]], verdict: str
) -> None:
    pair = ConfusedPair("Absol", "Mew", 2, 1, tuple(groups))
    assert pair.verdict() == verdict
    spelled = pair.verdict(lambda name: name.upper())
    assert all(name.upper() in spelled for name, _ in groups if name in verdict)


def test_the_article_s_system_and_its_twins() -> None:
    """Simulated cards, each seen mostly as its rules say: three classes stay one for all groups."""
    system = load_system_file(resource_folder("systems") / "pokemon.json").system
    labels = [name for name in system.classes for _ in range(6)]
    rows = np.hstack([rule.weights[rule.of_class] for rule in group_rules(system)])
    truth = rows[[system.classes.index(label) for label in labels]]
    noise = chance(0).normal(scale=0.05, size=truth.shape)
    similar = (0.2 * truth + noise).astype(np.float32)
    scores = score_cosines(system, similar, labels, scoring=Scoring(), logit_scale=20.0)
    ceiling = check(system, Counter(labels)).ceiling
    assert ceiling == 14 / 16
    assert ceiling - 0.05 < scores.accuracy <= ceiling
    twins = {"Bulbasaur", "Venusaur", "Celebi & Venusaur-GX"}
    first, second, *others = confused_pairs(scores, system)
    for pair in (first, second):
        assert {pair.first, pair.second} <= twins
        assert pair.verdict() == "identical rules: no group can tell them apart"
    assert not any(pair.identical for pair in others)
    by_name = {report.name: report for report in per_class(scores, system)}
    assert [by_name[name].correct for name in sorted(twins)] == [6, 0, 0]
    assert by_name["Venusaur"].misleading_groups == ()


@st.composite
def cases(draw: st.DrawFn) -> tuple[AttributeSystem, NDArray[np.float32], list[str]]:
    """A system of the three groups, up to 12 images on a grid of cosines, and labels."""

    def choice(group: AttributeGroup) -> list[str]:
        return draw(st.lists(st.sampled_from(group.options), unique=True, max_size=2))

    names = [f"class {c}" for c in range(draw(st.integers(2, 5)))]
    rules = {name: {group.name: choice(group) for group in GROUPS} for name in names}
    cosine = st.integers(-4, 4).map(lambda quarter: quarter / 4)
    rows = draw(st.lists(st.lists(cosine, min_size=8, max_size=8), max_size=12))
    labels = [draw(st.sampled_from([*names, "unknown"])) for _ in rows]
    return make_system("test", GROUPS, rules), np.array(rows, np.float32).reshape(-1, 8), labels


@examples
@given(cases())
def test_classes_and_pairs_add_up(
    case: tuple[AttributeSystem, NDArray[np.float32], list[str]],
) -> None:
    system, rows, labels = case
    scores = score_cosines(system, rows, labels, scoring=Scoring(), logit_scale=4.0)
    reports = per_class(scores, system)
    assert [r.name for r in reports] == [*system.classes]
    assert sum(r.correct for r in reports) == scores.correct.sum()
    for report in reports:
        assert report.n == labels.count(report.name)
        assert sum(count for _, count in report.mistaken_for) == report.n - report.correct
        assert report.name not in dict(report.mistaken_for)
        counts = [count for _, count in report.mistaken_for]
        assert counts == sorted(counts, reverse=True)
    pairs = confused_pairs(scores, system, limit=100)
    assert sum(pair.count for pair in pairs) == sum(r.n - r.correct for r in reports)
    for pair in pairs:
        mistaken = {report.name: dict(report.mistaken_for) for report in reports}
        assert pair.count_first_as_second == mistaken[pair.first].get(pair.second, 0)
        assert pair.count_second_as_first == mistaken[pair.second].get(pair.first, 0)
        assert all(0 <= accuracy <= 1 for _, accuracy in pair.separating_groups)


def test_rule_evidence() -> None:
    evidence = rule_evidence(scored(ROWS, LABELS), SYSTEM)
    assert [(e.class_name, e.group) for e in evidence] == [
        (name, group)
        for name in ("Absol", "Absol G", "Venusaur-GX")
        for group in ("colour", "shape", "scene")
    ]
    by = {(e.class_name, e.group): e for e in evidence}
    assert by["Absol", "colour"].chosen == (("white", 4),)
    # Two each: in the order of the options.
    assert by["Absol", "scene"].chosen == (("space", 2), ("rocks", 2))
    assert (by["Absol", "scene"].n, by["Absol", "scene"].rule) == (4, ("rocks",))
    assert by["Absol G", "scene"].chosen == (("space", 2), ("rocks", 1))
    assert by["Venusaur-GX", "scene"].rule == ()
