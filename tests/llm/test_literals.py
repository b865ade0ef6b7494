"""Data in a text that holds more than data."""

import json
import pprint
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.llm.literals import read_literals

LEAVES = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=20)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)
OBJECTS = st.dictionaries(st.text(max_size=8), VALUES, max_size=4)
PROSE = st.text(alphabet="abc XYZ.,;!\n`#", max_size=40)


def values(text: str, **options: bool) -> list[Any]:
    return [literal.value for literal in read_literals(text, **options).literals]


SPELLINGS: dict[str, Callable[[object], str]] = {
    "json": json.dumps,
    "indented": lambda value: json.dumps(value, indent=2, ensure_ascii=False),
    "python": repr,
    "pprint": lambda value: pprint.pformat(value, width=1_000, sort_dicts=False),
}


@given(OBJECTS, PROSE, PROSE, st.sampled_from(sorted(SPELLINGS)))
def test_a_literal_is_found_whatever_stands_around_it(
    value: dict[str, Any], before: str, after: str, spelling: str
) -> None:
    assert values(f"{before}\n{SPELLINGS[spelling](value)}\n{after}") == [value]


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error(text: str) -> None:
    read_literals(text)
    read_literals("{" + text, typographic=True)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('```python\nx = {"a": [1, 2,],}  # done\n```', {"a": [1, 2]}),
        ('{"a": 1, // one\n "b": 2 /* two\nlines */}', {"a": 1, "b": 2}),
        ('{"url": "http://x/#y", "b": \'it"s\'}', {"url": "http://x/#y", "b": 'it"s'}),
        ("{'a': True, 'b': None, 'c': (1, 2)}", {"a": True, "b": None, "c": [1, 2]}),
        ('{groups: [], 0: "zero"}', {"groups": [], "0": "zero"}),
        ('{"a": "\\ud83d\\ude00 \\/"}', {"a": "\U0001f600 /"}),
        ("{'a': 'it\\'s \\x41'}", {"a": "it's A"}),
        ('{"a":\u00a0"b\u200b"\u200b}', {"a": "b\u200b"}),
        ('<think>{"a": 0}, or {"a":</think>{"a": 1}', {"a": 1}),
        ('first {"a": 0} then\n</think>{"a": 1}', {"a": 1}),
        ('Don\'t write {name of the thing: {"a": 1}', {"a": 1}),
        ('{"a": 1, "a": 1}', {"a": 1}),
    ],
)
def test_spellings_of_chat_windows(text: str, value: object) -> None:
    assert values(text) == [value]


def test_curly_quotes_only_when_they_are_wanted() -> None:
    text = "{“a”: “the wolf’s ‘horn’”, ‘b’: ‘Blaine’s’}"
    assert values(text) == []
    assert values(text, typographic=True) == [{"a": "the wolf’s ‘horn’", "b": "Blaine’s"}]


def test_what_it_was_assigned_to() -> None:
    text = 'groups: dict[str, int] = {"a": 1}\nrules = {"b": 2}\nNow {"c": 3}'
    assert [literal.name for literal in read_literals(text).literals] == ["groups", "rules", ""]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('\n{"a": ["x" "y"]}', 'line 2: a comma is missing before "y"'),
        ('{"a": [1, ...]}', "abbreviated with dots"),
        ('{"a": [1, …]}', "abbreviated with dots"),
        ('{"a": "b"', "cut off"),
        ('{"a": [1}', "'}' closes another kind of bracket"),
        ('{"a": white}', "'white' has no quotes around it"),
        ('{"a": 1, "a": 2}', "'a' is there twice"),
        ('{"a": ' + "[" * 100 + "]" * 100 + "}", "nested too deeply"),
        ('{"a": 2 + 2}', "'+' does not belong there"),
        ('{"a": "b\\x4"}', "a broken escape"),
        ('{"a": __import__("os").system("true")}', "'__import__' has no quotes"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, words: str) -> None:
    reading = read_literals(text)
    assert words in " ".join(reading.faults)


def test_a_bracket_of_prose_is_no_fault() -> None:
    assert read_literals("Use {} or {option} here. Smile :-{") == read_literals("Use {}")


@pytest.mark.parametrize(
    "text",
    [
        "<think>" * 60_000,
        "<think></think>" * 60_000,
        "{" + "/* " * 60_000,
        "a: " * 100_000 + "{}",
        "[" * 400_000,
        "{}" * 200_000,
        "{" + "‘ " * 60_000,
        '{"' + '\\"' * 60_000,
        "{" + "1" * 100_000 + "a",
        "{a:}" * 100_000,
    ],
    ids=lambda text: text[:12],
)
def test_a_hostile_text_is_read_in_time(text: str) -> None:
    # Generous: these took from ten seconds to hours when time grew with the square.
    started = time.process_time()
    read_literals(text)
    read_literals(text, typographic=True)
    assert time.process_time() - started < 8.0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<think>[1]</think>[2]<thinking>[3]</THINKING>[4]", [[2], [4]]),
        ("[1]</think>[2]", [[2]]),
        ("[1]<think>[2]", [[1], [2]]),
        ("<think>[1]<think>[2]</think>[3]", [[3]]),
        ("[1]<think>[2]</think>[3]</think>[4]", [[4]]),
    ],
)
def test_thoughts_are_left_out(text: str, found: list[object]) -> None:
    assert values(text) == found


def test_an_answer_is_found_behind_many_brackets_of_prose() -> None:
    assert values("Use {name} or {option: x}, not [this. " * 20 + "\n" + '{"a": 1}') == [{"a": 1}]


def test_an_assignment_may_break_the_line_before_its_value() -> None:
    (literal,) = read_literals('a = 1\ngroups =\n{"a": 1}').literals
    assert literal.name == "groups"
