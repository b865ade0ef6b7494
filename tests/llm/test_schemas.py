import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from builder.edits.model import Proposal
from builder.llm.revising import ProposalItem, RevisionReply
from builder.llm.schemas import (
    Broken,
    GroupsReply,
    problem_of,
    property_names,
    rules_reply,
    short,
    split_broken,
)
from builder.system.model import AttributeGroup

NAMES = st.text(min_size=1).filter(str.strip)
# What OpenAI's strict mode takes, and what every other endpoint of its kind can read.
STRICT_KEYWORDS = {
    "$defs", "$ref", "additionalProperties", "anyOf", "const", "description", "enum", "items",
    "properties", "required", "title", "type",
}  # fmt: skip


def nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Every schema inside a schema; names of properties and definitions are not keywords."""
    yield schema
    for key in ("properties", "$defs"):
        for inner in schema.get(key, {}).values():
            yield from nodes(inner)
    for inner in (*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else ())):
        yield from nodes(inner)


def is_strict(schema: dict[str, Any]) -> bool:
    return all(
        set(node) <= STRICT_KEYWORDS
        and (
            node.get("type") != "object"
            or (
                node["additionalProperties"] is False
                and set(node["required"]) == set(node["properties"])
            )
        )
        for node in nodes(schema)
    )


@pytest.mark.parametrize("model", [GroupsReply, RevisionReply])
def test_schemas_are_fit_for_strict_mode(model: type[GroupsReply]) -> None:
    schema = model.model_json_schema()
    assert is_strict(schema)
    assert any(node.get("type") == "object" for node in nodes(schema))


def test_the_check_itself_finds_a_schema_that_is_not_strict() -> None:
    assert not is_strict(Proposal.model_json_schema())


@given(
    st.lists(NAMES, min_size=1, max_size=4, unique=True),
    st.lists(NAMES.map(str.strip), min_size=1, max_size=4, unique_by=lambda s: s.casefold()),
)
def test_rules_schema_names_exactly_these_classes_and_options(
    classes: list[str], names: list[str]
) -> None:
    groups = [AttributeGroup(name=n, prompt="{}", options=("a {x}", '"b"')) for n in names]
    schema = rules_reply(classes, groups).model_json_schema()
    properties = schema["$defs"]["DraftedRule"]["properties"]
    assert is_strict(schema)
    assert list(properties) == ["class_name", *property_names(groups)]
    class_name = properties["class_name"]
    assert class_name.get("enum", [class_name.get("const")]) == classes
    assert all(properties[key]["enum"] == ["a {x}", '"b"'] for key in property_names(groups))
    assert json.loads(json.dumps(schema)) == schema


def test_groups_named_like_methods_or_in_other_scripts_are_kept_apart() -> None:
    names = ("copy", "цвет", "class_name", "body shape", "body-shape")
    groups = [AttributeGroup(name=name, prompt="{}", options=("a", "b")) for name in names]
    keys = property_names(groups)
    assert keys == ("copy", "group_2", "group_3_class_name", "body_shape", "group_5_body_shape")
    item = {"class_name": "Absol", **dict.fromkeys(keys, "a"), "body_shape": "b"}
    text = json.dumps({"rules": [item]})
    (rule,) = rules_reply(["Absol"], groups).model_validate_json(text, strict=True).rules
    assert rule.choices(groups) == {**dict.fromkeys(names, "a"), "body shape": "b"}


def test_one_broken_item_does_not_spoil_the_others() -> None:
    group = AttributeGroup(name="color", prompt="{}", options=("White", "red"))
    items = [
        {"class_name": "Absol", "color": "white "},
        {"class_name": "Absol", "color": "pale"},
        {"class_name": "Nobody", "color": "red"},
        {"class_name": "Absol"},
        "Absol",
    ]
    reply = rules_reply(["Absol"], [group]).model_validate_json(json.dumps({"rules": items}))
    sound, broken = split_broken(reply.rules)
    assert [rule.choices([group]) for rule in sound] == [{"color": "White"}]
    assert [item.sent for item in broken] == items[1:]
    assert "'pale' is not one of the allowed values" in broken[0].problem
    assert "'Nobody' is not one of the allowed values" in broken[1].problem


@pytest.mark.parametrize(
    ("group", "problem"),
    [
        ({"name": "a", "prompt": "no slot", "options": ["x", "y"]}, "exactly one {}"),
        ({"name": "a", "prompt": "{} and {}", "options": ["x", "y"]}, "exactly one {}"),
        ({"name": "a", "prompt": "{}", "options": ["x"]}, "at least 2 options"),
        ({"name": "a", "prompt": "{}", "options": ["x", " X"]}, "repeats"),
        ({"name": "a", "prompt": "{}", "options": ["x", "\n"]}, "an option is empty"),
        ({"name": "\x1b", "prompt": "{}", "options": ["x", "y"]}, "no name"),
    ],
)
def test_an_unsound_group_is_set_aside_with_the_reason(group: dict[str, Any], problem: str) -> None:
    reply = GroupsReply.model_validate_json(json.dumps({"groups": [group]}))
    (item,) = reply.groups
    assert isinstance(item, Broken) and problem in item.problem


def test_control_characters_and_line_breaks_do_not_get_into_a_system() -> None:
    group = {"name": "a\x1b[2J", "prompt": "is\n {}", "options": ["\x07x", "y\t z\x85"]}
    (item,) = GroupsReply.model_validate_json(json.dumps({"groups": [group]})).groups
    assert item.as_group() == AttributeGroup(name="a[2J", prompt="is {}", options=("x", "y z"))


@pytest.mark.parametrize(
    "text",
    [
        '{"groups": []}',
        '```json\n{"groups": []}\n```',
        'An {example} first: {"a": 1}. My answer:\n{"groups": []}\nGood luck {!',
        '{"groups": []} Each prompt holds {} once.',
        'A {} first.\n{"groups": []}\nThen {} and {}.',
    ],
)
def test_an_answer_is_found_in_its_wrapping(text: str) -> None:
    assert GroupsReply.model_validate_json(text, strict=True).groups == []


def test_an_answer_is_found_beside_a_number_too_long_to_read() -> None:
    text = f'Not {{"n": {"9" * 5000}}} but {{"groups": []}}'
    assert GroupsReply.model_validate_json(text, strict=True).groups == []


def test_an_object_that_is_all_there_is_may_be_empty() -> None:
    with pytest.raises(ValueError, match="Field required"):
        GroupsReply.model_validate_json("Nothing: {}", strict=True)


def test_json_that_is_cut_off_is_called_invalid_json() -> None:
    with pytest.raises(ValueError, match="EOF"):
        GroupsReply.model_validate_json('{"groups": [{"name": "a", "x": {}}, {"na')


def in_time(read: Callable[[], object], seconds: float = 4.0) -> None:
    """Generous: these took from ten seconds to hours when time grew with the square."""
    started = time.process_time()
    read()
    assert time.process_time() - started < seconds


@pytest.mark.parametrize(
    "text",
    [
        "x" + "{" * 4_000_000,
        "x " + '{"' * 2_000_000,
        "x " + '{"a":[' * 600_000,
        "x " + '{"a":[' * 200 + "1," * 1_900_000,
        "x " + '{"a":1} ' * 400_000,
    ],
    ids=["braces", "names", "nested", "unclosed", "objects"],
)
def test_a_hostile_reply_is_read_in_time(text: str) -> None:
    in_time(lambda: GroupsReply.json_in(text))


def test_an_answer_is_found_behind_many_braces_of_prose() -> None:
    text = 'Use {option}, {"a": ...} and {x}. ' * 500 + '{"groups": []}'
    assert GroupsReply.json_in(text) == '{"groups": []}'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nope, \x1bsorry", "there is no JSON in the reply 'nope, sorry'"),
        ("Use {x}. " + "I would rather talk. " * 99, "there is no complete JSON in the reply 'Use"),
        ('{"groups": ]', "Invalid JSON"),
    ],
)
def test_prose_instead_of_json_is_quoted(text: str, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        GroupsReply.model_validate_json(text, strict=True)
    problem = problem_of(caught.value)
    assert words in problem and len(problem) < 200


@given(st.text())
def test_short_is_one_line(text: str) -> None:
    line = short(text, 20)
    assert len(line) <= 20 and len(line.splitlines()) <= 1


def test_short_can_be_printed() -> None:
    assert short("a\ud800 \x1bb").encode() == b"a b"


def test_every_kind_of_edit_becomes_an_edit() -> None:
    choice = {"class_name": "Absol", "options": ["a"]}
    items: list[dict[str, Any]] = [
        {"kind": "set_rule", "class_name": "Absol", "group": "g", "options": ["a", "b"]},
        {"kind": "rename_option", "group": "g", "option": "a", "to": "c"},
        {"kind": "set_prompt", "group": "g", "prompt": "so {}"},
        {"kind": "add_option", "group": "g", "option": "c"},
        {"kind": "drop_option", "group": "g", "option": "c", "replacement": None},
        {
            "kind": "split_option",
            "group": "g",
            "option": "a",
            "into": ["c", "d"],
            "classes": [choice],
        },
        {"kind": "merge_options", "group": "g", "options": ["a", "b"], "into": "c"},
        {
            "kind": "add_group",
            "name": "h",
            "prompt": "h {}",
            "options": ["a", "b"],
            "rules": [choice],
        },
        {"kind": "drop_group", "group": "g"},
    ]
    item = ProposalItem.model_validate_json(
        json.dumps({"reason": "why", "edits": items}), strict=True
    )
    proposal = item.as_proposal()
    assert proposal.source == "llm" and proposal.reason == "why"
    dumped = [edit.model_dump(mode="json", exclude_defaults=True) for edit in proposal.edits]
    assert [edit.kind for edit in proposal.edits] == [item["kind"] for item in items]
    assert dumped[0] == {"class_name": "Absol", "group": "g", "options": ["a", "b"]}
    assert dumped[5]["classes"] == {"Absol": ["a"]}
    assert dumped[7] == {
        "group": {"name": "h", "prompt": "h {}", "options": ["a", "b"]},
        "rules": {"Absol": ["a"]},
    }
