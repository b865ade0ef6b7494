"""What changing a rule does, told for all its choices at once, against full scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.search.task import Review
from builder.system.model import AttributeSystem, Scoring
from tests.scoring.test_effects import SCALE, UNKNOWN, encode, random_images
from tests.strategies import QUICK, systems
from tests.worlds import judge_of


def doubtful(review: Review, system: AttributeSystem, scoring: Scoring) -> int:
    """Images whose mark is up to rounding: classes with different rules share the best total."""
    totals = review.score(system).totals
    near = totals >= totals.max(axis=1, keepdims=True, initial=-np.inf) - 1e-5
    # Names that count part classes of the same rules.
    names = system.classes if scoring.name_prior else [""] * len(system.classes)
    rules = [(n, *row.values()) for n, row in zip(names, system.rules.values(), strict=True)]
    return sum(len({rules[index] for index in np.flatnonzero(classes)}) > 1 for classes in near)


def with_rule(
    system: AttributeSystem, name: str, group: str, choice: tuple[str, ...]
) -> AttributeSystem:
    return system.with_rules({name: {**system.rules[name], group: choice}})


@QUICK
@given(st.data())
@pytest.mark.parametrize(
    "scoring",
    [
        Scoring(),
        Scoring(rule="log"),
        Scoring(rule="robust-log", means={}),
        Scoring(name_prior=0.7, means={}),
    ],
    ids=str,
)
def test_gains_are_those_of_full_scores(scoring: Scoring, data: st.DataObject) -> None:
    system = data.draw(systems())
    # Without images there is nothing to centre on.
    count = data.draw(st.integers(int(scoring.means is not None), 12))
    labels = data.draw(
        st.lists(st.sampled_from([*system.classes, UNKNOWN]), min_size=count, max_size=count)
    )
    images = random_images(count, data.draw(st.integers(0, 99)))
    weights = {group.prompt: data.draw(st.sampled_from([0.5, 1, 1.5])) for group in system.groups}
    scoring = scoring.model_copy(update={"weights": weights})
    review = Review(judge_of(images, labels, encode, scoring=scoring, logit_scale=SCALE))
    totals = review.totals(system)
    assert abs(totals.correct - review.right(system)) <= doubtful(review, system, scoring)
    for _ in range(3):
        index = data.draw(st.integers(0, len(system.classes) - 1))
        place = data.draw(st.integers(0, len(system.groups) - 1))
        name, group = system.classes[index], system.groups[place].name
        gains = totals.gains(index, place)
        for choice, gain in zip(totals.choices(place), gains, strict=True):
            changed = with_rule(system, name, group, choice)
            unclear = doubtful(review, system, scoring) + doubtful(review, changed, scoring)
            assert abs(review.right(changed) - review.right(system) - gain) <= unclear
        number = data.draw(st.integers(0, len(gains) - 1))
        system = with_rule(system, name, group, totals.change(index, place, number))
        assert abs(totals.correct - review.right(system)) <= doubtful(review, system, scoring)
        assert totals.choice(index, place) == system.rules[name][group]


def test_evidence_is_the_mean_on_the_classs_own_images() -> None:
    system = AttributeSystem.model_validate(
        {
            "domain": "d",
            "groups": [{"name": "g", "prompt": "{}", "options": ["a", "b", "c"]}],
            "rules": {"one": {"g": ("a",)}, "two": {"g": ("b",)}},
        }
    )
    images = random_images(6)
    labels = ["one", "two", "one", "one", "two", UNKNOWN]
    review = Review(judge_of(images, labels, encode, logit_scale=SCALE))
    (p,) = review.score(system).probabilities
    found = review.totals(system).evidence(0, 0)
    assert np.allclose(found, [*p[[0, 2, 3]].mean(axis=0), 1 / 3], atol=1e-6)
