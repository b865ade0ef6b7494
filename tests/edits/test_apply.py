"""`apply`: what each edit does, what it refuses and in which words; all of a list or nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.edits.apply import EditError, apply
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
    RenameClass,
    RenameGroup,
    RenameOption,
    SetDomain,
    SetPrompt,
    SetRule,
    SplitOption,
)
from builder.system.model import AttributeGroup, AttributeSystem, Choice, make_system
from tests.strategies import QUICK, proposals_to, splits_of, systems

COLOUR = AttributeGroup(name="colour", prompt="It is {}.", options=("red", "blue", "green"))
TAIL = AttributeGroup(name="tail", prompt="Its tail is {}.", options=("long", "short"))
SKIN = AttributeGroup(name="skin", prompt="Its skin is {}.", options=("smooth", "scaly"))
SYSTEM = make_system(
    "creature",
    [COLOUR, TAIL],
    {
        "Ant": {"colour": "red", "tail": "short"},
        "Bee": {"colour": ("red", "blue"), "tail": None},
        "Cat": {"colour": "green", "tail": "long"},
    },
)


def choices(system: AttributeSystem, group: str) -> dict[str, Choice]:
    return {class_name: row[group] for class_name, row in system.rules.items()}


def edited(*edits: Edit) -> AttributeSystem:
    return apply(SYSTEM, edits)


# --- what edits do --------------------------------------------------------------------------


def test_no_edits_change_nothing() -> None:
    assert edited() == SYSTEM


def test_set_domain() -> None:
    assert edited(SetDomain(domain="trading card")).domain == "trading card"


def test_a_new_group_stands_where_it_was_put_and_has_its_rules() -> None:
    after = edited(AddGroup(group=SKIN, rules={"Cat": ("smooth",)}, position=1))
    assert after.groups == (COLOUR, SKIN, TAIL)
    assert choices(after, "skin") == {"Ant": (), "Bee": (), "Cat": ("smooth",)}
    assert edited(AddGroup(group=SKIN)).groups == (COLOUR, TAIL, SKIN)


def test_a_dropped_group_takes_its_rules_along() -> None:
    after = edited(DropGroup(group="colour"))
    assert after.groups == (TAIL,)
    assert after.rules["Ant"] == {"tail": ("short",)}


def test_a_renamed_group_keeps_place_and_rules() -> None:
    after = edited(RenameGroup(group="colour", to="Colour"))
    assert [group.name for group in after.groups] == ["Colour", "tail"]
    assert choices(after, "Colour") == choices(SYSTEM, "colour")


def test_moves() -> None:
    assert edited(MoveGroup(group="tail", position=0)).groups == (TAIL, COLOUR)
    assert edited(MoveClass(class_name="Ant", position=1)).classes == ("Bee", "Ant", "Cat")
    moved = edited(MoveOption(group="colour", option="red", position=2))
    assert moved.group("colour").options == ("blue", "green", "red")
    assert moved.rules["Bee"]["colour"] == ("blue", "red")


def test_set_prompt() -> None:
    after = edited(SetPrompt(group="tail", prompt="{} tail"))
    assert after.group("tail").phrases() == ("long tail", "short tail")


def test_a_new_option_stands_where_it_was_put() -> None:
    first = AddOption(group="tail", option="{bushy}", position=0)
    assert edited(first).group("tail").options == ("{bushy}", "long", "short")
    assert edited(AddOption(group="tail", option="🦊")).group("tail").options[-1] == "🦊"


def test_a_dropped_option_leaves_the_rules_or_is_replaced_once() -> None:
    without = edited(DropOption(group="colour", option="red"))
    assert choices(without, "colour") == {"Ant": (), "Bee": ("blue",), "Cat": ("green",)}
    instead = edited(DropOption(group="colour", option="red", replacement="blue"))
    assert choices(instead, "colour") == {"Ant": ("blue",), "Bee": ("blue",), "Cat": ("green",)}


def test_rules_follow_a_renamed_option() -> None:
    after = edited(RenameOption(group="colour", option="red", to="RED"))
    assert after.group("colour").options == ("RED", "blue", "green")
    assert choices(after, "colour") == {"Ant": ("RED",), "Bee": ("RED", "blue"), "Cat": ("green",)}


def test_merged_options_stand_at_the_place_of_the_first_and_once_in_a_rule() -> None:
    after = edited(MergeOptions(group="colour", options=("green", "blue"), into="cold"))
    assert after.group("colour").options == ("red", "cold")
    assert choices(after, "colour") == {"Ant": ("red",), "Bee": ("red", "cold"), "Cat": ("cold",)}
    apart = edited(MergeOptions(group="colour", options=("green", "red"), into="warm"))
    assert apart.group("colour").options == ("warm", "blue")
    into_one_of_them = edited(MergeOptions(group="colour", options=("red", "blue"), into="blue"))
    assert into_one_of_them.group("colour").options == ("blue", "green")
    assert into_one_of_them.rules["Bee"]["colour"] == ("blue",)


def test_a_split_option_gives_each_class_its_part_and_leaves_its_other_options() -> None:
    classes = {"Ant": ("pink",), "Bee": ("red", "pink")}
    after = edited(SplitOption(group="colour", option="red", into=("red", "pink"), classes=classes))
    assert after.group("colour").options == ("red", "pink", "blue", "green")
    assert choices(after, "colour") == {
        "Ant": ("pink",),
        "Bee": ("red", "pink", "blue"),
        "Cat": ("green",),
    }


def test_a_new_class_stands_where_it_was_put_with_its_rules() -> None:
    after = edited(AddClass(class_name="[red]", rules={"tail": ("long",)}, position=1))
    assert after.classes == ("Ant", "[red]", "Bee", "Cat")
    assert after.rules["[red]"] == {"colour": (), "tail": ("long",)}


def test_classes_are_dropped_and_renamed_in_place() -> None:
    assert edited(DropClass(class_name="Bee")).classes == ("Ant", "Cat")
    renamed = edited(RenameClass(class_name="Bee", to="Beedrill δ"))
    assert renamed.classes == ("Ant", "Beedrill δ", "Cat")
    assert renamed.rules["Beedrill δ"] == SYSTEM.rules["Bee"]


def test_set_rule_takes_one_option_several_or_none() -> None:
    after = edited(
        SetRule(class_name="Ant", group="colour", options=("green", "red")),
        SetRule(class_name="Cat", group="tail", options=()),
    )
    assert after.rules["Ant"]["colour"] == ("red", "green")
    assert after.rules["Cat"]["tail"] == ()


def test_edits_may_leave_the_system_unsound_on_the_way() -> None:
    after = edited(
        SetRule(class_name="Ant", group="tail", options=("bushy",)),
        DropOption(group="tail", option="short"),
        DropOption(group="tail", option="long"),
        SetPrompt(group="tail", prompt="no slot"),
        AddOption(group="tail", option="bushy"),
        AddOption(group="tail", option="bald"),
        SetPrompt(group="tail", prompt="A {} tail."),
        AddOption(group="colour", option="RED"),
        DropOption(group="colour", option="red", replacement="RED"),
    )
    assert after.group("tail").phrases() == ("A bushy tail.", "A bald tail.")
    assert after.rules["Ant"] == {"colour": ("RED",), "tail": ("bushy",)}
    everything_anew = edited(
        DropGroup(group="colour"),
        DropGroup(group="tail"),
        AddGroup(group=SKIN),
        *(DropClass(class_name=name) for name in SYSTEM.classes),
        AddClass(class_name="Dog", rules={"skin": ("smooth",)}),
        AddClass(class_name="Eel"),
    )
    assert everything_anew == make_system(
        "creature", [SKIN], {"Dog": {"skin": "smooth"}, "Eel": {}}
    )


# --- what edits refuse ----------------------------------------------------------------------

BAD: list[tuple[Edit, str, str]] = [
    (DropGroup(group="color"), "no group 'color' (did you mean 'colour'?)", "'tail'"),
    (RenameGroup(group="colour", to="tail"), "group 'tail' is already there", "another name"),
    (RenameGroup(group="colour", to="Tail"), "repeats", "end"),
    (MoveGroup(group="tail", position=2), "position 2 is out of range", "0 to 1"),
    (AddGroup(group=TAIL), "group 'tail' is already there", "another name"),
    (AddGroup(group=SKIN, position=3), "position 3", "0 to 2"),
    (AddGroup(group=SKIN, rules={"Dog": ("scaly",)}), "no class 'Dog'", "'Ant'"),
    (AddGroup(group=SKIN, rules={"Ant": ("sclay",)}), "did you mean 'scaly'?", "end"),
    (SetPrompt(group="tail", prompt="long"), "group 'tail': the prompt 'long' must hold", "end"),
    (SetPrompt(group="tail", prompt="{} {}"), "it holds 2", "end"),
    (AddOption(group="tail", option="long"), "option 'long' is already there", "another"),
    (AddOption(group="tail", option="L ONG"), "'L ONG' repeats 'long'", "end"),
    (AddOption(group="tail", option="bald", position=3), "position 3", "0 to 2"),
    (DropOption(group="tail", option="long"), "at least 2 options, it has 1", "end"),
    (DropOption(group="tail", option="red"), "no option of 'tail' 'red'", "'long', 'short'"),
    (DropOption(group="colour", option="red", replacement="grey"), "'grey'", "'blue'"),
    (DropOption(group="colour", option="red", replacement="red"), "replace itself", "another"),
    (RenameOption(group="tail", option="long", to="short"), "already there", "another name"),
    (RenameOption(group="tail", option="lng", to="bushy"), "did you mean 'long'?", "'long'"),
    (MoveOption(group="tail", option="long", position=2), "position 2", "0 to 1"),
    (
        SplitOption(group="colour", option="red", into=("pink", "x"), classes={"Ant": ("x",)}),
        "says nothing of classes that use it: 'Bee'",
        "'pink', 'x'",
    ),
    (
        SplitOption(
            group="colour",
            option="green",
            into=("pea", "moss"),
            classes={"Cat": ("pea",), "Ant": ("moss",)},
        ),
        "'Ant' does not use 'green'",
        "'pea', 'moss'",
    ),
    (
        SplitOption(group="colour", option="green", into=("a", "b"), classes={"Cat": ()}),
        "leaves 'Cat' without an option",
        "'a', 'b'",
    ),
    (
        SplitOption(group="colour", option="green", into=("a", "b"), classes={"Cat": ("red",)}),
        "gives 'Cat' 'red', which is not in `into`",
        "'a', 'b'",
    ),
    (
        SplitOption(group="colour", option="green", into=("a", "b"), classes={"Dog": ("a",)}),
        "'Cat'",
        "'a', 'b'",
    ),
    (
        SplitOption(group="colour", option="green", into=("a", "red"), classes={"Cat": ("a",)}),
        "option 'red' is already there",
        "another name",
    ),
    (
        SplitOption(group="colour", option="green", into=("a", "A"), classes={"Cat": ("a",)}),
        "'A' repeats 'a'",
        "end",
    ),
    (MergeOptions(group="colour", options=("red", "red"), into="x"), "with itself", "different"),
    (MergeOptions(group="colour", options=("red", "blue"), into="green"), "already", "another"),
    (MergeOptions(group="colour", options=("red", "grey"), into="x"), "'grey'", "'red'"),
    (MergeOptions(group="tail", options=("long", "short"), into="x"), "at least 2 options", "end"),
    (AddClass(class_name="Ant"), "class 'Ant' is already there", "another name"),
    (AddClass(class_name="Dog", rules={"tial": ("long",)}), "did you mean 'tail'?", "'tail'"),
    (AddClass(class_name="Dog", rules={"tail": ("red",)}), "'red' is not an option of", "end"),
    (AddClass(class_name="Dog", position=4), "position 4", "0 to 3"),
    (DropClass(class_name="Dog"), "no class 'Dog'", "'Ant'"),
    (RenameClass(class_name="Ant", to="Bee"), "class 'Bee' is already there", "another name"),
    (MoveClass(class_name="Ant", position=3), "position 3", "0 to 2"),
    (SetRule(class_name="Dog", group="tail", options=()), "no class 'Dog'", "'Ant'"),
    (SetRule(class_name="Ant", group="x", options=()), "no group 'x'", "'colour'"),
    (SetRule(class_name="Ant", group="tail", options=("lng",)), "did you mean 'long'?", "end"),
    (SetRule(class_name="Ant", group="tail", options=("long", "long")), "named twice", "end"),
]


@pytest.mark.parametrize(("edit", "says", "advises"), BAD, ids=lambda value: str(value)[:40])
def test_an_edit_that_does_not_fit_is_named_with_the_reason_and_the_way_out(
    edit: Edit, says: str, advises: str
) -> None:
    with pytest.raises(EditError) as caught:
        edited(edit)
    assert caught.value.message.startswith(f"Edit {edit.kind}: ")
    assert says in caught.value.message
    assert advises in caught.value.hint
    assert caught.value.exit_code == 2


def test_the_edit_to_blame_is_the_one_that_broke_it() -> None:
    with pytest.raises(EditError) as caught:
        edited(
            AddOption(group="tail", option="bushy"),
            DropOption(group="tail", option="long"),
            SetPrompt(group="colour", prompt="no slot"),
            DropOption(group="tail", option="bushy"),
            DropClass(class_name="Ant"),
            DropClass(class_name="Bee"),
        )
    message = caught.value.message
    assert "Edit 4 of 6 (drop_option): group 'tail': a group needs at least 2 options" in message
    assert "Edit 3 of 6 (set_prompt): group 'colour': the prompt 'no slot'" in message
    assert "Edit 6 of 6 (drop_class): rules: a system needs at least 2 classes" in message


def test_an_edit_that_does_not_fit_is_counted() -> None:
    with pytest.raises(EditError, match=r"^Edit 2 of 2 \(drop_class\): there is no class 'Ant'"):
        edited(RenameClass(class_name="Ant", to="Bull Ant"), DropClass(class_name="Ant"))


def test_the_last_group_cannot_go() -> None:
    with pytest.raises(EditError, match="at least 1 group"):
        edited(DropGroup(group="colour"), DropGroup(group="tail"))


def test_a_long_list_of_names_is_cut_short() -> None:
    many = make_system("d", [TAIL], {f"class {number}": {} for number in range(1000)})
    with pytest.raises(EditError) as caught:
        apply(many, [DropClass(class_name="🦊" * 10_000)])
    assert len(caught.value.message) + len(caught.value.hint) < 600
    assert "and 988 more" in caught.value.hint


# --- properties -----------------------------------------------------------------------------


@QUICK
@given(st.data(), systems())
def test_apply_gives_the_same_each_time_and_changes_nothing_it_was_given(
    data: st.DataObject, system: AttributeSystem
) -> None:
    proposal = data.draw(proposals_to(system))
    system_was, proposal_was = repr(system), repr(proposal)
    after = apply(system, proposal.edits)
    assert apply(system, proposal.edits) == after
    assert (repr(system), repr(proposal)) == (system_was, proposal_was)


@QUICK
@given(st.data(), systems())
def test_one_by_one_or_at_once_is_the_same(data: st.DataObject, system: AttributeSystem) -> None:
    proposal = data.draw(proposals_to(system))
    one_by_one = system
    for edit in proposal.edits:
        one_by_one = apply(one_by_one, (edit,))
    assert apply(system, proposal.edits) == one_by_one


@QUICK
@given(st.data(), systems())
def test_a_list_that_fails_leaves_the_system_alone(
    data: st.DataObject, system: AttributeSystem
) -> None:
    fitting = data.draw(proposals_to(system)).edits
    # No class has this name: names are stripped.
    wrong: Edit = DropClass(class_name=" ")
    place = data.draw(st.integers(0, len(fitting)))
    was = repr(system)
    with pytest.raises(EditError, match=f"^Edit {place + 1} of {len(fitting) + 1}"):
        apply(system, (*fitting[:place], wrong, *fitting[place:]))
    assert repr(system) == was


@QUICK
@given(st.data(), systems())
def test_a_split_merged_again_gives_the_system_back(
    data: st.DataObject, system: AttributeSystem
) -> None:
    group = data.draw(st.sampled_from(system.groups))
    option = data.draw(st.sampled_from(group.options))
    split = data.draw(splits_of(system, group, option))
    after = apply(system, [split])
    for class_name, choice in choices(system, group.name).items():
        parts = set(split.classes.get(class_name, ()))
        assert set(after.rules[class_name][group.name]) == set(choice) - {option} | parts
    merge = MergeOptions(group=group.name, options=split.into, into=option)
    assert apply(after, [merge]) == system


@QUICK
@given(st.data(), systems())
def test_a_merge_unites_the_rules_of_all_its_options(
    data: st.DataObject, system: AttributeSystem
) -> None:
    group = data.draw(st.sampled_from(system.groups))
    some = st.lists(st.sampled_from(group.options), min_size=2, unique=True)
    merged = data.draw(some)
    # Two more, so that enough options are left whatever is merged.
    more = [AddOption(group=group.name, option=option) for option in ("merged by x", "spare y")]
    extended = apply(system, [edit for edit in more if edit.option not in group.options])
    merge = MergeOptions(group=group.name, options=tuple(merged), into="all in one")
    after = apply(extended, [merge])
    for class_name, choice in choices(system, group.name).items():
        united = {"all in one"} if set(choice) & set(merged) else set()
        assert set(after.rules[class_name][group.name]) == set(choice) - set(merged) | united


@QUICK
@given(st.data(), systems())
def test_renaming_an_option_changes_its_words_and_nothing_else(
    data: st.DataObject, system: AttributeSystem
) -> None:
    group = data.draw(st.sampled_from(system.groups))
    option = data.draw(st.sampled_from(group.options))
    after = apply(system, [RenameOption(group=group.name, option=option, to="new words")])
    assert system.classes == after.classes
    for class_name, row in after.rules.items():
        back = tuple(option if o == "new words" else o for o in row[group.name])
        assert back == system.rules[class_name][group.name]
    back_again = RenameOption(group=group.name, option="new words", to=option)
    assert apply(after, [back_again]) == system
