"""What counts as a difference between two systems, and which classes step alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.edits.apply import apply
from builder.edits.model import (
    AddGroup,
    DropGroup,
    Edit,
    MoveGroup,
    MoveOption,
    RenameGroup,
    SetPrompt,
    SetRule,
)
from builder.scoring.effects import ClassSteps, asked_by, class_steps, firsts
from builder.system.model import AttributeGroup, AttributeSystem, Scoring, make_system
from tests.strategies import THOROUGH, proposals_to, systems

COLOUR = AttributeGroup(name="colour", prompt="It is {}.", options=("red", "blue", "green"))
FORM = AttributeGroup(name="form", prompt="It looks like {}.", options=("a bird", "a fish"))
# Asks and answers what colour does, by another name.
AGAIN = AttributeGroup(name="again", prompt="It is {}.", options=("red", "blue", "green"))
RULES: dict[str, dict[str, str | list[str] | None]] = {
    "A": {"colour": "red", "form": "a bird"},
    "B": {"colour": "blue", "form": "a bird"},
    "C": {"colour": ["blue", "green"], "form": None},
    "D": {"colour": "red", "form": "a bird"},
}
SYSTEM = make_system("test", [COLOUR, FORM], RULES)


def change(*edits: Edit, before: AttributeSystem = SYSTEM) -> ClassSteps:
    made = class_steps(asked_by(before, Scoring()), asked_by(apply(before, edits), Scoring()))
    assert made is not None
    return made


@pytest.mark.parametrize(
    "edit",
    [
        RenameGroup(group="colour", to="hue"),
        MoveGroup(group="colour", position=1),
        MoveOption(group="colour", option="blue", position=2),
        SetRule(class_name="C", group="form", options=("a bird", "a fish")),
    ],
)
def test_what_asks_and_answers_the_same_is_no_difference(edit: Edit) -> None:
    made = change(edit)
    assert (made.differences, made.step.tolist()) == ((), [0, 0, 0, 0])
    assert made.distinct.tolist() == [True, True, True, False]


def test_phrases_count_not_how_prompt_and_option_share_them() -> None:
    groups = [
        AttributeGroup(name="colour", prompt="It is {}", options=("blue.", "red.", "green.")),
        FORM,
    ]
    colours = {"A": "red.", "B": "blue.", "C": ["green.", "blue."], "D": "green."}
    rules = {name: {**row, "colour": colours[name]} for name, row in RULES.items()}
    made = class_steps(
        asked_by(SYSTEM, Scoring()), asked_by(make_system("test", groups, rules), Scoring())
    )
    assert made is not None
    ((was, now),) = made.differences
    assert was and now and [now.phrases[k] for k in now.chosen(3)] == ["It is green."]
    assert made.step[:3].tolist() == [made.step[0]] * 3
    assert made.step[3] != made.step[0]


def test_rules_make_a_step_for_each_way_in_which_they_change() -> None:
    to_bird = SetRule(class_name="C", group="form", options=("a bird",))
    to_blue = [SetRule(class_name=name, group="colour", options=("blue",)) for name in ("A", "D")]
    made = change(to_bird, *to_blue)
    assert (len(made.differences), made.replaced, made.blocks.tolist()) == (2, None, [0] * 4)
    a, b, c, d = made.step.tolist()
    assert a == d and len({a, b, c}) == 3
    assert [made.step[maker] for maker in made.makers] == [0, 1, 2]
    # A and D have become like B.
    assert made.distinct.tolist() == [True, False, True, False]


def test_a_group_with_other_phrases_steps_by_old_and_new_choice() -> None:
    made = change(
        SetPrompt(group="colour", prompt="It is mainly {}."),
        SetRule(class_name="D", group="colour", options=("blue",)),
    )
    assert made.replaced is not None and made.replaced.group.name == "colour"
    assert made.blocks.tolist() == [0, 1, 2, 0]
    assert len(set(made.step.tolist())) == 4
    dropped = change(DropGroup(group="form"))
    assert dropped.replaced is not None and dropped.replaced.group.name == "form"
    assert dropped.blocks.tolist() == [0, 0, 1, 0]
    added = change(AddGroup(group=AttributeGroup(name="n", prompt="{}", options=("x", "y"))))
    assert (added.replaced, added.step.tolist()) == (None, [0, 0, 0, 0])
    ((was, now),) = added.differences
    assert was is None and now is not None and now.chosen(0).tolist() == [0, 1]


def test_of_two_groups_that_ask_the_same_the_changed_one_is_found() -> None:
    rules = {name: {**row, "again": row["colour"]} for name, row in RULES.items()}
    rules["A"]["again"] = "green"
    before = make_system(
        "test",
        [COLOUR, AGAIN],
        {name: {"colour": row["colour"], "again": row["again"]} for name, row in rules.items()},
    )
    made = change(DropGroup(group="colour"), before=before)
    assert made.replaced is not None and made.replaced.group.name == "colour"
    assert change(MoveGroup(group="again", position=0), before=before).differences == ()


def test_more_than_one_group_is_too_much() -> None:
    prompts = [
        SetPrompt(group="colour", prompt="mainly {}"),
        SetPrompt(group="form", prompt="like {}"),
    ]
    assert (
        class_steps(asked_by(SYSTEM, Scoring()), asked_by(apply(SYSTEM, prompts), Scoring()))
        is None
    )


def test_many_groups_are_told_apart() -> None:
    """Numbers for whole rows of rules must not run over."""
    options = tuple(f"o{k}" for k in range(14))
    groups = [AttributeGroup(name=f"g{g}", prompt=f"{g} {{}}", options=options) for g in range(40)]
    rows = [[options[c]] + [options[c % 3]] * 39 for c in range(14)]
    names = [group.name for group in groups]
    rules = {f"class {c}": dict(zip(names, row, strict=True)) for c, row in enumerate(rows)}
    rules["twin"] = rules["class 5"]
    system = make_system("test", groups, rules)
    codes = [asked.codes for asked in asked_by(system, Scoring())]
    assert firsts(codes).tolist() == [True] * 14 + [False]


@THOROUGH
@given(st.data(), systems())
def test_steps_and_twins_follow_from_the_rules(
    data: st.DataObject, before: AttributeSystem
) -> None:
    after = apply(before, data.draw(proposals_to(before)).edits)
    if after.classes != before.classes:
        return
    made = class_steps(asked_by(before, Scoring()), asked_by(after, Scoring()))
    if made is None:
        return

    def rows(system: AttributeSystem) -> list[tuple[tuple[str, ...], ...]]:
        return [
            tuple(row[group.name] if row[group.name] else group.options for group in system.groups)
            for row in system.rules.values()
        ]

    then, now = rows(before), rows(after)
    assert made.distinct.tolist() == [row not in now[:index] for index, row in enumerate(now)]
    for one, pair in enumerate(zip(then, now, strict=True)):
        for other, other_pair in enumerate(zip(then, now, strict=True)):
            if pair == other_pair:
                assert made.step[one] == made.step[other]
    assert np.unique(made.step).tolist() == list(range(len(made.makers)))
