"""The article's shape: both spellings, indices, and what it cannot express."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from builder.errors import InputError
from builder.resources import resource_folder
from builder.system.file import SystemFile, SystemFileError, load_system_file, parse_system_file
from builder.system.json_format import write_article
from builder.system.model import AttributeSystem, Scoring, make_system
from tests.system.test_model import COLOUR, TAIL, systems

PRINTED = Path(__file__).parent.parent / "fixtures" / "printed_system.txt"


@given(systems(single=True))
def test_a_written_system_reads_back_the_same(system: AttributeSystem) -> None:
    text = write_article(system, Scoring())
    assert parse_system_file(text) == SystemFile(system=system)
    assert text.endswith("}\n")


def good(spelling: str = "classification_groups") -> dict[str, Any]:
    return {
        spelling: {
            "colour": {"prompt": "It is {}.", "options": ["red", "blue"]},
            "tail": {"prompt": "Its tail is {}.", "options": ["long", "short"]},
        },
        "creature_rules": {
            "Absol G": {"colour": 0, "tail": 1},
            "Bee": {"tail": 0, "colour": 1},
        },
    }


@pytest.mark.parametrize("spelling", ["classification_groups", "classification_cot"])
def test_both_spellings_are_read(spelling: str) -> None:
    system = parse_system_file(json.dumps(good(spelling))).system
    assert system.domain == "creature"
    assert [group.name for group in system.groups] == ["colour", "tail"]
    assert dict(system.rules["Absol G"]) == {"colour": ("red",), "tail": ("short",)}
    assert dict(system.rules["Bee"]) == {"colour": ("blue",), "tail": ("long",)}


def test_what_is_written() -> None:
    rules = {
        "Absol G": {"colour": "gold", "tail": "short"},
        "Bee": {"colour": "red", "tail": "long"},
    }
    assert json.loads(
        write_article(make_system("trading card", [COLOUR, TAIL], rules), Scoring())
    ) == {
        "classification_groups": {
            "colour": {"prompt": "It is {}.", "options": ["red", "blue", "gold"]},
            "tail": {"prompt": "Its tail is {}.", "options": ["long", "short"]},
        },
        "trading card_rules": {
            "Absol G": {"colour": 2, "tail": 1},
            "Bee": {"colour": 0, "tail": 0},
        },
    }


def test_what_it_cannot_express_is_refused_and_named() -> None:
    ant = {"colour": ["red", "blue"], "tail": "long"}
    rules: dict[str, dict[str, object]] = {"Ant": {**ant}, "Bee": {"colour": "red"}}
    with pytest.raises(InputError) as caught:
        write_article(make_system("d", [COLOUR, TAIL], rules), Scoring())
    assert "  Ant · colour: red, blue\n  Bee · tail: none" in caught.value.message
    assert "Ant · tail" not in caught.value.message


def problems(value: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(SystemFileError) as caught:
        parse_system_file(json.dumps(value))
    return {problem.path: problem.message for problem in caught.value.problems}


@pytest.mark.parametrize(
    ("index", "part"),
    [
        (2, "no option 2, they go from 0 to 1"),
        (-1, "no option -1"),
        (True, "it is true or false"),
        (1.0, "it is a decimal number"),
        ("red", "it is text"),
        (None, "it is null"),
        ([0, 1], "it is a list"),
    ],
)
def test_indices_that_point_nowhere(index: object, part: str) -> None:
    value = good()
    value["creature_rules"]["Absol G"]["colour"] = index
    found = problems(value)
    assert list(found) == ['creature_rules["Absol G"].colour']
    assert part in found['creature_rules["Absol G"].colour']


def test_every_problem_is_found_at_once() -> None:
    value = good("classification_cot")
    value["creature_rule"] = {}
    value["classification_cot"] |= {"Colour": 1, " ": {"prompt": 1, "options": ["a"], "xyz": 1}}
    value["creature_rules"]["Bee"] = {"colour": 0, "tial": 0, "Colour": 0, " ": 0}
    value["creature_rules"][""] = []
    missing = "is missing: each group needs the index of an option"
    assert problems(value) == {
        "creature_rule": "unknown key 'creature_rule' (did you mean 'creature_rules'?)",
        'creature_rules["Absol G"].Colour': missing,
        'creature_rules["Absol G"][" "]': missing,
        "creature_rules.Bee.tail": missing,
        "classification_cot.Colour": "should be an object, it is a whole number",
        'classification_cot[" "]': "is empty",
        'classification_cot[" "].xyz': "unknown key 'xyz' (known: name, prompt, options)",
        'classification_cot[" "].prompt': "should be text, it is a whole number",
        'creature_rules[""]': "should be an object, it is a list",
    }


def test_all_that_contradicts_itself_is_found_at_once() -> None:
    value = good()
    value["classification_groups"]["Colour"] = {"prompt": "x {}", "options": ["a"]}
    value["creature_rules"]["Bee"] = {"colour": 0, "tial": 0, "tail": 2}
    missing = "is missing: each group needs the index of an option"
    assert problems(value) == {
        'creature_rules["Absol G"].Colour': missing,
        "creature_rules.Bee.tail": "there is no option 2, they go from 0 to 1",
        "creature_rules.Bee.Colour": missing,
        "classification_groups.Colour": "'Colour' repeats 'colour'",
        "classification_groups.Colour.options": "a group needs at least 2 options, it has 1",
        "creature_rules.Bee.tial": "there is no group 'tial' (did you mean 'tail'?)",
    }


@pytest.mark.parametrize(
    ("change", "path", "part"),
    [
        ({"classification_cot": {}}, "classification_cot", "did you mean 'classification_groups'?"),
        ({"other_rules": {}}, "other_rules", "unknown key"),
        ({"classification_groups": []}, "classification_groups", "should be an object"),
        ({"classification_groups": {}}, "classification_groups", "at least 1 group"),
        ({"creature_rules": []}, "creature_rules", "should be an object"),
        ({"creature_rules": {}}, "creature_rules", "at least 2 classes"),
        ({"creature_rules": {"": {}}}, "creature_rules", "name is empty"),
        ({"_rules": {}}, "_rules", "unknown key"),
        ({"note": "", "a b": 1}, '["a b"]', "unknown key 'a b'"),
    ],
)
def test_each_broken_part_is_named(change: dict[str, Any], path: str, part: str) -> None:
    assert part in problems(good() | change)[path]


def test_rules_must_be_there() -> None:
    assert problems({"classification_groups": good()["classification_groups"]}) == {
        "": 'the key "<domain>_rules" is missing, for example "creature_rules"'
    }


def test_the_rules_name_the_domain() -> None:
    value = good()
    value["_rules"] = value.pop("creature_rules")
    assert problems(value) == {"_rules": "the domain before _rules is empty"}


def printed_groups() -> list[tuple[str, str, dict[str, list[str]]]]:
    """Name, prompt and options of each printed group, with the classes in each comment."""
    group = re.compile(r'"(\w+)": \{\n"prompt": "(.*)",\n"options": \[\n([^]]*)\n\]')
    option = re.compile(r'"([^"]+)",? *# ?(.*)')
    return [
        (name, prompt, {text: classes.split(", ") for text, classes in option.findall(options)})
        for name, prompt, options in group.findall(PRINTED.read_text(encoding="utf-8"))
    ]


def test_the_shipped_system_is_the_printed_one_completed_from_its_comments() -> None:
    file = load_system_file(resource_folder("systems") / "pokemon.json")
    system, printed = file.system, printed_groups()
    assert file.provenance is None
    assert (len(system.classes), len(system.groups), len(system.phrases())) == (16, 5, 51)
    assert [(group.name, group.prompt, list(group.options)) for group in system.groups] == [
        (name, prompt, list(options)) for name, prompt, options in printed
    ]
    for name, _, options in printed:
        by_class = {
            class_name.replace("Celebi&Venu", "Celebi & Venusaur-GX"): (option,)
            for option, classes in options.items()
            for class_name in classes
        }
        assert {c: choices[name] for c, choices in system.rules.items()} == by_class


def test_the_two_printed_rules_are_the_shipped_ones() -> None:
    system = load_system_file(resource_folder("systems") / "pokemon.json").system
    rules = json.loads(write_article(system, Scoring()))["pokemon_rules"]
    block = PRINTED.read_text(encoding="utf-8").split('"pokemon_rules": ')[1].split(",\n// ...")[0]
    printed = json.loads(block + "}")
    assert list(printed) == ["Absol", "Absol G"]
    assert printed == {name: rules[name] for name in printed}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"means": {}}, "centred"),
        ({"weights": {"It is {}.": 2.0}}, "weighted"),
        ({"name_prior": 0.5}, "name prior"),
    ],
)
def test_a_scoring_that_the_shape_has_no_place_for_is_refused(
    changed: dict[str, Any], words: str
) -> None:
    system = parse_system_file(json.dumps(good())).system
    assert write_article(system, Scoring(rule="log", scale=1))
    with pytest.raises(InputError, match=words):
        write_article(system, Scoring(**changed))
