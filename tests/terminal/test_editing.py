"""Edits by hand: what is asked, what comes out of it, and that its effect is seen before."""

from typing import get_args

import pytest
from rich.console import Console

from builder.edits.apply import apply
from builder.edits.locks import Lock
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
from builder.review.view import View
from builder.session.records import Locked
from builder.system.model import AttributeGroup
from builder.terminal.editing import edit_by_hand, first_system
from tests.terminal import sample
from tests.terminal.scripted import BACK, ENTER, Scripted


def played(*answers: object, view: View | None = None) -> tuple[Proposal | None, str, Scripted]:
    asker = Scripted(*answers)
    console = Console(width=100, color_system=None, highlight=False, markup=False)
    with console.capture() as captured:
        proposal = edit_by_hand(asker, console, view or sample.view())
    assert not asker.answers, "an answer was left over"
    return proposal, captured.get(), asker


TAIL = AttributeGroup(name="tail", prompt="Its tail is {}.", options=("long", "short"))
NEW_TAIL = ("g", "a", "tail", "Its tail is {}.", "long", "short", "")


# What is answered, and what comes of it.
BY_HAND: list[tuple[tuple[object, ...], list[Edit]]] = [
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
    (
        ("o", "color", "m", "pink", "black"),
        [MoveOption(group="color", option="pink", position=0)],
    ),
    (
        ("o", "color", "m", "black", "at the end"),
        [MoveOption(group="color", option="black", position=2)],
    ),
    (
        ("o", "color", "s", "pink", "pink", "purple", "", ("Mew",), ENTER),
        [
            SplitOption(
                group="color",
                option="pink",
                into=("pink", "purple"),
                classes={"Mew": ("pink",), "Eevee": ("purple",)},
            )
        ],
    ),
    (
        ("o", "color", "s", "pink", "rose", "red", "", ("Mew", "Eevee"), ("Mew",)),
        [
            SplitOption(
                group="color",
                option="pink",
                into=("rose", "red"),
                classes={"Mew": ("rose", "red"), "Eevee": ("rose",)},
            )
        ],
    ),
    (
        ("o", "color", "s", "white", "snow", "cream", ""),
        [SplitOption(group="color", option="white", into=("snow", "cream"), classes={})],
    ),
    (
        ("o", "color", "j", ("pink", "white"), "pale"),
        [MergeOptions(group="color", options=("white", "pink"), into="pale")],
    ),
    (("p", "color", "It is {}."), [SetPrompt(group="color", prompt="It is {}.")]),
    (("g", "d", "color"), [DropGroup(group="color")]),
    (("g", "n", "color", "hue"), [RenameGroup(group="color", to="hue")]),
    (("g", "m", "color", "at the end"), [MoveGroup(group="color", position=1)]),
    ((*NEW_TAIL, "l"), [AddGroup(group=TAIL)]),
    (
        (*NEW_TAIL, "n", ("Mew", "Eevee"), ("Mew",)),
        [AddGroup(group=TAIL, rules={"Mew": ("long", "short"), "Eevee": ("long",)})],
    ),
    (
        ("c", "a", "absol g", ("black", "white"), ()),
        [AddClass(class_name="absol g", rules={"color": ("black", "white")})],
    ),
    (("c", "n", "Mew", "mew"), [RenameClass(class_name="Mew", to="mew")]),
    (("c", "m", "Eevee", "Absol G"), [MoveClass(class_name="Eevee", position=0)]),
    (("c", "d", "Mew"), [DropClass(class_name="Mew")]),
    (("d", "playing card"), [SetDomain(domain="playing card")]),
]


