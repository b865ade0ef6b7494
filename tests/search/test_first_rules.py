"""A first system from groups and review images alone."""

import numpy as np

from builder.search.greedy import fitted, system_from_groups
from builder.search.task import Review
from builder.system.model import AttributeGroup, AttributeSystem
from tests.worlds import CLASSES, COLOUR, FORM, GOOD, encode, evaluator, images, judge_of

BLANK = AttributeSystem(
    domain="creature", groups=(COLOUR, FORM), rules={name: {} for name in CLASSES}
)


def test_rules_are_what_the_images_see() -> None:
    review = Review(evaluator())
    assert fitted(BLANK, review.score(BLANK)) == GOOD


def test_what_every_image_sees_a_little_is_no_rule() -> None:
    labels = [name for name in CLASSES for _ in range(4)]
    vectors = images(labels, noise=0.03) + 1.5 * encode(["It is green."])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    review = Review(judge_of(vectors, labels, encode))
    assert fitted(BLANK, review.score(BLANK)) == GOOD


def test_a_class_without_images_keeps_its_rules() -> None:
    # These two differ in every group.
    labels = [name for name in (CLASSES[0], CLASSES[2]) for _ in range(3)]
    review = Review(judge_of(images(labels), labels, encode))
    found = fitted(BLANK, review.score(BLANK))
    assert found.rules[CLASSES[1]] == {"colour": (), "form": ()}
    for name in labels:
        assert found.rules[name] == GOOD.rules[name]


def test_groups_that_only_disturb_are_left_out() -> None:
    noise = AttributeGroup(name="noise", prompt="Noise {}.", options=("1", "2", "3"))
    review = Review(evaluator())
    found = system_from_groups("creature", (COLOUR, noise, FORM), CLASSES, review)
    alone = system_from_groups("creature", (COLOUR, FORM), CLASSES, review)
    assert review.right(found) >= review.right(alone) == len(review.labels)
