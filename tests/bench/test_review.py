"""From a key to the next screen: a decision in a large session, against one full score.

    python -m pytest -n 0 -s tests/bench/test_review.py

1,000 classes, 20 groups, 20,000 review images, 200 proposals on the table. The terminal draws what
`look` gives; every decision is a new system, on which all other proposals are measured again.
"""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import pytest

from builder.edits.model import Proposal, RenameOption, SetRule
from builder.review.findings import Measurements
from builder.review.view import Limit, View, look
from builder.scoring.evaluator import Evaluator, SplitData
from builder.session.records import ClassInfo, Decided, Drafted, Noted, Proposed, Started
from builder.session.state import State, advance, fold
from builder.system.model import Scoring
from tests.bench.test_scoring import SCALE, Case, Vectors, make_case

T = TypeVar("T")

CLASSES, GROUPS, OPTIONS, IMAGES, SIZE = 1_000, 20, 8, 20_000, 256
RULES, RENAMES = 150, 50


def proposals(case: Case) -> tuple[Proposal, ...]:
    random = np.random.default_rng(1)
    system = case.system
    edits: list[SetRule | RenameOption] = []
    for number in range(RULES):
        group = system.groups[number % GROUPS]
        name = system.classes[random.integers(CLASSES)]
        option = group.options[random.integers(OPTIONS)]
        edits.append(SetRule(class_name=name, group=group.name, options=(option,)))
    for number in range(RENAMES):
        group = system.groups[number % GROUPS]
        old = group.options[number // GROUPS]
        edits.append(RenameOption(group=group.name, option=old, to=f"other words {number}"))
    return tuple(Proposal(edits=(edit,), source="data") for edit in edits)


class Phrases:
    """A direction of its own for every phrase: known ones are those of the case."""

    def __init__(self, case: Case) -> None:
        self._known = dict(zip(case.system.phrases(), case.phrases, strict=True))

    def __call__(self, texts: Sequence[str]) -> Vectors:
        for text in texts:
            if text not in self._known:
                vector = np.random.default_rng(len(self._known)).normal(size=SIZE)
                self._known[text] = (vector / np.linalg.norm(vector)).astype(np.float32)
        return np.stack([self._known[text] for text in texts])


def timed(step: Callable[[], T]) -> tuple[float, T]:
    begun = time.perf_counter()
    result = step()
    return time.perf_counter() - begun, result


@pytest.mark.timeout(900)
def test_from_a_key_to_the_next_screen() -> None:
    case = make_case(CLASSES, GROUPS, OPTIONS, IMAGES, SIZE)
    data = SplitData(tuple(f"{n:06}" for n in range(IMAGES)), tuple(case.labels), case.images)
    judge = Evaluator(
        encoder="bench",
        splits={"review": data, "held_out": data, "final": data},
        encode=Phrases(case),
        scoring=Scoring(),
        logit_scale=SCALE,
    )
    started = Started(
        cotbuild="0",
        domain="bench",
        classes=tuple(ClassInfo(name=name) for name in case.system.classes),
        images="/images",
        encoder="bench",
        llm=None,
    )
    made = proposals(case)
    state = fold(
        [
            started,
            Drafted(system=case.system, source="bench"),
            Proposed(round=1, asked=False, proposals=made),
        ]
    )
    measurements = Measurements(judge, started)

    def screen(state: State) -> tuple[float, View]:
        return timed(lambda: look(state, measurements, True, Limit(2)))

    full = min(timed(lambda: judge.score(case.system, "review"))[0] for _ in range(3))
    first, view = screen(state)
    same, _ = screen(state)
    noted, _ = screen(advance(state, Noted(text="horns")))
    decided = Decided(proposal=view.offers[0].proposal, decision="accepted", by="person")
    accepted, after = screen(advance(state, decided))
    assert len(view.offers) > 150
    assert len(after.offers) == len(view.offers) - 1
    print(f"\none full score of {CLASSES:,} classes on {IMAGES:,} images: {full:.2f} s")
    for what, seconds in (
        ("first screen with 200 proposals", first),
        ("the same screen again", same),
        ("after a note", noted),
        ("after an accepted proposal", accepted),
    ):
        print(f"{what}: {seconds:.2f} s, {seconds / full:.2f} full scores")
