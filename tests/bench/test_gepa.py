"""What gepa and the components take per answer, beside the scoring of the system it led to.

    python -m pytest -n 0 -s -o addopts= tests/bench/test_gepa.py

Vectors of images and phrases are cached, answers are written in advance: each changes the rules of
a tenth of the classes in one group.
"""

import json
import time

import numpy as np
import pytest

from builder.proposals.requests import Rewriting
from builder.search.gepa import Found, Parent, components_of, evolve
from builder.search.greedy import open_cells, shaken
from builder.search.task import Review, Task
from tests.bench.test_increments import SCALE, Encoder, made_images, made_system, seconds
from tests.worlds import judge_of

ANSWERS = 20


@pytest.mark.parametrize("groups", [8, 20])
@pytest.mark.timeout(900)
def test_an_answer_on_top_of_its_score(groups: int) -> None:
    random = np.random.default_rng(0)
    encode = Encoder(random)
    truth = made_system(random, groups)
    images, labels = made_images(random, truth, encode)
    # The review part of 20,000 images.
    images, labels = images[:8000], labels[:8000]
    review = Review(judge_of(images, labels, encode, logit_scale=SCALE))
    start = shaken(truth, open_cells(truth, (), labels), random)
    full = seconds(lambda: review.score(start))
    right = {json.loads(text)["name"]: text for text in components_of(truth).values() if text}
    found: list[Found] = []

    def write(parent: Parent) -> Rewriting:
        group = json.loads(parent.text or right[truth.groups[0].name])
        mended = json.loads(right[group["name"]])["rules"]
        names = random.choice(list(mended), len(mended) // 10, replace=False)
        group["rules"] = {**group["rules"], **{name: mended[name] for name in names}}
        return Rewriting(json.dumps(group))

    begin = time.perf_counter()
    task = Task(start, (), review)
    evolve(task, write, found.append, stop=lambda: len(found) == ANSWERS, seed=0)
    spent = (time.perf_counter() - begin) / ANSWERS
    print(
        f"\n{len(start.classes)} classes x {groups} groups x {len(labels)} images: "
        f"{1000 * spent:.0f} ms an answer, of which its score takes {1000 * full:.0f} ms\n"
        f"  right: {review.right(start)} at first, {found[-1].tried.correct} after {ANSWERS}"
    )
    assert spent < 5 * full + 0.5