@pytest.mark.parametrize(
    ("answers", "edits"),
    BY_HAND,
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_each_kind_of_edit(answers: tuple[object, ...], edits: list[Edit]) -> None:
    proposal, shown, _ = played(*answers, True)
    assert proposal == Proposal(edits=tuple(edits), source="person")
    assert "Your change: " in shown
    assert " pp (" in shown
    apply(sample.system(), proposal.edits)


def test_there_is_no_edit_that_cannot_be_made_by_hand() -> None:
    (union, _) = get_args(Edit)
    made = {type(edit) for _, edits in BY_HAND for edit in edits}
    assert made == set(get_args(union))


def test_the_effect_is_shown_before_it_is_asked() -> None:
    proposal, shown, asker = played("r", "Mew", "background", "o", "a forest", False, BACK)
    assert proposal is None
    assert "Your change: +10.4 pp (5 fixed, 0 broken)\n" in shown
    assert "Mew · background: a desert -> a forest" in shown
    assert asker.asked[-2:] == ["Apply it?", "Edit what?"]


def test_enter_alone_applies_no_loss() -> None:
    helpful, shown, _ = played("r", "Mew", "background", "o", "a forest", ENTER)
    assert helpful is not None
    harmful, shown, asker = played("r", "Absol G", "color", "o", "pink", ENTER, BACK)
    assert "Your change: -" in shown
    assert harmful is None
    assert asker.asked[-2:] == ["Apply it?", "Edit what?"]
    assert played("r", "Absol G", "color", "o", "pink", True)[0] is not None


def test_what_becomes_of_the_images_of_a_dropped_class_is_told() -> None:
    words = "Its images count as broken here; once it is gone, none is scored."
    assert words in played("c", "d", "Mew", False, BACK)[1]
    assert words not in played("c", "n", "Mew", "Mewtu", False, BACK)[1]


def test_what_is_locked_is_told_before_it_is_changed() -> None:
    locks = [
        Locked(lock=Lock(group="background")),
        Locked(lock=Lock(class_name="Eevee")),
        Locked(lock=Lock(class_name="Mew", group="background")),
    ]
    view = sample.view(locks)
    told = "This changes what you locked: group background, rule Mew · background."
    asker = ("r", "Mew", "background", "o", "a forest", True)
    proposal, shown, _ = played(*asker, view=view)
    assert proposal is not None
    assert told in shown
    assert shown.index("Your change: ") < shown.index(told)
    assert "locked" not in played("r", "Mew", "color", "o", "black", True, view=view)[1]


def test_nothing_changed_is_no_edit() -> None:
    for answers in (
        ("r", "Mew", "background", "o", "a desert"),
        ("o", "color", "w", "pink", ENTER),
        ("p", "color", ENTER),
        ("g", "n", "color", ENTER),
        ("g", "m", "color", ENTER),
        ("c", "n", "Mew", ENTER),
        ("c", "m", "Mew", ENTER),
        ("o", "color", "m", "pink", ENTER),
        ("d", ENTER),
    ):
        proposal, shown, _ = played(*answers, BACK)
        assert proposal is None
        assert "That changes nothing." in shown
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
        (("g", "a", "Color", "tail", "{}!", "a", "", "A", "b", "", "l"), "it needs some words"),
        (("o", "color", "s", "pink", "black", "rose", "red", "", (), ("Mew",), ENTER), "is there"),
        (
            ("o", "color", "s", "pink", "a", "b", "", (), ("Mew",), ("Mew", "Eevee")),
            '"Eevee" would have none of them',
        ),
        (("o", "color", "j", ("pink",), ("pink", "white"), ENTER), "two or more"),
        (("o", "color", "j", ("pink", "white", "black"), ("pink", "white"), ENTER), "one option"),
        (("o", "color", "j", ("pink", "white"), "BLACK", ENTER), '"black" is there already'),
        (("c", "a", "Mew", "Mew 2", (), ()), '"Mew" is there already'),
        (("c", "n", "Eevee", "Mew", "Eva"), '"Mew" is there already'),
        (("d", "", "toy"), "it needs some words"),
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
    from builder.session.records import Decided

    two_left = sample.view([Decided(proposal=first, decision="accepted", by="person")])
    asker = Scripted("o", "color", "d", "pink", "o", "black", *[BACK] * 6)
    with console.capture() as captured:
        assert edit_by_hand(asker, console, two_left) is None
    assert "Error: " in captured.get()
    assert "at least 2 options" in captured.get()
    assert asker.asked[6] == asker.asked[5] == "Which option instead?"
    assert not asker.answers


def test_escape_at_every_question_goes_back_to_the_one_before() -> None:
    path = ["o", "color", "d", "pink", "o", "white"]
    _, _, asker = played(*path, True)
    titles = asker.asked
    for length in range(1, len(path) + 1):
        proposal, _, asker = played(*path[:length], BACK, *path[length - 1 :], True)
        assert proposal is not None
        assert asker.asked == [*titles[: length + 1], *titles[length - 1 :]]
    for length in range(len(path) + 1):
        proposal, _, _ = played(*path[:length], *[BACK] * (length + 1))
        assert proposal is None


def test_escape_before_confirming_goes_back_to_the_last_answer_which_stands_there() -> None:
    answers = ("o", "color", "w", "pink", "rose")
    proposal, shown, asker = played(*answers, BACK, ENTER, True)
    assert proposal is not None
    assert proposal.edits == (RenameOption(group="color", option="pink", to="rose"),)
    assert asker.asked[-4:] == ['New words for "pink":', "Apply it?"] * 2
    assert shown.count("Your change: ") == 2


def test_no_drops_the_change() -> None:
    proposal, _, asker = played("o", "color", "w", "pink", "rose", False, BACK)
    assert proposal is None
    assert asker.asked[-2:] == ["Apply it?", "Edit what?"]


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
        "color", "It is {}.", "black", BACK, ENTER, "leave open", "", False,
        "black", BACK, "leave open", BACK, BACK,
        True, BACK, False,
        ENTER, "(leave open)",
    )  # fmt: skip
    system = first_system(asker, "cat", ["Tom", "Tim"])
    assert system is not None
    assert system.group("color").options == ("black", "leave open")
    assert system.rules == {"Tom": {"color": ("leave open",)}, "Tim": {"color": ()}}
    assert not asker.answers
    tom, tim, another = "Tom · color", "Tim · color", "Another group?"
    name = 'Name of the group, e.g. "tail":'
    assert asker.asked[7:] == [
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


def test_options_are_asked_for_one_at_a_time_until_an_empty_line() -> None:
    asker = Scripted("color", "It is {}.", "black", "white", "", False, "black", "black")
    first_system(asker, "cat", ["Tom", "Tim"])
    assert asker.asked[2:5] == [
        "Option 1 (one at a time; after two, an empty line ends):",
        "Option 2 (one at a time; after two, an empty line ends):",
        "Option 3 (an empty line ends):",
    ]


def test_a_first_system_can_be_given_up() -> None:
    assert first_system(Scripted(BACK), "cat", ["Tom", "Tim"]) is None
    assert first_system(Scripted("color", BACK, BACK), "cat", ["Tom", "Tim"]) is None
