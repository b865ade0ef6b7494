"""Null controls: only chance is left of a system whose rules or words are senseless."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from builder.scoring import controls
from builder.scoring.controls import SHUFFLES, WORDS, shuffled, with_random_words
from builder.scoring.score import score, score_cosines
from builder.system.model import AttributeGroup, AttributeSystem, Scoring, make_system
from tests.chance import chance
from tests.system.test_model import systems
from tests.worlds import CLASSES, GOOD, TRUTH, encode, images

LABELS = [name for name in CLASSES for _ in range(20)]
SCORES = score(
    GOOD, images(LABELS), encode(GOOD.phrases()), LABELS, scoring=Scoring(), logit_scale=20.0
)


def test_shuffled_rules_get_each_class_right_whose_rules_stay() -> None:
    assert SCORES.accuracy == 1
    found = shuffled(SCORES, seed=0)
    assert len(found) == SHUFFLES
    # All right, one class, or none: two of three can't stay without the third.
    assert set(found) == {0, 20, 60}
    assert shuffled(SCORES, seed=0) == found
    assert shuffled(SCORES, seed=1) != found


def test_a_shuffle_is_the_same_as_scoring_the_system_with_the_rules_dealt_anew() -> None:
    possible = set()
    for dealt in itertools.permutations(CLASSES):
        rules = {name: TRUTH[other] for name, other in zip(CLASSES, dealt, strict=True)}
        system = make_system(GOOD.domain, GOOD.groups, rules)
        scores = score(
            system, images(LABELS), encode(GOOD.phrases()), LABELS,
            scoring=Scoring(), logit_scale=20.0,
        )  # fmt: skip
        possible.add(int(scores.correct.sum()))
    assert set(shuffled(SCORES, seed=0)) == possible


def test_shuffles_are_right_by_chance_only() -> None:
    """On average one class of C, whatever is predicted; unknown images are never right."""
    rng = chance(0)
    names = [f"class {index}" for index in range(8)]
    group = AttributeGroup(name="a", prompt="{}", options=tuple(names))
    system = make_system("test", [group], {name: {"a": name} for name in names})
    labels = [names[i] for i in rng.integers(8, size=4000)] + ["unknown"] * 1000
    cosines = rng.normal(size=(5000, 8)).astype(np.float32)
    scores = score_cosines(system, cosines, labels, scoring=Scoring(), logit_scale=10.0)
    mean = sum(shuffled(scores, seed=0)) / SHUFFLES
    assert abs(mean - 500) < 30


@given(systems(), st.integers(0, 99))
def test_random_words_keep_the_shape_and_none_of_the_words(
    system: AttributeSystem, seed: int
) -> None:
    found = with_random_words(system, seed=seed)
    assert found.classes == system.classes
    for before, after in zip(system.groups, found.groups, strict=True):
        assert (after.name, after.prompt) == (before.name, before.prompt)
        assert len(after.options) == len(before.options)
        assert set(after.options) <= set(WORDS)
        for name in system.classes:
            chosen = [before.options.index(o) for o in system.rules[name][before.name]]
            assert found.rules[name][after.name] == tuple(after.options[i] for i in chosen)
    assert with_random_words(system, seed=seed) == found


def test_other_seeds_give_other_words() -> None:
    assert with_random_words(GOOD, seed=1).phrases() != with_random_words(GOOD, seed=2).phrases()


def test_more_options_than_words_are_several_words() -> None:
    options = tuple(f"option {index}" for index in range(len(WORDS) + 1))
    group = AttributeGroup(name="a", prompt="{}", options=options)
    system = make_system("test", [group], {"x": {"a": options[0]}, "y": {"a": options[1]}})
    found = with_random_words(system, seed=0).groups[0].options
    assert len(set(found)) == len(options)
    assert all(len(text.split()) == 2 for text in found)


def test_the_words_differ_and_are_plain() -> None:
    assert len(set(controls.WORDS)) == len(controls.WORDS)
    assert all(word.isalpha() and word.islower() for word in controls.WORDS)
