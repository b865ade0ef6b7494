"""Numbered questions: what is read line by line, and what is said meanwhile."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest

from builder.terminal.asker import InputEnded, Key
from builder.terminal.plain import PlainAsker

T = TypeVar("T")
KEYS = (Key("a", "accept"), Key("r", "reject"))


def answer(lines: list[str], ask: Callable[[PlainAsker], T]) -> tuple[T, list[str]]:
    said: list[str] = []
    given = iter(lines)

    def read() -> str:
        line = next(given, None)
        if line is None:
            raise EOFError
        return line

    result = ask(PlainAsker(read, said.append))
    assert next(given, None) is None, "an answer was left over"
    return result, said


@pytest.mark.parametrize("line", ["r", "R", "2", " 2 "])
def test_a_key_by_letter_or_number(line: str) -> None:
    result, said = answer([line], lambda asker: asker.key("What now?", KEYS))
    assert result == "r"
    assert said[:3] == ["What now?", "1. a, accept", "2. r, reject"]


@pytest.mark.parametrize("line", ["x", "0", "3", "", "²", "1" * 5000])
def test_a_wrong_answer_is_asked_again(line: str) -> None:
    result, said = answer([line, "a"], lambda asker: asker.key("What now?", KEYS))
    assert result == "a"
    assert "That is not in the list." in said


@pytest.mark.parametrize(
    "ask",
    [
        lambda asker: asker.key("What now?", KEYS),
        lambda asker: asker.confirm("Sure?", default=True),
        lambda asker: asker.pick("Which?", ["one", "two"]),
        lambda asker: asker.pick_many("Which?", ["one", "two"], chosen=["one"]),
        lambda asker: asker.text("Name?", default="something"),
        lambda asker: asker.paste("The answer:"),
    ],
    ids=["key", "confirm", "pick", "pick_many", "text", "paste"],
)
class TestEveryQuestion:
    def test_a_full_stop_goes_back(self, ask: Callable[[PlainAsker], object]) -> None:
        assert answer(["."], ask)[0] is None

    def test_it_says_how_to_go_back(self, ask: Callable[[PlainAsker], object]) -> None:
        assert "goes back" in answer(["."], ask)[1][-1]

    def test_the_end_of_the_input_has_its_own_error(
        self, ask: Callable[[PlainAsker], object]
    ) -> None:
        with pytest.raises(InputEnded):
            answer([], ask)


@pytest.mark.parametrize(
    ("lines", "expected"), [([""], False), (["y"], True), (["perhaps", "No"], False)]
)
def test_confirm(lines: list[str], expected: bool) -> None:
    assert answer(lines, lambda asker: asker.confirm("Sure?", default=False))[0] is expected


@pytest.mark.parametrize(
    ("lines", "expected"), [(["2"], "two"), (["tw"], "two"), ([""], "three"), (["t", "1"], "one")]
)
def test_pick(lines: list[str], expected: str) -> None:
    texts = ["one", "two", "three"]
    result, _ = answer(lines, lambda asker: asker.pick("Which?", texts, default="three"))
    assert result == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [([""], ("two",)), (["0"], ()), (["3, 1"], ("one", "three")), (["9", "1"], ("one",))],
)
def test_pick_many(lines: list[str], expected: tuple[str, ...]) -> None:
    texts = ["one", "two", "three"]
    result, _ = answer(lines, lambda asker: asker.pick_many("Which?", texts, chosen=["two"]))
    assert result == expected


def test_text_keeps_its_default_and_its_check() -> None:
    def complain(text: str) -> str | None:
        return "needs {}" if "{}" not in text else None

    ask: Callable[[PlainAsker], str | None] = lambda a: a.text("Prompt?", "It is {}", complain)  # noqa: E731
    assert answer([""], ask)[0] == "It is {}"
    result, said = answer(["wrong", "right {}"], ask)
    assert result == "right {}"
    assert "needs {}" in said


@pytest.mark.parametrize("end", [["."], [" . "], []], ids=["full stop", "blanks", "end of input"])
def test_many_lines_are_pasted(end: list[str]) -> None:
    lines = ["{", "  'a': '.',", "", "}"]
    result, said = answer([*lines, *end], lambda asker: asker.paste("The answer:"))
    assert result == "\n".join(lines)
    assert "a line with only ." in said[0]


def test_blank_lines_alone_are_no_answer() -> None:
    assert answer(["", "  ", "."], lambda asker: asker.paste("The answer:"))[0] is None


def test_a_long_list_is_not_read_out() -> None:
    texts = [f"class {i}" for i in range(1000)]
    result, said = answer(["class 999"], lambda asker: asker.pick("Which?", texts))
    assert result == "class 999"
    assert len(said) < 40


def test_nothing_drives_the_terminal() -> None:
    names = ["\x1b[2J", "x" * 10_000]
    _, said = answer(["1"], lambda asker: asker.pick("Which \x1b[31m?", names))
    assert not any("\x1b" in line for line in said)
    assert all(len(line) < 400 for line in said)


def test_many_of_a_long_list_by_numbers_and_parts_of_names() -> None:
    texts = [f"class {i}" for i in range(1000)] + ["Smith, John", "1"]
    ask: Callable[[PlainAsker], tuple[str, ...] | None] = lambda a: a.pick_many("Which?", texts)  # noqa: E731
    assert answer(["class 999, 3"], ask)[0] == ("class 2", "class 999")
    assert answer(["Smith, John"], ask)[0] == ("Smith, John",)
    # A number is a place in the list, also where a name looks like one.
    assert answer(["1"], ask)[0] == ("class 0",)


@pytest.mark.parametrize("many", [False, True])
def test_names_that_hold_what_was_typed_are_read_out(many: bool) -> None:
    texts = ["Mew", "Mewtwo", "Eevee"]

    def ask(asker: PlainAsker) -> object:
        return asker.pick_many("Which?", texts) if many else asker.pick("Which?", texts)

    result, said = answer(["ew", "\x1b", "2"], ask)
    assert result == (("Mewtwo",) if many else "Mewtwo")
    at = said.index("ew: 2 entries hold that.")
    assert said[at + 1 : at + 3] == ["1. Mew", "2. Mewtwo"]
    assert "\\x1b: no such entry." in said


def test_pick_many_is_asked_until_it_will_do() -> None:
    def complain(texts: Sequence[str]) -> str | None:
        return None if len(texts) > 1 else "two at least"

    texts = ["one", "two"]
    result, said = answer(["1", "1, 2"], lambda a: a.pick_many("Which?", texts, check=complain))
    assert result == ("one", "two")
    assert "two at least" in said


def test_a_line_with_a_default_can_be_emptied_where_that_will_do() -> None:
    result, said = answer(["-"], lambda asker: asker.text("Option 3:", "short"))
    assert result == ""
    assert "- for an empty line" in said[0]
    needed: Callable[[str], str | None] = lambda text: None if text else "needed"  # noqa: E731
    result, said = answer(["-"], lambda asker: asker.text("Name:", "short", needed))
    assert result == "-"
    assert "empty line" not in said[0]
