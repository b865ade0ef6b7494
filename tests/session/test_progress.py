"""What changed between versions, and what caused it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from builder.edits.model import Proposal, SetRule
from builder.scoring.statistics import Effect
from builder.session.records import Decided, Drafted, Measured, Reverted, Undone
from builder.session.state import advance, fold
from builder.session.versions import (
    ClassChange,
    causes,
    class_changes,
    decision_on,
    held_out_change,
)
from tests.worlds import CLASSES, DRAFT, started


def accepted(class_name: str) -> Decided:
    edit = SetRule(class_name=class_name, group="colour", options=("green",))
    proposal = Proposal(edits=(edit,), source="data")
    effect = Effect(n=4, fixed=2, broken=1)
    return Decided(proposal=proposal, decision="accepted", by="person", effect=effect)


def measured(version: int, held_out: str, images: str = "x") -> Measured:
    return Measured(version=version, images=images, review="", held_out=held_out)


def test_classes_up_and_down_are_counted_by_their_images() -> None:
    before = np.array([0, 0, 1, 1, 1, 0], bool)
    after = np.array([1, 1, 0, 1, 1, 1], bool)
    labels = np.array([0, 0, 1, 1, 2, -1])
    assert class_changes(before, after, labels, ("a", "b", "c")) == (
        ClassChange("a", 2, 0, 2),
        ClassChange("b", 2, 2, 1),
    )


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(-1, 2))))
def test_gains_of_all_classes_add_up(rows: list[tuple[bool, bool, int]]) -> None:
    before, after = (np.array([row[side] for row in rows], bool) for side in (0, 1))
    labels = np.array([row[2] for row in rows], int)
    changes = class_changes(before, after, labels, ("a", "b", "c"))
    known = labels >= 0
    assert sum(c.net for c in changes) == int(after[known].sum()) - int(before[known].sum())
    assert [c.net for c in changes] == sorted((c.net for c in changes), reverse=True)
    assert all(0 <= c.before <= c.n and 0 <= c.after <= c.n and c.net for c in changes)


def test_causes_are_what_was_done_and_taken_back_between_two_versions() -> None:
    first, second, third = map(accepted, CLASSES)
    state = fold(
        [started(), Drafted(system=DRAFT, source="test"), measured(1, "0011"), first, second]
    )
    state = advance(state, measured(2, "1110"))
    one, two = state.versions
    assert [step.proposal for step in causes(one, two.steps, state.versions).done] == [
        first.proposal,
        second.proposal,
    ]
    change = held_out_change(one, two)
    assert change is not None
    assert (change.fixed, change.broken) == (2, 1)
    # Undone, another one accepted, and then back to the first version.
    later = advance(advance(state, Undone(of="last")), third)
    found = causes(two, later.steps, later.versions)
    assert [step.proposal for step in found.done] == [third.proposal]
    assert [step.proposal for step in found.taken_back] == [second.proposal]
    back = advance(later, Reverted(version=1))
    returned = causes(two, back.steps, back.versions)
    assert returned.done == ()
    assert [step.proposal for step in returned.taken_back] == [first.proposal, second.proposal]


def test_versions_on_other_images_are_not_compared() -> None:
    state = fold([started(), Drafted(system=DRAFT, source="test"), measured(1, "01")])
    state = advance(advance(state, accepted(CLASSES[0])), measured(2, "11", images="y"))
    assert held_out_change(*state.versions) is None


def test_a_step_knows_the_decision_that_led_to_it() -> None:
    first = accepted(CLASSES[0])
    state = fold([started(), Drafted(system=DRAFT, source="test"), first])
    assert decision_on(state.steps[0], state) is None
    assert decision_on(state.steps[1], state) == first
