"""An answer is found whichever way it is wrapped and spelt, and nothing else is taken for it."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.llm.revising import RevisionReply
from builder.llm.schemas import GroupsReply, Reply, split_broken
from tests.llm.live import GROUPS

WORDS = st.text(alphabet="abc éδ“'\"\\/", min_size=1, max_size=12).map(lambda text: f"x{text}x")
ANSWERS = st.lists(
    st.fixed_dictionaries(
        {
            "name": WORDS,
            "prompt": WORDS.map(lambda text: f"{text} {{}}."),
            "options": st.lists(WORDS, min_size=2, max_size=4, unique_by=str.casefold),
        }
    ),
    min_size=1,
    max_size=3,
)
WRAPPERS: list[Callable[[Any], Any]] = [
    lambda items: {"groups": items},
    lambda items: items,
    lambda items: {"answer": items},
    lambda items: {"name": "answer", "parameters": {"groups": items}},
    lambda items: {"name": "answer", "arguments": json.dumps({"groups": items})},
    lambda items: [{"function": {"name": "x", "arguments": json.dumps({"groups": items})}}],
    lambda items: {"ok": True, "data": {"groups": items}, "note": "[1]"},
]
SPELLINGS: list[Callable[[Any], str]] = [
    json.dumps,
    repr,
    lambda value: f"```json\n{json.dumps(value, ensure_ascii=False, indent=1)}\n```",
    lambda value: f"Use {{}} [once].\n<tool_call>{value!r}</tool_call>",
    lambda value: json.dumps(value)[:-1] + f",{json.dumps(value)[-1]}  // done",
]


@given(ANSWERS, st.sampled_from(WRAPPERS), st.sampled_from(SPELLINGS))
def test_an_answer_is_found_in_any_wrapping(
    items: Any, wrapper: Callable[[Any], Any], spelling: Callable[[Any], str]
) -> None:
    plain = split_broken(GroupsReply.model_validate({"groups": items}).groups)[0]
    text = spelling(wrapper(items))
    found = split_broken(GroupsReply.model_validate_json(text).groups)[0] if plain else []
    assert found == plain


@given(st.text(max_size=200) | st.recursive(st.text(), st.lists).map(json.dumps))
def test_any_text_is_looked_through_without_an_error(text: str) -> None:
    for model in (GroupsReply, RevisionReply):
        found = model.json_in(text)
        assert model.json_in(found) == found


@pytest.mark.parametrize(
    "text",
    [
        # Broken off, or broken: what is whole in it is another list.
        '{"proposals": [{"reason": "x" "edits": [{"kind": "drop_group", "group": "g"}]}]}',
        '{"proposals": [{"reason": "x", "edits": [{"kind": "drop_group", "group": "g"}]}, {"re',
        'A system: {"groups": [{"name": "a", "prompt": "{}", "options": ["b", "c"]}]}',
    ],
)
def test_another_list_is_no_answer(text: str) -> None:
    with pytest.raises(ValueError, match=r"proposals|JSON"):
        RevisionReply.model_validate_json(text)


def test_the_last_of_several_answers_counts_but_no_example() -> None:
    first, second = ({"groups": [group]} for group in GROUPS["groups"])
    both = f"At first {json.dumps(first)}, but better {json.dumps(second)}"
    assert json.loads(GroupsReply.json_in(both)) == second
    example = f"{json.dumps(first)} as in {{'groups': [1]}}"
    assert json.loads(GroupsReply.json_in(example)) == first


def test_what_has_the_name_comes_before_what_is_shaped_so() -> None:
    text = f"{json.dumps(GROUPS['groups'])} instead of {json.dumps({'groups': []})}"
    assert json.loads(GroupsReply.json_in(text)) == {"groups": []}


def test_half_a_character_is_replaced() -> None:
    text = json.dumps(GROUPS).replace("It is", "It \\ud83d is").replace("}]", "},]")
    (group, _) = GroupsReply.model_validate_json(text).groups
    assert not isinstance(group, str) and "It ? is {}." in repr(group)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        '{"groups":' * 200_000,
        '[{"a":' * 200_000 + "}]" * 200_000,
        '{"groups": "' + '{\\"a\\": ' * 20_000 + '"}',
        json.dumps({"a": json.dumps({"b": "[" * 200_000})}),
        json.dumps({"a": ["{" * 50] * 20_000}),
        "{'a': " * 100_000,
        "{“" * 200_000,
    ],
    ids=lambda text: text[:12],
)
@pytest.mark.parametrize("model", [GroupsReply, RevisionReply])
def test_endless_brackets_are_read_in_time(text: str, model: type[Reply]) -> None:
    # Generous: without limits these take minutes.
    started = time.process_time()
    assert model.json_in(text) is not None
    assert time.process_time() - started < 8.0
