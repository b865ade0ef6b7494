"""The limits of strict modes, and names that can be nothing else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.llm.strict_schemas import (
    LONG_ENUM,
    MOST_CHARACTERS,
    MOST_ENUM_VALUES,
    MOST_IN_LONG_ENUM,
    MOST_LEVELS,
    MOST_PROPERTIES,
    fits,
    object_of,
    with_names,
)
from tests.llm.strict import follows, is_strict, nodes

TEXT = {"type": "string"}


def enum(*sizes: int, length: int = 4) -> dict[str, Any]:
    defined = {
        f"d{number}": {"type": "string", "enum": [f"{n:0{length}}" for n in range(size)]}
        for number, size in enumerate(sizes)
    }
    return {"$defs": defined, **object_of({})}


def nested(levels: int) -> dict[str, Any]:
    return TEXT if levels == 0 else object_of({"a": nested(levels - 1)})


@pytest.mark.parametrize(
    ("largest", "too_large"),
    [
        (object_of({f"{n}": TEXT for n in range(MOST_PROPERTIES)}),
         object_of({f"{n}": TEXT for n in range(MOST_PROPERTIES + 1)})),
        (nested(MOST_LEVELS), nested(MOST_LEVELS + 1)),
        (enum(250, 250, 250, 250), enum(250, 250, 250, 251)),
        (enum(LONG_ENUM, length=MOST_IN_LONG_ENUM // LONG_ENUM + 1),
         enum(LONG_ENUM + 1, length=MOST_IN_LONG_ENUM // LONG_ENUM + 1)),
        (object_of({"a" * MOST_CHARACTERS: TEXT}), object_of({"a" * (MOST_CHARACTERS + 1): TEXT})),
        ({"type": "array", "items": nested(MOST_LEVELS - 1)},
         {"type": "array", "items": nested(MOST_LEVELS)}),
        ({"$defs": {"d": nested(MOST_LEVELS - 1)}, **object_of({"a": {"$ref": "#/$defs/d"}})},
         {"$defs": {"d": nested(MOST_LEVELS)}, **object_of({"a": {"$ref": "#/$defs/d"}})}),
        ({"anyOf": [TEXT, {"const": "a" * MOST_CHARACTERS}]},
         {"anyOf": [TEXT, {"const": "a" * (MOST_CHARACTERS + 1)}]}),
    ],
    ids=["properties", "levels", "enum values", "long enum", "names", "arrays", "refs", "const"],
)  # fmt: skip
def test_limits(largest: dict[str, Any], too_large: dict[str, Any]) -> None:
    assert fits(largest)
    assert not fits(too_large)


@given(st.lists(st.integers(0, 600), min_size=2, max_size=4))
def test_names_are_enums_as_far_as_they_fit_the_longest_list_left_out_first(
    sizes: list[int],
) -> None:
    titles = [f"T{number}" for number in range(len(sizes))]
    schema = object_of({title.lower(): {**TEXT, "title": title} for title in titles})
    names = {
        title: [f"{n}" for n in range(size)] for title, size in zip(titles, sizes, strict=True)
    }
    narrowed = with_names(schema, names)
    assert is_strict(narrowed) and fits(narrowed)
    listed = {len(node["enum"]) for node in nodes(narrowed) if "enum" in node}
    free = [
        size for title, size in zip(titles, sizes, strict=True) if title not in narrowed["$defs"]
    ]
    assert all(size == 0 or size >= max(listed, default=0) for size in free)
    assert sum(sizes) > MOST_ENUM_VALUES or not any(free)
    for title, size in zip(titles, sizes, strict=True):
        answer = dict.fromkeys([t.lower() for t in titles], "0") | {title.lower(): "unknown"}
        if all(sizes):
            assert follows(answer, narrowed) == (title not in narrowed["$defs"])
        assert (title in narrowed["$defs"]) <= (size > 0)


@pytest.mark.parametrize(
    ("name", "sayable"), [("[red]", True), ("喷火龙", True), ('say "hi"', False), ("a\\b", False)]
)
def test_names_that_grammars_cannot_say_stay_free_text(name: str, sayable: bool) -> None:
    narrowed = with_names(object_of({"a": {**TEXT, "title": "T"}}), {"T": ["b", name]})
    assert follows({"a": "anything"}, narrowed) != sayable


def test_a_property_called_title_is_left_alone() -> None:
    schema = object_of({"title": {**TEXT, "title": "T"}, "type": TEXT})
    assert follows({"title": "a", "type": "b"}, with_names(schema, {"T": ["a", "a"]}))
    assert with_names(schema, {"T": ["a", "a"]})["$defs"] == {
        "T": {"type": "string", "enum": ["a"]}
    }
