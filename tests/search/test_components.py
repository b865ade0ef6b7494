import json

import pytest
from hypothesis import given

from builder.search.gepa import ComponentError, components_of, system_of
from builder.system.model import AttributeGroup, AttributeSystem, make_system
from tests.strategies import THOROUGH, systems

SYSTEM = make_system(
    "creature",
    [
        AttributeGroup(name="color", prompt="It is {}.", options=("red", "blue")),
        AttributeGroup(name="form", prompt="It looks like {}.", options=("a bug", "a wolf")),
    ],
    {"Ant": {"color": "red", "form": None}, "Bee": {"color": ["red", "blue"], "form": "a bug"}},
)


@THOROUGH
@given(systems())
def test_a_system_comes_back_from_its_components(system: AttributeSystem) -> None:
    components = components_of(system)
    assert len(components) == len(system.groups) + 1
    assert system_of(system.domain, system.classes, components) == system


@THOROUGH
@given(systems())
def test_without_a_component_its_group_alone_is_gone(system: AttributeSystem) -> None:
    components = components_of(system) | {"group 1": ""}
    if len(system.groups) == 1:
        with pytest.raises(ComponentError, match="at least 1 group"):
            system_of(system.domain, system.classes, components)
        return
    rest = system_of(system.domain, system.classes, components)
    assert rest.groups == system.groups[1:]
    for name, row in rest.rules.items():
        assert row == {group.name: system.rules[name][group.name] for group in rest.groups}


def test_the_spare_component_adds_a_group() -> None:
    added = {"name": "size", "prompt": "It is {}.", "options": ["big", "small"], "rules": {}}
    found = system_of(
        "creature", SYSTEM.classes, components_of(SYSTEM) | {"group 3": json.dumps(added)}
    )
    assert [group.name for group in found.groups] == ["color", "form", "size"]
    assert found.rules["Ant"] == {"color": ("red",), "form": (), "size": ()}


GROUP = {"name": "color", "prompt": "It is {}.", "options": ["red", "blue"], "rules": {}}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I would rather not", "group 1 is no group in JSON: 'I would rather not'"),
        ('{"name": "color", "name": "colour"}', "no group in JSON"),
        ("[" * 100_000, "no group in JSON"),
        ("[1]", "group 1"),
        ("{}", "prompt"),
        (json.dumps(GROUP | {"prompt": "It is red."}), "exactly one {}"),
        (json.dumps(GROUP | {"options": ["red"]}), "at least 2 options"),
        (json.dumps(GROUP | {"options": ["red", "RED"]}), "repeats"),
        (json.dumps(GROUP | {"name": "form"}), "'form' repeats 'form'"),
        (json.dumps(GROUP | {"name": 7}), "text"),
        (json.dumps(GROUP | {"rules": []}), "an object"),
        (json.dumps(GROUP | {"rules": {"ant": "red"}}), "no class 'ant' (did you mean 'Ant'?)"),
        (json.dumps(GROUP | {"rules": {"Ant": "rde"}}), "'rde' is not an option"),
        (json.dumps(GROUP | {"rules": {"Ant": {"red": 1}}}), "rules.Ant.color"),
    ],
)
def test_what_is_no_system_is_told(text: str, words: str) -> None:
    with pytest.raises(ComponentError) as raised:
        system_of("creature", SYSTEM.classes, components_of(SYSTEM) | {"group 1": text})
    assert words in raised.value.message
