"""Twenty questions at full size: time, and the memory beside the answers.

python -m pytest -n 0 -s tests/bench/test_questions.py
"""

import time
import tracemalloc
from collections.abc import Callable

import numpy as np

from builder.diagnosis.questions import ask, best_order, random_accuracy, smallest_set
from builder.scoring.score import cosines, score_cosines
from builder.system.model import Scoring
from tests.bench.test_scoring import SCALE, make_case

MEGABYTE = 1e6


def measured(what: str, run: Callable[[], object]) -> float:
    """Prints seconds, and returns the peak of the memory taken meanwhile, in megabytes."""
    tracemalloc.start()
    begun = time.perf_counter()
    run()
    seconds = time.perf_counter() - begun
    peak = tracemalloc.get_traced_memory()[1] / MEGABYTE
    tracemalloc.stop()
    print(f"{what}: {seconds:.1f} s, {peak:.0f} MB")
    return peak


def test_twenty_questions() -> None:
    case = make_case(classes=1_000, groups=20, options=10, images=20_000, size=64)
    similar = cosines(case.images, case.phrases)
    how = {"scoring": Scoring(), "logit_scale": SCALE}
    scores = score_cosines(case.system, similar, case.labels, **how)
    order = np.arange(20)
    peaks = [
        measured("adaptive", lambda: ask(case.system, scores)),
        measured("fixed", lambda: ask(case.system, scores, order)),
        measured("random", lambda: random_accuracy(case.system, scores, seed=0)),
        measured("best order", lambda: best_order(case.system, scores)),
    ]
    # A posterior of all images and classes alone would take 160 MB.
    assert max(peaks[:3]) < 150
    few = similar[:8_000]
    measured("smallest set", lambda: smallest_set(case.system, few, case.labels[:8_000], **how))
