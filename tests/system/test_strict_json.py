"""Strict JSON: what the json module lets pass is reported, with its path."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.system.model import Problem
from builder.system.strict_json import read_json

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # Scalars below the surrogates only: those make a value unusable.
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=10,
)


@given(values)
def test_sound_json_is_read_as_it_is(value: object) -> None:
    reading = read_json(json.dumps(value))
    assert reading.problems == ()
    assert reading.value == value


@given(st.text())
def test_no_text_raises(text: str) -> None:
    reading = read_json(text)
    assert reading.usable or reading.problems


def test_a_byte_order_mark_is_let_pass() -> None:
    assert read_json("\ufeff[1]").value == [1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        (" \n", "the file is empty"),
        ('{"a": 1,\n "b" 2}', "not JSON: Expecting ':' delimiter, line 2, column 6"),
        ("[1, 2] # comment", "not JSON: Extra data, line 1, column 8"),
        ("[" * 100_000, "not usable: nested too deeply"),
        ("9" * 5000, "not usable: Exceeds the limit"),
    ],
)
def test_unusable_text(text: str, message: str) -> None:
    (problem,) = read_json(text).problems
    assert problem.path == ""
    assert problem.message.startswith(message)
    assert not read_json(text).usable


def test_every_slip_has_its_path_and_leaves_the_value_usable() -> None:
    text = (
        '{"a": [1, NaN, {"b c": 1, "b c": 2}], "d": 1e999, "a": [1, -Infinity, {"x": 1, "x": 1}]}'
    )
    reading = read_json(text)
    assert reading.usable
    assert reading.problems == (
        Problem("a", "the key 'a' is written more than once"),
        Problem("a[1]", "-inf is not a finite number"),
        Problem("a[2].x", "the key 'x' is written more than once"),
        Problem("d", "inf is not a finite number"),
    )


def test_half_surrogate_pairs_are_unusable_and_shown_escaped() -> None:
    reading = read_json(r'{"a": ["\ud800"], "\udfff": {"\ud801": 1}}')
    assert not reading.usable
    assert reading.problems == (Problem("", r"'\udfff' holds half a surrogate pair"),)
    assert read_json(r'{"a": ["\ud800"]}').problems == (
        Problem("a[0]", r"'\ud800' holds half a surrogate pair"),
    )


def test_nesting_is_bounded() -> None:
    assert read_json("[" * 50 + "]" * 50).usable
    (problem,) = read_json('{"a":' * 60 + "1" + "}" * 60).problems
    assert problem.message == "nested too deeply"
