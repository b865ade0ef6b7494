"""What each group contributes: worked out by hand, and against slow recounts."""

import math
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from builder.diagnosis.groups import Kind, per_group
from builder.scoring.effects import Increments
from builder.scoring.score import score
from builder.scoring.statistics import compare
from builder.system.model import AttributeGroup, AttributeSystem, Scoring, make_system
from tests.chance import chance
from tests.diagnosis.test_confusions import GROUPS, LABELS, ROWS, SHAPE, SYSTEM, cases, examples


def groups_of(
    system: AttributeSystem, rows: Sequence[Sequence[float]], labels: Sequence[str], **kinds: Any
) -> Any:
    """Group reports where the vectors of the phrases are axes: an image is its own cosines."""
    phrases = system.phrases()
    axes = np.eye(len(phrases), dtype=np.float32)
    images = np.array(rows, np.float32).reshape(-1, len(phrases))
    scoring = Scoring(**kinds)
    scores = score(system, images, axes, labels, scoring=scoring, logit_scale=4.0)

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        return axes[[phrases.index(text) for text in texts]]

    return per_group(Increments(system, scores, images, labels, encode, scoring, 4.0))


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
        "scene: can't be told: too few classes; alone it gets 40% of 10 images right; without "
        "it +10.0 points (2 fixed, 1 broken); 57% of images look as its rules say; 1.9 bits, 0.4 "
        "of them in no other group"
    )


def test_the_only_group_and_no_images() -> None:
    only = make_system("test", [SHAPE], {"a": {"shape": "long"}, "b": {"shape": "round"}})
    (report,) = groups_of(only, [[0.1, 0.3], [0.1, 0.3]], ["a", "b"])
    assert (report.without, report.weak) == (None, False)
    assert (report.alone.count, report.bits, report.bits_given_others) == (1, 1, 1)
    assert report.words().startswith(
        "shape: can't be told: too few classes; alone it gets 50% of 2 images right; 50% of images"
    )

    nothing = groups_of(SYSTEM, [], [])
    assert [(r.alone.n, r.alone.count, r.without.n, r.weak) for r in nothing] == [
        (0, 0, 0, False)
    ] * 3
    assert {r.verdict.kind for r in nothing} == {Kind.FEW_IMAGES, Kind.REPEATS}


def entropy(symbols: Sequence[Any]) -> float:
    counts = Counter(symbols)
    return -sum(k / len(symbols) * math.log2(k / len(symbols)) for k in counts.values())


@examples
@given(cases(), st.sampled_from(["sum", "log"]))
def test_groups_equal_a_slow_recount(
    case: tuple[AttributeSystem, NDArray[np.float32], list[str]], rule: Any
) -> None:
    system, rows, labels = case
    # Where totals tie, the last digit decides, and here they are added up in another order.
    rows = rows + np.array([0.011, 0.023, 0.041, 0.067, 0.097, 0.131, 0.173, 0.227], np.float32)
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


def seen_by(rules: Sequence[Sequence[int]], images: int, seed: int = 0) -> Any:
    """Reports of groups of four options that classes choose by `rules` and images mostly show."""
    codes = np.array(rules)
    options = tuple("abcd")
    groups = [
        AttributeGroup(name=f"g{g}", prompt=f"{g} {{}}", options=options) for g in range(len(rules))
    ]
    system = make_system(
        "test",
        groups,
        {
            f"class {c}": {g.name: options[code] for g, code in zip(groups, row, strict=True)}
            for c, row in enumerate(codes.T)
        },
    )
    labels = np.arange(images) % codes.shape[1]
    truth = np.eye(4)[codes[:, labels]]  # [G, n, K]
    noise = chance(seed).normal(scale=0.5, size=truth.shape)
    rows = np.hstack(list(truth + noise))
    return groups_of(system, rows.tolist(), [system.classes[label] for label in labels])


ROW = [c % 4 for c in range(16)]
COLUMN = [c // 4 for c in range(16)]


def test_orthogonal_groups_carry_the_system() -> None:
    reports = seen_by([ROW, COLUMN], 96)
    assert [r.verdict.words() for r in reports] == ["carries the system"] * 2
    # Both are tried, so that the smaller p counts twice.
    ps = [r.left_out.change.p for r in reports]
    assert min(r.left_out.p for r in reports) == 2 * min(ps) < 0.05
    assert [(r.bits, r.bits_given_others) for r in reports] == [(2, 2)] * 2
    assert [(r.repeats.fraction, r.left_out.can_tell) for r in reports] == [(0, True)] * 2
    # 16 classes x 4 options are hidden below 130 images, and shown from there on.
    assert [(r.seen.bits, r.seen.n, r.seen.fewest) for r in reports] == [(None, 96, 130)] * 2
    assert all(0.3 < r.seen.bits < 2 for r in seen_by([ROW, COLUMN], 130))


def test_a_group_whose_rules_have_no_bearing_on_the_images_is_decoration() -> None:
    shuffled = chance(1).permutation(ROW).tolist()
    options = tuple("abcd")
    groups = [AttributeGroup(name=n, prompt=f"{n} {{}}", options=options) for n in ("true", "idle")]
    rules = {
        f"class {c:02}": {"true": options[ROW[c]], "idle": options[shuffled[c]]} for c in range(16)
    }
    labels = [c for c in range(16) for _ in range(6)]
    rng = chance(2)
    seen = np.eye(4)[[ROW[c] for c in labels]] + rng.normal(scale=0.3, size=(96, 4))
    rows = np.hstack([seen, rng.normal(scale=0.1, size=(96, 4))])
    true, idle = groups_of(
        make_system("test", groups, rules), rows.tolist(), [f"class {c:02}" for c in labels]
    )
    assert true.verdict.kind == Kind.CARRIES
    assert idle.verdict.words() == "decoration"


def test_a_copy_repeats_the_first_and_the_only_group_carries() -> None:
    first, second, other = seen_by([ROW, ROW, COLUMN], 32, seed=3)
    assert {first.verdict.words(), second.verdict.words()} <= {"repeats g1", "repeats g0"}
    assert (first.repeats.group, first.repeats.beyond_chance) == ("g1", 1)
    assert other.verdict.kind == Kind.CARRIES
    (only,) = seen_by([ROW], 64)
    assert only.verdict.words() == "carries the system"
    assert (only.left_out, only.repeats) == (None, None)


def test_seven_images_are_too_few_to_say() -> None:
    assert {r.verdict.words() for r in seen_by([ROW, COLUMN], 6)} == {
        "can't be told: too few images"
    }
    # One of 2 x 2^-7 of all outcomes, for two groups: 0.03.
    assert all(r.left_out.can_tell for r in seen_by([ROW, COLUMN], 7))
