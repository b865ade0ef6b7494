"""Evolution: what is written, measured and told, with answers written down in advance."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.edits.apply import apply
from builder.edits.locks import touched
from builder.proposals.requests import Rewriting
from builder.search.gepa import (
    Found,
    Parent,
    Rejected,
    Unchanged,
    Unusable,
    components_of,
    evolve,
    group_in,
)
from builder.search.task import Candidate, Review, Task
from builder.system.model import AttributeGroup, AttributeSystem, Choice, make_system
from tests.chance import dice
from tests.scoring.test_effects import SCALE, encode, random_images
from tests.search.test_greedy import tasks
from tests.strategies import QUICK, systems
from tests.worlds import DRAFT, GOOD, evaluator, judge_of

TASK = Task(DRAFT, (), Review(evaluator()))


def _merged(found: Found) -> bool:
    return isinstance(found, Candidate) and found.proposal.source == "data"


class Run:
    """An evolution whose answers come from a list; it is over with the last of them."""

    def __init__(self, task: Task, answers: Sequence[str], seed: int = 0, turn: int = 0) -> None:
        self.parents: list[Parent] = []
        self.found: list[Found] = []
        self._answers = iter(answers)
        self._left = len(answers)
        evolve(
            task, self._write, self.found.append,
            stop=lambda: self._left == 0, seed=seed, turn=turn,
        )  # fmt: skip

    def _write(self, parent: Parent) -> Rewriting:
        self.parents.append(parent)
        self._left -= 1
        return Rewriting(next(self._answers), "because")


def test_a_better_system_is_a_candidate_and_the_search_ends_where_all_is_right() -> None:
    wanted = list(components_of(GOOD).values())
    assert TASK.review.right(GOOD) == len(TASK.review.labels) > TASK.review.right(DRAFT)
    run = Run(TASK, [*wanted, *wanted, *wanted])
    system = DRAFT
    for found in run.found:
        if isinstance(found, Candidate):
            system = apply(system, found.proposal.edits)
    assert TASK.review.right(system) == len(TASK.review.labels)
    assert len(run.found) <= 2 * len(wanted)


@QUICK
@given(tasks(), st.lists(systems(), max_size=3), st.integers(0, 3))
def test_only_what_is_better_and_touches_no_lock_is_a_candidate(
    task: Task, others: list[AttributeSystem], seed: int
) -> None:
    texts = [text for system in (*others, task.start) for text in components_of(system).values()]
    run = Run(task, ["nonsense", *texts], seed)
    system = task.start
    answers = 0
    for found in run.found:
        answers += not _merged(found)
        assert found.tried.measured == answers
        if isinstance(found, Candidate | Rejected):
            after = apply(system, found.proposal.edits)
            assert not touched(task.locked, task.start, after)
            better = task.review.right(after) > task.review.right(system)
            assert better == isinstance(found, Candidate)
            if isinstance(found, Rejected):
                assert found.correct == task.review.right(after)
            system = after if better else system
        assert found.tried.correct == task.review.right(system)
    assert answers == len(run.parents)
    again = Run(task, ["nonsense", *texts], seed)
    assert (again.found, again.parents) == (run.found, run.parents)


def test_groups_take_turns_and_answers_that_were_no_use_are_told() -> None:
    groups = len(DRAFT.groups) + 1
    run = Run(TASK, ["nonsense"] * (groups + 1))
    written = [group_in(parent.text) for parent in run.parents]
    names = [group["name"] if group else None for group in written]
    assert names == [*(group.name for group in DRAFT.groups), None, DRAFT.groups[0].name]
    assert all(isinstance(found, Unusable) for found in run.found)
    assert run.parents[0].no_use == ()
    assert "nonsense" in run.parents[1].no_use[0]
    assert all(parent.system == DRAFT for parent in run.parents)
    later = Run(TASK, ["nonsense"] * 2, turn=groups + 1)
    assert [parent.text for parent in later.parents] == [p.text for p in run.parents[1:3]]


def test_the_seed_chooses_among_systems_that_are_the_best_somewhere() -> None:
    group = AttributeGroup(name="look", prompt="{}", options=("red", "blue", "a bird", "a fish"))
    names = [f"class {number}" for number in range(6)]
    start = make_system("creature", [group], {name: {"look": "red"} for name in names})
    images = random_images(40, 0)
    judge = judge_of(images, [names[n % 6] for n in range(40)], encode, logit_scale=SCALE)
    random = dice(0)
    looks = [{name: {"look": (random.choice(group.options),)} for name in names} for _ in range(12)]
    # Every second turn is that of a group which is not there yet: nothing stays nothing.
    texts = [
        text for look in looks for text in (components_of(start.with_rules(look))["group 1"], "")
    ]
    runs = [Run(Task(start, (), Review(judge)), texts, seed) for seed in range(6)]
    paths = [[parent.system for parent in run.parents] for run in runs]
    assert any(path != paths[0] for path in paths)
    again = Run(Task(start, (), Review(judge)), texts, 5)
    assert [parent.system for parent in again.parents] == paths[5]


def test_two_of_one_descent_are_merged_without_an_answer() -> None:
    """What one branch learnt in one group, and another in another."""
    images = random_images(40, 0)
    groups = [
        AttributeGroup(name="color", prompt="It is {}.", options=("red", "blue", "white")),
        AttributeGroup(name="form", prompt="It is {}.", options=("a bird", "a fish", "a wolf")),
    ]
    names = [f"class {number}" for number in range(6)]
    start = make_system("creature", groups, {n: {"color": "red", "form": "a bird"} for n in names})
    judge = judge_of(images, [names[n % 6] for n in range(40)], encode, logit_scale=SCALE)
    task = Task(start, (), Review(judge))

    def texts(random: Random) -> list[str]:
        looks: list[dict[str, dict[str, Choice]]] = [
            {n: {g.name: (random.choice(g.options),) for g in groups} for n in names}
            for _ in range(12)
        ]
        parts = [components_of(start.with_rules(look)) for look in looks]
        return [text for part in parts for text in (part["group 1"], part["group 2"], "")]

    # Which answers come decides whether there is something to merge: about one run in three.
    runs = []
    for seed in range(40):
        runs.append(Run(task, texts(dice(seed)), seed))
        if any(_merged(found) for found in runs[-1].found):
            break
    else:
        pytest.fail("nothing was ever merged")
    for run in runs:
        system = start
        for found in run.found:
            if isinstance(found, Candidate):
                before, system = system, apply(system, found.proposal.edits)
                assert task.review.right(before) < task.review.right(system) == found.tried.correct


def test_what_leads_nowhere_is_neither_better_nor_unusable() -> None:
    run = Run(TASK, [components_of(DRAFT)["group 1"]])
    assert [type(found) for found in run.found] == [Unchanged]


def test_an_answer_that_came_before_is_not_rejected_again() -> None:
    text = components_of(DRAFT)["group 1"].replace("It is {}.", "It is {} indeed.")
    unchanged = components_of(DRAFT)["group 2"]
    run = Run(TASK, [text, unchanged, "", text])
    assert [type(found) for found in run.found] == [Rejected, Unchanged, Unchanged, Unchanged]
    assert isinstance(run.found[3], Unchanged)
    assert run.found[3].why == "it is the same as one before"


def test_a_failure_ends_it_at_once_and_is_raised_as_it_is() -> None:
    calls: list[Parent] = []

    def fails(parent: Parent) -> Rewriting:
        calls.append(parent)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        evolve(TASK, fails, print, stop=lambda: False, seed=0)
    assert len(calls) == 1

    def tell(found: Found) -> None:  # noqa: ARG001
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        evolve(
            TASK,
            lambda _: Rewriting("nonsense"),
            tell,
            stop=lambda: False,
            seed=0,
        )


def test_ctrl_c_is_let_through() -> None:
    def stopped(_: Parent) -> Rewriting:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evolve(TASK, stopped, print, stop=lambda: False, seed=0)


def test_it_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    Run(TASK, ["nonsense", *components_of(GOOD).values()])
    assert capfd.readouterr() == ("", "")
