"""Rewording somebody's proposal, edit by edit."""

import pytest
from rich.console import Console

from builder.edits import (
    AddGroup,
    AddOption,
    DropOption,
    Edit,
    MergeOptions,
    MoveOption,
    Proposal,
    RenameOption,
    SetPrompt,
    SetRule,
)
from builder.system import AttributeGroup
from builder.terminal.adjusting import adjust
from tests.terminal import sample
from tests.terminal.scripted import BACK, Scripted

TAIL = AttributeGroup(name="tail", prompt="Its tail is {}.", options=("long", "short"))


def adjusted(edits: tuple[Edit, ...], *answers: object) -> Proposal | None:
    asker = Scripted(*answers)
    console = Console(width=100, color_system=None, highlight=False, markup=False)
    proposal = Proposal(edits=edits, source="llm", reason="because")
    with console.capture():
        result = adjust(asker, console, sample.view(), proposal)
    assert not asker.answers, "an answer was left over"
    return result


@pytest.mark.parametrize(
    ("edit", "answers", "expected"),
    [
        (
            SetPrompt(group="color", prompt="A {} one."),
            ("Mostly {}.",),
            SetPrompt(group="color", prompt="Mostly {}."),
        ),
        (
            RenameOption(group="color", option="pink", to="rose"),
            ("salmon",),
            RenameOption(group="color", option="pink", to="salmon"),
        ),
        (
            MergeOptions(group="color", options=("pink", "white"), into="pale"),
            ("Pink",),
            MergeOptions(group="color", options=("pink", "white"), into="Pink"),
        ),
        (
            AddGroup(group=TAIL, rules={"Mew": ("long",)}),
            ("o", "long", "a long whip"),
            AddGroup(
                group=AttributeGroup(
                    name="tail", prompt="Its tail is {}.", options=("a long whip", "short")
                ),
                rules={"Mew": ("a long whip",)},
            ),
        ),
        (
            AddGroup(group=TAIL),
            ("p", "A {} tail."),
            AddGroup(group=AttributeGroup(name="tail", prompt="A {} tail.", options=TAIL.options)),
        ),
        (
            SetRule(class_name="Mew", group="color", options=("white",)),
            ("s", ("black", "white")),
            SetRule(class_name="Mew", group="color", options=("black", "white")),
        ),
    ],
)
def test_the_words_of_an_edit(edit: Edit, answers: tuple[object, ...], expected: Edit) -> None:
    result = adjusted((edit,), "w", *answers, "m", True)
    assert result == Proposal(edits=(expected,), source="person")


def test_what_names_a_reworded_option_follows() -> None:
    edits = (
        AddOption(group="color", option="purple"),
        SetRule(class_name="Mew", group="color", options=("pink", "purple")),
        MoveOption(group="color", option="purple", position=0),
        DropOption(group="color", option="white", replacement="purple"),
        SetRule(class_name="Mew", group="background", options=("space",)),
    )
    line = '1. color: new option "purple"'
    result = adjusted(edits, "w", line, "lilac", "m", True)
    assert result is not None
    assert result.edits == (
        AddOption(group="color", option="lilac"),
        SetRule(class_name="Mew", group="color", options=("pink", "lilac")),
        MoveOption(group="color", option="lilac", position=0),
        DropOption(group="color", option="white", replacement="lilac"),
        SetRule(class_name="Mew", group="background", options=("space",)),
    )


def test_keeping_nothing_keeps_all() -> None:
    edits = sample.proposals()[1].edits
    result = adjusted(edits, "k", (), "m", True)
    assert result is not None
    assert result.edits == edits


def test_a_form_that_does_not_fit_can_be_mended() -> None:
    edits = sample.proposals()[1].edits
    lines = ('1. color: new option "purple"', "2. Eevee · color: pink -> purple")
    # Without the new option the rule names what is not there.
    assert adjusted(edits, "k", lines[1:], "m", "w", "o", "white", "m", True) == Proposal(
        edits=(SetRule(class_name="Eevee", group="color", options=("white",)),), source="person"
    )


def test_not_confirmed_is_not_returned() -> None:
    assert adjusted(sample.proposals()[0].edits, "m", False, BACK) is None
    assert adjusted((DropOption(group="color", option="white"),), "w", BACK) is None
