"""Diagnosis of small systems whose every figure can be worked out, and against slow recounts."""

import math
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from builder.diagnosis import confused_pairs, per_class, per_group, rule_evidence
from builder.scoring import Scores, score, score_cosines, score_names
from builder.statistics import compare, wilson
from builder.system import AttributeGroup, AttributeSystem, Scoring, make_system

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
    assert absol.misleading_groups == (("scene", 2),)

    assert (absol_g.n, absol_g.correct) == (3, 1)
    # One each: in class order.
    assert absol_g.mistaken_for == (("Absol", 1), ("Venusaur", 1))
    # The green round one is in space, which speaks for Absol G all the same.
    assert absol_g.misleading_groups == (("colour", 1), ("shape", 1), ("scene", 1))

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


def groups_of(
    system: AttributeSystem, rows: Sequence[Sequence[float]], labels: Sequence[str], **kinds: Any
) -> Any:
    """Group reports where the vectors of the phrases are axes: an image is its own cosines."""
    size = len(system.phrases())
    return per_group(
        system,
        np.array(rows, np.float32).reshape(-1, size),
        np.eye(size, dtype=np.float32),
        labels,
        scoring=Scoring(**kinds),
        logit_scale=4.0,
    )


def test_per_group_by_hand() -> None:
    colour, shape, scene = groups_of(SYSTEM, ROWS, LABELS)
    assert [(r.name, r.options) for r in (colour, shape, scene)] == [
        ("colour", 3),
        ("shape", 2),
        ("scene", 3),
    ]
    # White alone is Absol or Absol G, green is one of the Venusaurs: each of them counts 1/2.
    assert (colour.alone.count, colour.alone.n) == (pytest.approx(6 / 2 + 2 / 2), 10)
    # Long fits three classes, round fits two.
    assert shape.alone.count == pytest.approx(6 / 3 + 2 / 2)
    # Rocks are Absol's alone, space is Absol G's alone, and the field is [red]'s.
    assert scene.alone.count == pytest.approx(2 + 2)
    # Without the scene both Absols look the same, and class order gives all white ones to Absol.
    assert (scene.without.fixed, scene.without.broken, scene.without.n) == (2, 1, 10)
    assert scene.without.points == pytest.approx(10.0)
    assert scene.weak
    # Only images whose class has a rule here are asked; Pikachu has none, Venusaur-GX no scene.
    assert (colour.agreement.count, colour.agreement.n) == (8, 9)
    assert (scene.agreement.count, scene.agreement.n) == (4, 7)
    # Choices per class: colour 2 2 1, shape 3 2, scene 1 1 2 1.
    assert colour.bits == pytest.approx(-(2 * 0.4 * math.log2(0.4) + 0.2 * math.log2(0.2)))
    assert shape.bits == pytest.approx(-(0.6 * math.log2(0.6) + 0.4 * math.log2(0.4)))
    assert scene.bits == pytest.approx(-(3 * 0.2 * math.log2(0.2) + 0.4 * math.log2(0.4)))
    # Only the scene tells one Absol from the other, 2 of 5 classes; colour and shape add nothing.
    assert [r.bits_given_others for r in (colour, shape, scene)] == pytest.approx([0, 0, 0.4])
    assert scene.words() == (
        "scene: alone it gets 40% of 10 images right; without it +10.0 points (2 fixed, 1 broken); "
        "57% of images look as its rules say; 1.9 bits, 0.4 of them in no other group"
    )


def test_the_only_group_and_no_images() -> None:
    only = make_system("test", [SHAPE], {"a": {"shape": "long"}, "b": {"shape": "round"}})
    (report,) = groups_of(only, [[0.1, 0.3], [0.1, 0.3]], ["a", "b"])
    assert (report.without, report.weak) == (None, False)
    assert (report.alone.count, report.bits, report.bits_given_others) == (1, 1, 1)
    assert report.words().startswith("shape: alone it gets 50% of 2 images right; 50% of images")

    nothing = groups_of(SYSTEM, [], [])
    assert [(r.alone.n, r.alone.count, r.without.n, r.weak) for r in nothing] == [
        (0, 0, 0, False)
    ] * 3
    assert per_class(scored([], []), SYSTEM)[0].n == 0
    assert confused_pairs(scored([], []), SYSTEM) == ()
    assert rule_evidence(scored([], []), SYSTEM) == ()


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


def entropy(symbols: Sequence[Any]) -> float:
    counts = Counter(symbols)
    return -sum(k / len(symbols) * math.log2(k / len(symbols)) for k in counts.values())


@examples
@given(cases(), st.sampled_from(["sum", "log"]))
def test_groups_equal_a_slow_recount(
    case: tuple[AttributeSystem, NDArray[np.float32], list[str]], rule: Any
) -> None:
    system, rows, labels = case
    eye = np.eye(8, dtype=np.float32)
    kinds = Scoring(rule=rule)
    full = score(system, rows, eye, labels, scoring=kinds, logit_scale=4.0)
    starts = {"colour": 0, "shape": 3, "scene": 5}
    for report in groups_of(system, rows.tolist(), labels, rule=rule):
        group = system.group(report.name)
        columns = range(starts[group.name], starts[group.name] + len(group.options))

        rest = make_system(
            "test",
            [other for other in GROUPS if other != group],
            {
                name: {g: c for g, c in choices.items() if g != group.name}
                for name, choices in system.rules.items()
            },
        )
        kept = [column for column in range(8) if column not in columns]
        left = score(
            rest,
            rows[:, kept],
            eye[: len(kept), : len(kept)],
            labels,
            scoring=kinds,
            logit_scale=4.0,
        )
        assert report.without == compare(full.correct, left.correct)

        expected = Fraction(0)
        agreeing = ruled = 0
        for row, label in zip(rows.astype(np.float64), labels, strict=True):
            if label not in system.rules:
                continue
            powers = {o: math.exp(4 * row[c]) for o, c in zip(group.options, columns, strict=True)}
            speaks = {
                name: sum(powers[o] for o in choices[group.name]) / len(choices[group.name])
                if choices[group.name]
                else sum(powers.values()) / len(powers)
                for name, choices in system.rules.items()
            }
            best = [n for n, value in speaks.items() if value >= max(speaks.values()) * (1 - 1e-5)]
            expected += Fraction(label in best, len(best))
            own = system.rules[label][group.name]
            if own and len(own) < len(group.options):
                ruled += 1
                agreeing += max(powers, key=powers.__getitem__) in own
        assert report.alone.count == pytest.approx(float(expected))
        assert report.alone.n == len(labels)
        assert (report.agreement.count, report.agreement.n) == (agreeing, ruled)

        def chosen(name: str, among: Sequence[AttributeGroup], system: Any = system) -> Any:
            return tuple(
                system.rules[name][g.name]
                if len(system.rules[name][g.name]) < len(g.options)
                else ()
                for g in among
            )

        others = [other for other in GROUPS if other != group]
        assert report.bits == pytest.approx(entropy([chosen(n, [group]) for n in system.classes]))
        joint = entropy([chosen(n, GROUPS) for n in system.classes])
        given_others = joint - entropy([chosen(n, others) for n in system.classes])
        assert report.bits_given_others == pytest.approx(given_others, abs=1e-9)
        assert 0 <= report.bits_given_others <= report.bits + 1e-9


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
