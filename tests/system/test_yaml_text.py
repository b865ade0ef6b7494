"""The text of a system: what is written is read again, and every mistake is found at its line."""

import pytest
from hypothesis import given

from builder.system.model import AttributeGroup, AttributeSystem, make_system
from builder.system.yaml_text import (
    MOST_SHOWN,
    SystemTextError,
    system_from_text,
    system_to_text,
    with_problems,
    without_words,
)
from tests.strategies import THOROUGH, systems

TEXT = """\
domain: trading card
groups:
  - name: color
    prompt: It is mainly {} in color.
    options:
      - black
      - white
rules:
  Absol G:
    color: black
  Mew:
    color: [black, white]
  Eevee:
    color: []
"""
SYSTEM = make_system(
    "trading card",
    [AttributeGroup(name="color", prompt="It is mainly {} in color.", options=("black", "white"))],
    {"Absol G": {"color": "black"}, "Mew": {"color": ["black", "white"]}, "Eevee": {}},
)


def problems(text: str) -> list[str]:
    with pytest.raises(SystemTextError) as raised:
        system_from_text(text)
    assert raised.value.message == "\n".join(map(str, raised.value.problems))
    return [str(problem) for problem in raised.value.problems]


def test_the_text_is_readable() -> None:
    text = system_to_text(SYSTEM)
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert text == "\n".join([*comments, TEXT])
    assert all(len(line) <= 100 for line in comments)


def test_it_is_read_again() -> None:
    assert system_from_text(TEXT) == SYSTEM
    assert system_from_text("\ufeff" + TEXT.replace("\n", "\r\n")) == SYSTEM
    assert system_from_text(TEXT.replace("  Eevee:\n    color: []\n", "  Eevee: {}\n")) == SYSTEM


@THOROUGH
@given(systems())
def test_every_system_is_read_as_it_was_written(system: AttributeSystem) -> None:
    assert system_from_text(system_to_text(system)) == system


# fmt: off
NAMES = [
    "no", "1.0", "null", "~", "true", "2024-01-01", "[red]", "#1", "a #1", ": x", "a: b", "- a",
    "&a", "*a", "!a", "%a", "@a", "`a", "? a", "'", '"', "it's", "{}", "{a}", "a, b", "|", ">",
    "a\nb", "a\tb", "a\\b", "a\x85b", "a\u2028b", "a\x07b", "Beedrill δ", "🦊", "שועל", "=", "<<",
    "...", "---", "x" * 200, "long " * 60 + "name",
]
# fmt: on


@pytest.mark.parametrize("name", NAMES)
def test_every_name_stays_what_it_is(name: str) -> None:
    group = AttributeGroup(name=name, prompt="It is {}.", options=(name, "other"))
    system = AttributeSystem(
        domain=name,
        groups=(group,),
        rules={name: {name: (name,)}, "second": {name: (name, "other")}},
    )
    assert system_from_text(system_to_text(system)) == system


def test_words_that_yaml_takes_for_others_need_no_quotes() -> None:
    text = TEXT.replace("black", "no").replace("white", "1.0").replace("Mew", "null")
    system = system_from_text(text)
    assert system.group("color").options == ("no", "1.0")
    assert system.classes == ("Absol G", "null", "Eevee")


def test_all_problems_are_listed_with_their_lines() -> None:
    text = (
        TEXT.replace("{}", "").replace("- white", "- Black").replace("Mew:\n", "Mew:\n    a: b\n")
    )
    assert problems(text) == [
        "line 4, groups[0].prompt: the prompt 'It is mainly  in color.' must hold exactly one {}, "
        "it holds 0",
        "line 7, groups[0].options[1]: 'Black' repeats 'black'",
        "line 12, rules.Mew.a: there is no group 'a'",
        "line 13, rules.Mew.color: 'white' is not an option of 'color'",
    ]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("domain: trading card\n", "", ["line 1, domain: is missing"]),
        ("    prompt: It is mainly {} in color.\n", "", ["line 3, groups[0].prompt: is missing"]),
        ("domain:", "domian: x\ndomain:", ["line 1, domian: unknown key 'domian' (did you mean"]),
        ("trading card", "[trading, card]", ["line 1, domain: should be text, it is a list"]),
        ("- white", "- [white]", ["line 7, groups[0].options[1]: should be text, it is a list"]),
        ("[black, white]", "{a: b}", ["line 12, rules.Mew.color: should be an option, a list of"]),
        ("  Mew:", "  Absol G:", ['line 11, rules["Absol G"]: \'Absol G\' is written more than']),
        ("      - white\n", "", ["line 5, groups[0].options: a group needs at least 2 options"]),
        ("color: black", "color: blac", ["line 10, rules[\"Absol G\"].color: 'blac' is not an"]),
        ("- white", "- *white", ["words can't begin with * as they stand"]),
        ("- white", "- &white", ["words can't begin with & as they stand"]),
        ("- white", "- !white", ["words can't begin with ! as they stand"]),
        ("- white", "- @white", ["line 7: found character '@' that cannot start any token"]),
        ("- white", "- a: b: c", ["line 7: mapping values are not allowed here"]),
        ("- white", "-\twhite", ["line 7: "]),
        ("- white", "- 'white", ["line 15: found unexpected end of stream"]),
        ("- white", "- whi\x07te", ["line 7: U+0007 can't be read as it stands", '"\\U00000007"']),
        ("rules:", "---\nrules:", ["line 8: a second document begins"]),
        ("  Absol G:", "  [a, b]:", ["line 9, rules: a name should stand here"]),
        ("- white", "- " + "[" * 30 + "]" * 30, ["nested too deeply"]),
        ("- white", "- " + "[" * 30_000, ["nested too deeply"]),
        (TEXT, "# nothing\n", ["line 2: nothing is in the text"]),
        (TEXT, "a", ["line 1: should be an object, it is text"]),
    ],
)  # fmt: skip
def test_each_kind_of_problem(old: str, new: str, found: list[str]) -> None:
    assert old in TEXT
    listed = problems(TEXT.replace(old, new, 1))
    for part in found:
        assert any(part in line for line in listed), listed


def test_problems_stand_above_the_text_with_the_lines_that_they_then_have() -> None:
    text = TEXT.replace("- white", "- Black")
    for _ in range(3):
        with pytest.raises(SystemTextError) as raised:
            system_from_text(text)
        text, moved = with_problems(text, raised.value.problems)
        lines = text.splitlines()
        assert lines[:2] == [f"#! {problem}" for problem in moved]
        assert lines[moved[0].line - 1] == "      - Black"
        assert lines[moved[1].line - 1] == "    color: [black, white]"
    assert text.endswith(TEXT.replace("- white", "- Black"))
    mended = text.replace("- Black", "- white")
    assert system_from_text(mended) == SYSTEM


def test_very_many_problems_are_cut() -> None:
    classes = "".join(f"  class {number}:\n    color: grey\n" for number in range(100))
    with pytest.raises(SystemTextError) as raised:
        system_from_text(TEXT + classes)
    text, moved = with_problems(TEXT + classes, raised.value.problems)
    lines = text.splitlines()
    assert lines[MOST_SHOWN] == f"#! and {100 - MOST_SHOWN} more"
    assert lines[moved[0].line - 1] == "    color: grey"
    assert not lines[MOST_SHOWN + 1].startswith("#!")


def test_comments_alone_are_no_words() -> None:
    assert without_words("# a\n\n  # b\n")
    assert not without_words("# a\nb\n")
