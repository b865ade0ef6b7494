"""The same search with shuffled labels: what it gains there is luck."""

from collections import Counter

from builder.search.greedy import Greedy
from builder.search.shuffled import shuffled, shuffled_null
from builder.search.task import Review
from builder.system.model import AttributeSystem
from tests.worlds import CLASSES, DRAFT, GOOD, evaluator


def test_only_the_review_labels_are_dealt_out_anew() -> None:
    judge = evaluator()
    other = shuffled(judge, 1)
    before, after = judge.splits["review"], other.splits["review"]
    assert Counter(after.labels) == Counter(before.labels)
    assert after.labels != before.labels
    assert after.digests == before.digests
    assert after.vectors is before.vectors
    assert other.splits["held_out"] is judge.splits["held_out"]
    assert shuffled(judge, 1).splits["review"].labels == after.labels
    assert shuffled(judge, 2).splits["review"].labels != after.labels


def test_the_null_gains_on_shuffled_labels_and_loses_on_true_ones() -> None:
    judge = evaluator()
    found = shuffled_null(Greedy(seed=0), lambda _: GOOD, (), judge, seed=0)
    review = Review(shuffled(judge, 0))
    assert (found.review, found.held_out) == (18, 18)
    assert found.before == review.right(GOOD) < found.after
    assert found.correct < 18
    assert found == shuffled_null(Greedy(seed=0), lambda _: GOOD, (), judge, seed=0)


def test_the_procedure_begins_from_the_shuffled_images() -> None:
    asked: list[Review] = []

    def begin(review: Review) -> AttributeSystem:
        asked.append(review)
        return DRAFT

    shuffled_null(Greedy(seed=0, limit=0), begin, (), evaluator(), seed=3)
    (review,) = asked
    assert review.labels != evaluator().splits["review"].labels
    assert set(review.labels) == set(CLASSES)
