"""Going back in a flow of questions: one question at a time, with every answer kept."""

import pytest

from builder.terminal.asker import Key
from builder.terminal.going_back import GoBack, Steps, stepwise
from tests.terminal.scripted import BACK, ENTER, Scripted

KEYS = (Key("a", "add"), Key("d", "drop"))


def trip(steps: Steps) -> list[object]:
    key = steps.key("What?", KEYS)
    where = steps.pick("Where?", ["sea", "hills"] if key == "a" else ["hills", "town"], "hills")
    what = steps.pick_many("With what?", ["map", "tent"], ["map"])
    name = steps.text("Name?", "trip")
    return [key, where, what, name, steps.confirm("Sure?", default=True)]


def test_answers_are_what_was_answered() -> None:
    asker = Scripted("a", "sea", ("tent",), "ours", False)
    assert stepwise(asker, trip) == ["a", "sea", ("tent",), "ours", False]
    asker = Scripted("a", ENTER, ENTER, ENTER, ENTER)
    assert stepwise(asker, trip) == ["a", "hills", ("map",), "trip", True]


def test_back_before_the_first_question_leaves() -> None:
    assert stepwise(Scripted(BACK), trip) is None
    assert stepwise(Scripted("a", BACK, BACK), trip) is None


@pytest.mark.parametrize("count", range(1, 5))
def test_back_asks_one_question_again_for_each_time(count: int) -> None:
    titles = ["What?", "Where?", "With what?", "Name?", "Sure?"]
    answers = ["a", "sea", ("tent",), "ours"]
    asker = Scripted(*answers, *[BACK] * count, *answers[4 - count :], True)
    assert stepwise(asker, trip) == [*answers, True]
    back = list(reversed(titles[4 - count : 4]))
    assert asker.asked == [*titles, *back, *titles[5 - count :]]


def test_earlier_answers_are_offered_again() -> None:
    asker = Scripted("a", "sea", ("tent",), "ours", BACK, BACK, BACK, ENTER, ENTER, ENTER, ENTER)
    assert stepwise(asker, trip) == ["a", "sea", ("tent",), "ours", True]


def test_an_earlier_answer_that_is_no_longer_there_is_not_offered() -> None:
    asker = Scripted("a", "sea", BACK, BACK, "d", ENTER, ("map",), "ours", True)
    assert stepwise(asker, trip) == ["d", "hills", ("map",), "ours", True]


def test_questions_of_one_title_keep_their_own_answers() -> None:
    def names(steps: Steps) -> list[str]:
        return [steps.text("Name?"), steps.text("Name?"), steps.text("Name?")]

    asker = Scripted("a", "b", BACK, BACK, ENTER, ENTER, ENTER)
    assert stepwise(asker, names) == ["a", "b", ""]


def test_a_flow_may_go_back_by_itself() -> None:
    def even(steps: Steps) -> int:
        number = int(steps.text("Number?"))
        if number % 2:
            raise GoBack
        return number

    asker = Scripted("1", "3", "4")
    assert stepwise(asker, even) == 4
    assert asker.asked == ["Number?"] * 3


def test_ctrl_c_is_passed_on() -> None:
    with pytest.raises(KeyboardInterrupt):
        stepwise(Scripted("a", KeyboardInterrupt), trip)
