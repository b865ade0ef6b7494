"""Numbered questions: what is read line by line, and what is said meanwhile."""

from collections.abc import Callable
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
