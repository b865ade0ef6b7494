import json
import time
from collections.abc import Callable
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
    short,
)
from builder.system.model import AttributeGroup
from tests.llm.strict import is_strict, nodes


@pytest.mark.parametrize("model", [GroupsReply, RevisionReply])
def test_schemas_are_fit_for_strict_mode(model: type[GroupsReply]) -> None:
    schema = model.model_json_schema()
    assert is_strict(schema)
    assert any(node.get("type") == "object" for node in nodes(schema))


def test_the_check_itself_finds_a_schema_that_is_not_strict() -> None:
    assert not is_strict(Proposal.model_json_schema())


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
