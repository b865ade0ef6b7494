"""Measures how much of a search's gain is over-fitting, with shuffled labels.

The labels of the review images are shuffled over the images, so that whatever the search gains on
them is luck. What it leads to is then measured on held-out images with their own labels.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from builder.edits.apply import apply
from builder.edits.locks import Lock
from builder.scoring.evaluator import Evaluator
from builder.search.greedy import Greedy
from builder.search.task import Candidate, Review, Task
from builder.system.model import AttributeSystem

# The first system of a procedure that may itself look at review images.
Begin = Callable[[Review], AttributeSystem]


@dataclass(frozen=True, slots=True)
class ShuffledNull:
    """Images right with shuffled labels: of `review` before and after, of `held_out` after."""

    review: int
    before: int
    after: int
    held_out: int
    correct: int


def shuffled(evaluator: Evaluator, seed: int) -> Evaluator:
    """The evaluator with shuffled labels of the review images."""
    data = evaluator.splits["review"]
    order = np.random.default_rng(seed).permutation(len(data.labels))
    labels = tuple(data.labels[place] for place in order)
    return replace(evaluator, splits={**evaluator.splits, "review": replace(data, labels=labels)})


def shuffled_null(
    greedy: Greedy, begin: Begin, locks: tuple[Lock, ...], evaluator: Evaluator, seed: int
) -> ShuffledNull:
    """Runs the whole procedure, from its first system on, with shuffled review labels."""
    review = Review(shuffled(evaluator, seed))
    start = system = begin(review)
    for event in greedy.search(Task(start, locks, review)):
        if isinstance(event, Candidate):
            system = apply(system, event.proposal.edits)
    held_out = evaluator.score(system, "held_out")
    return ShuffledNull(
        review=len(review.labels),
        before=review.right(start),
        after=review.right(system),
        held_out=held_out.n,
        correct=int(np.count_nonzero(held_out.correct)),
    )
