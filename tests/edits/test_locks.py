"""Locks: which changes touch what is locked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.edits.apply import apply
from builder.edits.locks import Lock, follow, lock_words, touched
from builder.edits.model import (
    AddClass,
    AddGroup,
    AddOption,
    DropClass,
    DropGroup,
    Edit,
    MoveGroup,
    RenameClass,
    RenameGroup,
    RenameOption,
    SetDomain,
    SetPrompt,
    SetRule,
)
from builder.edits.renames import Renames
from builder.system.model import AttributeGroup
from tests.worlds import CLASSES, DRAFT

ABSOL, BEEDRILL, CELEBI = CLASSES
GROUP, CLASS = Lock(group="form"), Lock(class_name=CELEBI)
RULE = Lock(class_name=CELEBI, group="form")
TAIL = AttributeGroup(name="tail", prompt="Its tail is {}.", options=("long", "short"))


@pytest.mark.parametrize(
    ("edit", "broken"),
    [
        (SetRule(class_name=CELEBI, group="form", options=("a fish",)), {GROUP, CLASS, RULE}),
        (SetRule(class_name=CELEBI, group="colour", options=("red",)), {CLASS}),
        (SetRule(class_name=ABSOL, group="form", options=("a fish",)), {GROUP}),
        (SetRule(class_name=ABSOL, group="colour", options=("blue",)), set()),
        (SetPrompt(group="form", prompt="A sort of {}."), {GROUP}),
        (SetPrompt(group="colour", prompt="Its colour is {}."), set()),
        (AddOption(group="form", option="a tree"), {GROUP}),
        (RenameOption(group="form", option="a bird", to="a crow"), {GROUP, CLASS, RULE}),
        (RenameOption(group="colour", option="blue", to="sky blue"), {CLASS}),
        (DropGroup(group="form"), {GROUP, CLASS, RULE}),
        (DropGroup(group="colour"), {CLASS}),
        (AddGroup(group=TAIL, rules={CELEBI: ("long",)}), {CLASS}),
        (AddGroup(group=TAIL, rules={ABSOL: ("long",)}), set()),
        (RenameGroup(group="form", to="shape"), {GROUP, CLASS, RULE}),
        (RenameClass(class_name=CELEBI, to="Celebi"), {GROUP, CLASS, RULE}),
        (DropClass(class_name=CELEBI), {GROUP, CLASS, RULE}),
        (AddClass(class_name="Mew", rules={"form": ("a fish",)}), set()),
        (MoveGroup(group="form", position=0), set()),
        (SetDomain(domain="card"), set()),
    ],
)
def test_what_each_edit_touches(edit: Edit, broken: set[Lock]) -> None:
    after = apply(DRAFT, (edit,))
    assert set(touched((GROUP, CLASS, RULE), DRAFT, after)) == broken


locks = st.builds(
    Lock,
    group=st.sampled_from(["form", "colour", "tail", "nothing"]),
    class_name=st.sampled_from([None, *CLASSES, "nobody"]),
)


@given(st.lists(locks))
def test_no_change_touches_nothing_and_nothing_locked_is_never_touched(
    found: list[Lock],
) -> None:
    assert touched(found, DRAFT, DRAFT) == ()
    after = apply(DRAFT, (AddGroup(group=TAIL),))
    absent = [lock for lock in found if lock.group in ("tail", "nothing")]
    assert touched(absent, DRAFT, after) == ()


def test_a_lock_names_something_and_says_it_in_words() -> None:
    with pytest.raises(ValueError, match="a group, a class, or both"):
        Lock()
    assert [lock_words(lock) for lock in (GROUP, CLASS, RULE)] == [
        "group form",
        f"class {CELEBI}",
        f"rule {CELEBI} · form",
    ]


def test_locks_follow_what_the_person_renames() -> None:
    edits = (RenameGroup(group="form", to="shape"), RenameClass(class_name=CELEBI, to="Celebi"))
    assert follow((GROUP, CLASS, RULE), Renames().after(edits)) == (
        Lock(group="shape"),
        Lock(class_name="Celebi"),
        Lock(class_name="Celebi", group="shape"),
    )
