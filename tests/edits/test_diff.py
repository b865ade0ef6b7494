"""`diff`: it leads from any system to any other, in as few edits as a person would need."""

from hypothesis import given
from hypothesis import strategies as st

from builder.edits.apply import apply
from builder.edits.diff import diff
from builder.edits.model import (
    AddOption,
    DropOption,
    Edit,
    MergeOptions,
    MoveClass,
    MoveGroup,
    MoveOption,
    RenameClass,
    RenameGroup,
    RenameOption,
    SetRule,
    SplitOption,
)
from builder.system.model import AttributeGroup, AttributeSystem, make_system
from tests.strategies import QUICK, THOROUGH, edits_to, proposals_to, system_pairs, systems


def numbered(options: list[str], rules: dict[str, str]) -> AttributeSystem:
    group = AttributeGroup(name="g", prompt="{}", options=tuple(options))
    return make_system("d", [group], {name: {"g": option} for name, option in rules.items()})


@THOROUGH
@given(system_pairs())
def test_a_diff_leads_from_any_system_to_any_other(
    pair: tuple[AttributeSystem, AttributeSystem],
) -> None:
    before, after = pair
    assert apply(before, diff(before, after)) == after
    assert apply(after, diff(after, before)) == before


@QUICK
@given(systems())
def test_equal_systems_have_no_diff(system: AttributeSystem) -> None:
    assert diff(system, AttributeSystem.model_validate(system.model_dump())) == ()


def most_edits(edit: Edit) -> int:
    """How many edits a diff may need for what this one edit did; names alone tell it."""
    match edit:
        case RenameGroup() | RenameOption() | RenameClass():
            return 2
        case MergeOptions():
            return len(edit.options) + 1
        case SplitOption():
            return len(edit.into) + 1 + len(edit.classes)
    return 1


@THOROUGH
@given(st.data(), systems())
def test_what_one_edit_did_is_told_in_as_few(data: st.DataObject, system: AttributeSystem) -> None:
    edit = data.draw(edits_to(system))
    after = apply(system, [edit])
    found = diff(system, after)
    assert len(found) <= most_edits(edit)
    assert apply(system, found) == after


@QUICK
@given(st.data(), systems())
def test_what_several_edits_did_is_told_in_as_few(
    data: st.DataObject, system: AttributeSystem
) -> None:
    group = data.draw(st.sampled_from(system.groups))
    classes = st.lists(st.sampled_from(system.classes), unique=True)
    chosen = st.sampled_from(group.options)
    rules = [
        SetRule(class_name=class_name, group=group.name, options=(data.draw(chosen),))
        for class_name in data.draw(classes)
    ]
    added = AddOption(group=group.name, option="one more", position=0)
    found = diff(system, apply(system, [*rules, added]))
    assert len(found) <= len(rules) + 1
    changed = {edit.class_name for edit in found if isinstance(edit, SetRule)}
    assert changed <= {edit.class_name for edit in rules}


@QUICK
@given(st.data(), systems())
def test_a_part_that_did_not_change_is_not_mentioned(
    data: st.DataObject, system: AttributeSystem
) -> None:
    after = apply(system, data.draw(proposals_to(system)).edits)
    same = {g.name for g in system.groups} & {g.name for g in after.groups}
    for edit in diff(system, after):
        if isinstance(edit, SetRule):
            assert edit.group in same
            assert system.rules[edit.class_name][edit.group] != edit.options


def test_only_what_moved_is_moved() -> None:
    options = ["a", "b", "c", "d", "e", "f"]
    rules = dict(zip("123456", options, strict=True))
    before = numbered(options, rules)
    after = numbered(["b", "c", "f", "d", "e", "a"], rules)
    found = diff(before, after)
    assert {type(edit) for edit in found} == {MoveOption}
    assert {edit.option for edit in found if isinstance(edit, MoveOption)} == {"a", "f"}
    shuffled = numbered(options, {name: rules[name] for name in "134562"})
    assert diff(before, shuffled) == (MoveClass(class_name="2", position=5),)
    one, two = (AttributeGroup(name=n, prompt="{}", options=("a", "b")) for n in ("one", "two"))
    swapped = [make_system("d", groups, {"1": {}, "2": {}}) for groups in ([one, two], [two, one])]
    assert len(diff(*swapped)) == 1
    assert isinstance(diff(*swapped)[0], MoveGroup)


def test_an_option_goes_with_its_successor_and_not_rule_by_rule() -> None:
    before = numbered(["old", "b"], dict.fromkeys("12345", "old") | {"6": "b"})
    after = numbered(["new", "b"], dict.fromkeys("1234", "new") | {"5": "b", "6": "b"})
    assert diff(before, after) == (
        AddOption(group="g", option="new", position=0),
        SetRule(class_name="5", group="g", options=("b",)),
        DropOption(group="g", option="old", replacement="new"),
    )


def test_a_successor_is_named_only_where_a_rule_follows_it() -> None:
    before = numbered(["old", "a", "b"], {"1": "old", "2": "a"})
    after = make_system(
        "d",
        [before.group("g").model_copy(update={"options": ("a", "b")})],
        {
            "1": {"g": ("a", "b")},
            "2": {"g": "a"},
        },
    )
    assert diff(before, after) == (
        SetRule(class_name="1", group="g", options=("a", "b")),
        DropOption(group="g", option="old"),
    )


def test_a_thousand_classes_turned_round_take_the_fewest_moves() -> None:
    options = [f"option {number}" for number in range(50)]
    names = [f"class {number}" for number in range(1000)]
    rules = {name: options[number % 50] for number, name in enumerate(names)}
    before = numbered(options, rules)
    halves = names[400:] + names[:400]
    after = numbered(options[::-1], {name: rules[name] for name in halves})
    found = diff(before, after)
    assert len(found) == 400 + 49
    assert apply(before, found) == after
