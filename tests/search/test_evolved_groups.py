from builder.edits.locks import Lock
from builder.search.gepa import EvolvedGroups, components_of
from builder.search.task import Review, Task
from tests.worlds import DRAFT, GOOD, evaluator

REVIEW = Review(evaluator())


def test_the_texts_of_a_system_are_judged_as_the_system() -> None:
    evolved = EvolvedGroups(Task(DRAFT, (), REVIEW))
    assert evolved.judged(evolved.start).system == DRAFT
    judged = evolved.judged(components_of(GOOD))
    assert judged.system == GOOD
    assert judged.correct == REVIEW.right(GOOD) > REVIEW.right(DRAFT)


def test_texts_that_are_no_system_have_nothing_right() -> None:
    evolved = EvolvedGroups(Task(DRAFT, (), REVIEW))
    judged = evolved.judged({**evolved.start, "group 1": "nonsense"})
    assert (judged.system, judged.correct) == (None, 0)
    assert "nonsense" in judged.problem
    assert judged.right.shape == (len(REVIEW.labels),)


def test_what_is_locked_has_no_turn_and_must_not_change() -> None:
    group = DRAFT.groups[0].name
    evolved = EvolvedGroups(Task(DRAFT, (Lock(group=group),), REVIEW))
    assert evolved.turns == list(evolved.start)[1:]
    judged = evolved.judged({**evolved.start, "group 1": ""})
    assert (judged.system, judged.correct) == (None, 0)
    assert judged.problem == f"locked: group {group}"
    one_rule = Lock(group=group, class_name=DRAFT.classes[0])
    assert EvolvedGroups(Task(DRAFT, (one_rule,), REVIEW)).turns == list(evolved.start)
