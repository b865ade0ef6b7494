"""Renames told from two systems: never a wrong result, and only where one reading is possible."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.edits.apply import apply
from builder.edits.diff import edits_between, perhaps_renamed
from builder.edits.model import Edit, RenameClass, RenameGroup, RenameOption, SetRule
from builder.system.model import AttributeGroup, AttributeSystem, make_system
from tests.strategies import THOROUGH, names, system_pairs, systems

COLOR = AttributeGroup(name="color", prompt="It is {}.", options=("black", "white", "pink"))
PLACE = AttributeGroup(name="place", prompt="It stands in {}.", options=("hills", "sea"))
RULES = {
    "Absol": {"color": "black", "place": "hills"},
    "Mew": {"color": "pink", "place": "sea"},
    "Eevee": {"color": ["black", "white"], "place": "sea"},
}
SYSTEM = make_system("card", [COLOR, PLACE], RULES)


@THOROUGH
@given(system_pairs())
def test_the_edits_lead_from_any_system_to_any_other(
    pair: tuple[AttributeSystem, AttributeSystem],
) -> None:
    before, after = pair
    assert apply(before, edits_between(before, after)) == after
    renamed = perhaps_renamed(before, after)
    assert apply(before, edits_between(before, after, renamed)) == after
    assert len({rename.to for rename in renamed}) == len(renamed)


@THOROUGH
@given(st.data(), systems(), names())
def test_one_new_name_reads_as_a_rename(
    data: st.DataObject, system: AttributeSystem, name: str
) -> None:
    group = data.draw(st.sampled_from(system.groups))
    edit: Edit = data.draw(
        st.sampled_from(
            [
                RenameGroup(group=group.name, to="another name"),
                RenameOption(group=group.name, option=group.options[0], to="another name"),
            ]
        )
    )
    assert edits_between(system, apply(system, (edit,))) == (edit,)
    old = data.draw(st.sampled_from(system.classes))
    if name not in system.classes:
        renamed = RenameClass(class_name=old, to=name)
        after = apply(system, (renamed,))
        assert perhaps_renamed(system, after) == (renamed,)
        assert edits_between(system, after, (renamed,)) == (renamed,)


def test_all_kinds_at_once_and_a_rule_changed_as_well() -> None:
    edits = (
        RenameGroup(group="color", to="hue"),
        RenameOption(group="place", option="sea", to="the sea"),
        RenameClass(class_name="Absol", to="Absol G"),
        SetRule(class_name="Mew", group="hue", options=("white",)),
    )
    after = apply(SYSTEM, edits)
    assert perhaps_renamed(SYSTEM, after) == (edits[2],)
    assert edits_between(SYSTEM, after, (edits[2],)) == edits


def changed(classes: dict[str, str]) -> AttributeSystem:
    """With other names for classes; each name that comes takes over the rules of another."""
    return make_system("card", [COLOR, PLACE], {to: RULES[of] for to, of in classes.items()})


@pytest.mark.parametrize(
    ("classes", "renamed"),
    [
        ({"Absol G": "Absol", "Mew": "Mew", "Eevee": "Eevee"}, {"Absol": "Absol G"}),
        # Elsewhere, but the only one that went and the only one that came with these rules.
        ({"Mew": "Mew", "Eevee": "Eevee", "Absol G": "Absol"}, {"Absol": "Absol G"}),
        ({"Absol G": "Mew", "Mew": "Mew", "Eevee": "Eevee"}, {}),
        ({"Mew": "Mew", "Eevee": "Eevee"}, {}),
        # Two came: the one at the same place.
        ({"A": "Absol", "Mew": "Mew", "Eevee": "Eevee", "B": "Absol"}, {"Absol": "A"}),
        # Two came, none at the same place.
        ({"Mew": "Mew", "Eevee": "Eevee", "A": "Absol", "B": "Absol"}, {}),
        ({"Mew": "Absol", "Absol": "Mew", "Eevee": "Eevee"}, {}),
    ],
)
def test_which_classes_may_be_renamed(classes: dict[str, str], renamed: dict[str, str]) -> None:
    found = perhaps_renamed(SYSTEM, changed(classes))
    assert {rename.class_name: rename.to for rename in found} == renamed


def with_options(*options: str, rules: dict[str, str | list[str]]) -> AttributeSystem:
    color = COLOR.model_copy(update={"options": options})
    rows = {name: {"place": RULES[name]["place"], "color": rules[name]} for name in RULES}
    return make_system("card", [color, PLACE], rows)


def test_an_option_with_other_users_or_at_another_place_is_another_option() -> None:
    rules: dict[str, str | list[str]] = {
        "Absol": "black",
        "Mew": "rose",
        "Eevee": ["black", "white"],
    }
    same = with_options("black", "white", "rose", rules=rules)
    assert edits_between(SYSTEM, same) == (RenameOption(group="color", option="pink", to="rose"),)
    others = with_options("black", "white", "rose", rules={**rules, "Absol": ["black", "rose"]})
    elsewhere = with_options("rose", "black", "white", rules=rules)
    for after in (others, elsewhere):
        assert not any(isinstance(edit, RenameOption) for edit in edits_between(SYSTEM, after))


def test_a_name_that_another_has_but_for_its_case_is_no_rename() -> None:
    # "black" can't be called PINK while "pink" is there, and so with groups.
    spelt = with_options(
        "PINK", "white", rules={"Absol": "PINK", "Mew": "white", "Eevee": ["PINK", "white"]}
    )
    assert apply(SYSTEM, edits_between(SYSTEM, spelt)) == spelt
    hue = COLOR.model_copy(update={"name": "PLACE"})
    regrouped = make_system("card", [hue], {name: {"PLACE": "black"} for name in RULES})
    assert apply(SYSTEM, edits_between(SYSTEM, regrouped)) == regrouped


def test_groups_that_ask_the_same_are_not_mixed_up() -> None:
    first, second, third = (COLOR.model_copy(update={"name": name}) for name in "abc")
    before = make_system("card", [first, second, PLACE], {"x": {"a": "black"}, "y": {}})
    after = make_system("card", [third, PLACE], {"x": {"c": "black"}, "y": {}})
    assert not any(isinstance(edit, RenameGroup) for edit in edits_between(before, after))
    assert apply(before, edits_between(before, after)) == after
