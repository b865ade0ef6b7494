"""Edits by hand: what is asked, what comes out of it, and that its effect is seen before."""

import pytest
from rich.console import Console

from builder.applying import apply
from builder.edits import (
    AddGroup,
    AddOption,
    DropGroup,
    DropOption,
    Edit,
    Proposal,
    RenameGroup,
    RenameOption,
    SetPrompt,
    SetRule,
)
from builder.system import AttributeGroup
from builder.terminal.editing import edit_by_hand, first_system
from tests.terminal import sample
from tests.terminal.scripted import BACK, ENTER, Scripted

COLOR, PLACE = sample.system().groups


def played(*answers: object) -> tuple[Proposal | None, str, Scripted]:
    asker = Scripted(*answers)
    console = Console(width=100, color_system=None, highlight=False, markup=False)
    with console.capture() as captured:
        proposal = edit_by_hand(asker, console, sample.view())
    assert not asker.answers, "an answer was left over"
    return proposal, captured.get(), asker


@pytest.mark.parametrize(
    ("answers", "edits"),
    [
        (
            ("r", "Mew", "background", "o", "a forest"),
            [SetRule(class_name="Mew", group="background", options=("a forest",))],
        ),
        (
            ("r", "Mew", "background", "s", ("space", "a forest")),
            [SetRule(class_name="Mew", group="background", options=("a forest", "space"))],
        ),
        (
            ("r", "Mew", "background", "n"),
            [SetRule(class_name="Mew", group="background", options=())],
        ),
        (
            ("o", "color", "a", "purple", ("Eevee", "Mew")),
            [
                AddOption(group="color", option="purple"),
                SetRule(class_name="Mew", group="color", options=("purple",)),
                SetRule(class_name="Eevee", group="color", options=("purple",)),
            ],
        ),
        (
            ("o", "color", "w", "pink", "rose"),
            [RenameOption(group="color", option="pink", to="rose")],
        ),
        (("o", "color", "d", "white"), [DropOption(group="color", option="white")]),
        (
            ("o", "color", "d", "pink", "o", "white"),
            [DropOption(group="color", option="pink", replacement="white")],
        ),
        (("o", "color", "d", "pink", "n"), [DropOption(group="color", option="pink")]),
        (("p", "color", "It is {}."), [SetPrompt(group="color", prompt="It is {}.")]),
        (("g", "d", "color"), [DropGroup(group="color")]),
        (("g", "n", "color", "hue"), [RenameGroup(group="color", to="hue")]),
        (
            ("g", "a", "tail", "Its tail is {}.", "long", "short", ""),
            [
                AddGroup(
                    group=AttributeGroup(
                        name="tail", prompt="Its tail is {}.", options=("long", "short")
                    )
                )
            ],
        ),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_each_kind_of_edit(answers: tuple[object, ...], edits: list[Edit]) -> None:
    proposal, shown, _ = played(*answers, True)
    assert proposal == Proposal(edits=tuple(edits), source="person")
    assert "Your change: " in shown
    assert " pp (" in shown
    apply(sample.system(), proposal.edits)


def test_the_effect_is_shown_before_it_is_asked() -> None:
    proposal, shown, asker = played("r", "Mew", "background", "o", "a forest", False, BACK)
    assert proposal is None
    assert "Your change: +10.4 pp (5 fixed, 0 broken)\n" in shown
    assert "Mew · background: a desert -> a forest" in shown
    assert asker.asked[-2:] == ["Apply it?", "Edit what?"]


def test_nothing_changed_is_no_edit() -> None:
    for answers in (
        ("r", "Mew", "background", "o", "a desert"),
        ("o", "color", "w", "pink", ENTER),
        ("p", "color", ENTER),
        ("g", "n", "color", ENTER),
    ):
        proposal, shown, _ = played(*answers, BACK)
        assert proposal is None
        assert "Your change" not in shown


@pytest.mark.parametrize(
    ("answers", "complaint"),
    [
        (("p", "color", "It is.", "It is {}."), "must hold exactly one {}"),
        (("p", "color", "{} {}", "It is {}."), "must hold exactly one {}"),
        (("o", "color", "w", "pink", " B l ack", "rose"), '"black" is there already'),
        (("o", "color", "a", "PINK", "rose", ()), '"pink" is there already'),
        (("o", "color", "a", "", "rose", ()), "it needs some words"),
        (("g", "n", "color", "Background", "hue"), '"background" is there already'),
        (("g", "a", "Color", "tail", "{}!", "a", "", "A", "b", ""), "it needs some words"),
    ],
)
def test_what_cannot_be_is_said_while_typing(answers: tuple[str, ...], complaint: str) -> None:
    proposal, _, asker = played(*answers, True)
    assert proposal is not None
    assert any(complaint in line for line in asker.asked)


def test_a_change_that_does_not_fit_is_told_and_the_person_goes_on() -> None:
    # Two options are the least: the second drop would leave one.
    view_asker = Scripted("o", "color", "d", "white", True)
    console = Console(width=100, color_system=None, highlight=False, markup=False)
    with console.capture():
        first = edit_by_hand(view_asker, console, sample.view())
    assert first is not None
    from builder.records import Decided

    two_left = sample.view([Decided(proposal=first, decision="accepted", by="person")])
    asker = Scripted("o", "color", "d", "pink", "o", "black", BACK)
    with console.capture() as captured:
        assert edit_by_hand(asker, console, two_left) is None
    assert "Error: " in captured.get()
    assert "at least 2 options" in captured.get()
    assert not asker.answers


def test_escape_at_every_question_goes_back_to_what_to_edit() -> None:
    path = ["o", "color", "d", "pink", "o", "white"]
    for length in range(1, len(path)):
        proposal, _, asker = played(*path[:length], BACK, BACK)
        assert proposal is None
        assert asker.asked[-1] == "Edit what?"


def test_a_first_system_is_made_of_groups_and_rules() -> None:
    asker = Scripted(
        "color", "It is {}.", "black", "white", "", True,
        "tail", "Its tail is {}.", "long", "short", "", False,
        "black", "long", "white", "leave open",
    )  # fmt: skip
    system = first_system(asker, "cat", ["Tom", "[red]"])
    assert system is not None
    assert system.domain == "cat"
    assert system.rules == {
        "Tom": {"color": ("black",), "tail": ("long",)},
        "[red]": {"color": ("white",), "tail": ()},
    }
    assert not asker.answers


def test_escape_in_a_first_system_goes_back_one_question() -> None:
    asker = Scripted(
        "color", "It is {}.", "black", "leave open", "", False,
        "black", BACK, "leave open", BACK, BACK,
        True, BACK, False,
        "leave open", "(leave open)",
    )  # fmt: skip
    system = first_system(asker, "cat", ["Tom", "Tim"])
    assert system is not None
    assert system.rules == {"Tom": {"color": ("leave open",)}, "Tim": {"color": ()}}
    assert not asker.answers
    tom, tim, another = "Tom · color", "Tim · color", "Another group?"
    name = 'Name of the group, e.g. "tail":'
    assert asker.asked[5:] == [
        another, tom, tim, tom, tim, tom, another, name, another, tom, tim,
    ]  # fmt: skip


def test_ctrl_c_in_a_first_system_warns_before_it_leaves(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asker = Scripted(
        "color", KeyboardInterrupt, "It is {}.", "black", KeyboardInterrupt, "white", "",
        KeyboardInterrupt, False, KeyboardInterrupt, "black", "white",
    )  # fmt: skip
    system = first_system(asker, "cat", ["Tom", "Tim"])
    assert system is not None
    assert system.rules == {"Tom": {"color": ("black",)}, "Tim": {"color": ("white",)}}
    warnings = capsys.readouterr().err
    assert warnings.count("Press Ctrl-C again to leave; nothing of this is saved yet.") == 4
    with pytest.raises(KeyboardInterrupt):
        first_system(Scripted("color", KeyboardInterrupt, KeyboardInterrupt), "cat", ["Tom"])


def test_options_are_asked_for_one_at_a_time_until_enter_alone() -> None:
    asker = Scripted("color", "It is {}.", "black", "white", "", False, "black", "black")
    first_system(asker, "cat", ["Tom", "Tim"])
    assert asker.asked[2:5] == [
        "Option 1 (one at a time; after two, Enter alone ends):",
        "Option 2 (one at a time; after two, Enter alone ends):",
        "Option 3 (Enter alone ends):",
    ]


def test_a_first_system_can_be_given_up() -> None:
    assert first_system(Scripted(BACK), "cat", ["Tom", "Tim"]) is None
    assert first_system(Scripted("color", BACK), "cat", ["Tom", "Tim"]) is None
