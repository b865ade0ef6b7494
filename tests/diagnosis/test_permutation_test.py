"""The null test: decoration is told from evidence, as often as its p promises."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.diagnosis.permutation_test import NullTest, null_tests
from builder.scoring.score import Scores, score_cosines
from builder.system.model import AttributeGroup, AttributeSystem, Choice, Scoring, make_system
from tests.chance import chance
from tests.strategies import QUICK

OPTIONS = ("red", "blue", "green", "white")


def coloured(rules: list[Choice]) -> AttributeSystem:
    group = AttributeGroup(name="colour", prompt="It is {}.", options=OPTIONS)
    names = [f"class {index:03}" for index in range(len(rules))]
    choices = {name: {"colour": rule} for name, rule in zip(names, rules, strict=True)}
    return make_system("test", [group], choices)


def scored(system: AttributeSystem, labels: list[int], similar: np.ndarray) -> Scores:
    names = [system.classes[label] for label in labels]
    rows = similar.astype(np.float32)
    return score_cosines(system, rows, names, scoring=Scoring(), logit_scale=3.0)


def look(system: AttributeSystem, seed: int, true: float, each: int = 4) -> NullTest:
    """The test on images that see their class's first option by `true`, beside noise."""
    rng = chance(seed)
    labels = [index for index in range(len(system.classes)) for _ in range(each)]
    codes = [OPTIONS.index(row["colour"][0]) for row in system.rules.values()]
    # A class's images have a bent of their own, whatever its rule.
    bent = rng.normal(size=(len(codes), 4))[labels]
    similar = bent + rng.normal(size=bent.shape) + true * np.eye(4)[codes][labels]
    (test,) = null_tests(scored(system, labels, similar), system, seed=seed)
    return test


def random_rules(seed: int, classes: int = 12) -> list[Choice]:
    codes = chance(1000 + seed).integers(4, size=classes)
    return [(OPTIONS[code],) for code in codes.tolist()]


def test_rules_without_a_bearing_on_the_images_are_called_evidence_one_time_in_twenty() -> None:
    tests = [look(coloured(random_rules(seed)), seed, true=0.0) for seed in range(300)]
    assert all(test.can_tell for test in tests)
    # Binomial(300, 0.05): 15 expected, beyond 4 to 29 once in a thousand times.
    assert 4 <= sum(test.beats for test in tests) <= 29
    # And p is uniform all the way: about half of it below a half.
    assert 120 <= sum(test.p <= 0.5 for test in tests) <= 180


def test_true_rules_are_found() -> None:
    tests = [look(coloured(random_rules(seed)), seed, true=2.0) for seed in range(20)]
    assert all(test.beats for test in tests)


@QUICK
@given(
    st.sampled_from([(), ("red",), ("red", "blue"), OPTIONS]),
    st.integers(2, 30),
    st.integers(0, 2**32 - 1),
)
def test_a_group_on_which_all_agree_never_beats(rule: Choice, classes: int, seed: int) -> None:
    system = coloured([rule] * classes)
    rng = chance(seed)
    labels = rng.integers(classes, size=40).tolist()
    (test,) = null_tests(scored(system, labels, rng.normal(size=(40, 4))), system, seed=seed)
    assert test == NullTest("colour", 1.0, 999, can_tell=True)
    assert not test.beats


def test_p_is_that_of_all_permutations() -> None:
    rules: list[Choice] = [("white",), ("red",), ("blue",), ("green", "white"), (), ("red",)]
    system = coloured(rules)
    rng = chance(3)
    # Classes of different sizes; the first has no images and takes no part.
    labels = [1] * 5 + [2] * 3 + [3] * 4 + [4] * 2 + [5]
    similar = rng.normal(size=(len(labels), 4)) + 0.6 * np.eye(4)[[0] * 5 + [1] * 3 + [2] * 7]
    scores = scored(system, labels, similar)
    (p,) = scores.probabilities
    chosen = [[OPTIONS.index(option) for option in rule or OPTIONS] for rule in rules]

    def fit(order: tuple[int, ...]) -> float:
        return sum(
            float(row[chosen[order[label - 1]]].mean())
            for label, row in zip(labels, p, strict=True)
        )

    fits = [fit(order) for order in permutations(range(1, 6))]
    exact = sum(other >= fits[0] - 1e-5 for other in fits) / len(fits)
    assert 0.02 < exact < 0.5
    (test,) = null_tests(scores, system, seed=1)
    assert test.p == pytest.approx(exact, abs=0.04)
    assert test.can_tell


@pytest.mark.parametrize(
    ("rules", "can_tell"),
    [
        ("rb", False),
        ("rbg", False),  # 6 arrangements
        ("rbgw", False),  # 24: the best has p = 0.04 on average, but not always below 0.05
        ("rrrbbb", False),  # 20
        ("rbgww", True),  # 60
        ("rrrrbbbb", True),  # 70
        ("rrrrrrrrb", False),  # 9
        ("r" * 39 + "b", True),
        ("rr", True),  # all agree
    ],
)
def test_few_arrangements_tell_nothing(rules: str, can_tell: bool) -> None:
    spelled = {option[0]: (option,) for option in OPTIONS}
    # Even the truest rules.
    test = look(coloured([spelled[letter] for letter in rules]), 0, true=20.0)
    assert test.can_tell == can_tell
    assert test.beats == (can_tell and len(set(rules)) > 1)


def test_classes_without_images_take_no_part() -> None:
    system = coloured([("red",), ("blue",), ("green",), ("white",), ("red",), ("blue",)])
    labels = [0, 0, 1, 1, 2, 2]
    similar = np.eye(4)[[0, 0, 1, 1, 2, 2]]
    (test,) = null_tests(scored(system, labels, similar), system, seed=0)
    assert not test.can_tell
    assert 0.1 < test.p < 0.25  # one of six

    unknown = score_cosines(
        system, similar.astype(np.float32), ["?"] * 6, scoring=Scoring(), logit_scale=3.0
    )
    assert null_tests(unknown, system, seed=0) == (NullTest("colour", 1.0, 999, can_tell=False),)


def test_the_seed_decides() -> None:
    system = coloured(random_rules(5))
    rng = chance(0)
    labels = list(range(12)) * 3
    scores = scored(system, labels, rng.normal(size=(36, 4)))
    first = null_tests(scores, system, seed=1)
    assert null_tests(scores, system, seed=1) == first
    assert len({null_tests(scores, system, seed=seed)[0].p for seed in range(10)}) > 1
