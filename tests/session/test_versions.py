"""Two systems of one session: the edits between them, renames told as such."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.edits.apply import apply
from builder.edits.diff import diff
from builder.edits.model import (
    AddGroup,
    AddOption,
    DropGroup,
    DropOption,
    Edit,
    MergeOptions,
    Proposal,
    RenameClass,
    RenameGroup,
    RenameOption,
    SetRule,
    SplitOption,
)
from builder.errors import InputError
from builder.session.records import Decided, Drafted, Measured, Reverted
from builder.session.state import State, Step, Version, advance, begin
from builder.session.versions import edits_between_steps, find_point, lineage
from builder.system.model import AttributeGroup, AttributeSystem
from tests.strategies import THOROUGH, edits_to, proposals_to, systems
from tests.worlds import CLASSES, DRAFT, GOOD, started


@st.composite
def histories(draw: st.DrawFn, begun: tuple[Step, ...] = ()) -> tuple[Step, ...]:
    """A draft and up to four accepted proposals; or what may follow on a history."""
    steps = begun or (Step(draw(systems()), None),)
    for _ in range(draw(st.integers(0, 4))):
        system = steps[-1].system
        if draw(st.booleans()):
            proposal = draw(proposals_to(system))
        else:  # renames upon renames are what is easily mistaken
            proposal = Proposal(edits=(draw(edits_to(system)),), source="person")
        steps = (*steps, Step(apply(system, proposal.edits), proposal))
    return steps


@THOROUGH
@given(st.data())
def test_the_edits_lead_from_any_system_of_a_session_to_any_other(data: st.DataObject) -> None:
    shared = data.draw(histories())
    one, other = data.draw(histories(shared)), data.draw(histories(shared))
    for before, after in ((one, other), (other, one), (shared, one)):
        found = edits_between_steps(before, after)
        assert apply(before[-1].system, found) == after[-1].system


@THOROUGH
@given(st.data(), systems())
def test_what_was_renamed_alone_is_renamed_both_ways(
    data: st.DataObject, system: AttributeSystem
) -> None:
    renames = (RenameGroup, RenameOption, RenameClass)
    edit = data.draw(edits_to(system).filter(lambda edit: isinstance(edit, renames)))
    before = (Step(system, None),)
    after = then(before, edit)
    there, back = edits_between_steps(before, after), edits_between_steps(after, before)
    if after[-1].system == system:
        assert there == back == ()
    else:
        assert [type(found) for found in (*there, *back)] == [type(edit)] * 2


def then(steps: tuple[Step, ...], *edits: Edit) -> tuple[Step, ...]:
    """The history after one more proposal."""
    proposal = Proposal(edits=edits, source="person")
    return (*steps, Step(apply(steps[-1].system, edits), proposal))


BEGUN = (Step(DRAFT, None),)


def test_a_rename_is_followed_through_its_groups_and_its_own_later_names() -> None:
    after = then(BEGUN, RenameOption(group="colour", option="red", to="crimson"))
    after = then(after, RenameGroup(group="colour", to="fur"))
    after = then(after, RenameOption(group="fur", option="crimson", to="dark red"))
    assert edits_between_steps(BEGUN, after) == (
        RenameGroup(group="colour", to="fur"),
        RenameOption(group="fur", option="red", to="dark red"),
    )
    assert edits_between_steps(after, BEGUN) == (
        RenameGroup(group="fur", to="colour"),
        RenameOption(group="colour", option="dark red", to="red"),
    )


FORM = AttributeGroup(name="form", prompt="Its form is {}.", options=("a cat", "a dog"))
COLOUR_TO = RenameOption(group="colour", option="red", to="rust")
RED_AGAIN = AddOption(group="colour", option="red")


@pytest.mark.parametrize(
    "edits",
    [
        (DropGroup(group="form"), AddGroup(group=FORM), RenameGroup(group="form", to="shape")),
        (DropOption(group="colour", option="red", replacement="blue"), RED_AGAIN, COLOUR_TO),
        (MergeOptions(group="colour", options=("red", "blue"), into="blue"), RED_AGAIN, COLOUR_TO),
        (
            SplitOption(
                group="colour", option="red", into=("a", "b"), classes={CLASSES[0]: ("a",)}
            ),
            RED_AGAIN,
            COLOUR_TO,
        ),
    ],
    ids=["group", "option", "merged option", "split option"],
)
def test_what_was_dropped_is_not_what_bears_its_name_later(edits: tuple[Edit, ...]) -> None:
    after = then(BEGUN, *edits)
    found = edits_between_steps(BEGUN, after)
    assert not any(isinstance(edit, RenameGroup | RenameOption | RenameClass) for edit in found)
    assert apply(DRAFT, found) == after[-1].system


@pytest.mark.parametrize(
    "gone",
    [
        DropOption(group="colour", option="red", replacement="blue"),
        MergeOptions(group="colour", options=("red", "blue"), into="blue"),
    ],
)
def test_a_name_that_became_free_and_was_taken_by_another(gone: Edit) -> None:
    after = then(BEGUN, gone, RenameOption(group="colour", option="green", to="red"))
    assert apply(DRAFT, edits_between_steps(BEGUN, after)) == after[-1].system
    assert apply(after[-1].system, edits_between_steps(after, BEGUN)) == DRAFT


def test_names_that_were_passed_on_are_told_in_an_order_that_fits() -> None:
    after = then(BEGUN, RenameOption(group="colour", option="blue", to="navy"))
    after = then(after, RenameOption(group="colour", option="red", to="blue"))
    found = edits_between_steps(BEGUN, after)
    assert found == (
        RenameOption(group="colour", option="blue", to="navy"),
        RenameOption(group="colour", option="red", to="blue"),
    )
    # Names alone would tell it as options dropped and added.
    assert len(diff(DRAFT, after[-1].system)) > 2


def measured(version: int) -> Measured:
    return Measured(version=version, images="a", review="1", held_out="10"[version % 2 :])


def played(*records: object) -> State:
    state = begin(started())
    for record in records:
        state = advance(state, record)  # type: ignore[arg-type]
    return state


FIX = Proposal(
    edits=(SetRule(class_name='Celebi & "Co"', group="form", options=("a fish",)),),
    source="data",
)
RENAME = Proposal(edits=(RenameGroup(group="form", to="shape"),), source="llm")
RETURNED = played(
    Drafted(system=DRAFT, source="m"),
    measured(1),
    Decided(proposal=FIX, decision="accepted", by="person"),
    measured(2),
    Reverted(version=1),
    Decided(proposal=RENAME, decision="accepted", by="auto"),
)


def test_a_return_to_a_version_stands_for_what_had_led_there() -> None:
    found = lineage(RETURNED.steps, RETURNED.versions)
    assert [step.proposal for step in found] == [None, RENAME]
    # A return to a version that came after a return.
    state = advance(RETURNED, measured(3))
    state = advance(advance(state, Reverted(version=2)), Reverted(version=3))
    assert [step.proposal for step in lineage(state.steps, state.versions)] == [None, RENAME]


def test_points_are_named_by_number_or_word() -> None:
    now = find_point(RETURNED, "now")
    assert (now.title, now.version) == ("the working system", None)
    assert find_point(RETURNED, "2").system == find_point(RETURNED, "last").system == GOOD
    best = find_point(RETURNED, "best")
    assert isinstance(best.version, Version)
    assert best.version.number == RETURNED.best
    undone = played(Drafted(system=DRAFT, source="m"), measured(1))
    assert find_point(undone, "now").version == undone.versions[0]


@pytest.mark.parametrize("name", ["3", "0", "-1", "", "first", "1.0", "x" * 500])
def test_an_unknown_version_is_answered_with_those_there_are(name: str) -> None:
    with pytest.raises(InputError, match="there is no version") as error:
        find_point(RETURNED, name)
    assert "1 to 2, best" in error.value.hint


def test_without_versions_there_is_the_working_system_at_most() -> None:
    drafted = played(Drafted(system=DRAFT, source="m"))
    assert find_point(drafted, "now").system == DRAFT
    for name in ("1", "best", "last"):
        with pytest.raises(InputError) as error:
            find_point(drafted, name)
        assert "now" in error.value.hint
    with pytest.raises(InputError) as error:
        find_point(played(), "now")
    assert "nothing was drafted" in error.value.hint
