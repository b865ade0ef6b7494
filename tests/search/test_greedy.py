"""Greedy search: it never gets worse, stops where nothing helps, and keeps to its bounds."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.edits.apply import apply
from builder.edits.locks import Lock, touched
from builder.edits.model import DropOption, SetRule
from builder.search.greedy import Greedy, open_cells, pruned, shaken
from builder.search.task import Candidate, Review, Task, Tried
from builder.system.model import AttributeGroup, AttributeSystem, Scoring, make_system
from tests.chance import chance
from tests.scoring.test_effects import SCALE, UNKNOWN, encode, random_images
from tests.search.test_rule_totals import doubtful
from tests.strategies import QUICK, systems
from tests.worlds import (
    CLASSES,
    COLOUR,
    DRAFT,
    FORM,
    GOOD,
    PLAIN,
    TRUTH,
    evaluator,
    images,
    judge_of,
)
from tests.worlds import encode as known

NO_LIMIT = Greedy(seed=0)


@dataclass(frozen=True)
class Found:
    """What a search told, and the system that its candidates lead to."""

    events: Sequence[Tried | Candidate]
    system: AttributeSystem

    @property
    def measured(self) -> int:
        last = self.events[-1] if self.events else Tried(0, 0)
        return (last.tried if isinstance(last, Candidate) else last).measured


def searched(task: Task, greedy: Greedy = NO_LIMIT) -> Found:
    """The whole search; each candidate is checked to be better than the one before."""
    events = list(greedy.search(task))
    system = task.start
    for event in events:
        if isinstance(event, Candidate):
            after = apply(system, event.proposal.edits)
            assert event.tried.correct == task.review.right(after) > task.review.right(system)
            system = after
    return Found(events, system)


@st.composite
def tasks(draw: st.DrawFn) -> Task:
    """Any system, images of its classes that are like nothing, and a few locks."""
    system = draw(systems())
    count = draw(st.integers(1, 14))
    label = st.sampled_from([*system.classes, UNKNOWN])
    labels = draw(st.lists(label, min_size=count, max_size=count))
    images = random_images(count, draw(st.integers(0, 99)))
    rule = draw(st.sampled_from(["sum", "log"]))
    judge = judge_of(images, labels, encode, scoring=Scoring(rule=rule), logit_scale=SCALE)
    group, name = st.sampled_from([g.name for g in system.groups]), st.sampled_from(system.classes)
    lock = (
        st.builds(Lock, group=group)
        | st.builds(Lock, class_name=name)
        | st.builds(Lock, group=group, class_name=name)
    )
    return Task(system, tuple(draw(st.lists(lock, max_size=2))), Review(judge))


greedies = st.builds(
    Greedy,
    seed=st.integers(0, 9),
    restarts=st.integers(0, 3),
    limit=st.none() | st.integers(0, 60),
)


@QUICK
@given(tasks(), greedies)
def test_it_never_gets_worse_and_touches_no_lock(task: Task, greedy: Greedy) -> None:
    found = searched(task, greedy).system
    assert task.review.right(found) >= task.review.right(task.start)
    assert touched(task.locked, task.start, found) == ()


@QUICK
@given(tasks())
def test_where_it_stops_no_single_change_of_a_rule_helps(task: Task) -> None:
    found = searched(task).system
    best = task.review.right(found)
    for cell in open_cells(found, task.locked, task.review.labels):
        row = found.rules[cell.class_name]
        for choice in [(), *((option,) for option in found.group(cell.group).options)]:
            changed = found.with_rules({cell.class_name: {**row, cell.group: choice}})
            unclear = doubtful(task.review, found, PLAIN) + doubtful(task.review, changed, PLAIN)
            assert task.review.right(changed) <= best + unclear


@QUICK
@given(tasks(), greedies)
def test_the_same_seed_gives_the_same_run(task: Task, greedy: Greedy) -> None:
    assert searched(task, greedy) == searched(task, greedy)


@QUICK
@given(tasks(), st.integers(0, 60))
def test_the_budget_is_exact(task: Task, limit: int) -> None:
    free = searched(task, Greedy(seed=0, restarts=2))
    bound = searched(task, Greedy(seed=0, restarts=2, limit=limit))
    assert bound.measured == min(limit, free.measured)


@QUICK
@given(tasks(), st.data())
def test_what_is_left_at_any_event_is_in_its_edits(task: Task, data: st.DataObject) -> None:
    events = searched(task, Greedy(seed=0, restarts=1)).events
    if not events:
        return
    stopped = data.draw(st.integers(0, len(events) - 1))
    system = task.start
    for event in events[: stopped + 1]:
        if isinstance(event, Candidate):
            system = apply(system, event.proposal.edits)
    last = events[stopped]
    if isinstance(last, Tried):
        system = apply(system, last.edits)
        assert abs(last.correct - task.review.right(system)) <= doubtful(task.review, system, PLAIN)


def test_a_wrong_rule_is_put_right() -> None:
    found = searched(Task(DRAFT, (), Review(evaluator())))
    assert found.system == GOOD
    (candidate,) = [event for event in found.events if isinstance(event, Candidate)]
    assert candidate.proposal.edits == (
        SetRule(class_name=CLASSES[2], group="form", options=("a fish",)),
    )
    assert candidate.proposal.source == "data"


@pytest.mark.parametrize(
    "lock",
    [
        Lock(group="form"),
        Lock(class_name=CLASSES[2]),
        Lock(group="form", class_name=CLASSES[2]),
    ],
)
def test_a_locked_wrong_rule_stays(lock: Lock) -> None:
    found = searched(Task(DRAFT, (lock,), Review(evaluator()))).system
    assert found.rules[CLASSES[2]]["form"] == ("a bird",)


def test_a_group_that_does_harm_is_dropped() -> None:
    # It asks the colour again, and each class names a wrong one.
    again = AttributeGroup(name="again", prompt="It is {}.", options=("red", "blue", "green"))
    wrong = dict(zip(CLASSES, ("blue", "red", "red"), strict=True))
    rows = {name: {**TRUTH[name], "again": wrong[name]} for name in CLASSES}
    system = make_system("creature", [COLOUR, FORM, again], rows)
    assert pruned(Task(system, (), Review(evaluator()))) == GOOD
    assert searched(Task(system, (), Review(evaluator()))).system != system
    locks = tuple(Lock(group=group.name) for group in system.groups)
    assert searched(Task(system, locks, Review(evaluator()))).system == system


def test_an_option_that_draws_images_away_is_dropped() -> None:
    # Wrong rules in a second colour group are outvoted only where "green" takes no part of the
    # first one's probability, and every image is a little green.
    data = evaluator().splits["review"]
    vectors = data.vectors + 1.2 * known(["It is green."])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    other = AttributeGroup(name="other", prompt="It is {}.", options=("red", "blue"))
    wrong = dict(zip(CLASSES, ("blue", "red", "red"), strict=True))
    rows = {name: {**TRUTH[name], "other": wrong[name]} for name in CLASSES}
    system = make_system("creature", [COLOUR, FORM, other], rows)
    review = Review(judge_of(vectors, data.labels, known, logit_scale=8.0))
    rules = tuple(Lock(class_name=c, group=g) for c in CLASSES for g in ("form", "colour"))
    locks = (*rules, Lock(group="other"), Lock(group="form"))
    (candidate,) = [
        event
        for event in searched(Task(system, locks, review)).events
        if isinstance(event, Candidate)
    ]
    assert candidate.proposal.edits == (DropOption(group="colour", option="green"),)


def test_a_restart_changes_some_rules_as_its_seed_says() -> None:
    cells = open_cells(GOOD, (), CLASSES)
    drawn = [shaken(GOOD, cells, chance(seed)) for seed in range(20)]
    assert drawn == [shaken(GOOD, cells, chance(seed)) for seed in range(20)]
    assert any(one != other for one, other in pairwise(drawn))
    review = Review(evaluator())
    assert min(map(review.right, drawn)) < review.right(GOOD)
    assert searched(Task(DRAFT, (), review), Greedy(seed=0, restarts=3)).system == GOOD


def test_without_a_bound_on_restarts_it_goes_on_until_it_is_left() -> None:
    search = Greedy(seed=0, restarts=None).search(Task(DRAFT, (), Review(evaluator())))
    tried = next(e for e in search if isinstance(e, Tried) and e.restarts == 5)
    bound = Greedy(seed=0, restarts=None, limit=tried.measured)
    assert searched(Task(DRAFT, (), Review(evaluator())), bound).measured == tried.measured


def test_classes_without_images_keep_their_rules() -> None:
    labels = [label for label in CLASSES[:2] for _ in range(3)]
    review = Review(judge_of(images(labels), labels, known, logit_scale=20.0))
    found = searched(Task(DRAFT, (), review), Greedy(seed=0, restarts=2)).system
    for group in found.groups:
        assert found.rules[CLASSES[2]][group.name] == DRAFT.rules[CLASSES[2]][group.name]
