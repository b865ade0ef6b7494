"""`describe`: what a person reads of an edit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.edits.describe import describe, describe_proposal
from builder.edits.model import (
    AddClass,
    AddGroup,
    AddOption,
    DropClass,
    DropGroup,
    DropOption,
    Edit,
    MergeOptions,
    MoveClass,
    MoveGroup,
    MoveOption,
    Proposal,
    RenameClass,
    RenameGroup,
    RenameOption,
    SetDomain,
    SetPrompt,
    SetRule,
    SplitOption,
)
from builder.system.model import AttributeGroup, AttributeSystem, make_system
from tests.strategies import QUICK, edits_to, proposals_to, systems

PLACE = AttributeGroup(name="background", prompt="Behind is {}.", options=("rocks", "sky"))
SKIN = AttributeGroup(name="texture", prompt="Its skin is {}.", options=("a", "b", "c", "d", "e"))
SYSTEM = make_system(
    "creature",
    [PLACE, SKIN],
    {
        "Absol G": {"background": "rocks", "texture": ("a", "b")},
        "Mew": {"background": "rocks", "texture": None},
    },
)
# (edit, in words without a system, in words before the system above; None: the same)
WORDS: list[tuple[Edit, str, str | None]] = [
    (SetDomain(domain="card"), "domain: card", "domain: creature -> card"),
    (AddGroup(group=SKIN), 'new group texture: "Its skin is {}." (5 options)', None),
    (
        AddGroup(group=SKIN, position=1),
        'new group texture: "Its skin is {}." (5 options) at place 2',
        None,
    ),
    (DropGroup(group="texture"), "drop group texture", None),
    (RenameGroup(group="texture", to="skin"), "rename group texture to skin", None),
    (MoveGroup(group="texture", position=0), "move group texture to place 1", None),
    (
        SetPrompt(group="background", prompt="In {}."),
        'background: prompt "In {}."',
        'background: prompt "Behind is {}." -> "In {}."',
    ),
    (
        AddOption(group="background", option="[red]"),
        'background: new option "[red]"',
        None,
    ),
    (
        AddOption(group="background", option="sea", position=2),
        'background: new option "sea" at place 3',
        'background: new option "sea"',
    ),
    (
        DropOption(group="background", option="rocks"),
        'background: drop option "rocks"',
        'background: drop option "rocks" (2 classes)',
    ),
    (
        DropOption(group="texture", option="b", replacement="c"),
        'texture: drop option "b", replaced by "c"',
        'texture: drop option "b", replaced by "c" (1 class)',
    ),
    (
        RenameOption(group="background", option="sky", to="Sky"),
        'background: rename option "sky" to "Sky"',
        None,
    ),
    (
        MoveOption(group="texture", option="e", position=1),
        'texture: move option "e" to place 2',
        None,
    ),
    (
        SplitOption(
            group="background",
            option="rocks",
            into=("cliff", "cave"),
            classes={"Absol G": ("cliff",), "Mew": ("cliff",)},
        ),
        'background: split option "rocks" into "cliff" (2 classes), "cave"',
        None,
    ),
    (
        MergeOptions(group="texture", options=("a", "b"), into="ab"),
        'texture: merge options "a", "b" into "ab"',
        None,
    ),
    (
        AddClass(class_name="Beedrill δ", rules={"background": ("sky",), "texture": ()}),
        "new class Beedrill δ (background: sky; texture: does not apply)",
        None,
    ),
    (AddClass(class_name="Muk", position=0), "new class Muk at place 1", None),
    (DropClass(class_name="Mew"), "drop class Mew", None),
    (RenameClass(class_name="Mew", to="Mew ☆"), "rename class Mew to Mew ☆", None),
    (MoveClass(class_name="Mew", position=0), "move class Mew to place 1", None),
    (
        SetRule(class_name="Absol G", group="background", options=("outer space",)),
        "Absol G · background: outer space",
        "Absol G · background: rocks -> outer space",
    ),
    (
        SetRule(class_name="Mew", group="texture", options=("a", "c")),
        "Mew · texture: a + c",
        "Mew · texture: does not apply -> a + c",
    ),
    (
        SetRule(class_name="Absol G", group="texture", options=()),
        "Absol G · texture: does not apply",
        "Absol G · texture: a + b -> does not apply",
    ),
]


@pytest.mark.parametrize(("edit", "alone", "before"), WORDS, ids=lambda value: str(value)[:40])
def test_words(edit: Edit, alone: str, before: str | None) -> None:
    assert describe(edit) == alone
    assert describe(edit, SYSTEM) == (alone if before is None else before)


def test_what_the_system_does_not_know_is_left_out() -> None:
    unknown = SetRule(class_name="Muk", group="size", options=("big",))
    assert describe(unknown, SYSTEM) == "Muk · size: big"
    assert describe(SetPrompt(group="size", prompt="{}"), SYSTEM) == 'size: prompt "{}"'


def test_a_proposal_is_told_in_its_order() -> None:
    proposal = Proposal(
        source="person",
        edits=(
            AddOption(group="background", option="outer space"),
            SetRule(class_name="Absol G", group="background", options=("outer space",)),
            SetRule(class_name="Absol G", group="background", options=("sky",)),
        ),
    )
    assert describe_proposal(proposal, SYSTEM).splitlines() == [
        'background: new option "outer space"',
        "Absol G · background: rocks -> outer space",
        "Absol G · background: outer space -> sky",
    ]
    assert describe_proposal(proposal).splitlines()[2] == "Absol G · background: sky"


def test_a_proposal_that_is_unsound_on_the_way_is_told_too() -> None:
    proposal = Proposal(
        source="llm",
        edits=(
            DropOption(group="background", option="rocks"),
            AddOption(group="background", option="sea"),
            SetRule(class_name="Mew", group="background", options=("sea",)),
        ),
    )
    assert describe_proposal(proposal, SYSTEM).splitlines()[2] == (
        "Mew · background: does not apply -> sea"
    )


@QUICK
@given(st.data(), systems())
def test_names_stand_as_they_are(data: st.DataObject, system: AttributeSystem) -> None:
    edit = data.draw(edits_to(system))
    fields = edit.model_dump(include={"group", "option", "class_name", "to", "prompt", "domain"})
    names = [name for name in fields.values() if isinstance(name, str)]
    for line in (describe(edit), describe(edit, system)):
        assert all(name in line for name in names)


@QUICK
@given(st.data(), systems())
def test_a_proposal_has_words_for_each_edit(data: st.DataObject, system: AttributeSystem) -> None:
    proposal = data.draw(proposals_to(system))
    assert describe_proposal(proposal) == "\n".join(map(describe, proposal.edits))
    told = describe_proposal(proposal, system)
    assert told.startswith(describe(proposal.edits[0], system))
