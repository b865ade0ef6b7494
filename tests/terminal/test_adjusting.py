"""Rewording somebody's proposal, edit by edit."""

from collections.abc import Sequence

import pytest
from rich.console import Console

from builder.edits.model import (
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
from builder.system.model import AttributeGroup
from builder.terminal.adjusting import adjust
from builder.terminal.asker import Key
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


def test_one_edit_at_least_is_kept() -> None:
    edits = sample.proposals()[1].edits
    line = '1. color: new option "purple"'
    result = adjusted(edits, "k", (), (line,), "m", True)
    assert result is not None
    assert result.edits == edits[:1]


def test_a_form_that_does_not_fit_can_be_mended() -> None:
    edits = sample.proposals()[1].edits
    lines = ('1. color: new option "purple"', "2. Eevee · color: pink -> purple")
    # Without the new option the rule names what is not there.
    assert adjusted(edits, "k", lines[1:], "m", "w", "o", "white", "m", True) == Proposal(
        edits=(SetRule(class_name="Eevee", group="color", options=("white",)),), source="person"
    )


def test_not_confirmed_is_not_returned() -> None:
    assert adjusted(sample.proposals()[0].edits, "m", False) is None


def test_escape_goes_back_one_answer_and_takes_nothing_else_back() -> None:
    edits = sample.proposals()[1].edits
    lines = ('1. color: new option "purple"', "2. Eevee · color: pink -> purple")
    result = adjusted(edits, "w", lines[0], "lilac", "m", BACK, BACK, "violet", "m", True)
    assert result is not None
    assert result.edits == (
        AddOption(group="color", option="violet"),
        SetRule(class_name="Eevee", group="color", options=("violet",)),
    )
    assert adjusted(edits, "w", lines[0], "lilac", *[BACK] * 4) is None


def test_words_are_only_asked_for_where_an_edit_has_some() -> None:
    asker_keys: list[str] = []

    class Watching(Scripted):
        def key(self, title: str, keys: Sequence[Key]) -> str | None:
            asker_keys.extend(entry.key for entry in keys)
            return super().key(title, keys)

    console = Console(width=100, color_system=None)
    proposal = Proposal(edits=(DropOption(group="color", option="white"),), source="llm")
    assert adjust(Watching(BACK), console, sample.view(), proposal) is None
    assert asker_keys == ["m"]
