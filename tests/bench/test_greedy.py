"""A pass of greedy search over the rules of a large system: time per change that is measured.

    python -m pytest -n 0 -s -o addopts= tests/bench/test_greedy.py

Vectors of images and phrases are cached. A tenth of the rules are wrong at the beginning. Beside
it: one full score, which is what a change would cost if each changed system was scored by itself,
and what the search takes besides telling the gains of a rule's choices.
"""

import time

import numpy as np
import pytest

from builder.search.greedy import Greedy, open_cells, shaken
from builder.search.task import Candidate, Review, Task, Tried
from tests.bench.test_increments import SCALE, Encoder, made_images, made_system, seconds
from tests.worlds import judge_of


@pytest.mark.parametrize("groups", [8, 20])
@pytest.mark.timeout(900)
def test_a_pass_over_all_rules(groups: int) -> None:
    random = np.random.default_rng(0)
    encode = Encoder(random)
    truth = made_system(random, groups)
    images, labels = made_images(random, truth, encode)
    # The review part of 20,000 images.
    images, labels = images[:8000], labels[:8000]
    review = Review(judge_of(images, labels, encode, logit_scale=SCALE))
    start = shaken(truth, open_cells(truth, (), labels), random)
    full = seconds(lambda: review.score(start))

    totals = review.totals(start)
    sample = [(index, group) for index in range(0, 1000, 10) for group in range(groups)]
    scoring = seconds(lambda: [totals.gains(index, group) for index, group in sample])
    per_change = scoring / sum(len(totals.choices(group)) - 1 for _, group in sample)

    begin = time.perf_counter()
    tried = Tried(0, 0)
    for event in Greedy(seed=0).search(Task(start, (), review)):
        if isinstance(event, Candidate):
            break
        tried = event
    spent = time.perf_counter() - begin
    assert isinstance(event, Candidate)
    print(
        f"\n{len(start.classes)} classes x {groups} groups x {len(labels)} images: "
        f"{tried.measured:,} changes of rules and the drops of one pass in {spent:.1f} s\n"
        f"  {1e6 * spent / event.tried.measured:.0f} µs a change, of which telling its gain takes "
        f"{1e6 * per_change:.0f} µs; a full score takes {1000 * full:.0f} ms\n"
        f"  right: {review.right(start)} at first, {event.tried.correct} after the pass"
    )
    assert spent / event.tried.measured < full / 100
