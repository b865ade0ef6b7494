from builder.edits.locks import Lock
from builder.search.gepa import components_of, judge, turns
from builder.search.task import Review, Task
from tests.worlds import DRAFT, GOOD, evaluator

REVIEW = Review(evaluator())
START = components_of(DRAFT)


def test_the_texts_of_a_system_are_judged_as_the_system() -> None:
    task = Task(DRAFT, (), REVIEW)
    assert judge(task, START).system == DRAFT
    judged = judge(task, components_of(GOOD))
    assert judged.system == GOOD
    assert judged.correct == REVIEW.right(GOOD) > REVIEW.right(DRAFT)


def test_texts_that_are_no_system_have_nothing_right() -> None:
    judged = judge(Task(DRAFT, (), REVIEW), {**START, "group 1": "nonsense"})
    assert (judged.system, judged.correct) == (None, 0)
    assert "nonsense" in judged.problem
    assert judged.right.shape == (len(REVIEW.labels),)


def test_what_is_locked_has_no_turn_and_must_not_change() -> None:
    group = DRAFT.groups[0].name
    task = Task(DRAFT, (Lock(group=group),), REVIEW)
    assert turns(task) == list(START)[1:]
    judged = judge(task, {**START, "group 1": ""})
    assert (judged.system, judged.correct) == (None, 0)
    assert judged.problem == f"locked: group {group}"
    one_rule = Lock(group=group, class_name=DRAFT.classes[0])
    assert turns(Task(DRAFT, (one_rule,), REVIEW)) == list(START)
