"""The attribute system: invariants, normal form, phrases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from builder.system.model import (
    AttributeGroup,
    AttributeSystem,
    Problem,
    did_you_mean,
    group_problems,
    json_key,
    make_system,
    quoted,
    system_problems,
)
from builder.system.names import folded

# Everything a file can hold: braces, quotes, brackets, other scripts, control characters.
texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8).filter(str.strip)
names = texts.map(str.strip)


@st.composite
def systems(draw: st.DrawFn, *, single: bool = False) -> AttributeSystem:
    """Any sound system; with `single`, one of exactly one option per class and group."""
    groups = [
        AttributeGroup(
            name=name,
            prompt=draw(st.sampled_from(["{}", "It is {}.", "“{}” {"])),
            options=tuple(draw(st.lists(names, min_size=2, max_size=4, unique_by=folded))),
        )
        for name in draw(st.lists(names, min_size=1, max_size=3, unique_by=folded))
    ]
    least, most = (1, 1) if single else (0, None)
    rules = {
        class_name: {
            group.name: draw(
                st.lists(st.sampled_from(group.options), min_size=least, max_size=most, unique=True)
            )
            for group in groups
        }
        for class_name in draw(st.lists(names, min_size=2, max_size=4, unique=True))
    }
    return make_system(draw(names), groups, rules)


COLOUR = AttributeGroup(name="colour", prompt="It is {}.", options=("red", "blue", "gold"))
TAIL = AttributeGroup(name="tail", prompt="Its tail is {}.", options=("long", "short"))


def pair(ant: dict[str, object], bee: dict[str, object]) -> AttributeSystem:
    return make_system("creature", [COLOUR, TAIL], {"Ant": ant, "Bee": bee})


def test_a_phrase_takes_the_option_as_it_stands() -> None:
    group = AttributeGroup(name="g", prompt="{0} says {}.", options=("{}", "{name} {0!r}"))
    assert group.phrases() == ("{0} says {}.", "{0} says {name} {0!r}.")


def test_phrases_go_group_after_group() -> None:
    assert pair({}, {}).phrases() == (
        "It is red.",
        "It is blue.",
        "It is gold.",
        "Its tail is long.",
        "Its tail is short.",
    )


def test_rules_are_complete_and_in_order() -> None:
    system = pair({"tail": "long", "colour": ["gold", "red"]}, {"colour": None})
    assert list(system.rules["Ant"].items()) == [("colour", ("red", "gold")), ("tail", ("long",))]
    assert dict(system.rules["Bee"]) == {"colour": (), "tail": ()}


def test_rules_cannot_be_changed() -> None:
    system = pair({}, {})
    with pytest.raises(TypeError):
        system.rules["Ant"]["colour"] = ("red",)  # type: ignore[index]
    with pytest.raises(ValidationError, match="frozen"):
        system.domain = "other"


def test_other_rules_for_some_classes_are_checked_and_put_in_order() -> None:
    absol, mew = {"colour": "red", "tail": "long"}, {"colour": "blue", "tail": "short"}
    rules = {"Absol": absol, "Mew": mew}
    system = make_system("creature", [COLOUR, TAIL], rules)
    changed = system.with_rules({system.classes[0]: {}})
    assert set(changed.rules[system.classes[0]].values()) == {()}
    assert changed.classes == system.classes
    assert changed.with_rules({system.classes[0]: system.rules[system.classes[0]]}) == system
    group = system.groups[0]
    backwards = {group.name: tuple(reversed(group.options))}
    row = system.with_rules({system.classes[0]: backwards}).rules[system.classes[0]]
    assert row[group.name] == group.options
    with pytest.raises(ValueError, match="not an option"):
        system.with_rules({system.classes[0]: {group.name: ("no such thing",)}})


def test_the_order_of_classes_is_part_of_the_value() -> None:
    here = make_system("d", [COLOUR], {"Ant": {}, "Bee": {}})
    there = make_system("d", [COLOUR], {"Bee": {}, "Ant": {}})
    assert here != there
    assert here == make_system("d", [COLOUR], {"Ant": {"colour": None}, "Bee": {}})


@given(systems())
def test_equal_systems_have_equal_hashes_and_survive_pydantic(system: AttributeSystem) -> None:
    again = AttributeSystem.model_validate_json(system.model_dump_json())
    assert again == system
    assert hash(again) == hash(system)
    assert list(again.rules) == list(system.rules)


def test_a_group_is_found_by_its_name() -> None:
    assert pair({}, {}).group("tail") == TAIL
    with pytest.raises(KeyError, match="wings"):
        pair({}, {}).group("wings")


@pytest.mark.parametrize(
    ("prompt", "options", "path"),
    [
        ("It is red.", ("red", "blue"), "prompt"),
        ("It is {} and {}.", ("red", "blue"), "prompt"),
        ("It is {}.", ("red",), "options"),
        ("It is {}.", ("red", "blue", "R ed"), "options[2]"),
    ],
)
def test_a_broken_group_is_refused(prompt: str, options: tuple[str, ...], path: str) -> None:
    assert [problem.path for problem in group_problems(prompt, options)] == [path]
    with pytest.raises(ValidationError):
        AttributeGroup(name="colour", prompt=prompt, options=options)


def test_all_problems_of_a_system_are_found_at_once() -> None:
    rules = {"Absol G": {"colour": ("rde", "red", "red"), "tial": ("long",)}}
    assert system_problems([COLOUR, COLOUR.model_copy(update={"name": "Colour"})], rules) == [
        Problem("groups[1].name", "'Colour' repeats 'colour'"),
        Problem("rules", "a system needs at least 2 classes, it has 1"),
        Problem(
            'rules["Absol G"].colour', "'rde' is not an option of 'colour' (did you mean 'red'?)"
        ),
        Problem('rules["Absol G"].colour', "an option is named twice"),
        Problem('rules["Absol G"].tial', "there is no group 'tial'"),
    ]
    with pytest.raises(ValidationError, match="at least 2 classes"):
        make_system("d", [COLOUR], {"Ant": {}})


def test_no_groups_and_nameless_classes_are_refused() -> None:
    problems = system_problems([], {" ": {}, "Ant": {}})
    assert [problem.path for problem in problems] == ["groups", "rules"]


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("colour", ".colour"),
        ("Absol G", '["Absol G"]'),
        ("Blaine's", '["Blaine\'s"]'),
        ('the "red" one', '["the \\"red\\" one"]'),
        ("", '[""]'),
    ],
)
def test_json_key(key: str, path: str) -> None:
    assert json_key(key) == path


def test_long_texts_are_cut_in_messages_and_not_compared() -> None:
    assert len(quoted("x" * 10_000)) < 110
    assert quoted("a\x1b[31m") == r"'a\x1b[31m'"
    assert did_you_mean("x" * 10_000, ["x" * 9_999]) == ""
    assert did_you_mean("Colours", ["colour", "tail"]) == " (did you mean 'colour'?)"
