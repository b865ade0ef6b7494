"""Rules of a batch: what the schema allows, and the forms in which answers are read."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.llm.rule_schema import (
    BATCH,
    RulesReply,
    classes_in,
    keyed,
    largest_batch,
    property_names,
    rules_reply,
    rules_schema,
    sound_choices,
)
from builder.llm.schemas import split_broken
from builder.llm.strict_schemas import MOST_ENUM_VALUES, fits
from builder.system.model import AttributeGroup
from builder.system.names import folded, likeness
from tests.llm.strict import follows, is_strict, nodes

ODD = st.sampled_from(["[red]", "c01", "C02", "cc01", '"quotes" {x}', "喷火龙", "δ", "a\\b"])
NAMES = ODD | st.text(min_size=1, max_size=12).filter(str.strip)
CLASSES = st.lists(NAMES, min_size=1, max_size=6, unique=True)
OPTIONS = ("white", "[red] {x}", '"b"', "灰色")


@st.composite
def group_lists(draw: st.DrawFn) -> list[AttributeGroup]:
    names = st.lists(NAMES.map(str.strip), min_size=1, max_size=4, unique_by=folded)
    some = st.lists(st.sampled_from(OPTIONS), min_size=2, unique=True)
    return [AttributeGroup(name=n, prompt="{}", options=tuple(draw(some))) for n in draw(names)]


def groups_of(*sizes: int) -> list[AttributeGroup]:
    return [
        AttributeGroup(
            name=f"group {number}", prompt="{}", options=tuple(f"o{i}" for i in range(size))
        )
        for number, size in enumerate(sizes)
    ]


def complete(classes: list[str], groups: list[AttributeGroup], draw: st.DrawFn) -> dict[str, Any]:
    keys = property_names(groups)
    return {
        "rules": {
            key: {k: draw(st.sampled_from(g.options)) for k, g in zip(keys, groups, strict=True)}
            for key in keyed(classes)
        }
    }


def read(reply: object, classes: list[str], groups: list[AttributeGroup]) -> RulesReply:
    return rules_reply(classes, groups).model_validate_json(json.dumps(reply), strict=True)


def choices(reply: RulesReply) -> dict[str, dict[str, str]]:
    return {rule.class_name: rule.choices(reply.groups) for rule in split_broken(reply.rules)[0]}


@given(CLASSES, group_lists())
def test_the_schema_is_fit_for_strict_modes_and_names_classes_and_options(
    classes: list[str], groups: list[AttributeGroup]
) -> None:
    schema = rules_reply(classes, groups).model_json_schema()
    assert is_strict(schema) and fits(schema)
    assert json.loads(json.dumps(schema)) == schema
    assert schema["title"] == "RulesReply" and schema["required"] == ["rules"]
    assert classes_in(schema) == classes
    assert [defined.get("enum") for defined in schema["$defs"].values()] == [
        None if any('"' in option for option in group.options) else list(group.options)
        for group in groups
    ]
    assert all(set(node) == {"$ref"} for node in nodes(schema) if "$ref" in node)


@given(CLASSES, group_lists(), st.data())
def test_every_complete_answer_follows_the_schema_and_no_other_does(
    classes: list[str], groups: list[AttributeGroup], data: st.DataObject
) -> None:
    schema = rules_schema(classes, groups)
    answer = complete(classes, groups, data.draw)
    assert follows(answer, schema)
    reply = read(answer, classes, groups)
    assert reply.finished and list(choices(reply)) == classes
    for key, name in keyed(classes).items():
        assert list(choices(reply)[name].values()) == list(answer["rules"][key].values())
    key = data.draw(st.sampled_from([*answer["rules"]]))
    group = data.draw(st.sampled_from(property_names(groups)))
    whole = answer["rules"][key]
    for wrong in (
        {k: v for k, v in answer["rules"].items() if k != key},
        {**answer["rules"], key: {k: v for k, v in whole.items() if k != group}},
        {**answer["rules"], key: {**whole, group: ["white"]}},
        {**answer["rules"], "another": whole},
        {**answer["rules"], key: {**whole, "another": "white"}},
    ):
        assert not follows({"rules": wrong}, schema)
        # One class alone is missing, and nobody else's rule is touched.
        found = read({"rules": wrong}, classes, groups)
        assert choices(found).keys() >= set(classes) - {keyed(classes)[key]}


@given(st.lists(NAMES, min_size=1, max_size=30, unique=True))
def test_keys_are_plain_and_like_no_class(classes: list[str]) -> None:
    keys = keyed(classes)
    assert list(keys.values()) == classes
    assert all(key.isascii() and key.isalnum() for key in keys)
    assert set(keys).isdisjoint(map(likeness, classes))


@pytest.mark.parametrize("name", ["space", "string", "root", "rules", "char", "null", "c01"])
def test_definitions_are_named_like_no_rule_of_a_grammar(name: str) -> None:
    schema = rules_schema(["Absol"], [AttributeGroup(name=name, prompt="{}", options=("a", "b"))])
    assert list(schema["$defs"]) == [f"{name}_options"]


@given(CLASSES)
def test_an_option_that_is_none_does_not_follow_the_schema(classes: list[str]) -> None:
    schema = rules_schema(classes, [COLOR])
    answer = {"rules": {key: {"main_color": "pale"} for key in keyed(classes)}}
    assert not follows(answer, schema)


def test_a_thousand_classes_have_keys_of_their_own() -> None:
    keys = keyed([f"c{number:04}" for number in range(500)] + [f"[red] {n}" for n in range(500)])
    assert len(keys) == 1000 and {len(key) for key in keys} == {6}


@given(st.lists(st.text(max_size=4), min_size=1, max_size=8))
def test_groups_of_any_name_have_properties_of_their_own(names: list[str]) -> None:
    groups = [
        AttributeGroup.model_construct(name=name, prompt="{}", options=("a", "b")) for name in names
    ]
    keys = property_names(groups)
    assert len(set(keys)) == len(names) and "class_name" not in keys


def test_groups_named_like_methods_or_in_other_scripts_are_kept_apart() -> None:
    names = ("copy", "цвет", "class_name", "body shape", "body-shape", "bodyshape")
    groups = [AttributeGroup(name=name, prompt="{}", options=("a", "b")) for name in names]
    keys = property_names(groups)
    assert keys == (
        "copy", "group_2", "group_3_class_name", "body_shape", "group_5_body_shape", "bodyshape"
    )  # fmt: skip
    item = {**dict.fromkeys(keys, "a"), "body_shape": "b"}
    for rules in ({"c01": item}, [{"class_name": "Absol", **item}]):
        (rule,) = choices(read({"rules": rules}, ["Absol"], groups)).values()
        assert rule == {**dict.fromkeys(names, "a"), "body shape": "b"}


COLOR = AttributeGroup(name="main color", prompt="{}", options=("White", "red"))
WHITE, RED = {"main_color": "White"}, {"main_color": "red"}


@pytest.mark.parametrize(
    "answer",
    [
        {"rules": {"c01": WHITE, "c02": RED}},
        {"c01": WHITE, "c02": RED},
        {"rules": {"Absol": WHITE, "[red]": RED}},
        {"Absol": WHITE, "[red]": RED},
        {"rules": {"C01": {"Main Color": "white "}, "[red]": RED}, "remark": "done"},
        {"rules": [{"class_name": "[red]", **RED}, {"class_name": "Absol", **WHITE}]},
        {"rules": [{"class_name": "c02", **RED}, {"class_name": "c01", "main color": "WHITE"}]},
        {"rules": {"c01": WHITE, "c02": {**RED, "why": "it is"}, "c03": RED}},
    ],
)
def test_the_forms_in_which_rules_are_read(answer: object) -> None:
    reply = read(answer, ["Absol", "[red]"], [COLOR])
    assert reply.finished
    assert choices(reply) == {"Absol": {"main color": "White"}, "[red]": {"main color": "red"}}


@pytest.mark.parametrize("answer", [{"rules": 1}, {"rules": "c01"}, {"other": WHITE}, {}, []])
def test_what_holds_no_rule_at_all_is_no_answer(answer: object) -> None:
    with pytest.raises(ValueError, match=r"rules|object"):
        read(answer, ["Absol"], [COLOR])


def test_one_broken_rule_does_not_spoil_the_others() -> None:
    items = [
        {"class_name": "Absol", "main_color": "white "},
        {"class_name": "Absol", "main_color": "pale"},
        {"class_name": "Nobody", "main_color": "red"},
        {"class_name": "Absol"},
        "Absol",
    ]
    reply = read({"rules": items}, ["Absol"], [COLOR])
    sound, broken = split_broken(reply.rules)
    assert [rule.choices([COLOR]) for rule in sound] == [{"main color": "White"}]
    assert [item.sent for item in broken] == items[1:]
    assert "'pale' is not one of the allowed values" in broken[0].problem
    assert "'Nobody' is not one of the allowed values" in broken[1].problem
    by_key = read({"rules": {"c01": "white", "c02": RED}}, ["Absol", "B"], [COLOR])
    assert list(choices(by_key)) == ["B"]
    assert split_broken(by_key.rules)[1][0].sent == {"class_name": "Absol", "rule": "white"}


def test_what_is_sound_in_a_broken_rule_can_be_used() -> None:
    groups = [COLOR, *groups_of(2)]
    rule = {"main_color": "RED", "group_0": "pale", "more": "o1"}
    assert sound_choices(rule, groups) == {"main color": "red"}
    assert sound_choices("red", groups) == sound_choices({"group_0": ["o1"]}, groups) == {}


@given(st.lists(st.integers(2, 100), min_size=1, max_size=30))
def test_batches_and_enums_stay_within_the_limits(sizes: list[int]) -> None:
    groups = groups_of(*sizes)
    size = largest_batch(groups)
    schema = rules_schema([f"class {n}" for n in range(size)], groups)
    assert fits(schema)
    enums = [node for node in nodes(schema) if "enum" in node]
    assert (len(enums) == len(groups)) == (sum(sizes) <= MOST_ENUM_VALUES)
    assert size == BATCH


def test_many_long_groups_make_smaller_batches() -> None:
    groups = [
        AttributeGroup(name=f"{number:03} {'long' * 12}", prompt="{}", options=("a", "b"))
        for number in range(300)
    ]
    size = largest_batch(groups)
    assert 1 < size < BATCH
    assert fits(rules_schema(["a"] * size, groups))
    assert not fits(rules_schema(["a"] * (size + 1), groups))


def test_of_a_former_version_the_classes_are_known() -> None:
    names: dict[str, Any] = {"enum": ["Absol", "B"], "type": "string"}
    for class_name, found in ((names, ["Absol", "B"]), ({"const": "C"}, ["C"])):
        rule = {"properties": {"class_name": class_name}}
        assert classes_in({"$defs": {"DraftedRule": rule}, "properties": {}}) == found
    assert classes_in({}) == []
