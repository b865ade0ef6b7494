"""Renames: names before edits and after them, whatever is dropped or added in between."""

from hypothesis import given
from hypothesis import strategies as st

from builder.edits.model import (
    AddClass,
    DropClass,
    DropGroup,
    RenameClass,
    RenameGroup,
    RenameOption,
)
from builder.edits.renames import Renames
from tests.strategies import QUICK, proposals_to, systems


def test_an_option_is_known_by_its_groups_first_name() -> None:
    renames = Renames().after(
        (
            RenameGroup(group="colour", to="hue"),
            RenameOption(group="hue", option="red", to="crimson"),
            RenameGroup(group="hue", to="shade"),
        )
    )
    assert renames == Renames({"colour": "shade"}, {"colour": {"red": "crimson"}})
    assert list(renames.edits()) == [
        RenameGroup(group="colour", to="shade"),
        RenameOption(group="shade", option="red", to="crimson"),
    ]


def test_a_name_that_is_given_back_is_no_rename() -> None:
    there, back = RenameClass(class_name="a", to="b"), RenameClass(class_name="b", to="a")
    assert Renames().after((there, back)) == Renames()


def test_what_takes_a_dropped_things_name_is_another_thing() -> None:
    renames = Renames().after((DropGroup(group="a"), RenameGroup(group="b", to="a")))
    assert (renames.group("a"), renames.group("b")) == (None, "a")
    assert list(renames.edits()) == [RenameGroup(group="b", to="a")]


def test_a_class_that_is_added_again_is_the_same_to_images() -> None:
    edits = (DropClass(class_name="a"), AddClass(class_name="a", rules={}))
    assert Renames().after(edits) == Renames()
    renamed = Renames().after((*edits, RenameClass(class_name="a", to="b")))
    assert renamed.labels(["a", "b", "c"]) == ("b", "", "c")


@QUICK
@given(st.data())
def test_the_way_from_one_to_another_is_the_other_from_the_start(data: st.DataObject) -> None:
    system = data.draw(systems())
    edits = [data.draw(proposals_to(system)).edits for _ in range(2)]
    one, other = (Renames().after(each) for each in edits)
    assert Renames().to(one).classes == one.classes
    way = one.to(other)
    for name in system.classes:
        now = one.class_name(name)
        if now is not None:
            assert way.class_name(now) == other.class_name(name)
