"""Static checks: each finding, its place, and the accuracy ceiling."""

from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.resources import resource_folder
from builder.scoring.score import group_rules
from builder.system.checks import check, plain
from builder.system.file import load_system_file
from builder.system.model import AttributeGroup, AttributeSystem, make_system
from tests.system.test_model import systems


def system_of(groups: dict[str, list[str]], rules: dict[str, list[object]]) -> AttributeSystem:
    return make_system(
        "creature",
        [
            AttributeGroup(name=name, prompt="{}", options=tuple(options))
            for name, options in groups.items()
        ],
        {name: dict(zip(groups, chosen, strict=True)) for name, chosen in rules.items()},
    )


def found(system: AttributeSystem) -> list[tuple[str, str]]:
    return [(finding.kind, finding.path) for finding in check(system).findings]


def test_a_system_without_weakness() -> None:
    groups = {"a": ["0", "1"], "b": ["0", "1"]}
    rules: dict[str, list[object]] = {f"{a}{b}": [a, b] for a, b in product("01", "01")}
    checks = check(system_of(groups, rules))
    assert checks.findings == ()
    assert checks.ceiling == 1


def test_the_article_s_system() -> None:
    checks = check(load_system_file(resource_folder("systems") / "pokemon.json").system)
    assert checks.ceiling == 14 / 16
    assert [(finding.kind, finding.message) for finding in checks.findings] == [
        (
            "identical-rules",
            "'Bulbasaur', 'Venusaur' and 'Celebi & Venusaur-GX' have identical rules: "
            "no group tells them apart",
        ),
        ("determined-group", "'dominant_color' adds 0 bits once 'key_trait' is known"),
        (
            "determined-group",
            "'body_shape' adds 0 bits once 'primary_form' or 'key_trait' is known",
        ),
    ]


def test_several_and_none_are_choices_of_their_own() -> None:
    rules: dict[str, list[object]] = {"A": [["x", "y"]], "B": [["y", "x"]], "C": ["z"], "D": [None]}
    checks = check(system_of({"g": ["x", "y", "z"]}, rules))
    assert [finding.path for finding in checks.findings] == ["rules.A"]
    assert "'A' and 'B'" in checks.findings[0].message
    assert checks.ceiling == 3 / 4


@given(systems())
def test_classes_are_alike_where_the_scoring_can_not_tell_them_apart(
    system: AttributeSystem,
) -> None:
    rows = np.stack([rule.of_class for rule in group_rules(system)], axis=1)
    checks = check(system)
    assert checks.ceiling == len(np.unique(rows, axis=0)) / len(rows)
    silent = [f"groups[{g}]" for g in range(rows.shape[1]) if len(set(rows[:, g])) == 1]
    assert [f.path for f in checks.findings if f.kind == "no-information"] == silent


def test_to_name_no_option_says_as_much_as_to_name_all() -> None:
    system = system_of({"a": ["0", "1"]}, {"none": [None], "all": [["0", "1"]]})
    checks = check(system)
    assert checks.ceiling == 0.5
    assert {f.kind for f in checks.findings} == {"identical-rules", "no-information"}


def test_groups_without_information_and_unused_options() -> None:
    rules: dict[str, list[object]] = {"A b": ["x", None, "x"], "C": ["x", None, "y"]}
    system = system_of({"g": ["x", "y"], "h": ["x", "y"], "i": ["x", "y"]}, rules)
    assert found(system) == [
        ("no-information", "groups[0]"),
        ("unused-option", "groups[0].options[1]"),
        ("no-information", "groups[1]"),
        ("unused-option", "groups[1].options[0]"),
        ("unused-option", "groups[1].options[1]"),
    ]
    assert "every class has nothing in 'h'" in check(system).findings[2].message


def test_near_duplicates() -> None:
    options = ["a wolf-like beast", "Wolf like beast!", "wolves", "the wolves", "a", "the"]
    groups = {"g": options, "h": ["x", "y"]}
    rules: dict[str, list[object]] = {str(i): [o, "xy"[i % 2]] for i, o in enumerate(options)}
    assert [item for item in found(system_of(groups, rules)) if item[0].startswith("near")] == [
        ("near-duplicate-options", "groups[0].options[1]"),
        ("near-duplicate-options", "groups[0].options[3]"),
    ]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("White", "white", True),
        ("an orb", "the orb", True),
        ("wolf-like", "wolf like", True),
        ("“red”", "red.", True),
        ("red", "dark red", False),
        ("C+", "C", False),
        ("?", "!", False),
        ("theatre", "atre", False),
    ],
)
def test_what_counts_as_the_same(one: str, other: str, same: bool) -> None:
    assert (plain(one) == plain(other)) is same


def test_groups_that_repeat_each_other() -> None:
    groups = {"a": ["x", "y", "z"], "b": ["p", "q", "r"], "c": ["m", "n"]}
    rules: dict[str, list[object]] = {
        "1": ["x", "r", "m"],
        "2": ["y", "q", "m"],
        "3": ["z", "p", "n"],
        "4": ["z", "p", "n"],
    }
    findings = {f.path: (f.kind, f.message) for f in check(system_of(groups, rules)).findings}
    assert findings["groups[1]"] == ("repeated-group", "'b' divides the classes exactly as 'a'")
    assert findings["groups[2]"] == ("determined-group", "'c' adds 0 bits once 'a' or 'b' is known")
    assert "groups[0]" not in findings


def test_the_ceiling_follows_the_images_of_each_class() -> None:
    rules: dict[str, list[object]] = {"A": ["x"], "B": ["x"], "C": ["y"]}
    system = system_of({"g": ["x", "y"]}, rules)
    assert check(system).ceiling == 2 / 3
    assert check(system, {"A": 30, "B": 10, "C": 60, "other": 1000}).ceiling == 0.9
    assert check(system, {"B": 5}).ceiling == 1
    with pytest.raises(ValueError, match="no image"):
        check(system, {})


@given(systems(), st.data())
def test_the_ceiling_is_the_best_that_any_answer_by_rules_can_reach(
    system: AttributeSystem, data: st.DataObject
) -> None:
    """An oracle that sees the rules of the true class, and guesses among the classes with them."""
    counts = {name: data.draw(st.integers(1, 5)) for name in system.classes}
    rows = {
        name: tuple(choices[group.name] or group.options for group in system.groups)
        for name, choices in system.rules.items()
    }
    images = [name for name, count in counts.items() for _ in range(count)]
    best = {
        row: Counter(n for n in images if rows[n] == row).most_common(1) for row in rows.values()
    }
    right = sum(top[0][1] for top in best.values())
    assert check(system, counts).ceiling == right / len(images)
    assert check(system).ceiling == len(set(rows.values())) / len(rows)
