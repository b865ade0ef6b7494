"""The adapter with real keys: what is sent is what a terminal sends."""

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Timer
from typing import TypeVar

import pytest
from prompt_toolkit.application import create_app_session, get_app
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.data_structures import Size
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from builder.terminal.ask import TerminalAsker, open_asker
from builder.terminal.ask_lists import typed_one_of
from builder.terminal.asker import InputEnded, Key, interactive
from builder.terminal.plain import PlainAsker

T = TypeVar("T")

ESC, ENTER, CTRL_C, CTRL_D, TAB = "\x1b", "\r", "\x03", "\x04", "\t"
CTRL_A, CTRL_U = "\x01", "\x15"
UP, DOWN, LEFT, BACKSPACE = "\x1b[A", "\x1b[B", "\x1b[D", "\x7f"
KEYS = (Key("a", "accept"), Key("r", "reject"), Key("?", "explain"))
MANY = [f"Class {i}" for i in range(40)] + ["Beedrill δ"]


class Screen(DummyOutput):
    """Takes what is drawn and keeps its text."""

    def __init__(self, columns: int = 80) -> None:
        self.columns = columns
        self.text = ""

    def get_size(self) -> Size:
        return Size(rows=24, columns=self.columns)

    def write(self, data: str) -> None:
        self.text += data


@contextmanager
def typed(keys: str, columns: int = 80) -> Iterator[tuple[TerminalAsker, Screen]]:
    with create_pipe_input() as pipe:
        pipe.send_text(keys)
        screen = Screen(columns)
        yield TerminalAsker(pipe, screen), screen


def answer(keys: str, ask: Callable[[TerminalAsker], T]) -> T:
    with typed(keys) as (asker, _):
        return ask(asker)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [("a", "a"), ("R", "r"), ("?", "?"), ("xyz" + ENTER + "a", "a"), (UP + DOWN + "r", "r")],
)
def test_a_key_acts_at_once_and_other_keys_do_nothing(keys: str, expected: str) -> None:
    assert answer(keys, lambda asker: asker.key("What now?", KEYS)) == expected


@pytest.mark.parametrize(
    "ask",
    [
        lambda asker: asker.key("What now?", KEYS),
        lambda asker: asker.confirm("Sure?", default=True),
        lambda asker: asker.pick("Which?", ["one", "two"]),
        lambda asker: asker.pick("Which?", MANY),
        lambda asker: asker.pick_many("Which?", ["one", "two"]),
        lambda asker: asker.text("Name?"),
        lambda asker: asker.paste("Name?"),
    ],
    ids=["key", "confirm", "pick", "pick by typing", "pick_many", "text", "paste"],
)
class TestEveryQuestion:
    def test_escape_goes_back(self, ask: Callable[[TerminalAsker], object]) -> None:
        assert answer(ESC, ask) is None

    def test_a_question_gone_back_from_says_so(
        self, ask: Callable[[TerminalAsker], object]
    ) -> None:
        with typed(ESC) as (asker, screen):
            ask(asker)
        # What was drawn last: the question alone, without the hints that no longer hold.
        last = screen.text.rstrip().splitlines()[-1]
        assert re.fullmatch(r".*(What now|Which|Sure|Name)\?.* · back", last)

    def test_ctrl_d_ends_the_input(self, ask: Callable[[TerminalAsker], object]) -> None:
        # Were it deaf to Ctrl-D, Escape would end the question.
        with pytest.raises(InputEnded):
            answer(CTRL_D + ESC, ask)

    def test_ctrl_c_is_not_swallowed(self, ask: Callable[[TerminalAsker], object]) -> None:
        with pytest.raises(KeyboardInterrupt):
            answer(CTRL_C, ask)

    def test_the_end_of_the_input_has_its_own_error(
        self, ask: Callable[[TerminalAsker], object]
    ) -> None:
        with create_pipe_input() as pipe:
            pipe.close()
            with pytest.raises(InputEnded):
                ask(TerminalAsker(pipe, Screen()))


def test_ctrl_d_within_a_typed_line_deletes_a_letter() -> None:
    keys = "ab" + LEFT + CTRL_D + ENTER
    assert answer(keys, lambda asker: asker.text("Words?")) == "a"


def test_all_keys_are_on_the_screen() -> None:
    for columns in (80, 40, 20):
        with typed("a", columns) as (asker, screen):
            asker.key("What now?", KEYS)
        words = screen.text.split()
        for word in ("accept", "reject", "explain", "Esc", "back"):
            assert word in words


def test_a_long_title_breaks_between_words() -> None:
    with typed("a", 20) as (asker, screen):
        asker.key("Review images: forty-three of forty-eight", KEYS)
    for word in ("Review", "images:", "forty-three", "forty-eight"):
        assert word in screen.text


def test_a_title_cannot_drive_the_terminal() -> None:
    with typed("a") as (asker, screen):
        asker.key("Proposal \x1b[2J [red] {x}", KEYS)
    assert "\x1b" not in screen.text
    assert "\\x1b[2J" in screen.text.replace(" ", "")
    assert "[red]" in screen.text


@pytest.mark.parametrize(
    ("keys", "expected"), [("y", True), ("n", False), (ENTER, True), ("N", False)]
)
def test_confirm(keys: str, expected: bool) -> None:
    assert answer(keys, lambda asker: asker.confirm("Sure?", default=True)) is expected


def test_pick_walks_with_arrows() -> None:
    texts = ["one", "two", "three"]
    assert answer(DOWN + ENTER, lambda asker: asker.pick("Which?", texts)) == "two"
    assert answer(DOWN + UP + ENTER, lambda asker: asker.pick("Which?", texts)) == "one"
    assert answer(ENTER, lambda asker: asker.pick("Which?", texts, default="three")) == "three"


def test_pick_filters_by_typing() -> None:
    texts = ["one", "two", "three"]
    assert answer("hr" + ENTER, lambda asker: asker.pick("Which?", texts)) == "three"


def test_where_the_filter_matches_nothing_enter_takes_nothing() -> None:
    texts = ["one", "two", "three"]
    keys = "zz" + ENTER + BACKSPACE * 2 + "tw" + ENTER
    assert answer(keys, lambda asker: asker.pick("Which?", texts)) == "two"


def test_where_the_filter_matches_nothing_it_is_said() -> None:
    class Answering(Screen):
        """Types on as soon as the words are drawn."""

        def write(self, data: str) -> None:
            super().write(data)
            if self.text.endswith("nothing matches"):
                pipe.send_text(ESC)

    with create_pipe_input() as pipe:
        pipe.send_text("zz")
        screen = Answering()
        # Without the words the input ends, rather than the test never.
        end = Timer(5, pipe.close)
        end.start()
        assert TerminalAsker(pipe, screen).pick("Which?", ["one", "two"]) is None
        end.cancel()
    assert "one" not in screen.text[screen.text.index("nothing") :]


def test_a_long_list_is_typed_into() -> None:
    assert answer("drill" + ENTER, lambda asker: asker.pick("Which?", MANY)) == "Beedrill δ"
    assert answer("class 7" + ENTER, lambda asker: asker.pick("Which?", MANY)) == "Class 7"


def test_a_long_list_takes_nothing_that_is_not_in_it() -> None:
    keys = "nothing" + ENTER + BACKSPACE * 7 + "beedrill" + ENTER
    assert answer(keys, lambda asker: asker.pick("Which?", MANY)) == "Beedrill δ"


@pytest.mark.parametrize("count", [2, 40])
def test_names_of_any_kind_can_be_picked(count: int) -> None:
    names = ["[red]\x1b[2J", "x" * 10_000 + "1", "x" * 10_000 + "2", "{}", "<b>", "a\ud800b"]
    names += [f"Class {i}" for i in range(count)]
    keys = "(2)" + ENTER
    assert answer(keys, lambda asker: asker.pick("Which?", names)) == names[2]


def test_pick_many_keeps_the_order_of_the_list() -> None:
    texts = ["one", "two", "three"]
    keys = DOWN + DOWN + " " + UP + UP + " " + ENTER
    assert answer(keys, lambda asker: asker.pick_many("Which?", texts)) == ("one", "three")
    untick = " " + ENTER
    assert answer(untick, lambda asker: asker.pick_many("Which?", texts, chosen=["one"])) == ()


def test_pick_many_filters_by_typing() -> None:
    texts = ["one", "two", "three", "Émile", "four"]
    keys = "ou" + " " + BACKSPACE * 2 + "é" + " " + ENTER
    assert answer(keys, lambda asker: asker.pick_many("Which?", texts)) == ("Émile", "four")


def test_pick_many_ticks_all_that_the_filter_shows_and_no_others() -> None:
    texts = ["one", "two", "three", "four"]
    keys = "o" + CTRL_A + ENTER
    assert answer(keys, lambda asker: asker.pick_many("Which?", texts)) == ("one", "two", "four")
    keys = "o" + CTRL_A + CTRL_U + "tw" + CTRL_A + ENTER
    assert answer(keys, lambda asker: asker.pick_many("Which?", texts)) == ("one", "four")
    # Tab would turn all of them around.
    assert answer(TAB + ENTER, lambda asker: asker.pick_many("Which?", texts)) == ()


def test_pick_many_takes_nothing_where_nothing_matches() -> None:
    keys = "zz" + " " + ENTER + BACKSPACE * 2 + ENTER
    assert answer(keys, lambda asker: asker.pick_many("Which?", ["one", "two"])) == ()


def test_pick_many_among_a_thousand() -> None:
    names = [f"Class {i}" for i in range(1000)]
    keys = "777 " + CTRL_U + "998 " + ENTER
    assert answer(keys, lambda asker: asker.pick_many("Which?", names)) == (
        "Class 777",
        "Class 998",
    )


def test_pick_many_is_asked_until_it_will_do() -> None:
    def complain(texts: Sequence[str]) -> str | None:
        return None if len(texts) > 1 else "two \x1b[2J at least"

    texts = ["one", "two"]
    keys = " " + ENTER + DOWN + " " + ENTER
    with typed(keys) as (asker, screen):
        assert asker.pick_many("Which?", texts, check=complain) == ("one", "two")
    assert "\x1b" not in screen.text


def test_a_name_of_several_words_is_completed_as_a_whole() -> None:
    with create_pipe_input() as pipe, create_app_session(pipe, Screen()):
        question = typed_one_of("Which?", MANY, "")
        completer = question.application.current_buffer.completer
    typed_so_far = "class 1"
    completions = completer.get_completions(Document(typed_so_far), CompleteEvent())
    completed = [typed_so_far[: c.start_position] + c.text for c in completions]
    assert completed == ["Class 1", *(f"Class {i}" for i in range(10, 20))]


def test_a_long_list_offers_its_default() -> None:
    assert answer(ENTER, lambda asker: asker.pick("Which?", MANY, default="Class 7")) == "Class 7"


@pytest.mark.parametrize("leave", [ESC, CTRL_C], ids=["Esc", "Ctrl-C"])
class TestWhatWasTypedIsKept:
    """Where the same question is asked again after it was left, it stands there."""

    @pytest.fixture(autouse=True)
    def _leaving(self, leave: str) -> None:
        self.leave = leave

    def left(self, asker: TerminalAsker, ask: Callable[[TerminalAsker], T]) -> None:
        if self.leave == ESC:
            assert ask(asker) is None
        else:
            with pytest.raises(KeyboardInterrupt):
                ask(asker)

    def twice(self, first: str, second: str, ask: Callable[[TerminalAsker], T]) -> T:
        with create_pipe_input() as pipe:
            asker = TerminalAsker(pipe, Screen())
            pipe.send_text(first + self.leave)
            self.left(asker, ask)
            pipe.send_text(second)
            return ask(asker)

    def test_text(self) -> None:
        assert self.twice("half a", " note" + ENTER, lambda a: a.text("Note:")) == "half a note"
        reworded = self.twice(" one", "s" + ENTER, lambda a: a.text("Words:", default="pink"))
        assert reworded == "pink ones"

    def test_an_emptied_line_is_as_it_was_at_first(self) -> None:
        assert self.twice(BACKSPACE * 4, ENTER, lambda a: a.text("Words:", "pink")) == "pink"

    def test_a_long_list(self) -> None:
        assert self.twice("beed", "rill" + ENTER, lambda a: a.pick("Which?", MANY)) == "Beedrill δ"

    def test_the_place_and_the_filter_of_a_short_list(self) -> None:
        texts = ["one", "two", "three", "four"]
        assert self.twice(DOWN * 2, ENTER, lambda a: a.pick("Which?", texts)) == "three"
        assert self.twice(DOWN, UP + ENTER, lambda a: a.pick("Which?", texts, "three")) == "three"
        # "two" and "three" are shown; the pointer is at the second of them.
        assert self.twice("t" + DOWN, ENTER, lambda a: a.pick("Which?", texts)) == "three"
        assert self.twice("t" + DOWN, "w" + ENTER, lambda a: a.pick("Which?", texts)) == "two"
        nothing = self.twice("zz", ENTER + BACKSPACE * 2 + ENTER, lambda a: a.pick("Which?", texts))
        assert nothing == "one"

    def test_a_list_that_was_answered_begins_anew(self) -> None:
        texts = ["one", "two", "twice"]
        with create_pipe_input() as pipe:
            asker = TerminalAsker(pipe, Screen())
            pipe.send_text("tw" + self.leave)
            self.left(asker, lambda a: a.pick("Which?", texts))
            pipe.send_text(DOWN + ENTER)
            assert asker.pick("Which?", texts) == "twice"
            pipe.send_text(ENTER)
            assert asker.pick("Which?", texts) == "one"

    def test_ticks(self) -> None:
        texts = ["one", "two", "three"]
        kept = self.twice(DOWN + " ", " " + ENTER, lambda a: a.pick_many("Which?", texts))
        assert kept == ("one", "two")
        kept = self.twice(" ", ENTER, lambda a: a.pick_many("Which?", texts, chosen=["one"]))
        assert kept == ()

    def test_many_lines(self) -> None:
        pasted = self.twice("one" + ENTER, "two" + CTRL_D, lambda a: a.paste("Answer:"))
        assert pasted == "one\ntwo"

    def test_for_that_question_only_and_until_it_is_answered(self) -> None:
        with create_pipe_input() as pipe:
            asker = TerminalAsker(pipe, Screen())
            pipe.send_text("half" + self.leave)
            self.left(asker, lambda a: a.text("Note:"))
            pipe.send_text(ENTER)
            assert asker.text("Another:") == ""
            pipe.send_text(ENTER)
            assert asker.text("Note:", default="pink") == "pink"
            pipe.send_text(ENTER)
            assert asker.text("Note:") == "half"
            pipe.send_text(ENTER)
            assert asker.text("Note:") == ""


def test_a_menu_follows_the_window() -> None:
    class Resized(Screen):
        """Is made narrow when the menu has been drawn, and drawn again."""

        def write(self, data: str) -> None:
            super().write(data)
            if self.columns == 80 and "back" in self.text:
                self.columns, self.text = 20, ""
                get_app().invalidate()
                pipe.send_text("a")

    with create_pipe_input() as pipe:
        screen = Resized()
        asker = TerminalAsker(pipe, screen)
        assert asker.key("Review images: forty-three of forty-eight", KEYS) == "a"
    # Broken between the words for 20 columns, where at 80 it was one line.
    assert "forty-three" in screen.text
    assert "Review images: forty-three" not in screen.text


def test_text_is_edited_from_its_default() -> None:
    keys = BACKSPACE * 4 + "tree  " + ENTER
    assert answer(keys, lambda asker: asker.text("Words?", default="a wolf")) == "a tree"
    assert answer(ENTER, lambda asker: asker.text("Reason?")) == ""


@pytest.mark.parametrize(
    ("title", "line"),
    [
        ("Why?", "? Why? (Esc goes back) "),
        ("Why? (Enter alone: no reason)", "? Why? (Enter alone: no reason; Esc goes back) "),
        ("New words:", "? New words (Esc goes back): "),
        ("Option 3 (an empty line ends):", "? Option 3 (an empty line ends; Esc goes back): "),
    ],
)
def test_a_typed_question_is_one_neat_line(title: str, line: str) -> None:
    with typed("x" + ENTER) as (asker, screen):
        asker.text(title)
    assert line in screen.text


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_keys_typed_while_nothing_was_asked_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    import pty
    import select
    import tty

    master, slave = pty.openpty()
    tty.setraw(slave)
    try:
        with open(slave, closefd=False) as stdin:
            monkeypatch.setattr("sys.stdin", stdin)
            for asker in (TerminalAsker(), PlainAsker()):
                os.write(master, b"q")
                assert select.select([slave], [], [], 5)[0]
                asker.discard_typed()
                assert not select.select([slave], [], [], 0)[0]
            # One that reads elsewhere has no business there.
            os.write(master, b"q")
            with typed("a") as (piped, _):
                piped.discard_typed()
            assert select.select([slave], [], [], 5)[0]
    finally:
        os.close(master)
        os.close(slave)


def test_text_is_asked_until_it_will_do() -> None:
    def complain(text: str) -> str | None:
        return None if "{}" in text else "needs {}"

    keys = "no" + ENTER + " {}" + ENTER
    assert answer(keys, lambda asker: asker.text("Prompt?", check=complain)) == "no {}"


def test_pasted_lines_become_one() -> None:
    keys = "\x1b[200~one\ntwo\x1b[201~" + ENTER
    assert answer(keys, lambda asker: asker.text("Words?")) == "one two"


@pytest.mark.parametrize("end", [ENTER + "." + ENTER, ENTER + " . " + ENTER, CTRL_D])
@pytest.mark.parametrize("brackets", [("\x1b[200~", "\x1b[201~"), ("", "")])
def test_many_lines_are_pasted(brackets: tuple[str, str], end: str) -> None:
    text = "{\n  'a': 'δ.',\n\n}"
    pasted = text if brackets[0] else text.replace("\n", ENTER)
    keys = f"{brackets[0]}{pasted}{brackets[1]}{end}"
    with typed(keys) as (asker, screen):
        assert asker.paste("The answer:") == text
    assert screen.text.rstrip().splitlines()[-1].endswith("The answer · 4 lines")


def test_nothing_pasted_goes_back() -> None:
    assert answer("." + ENTER, lambda asker: asker.paste("The answer:")) is None
    assert answer(ENTER + " " + CTRL_D, lambda asker: asker.paste("The answer:")) is None


def test_a_full_stop_within_a_line_ends_nothing() -> None:
    keys = "ab." + ENTER + "." + BACKSPACE + "c" + CTRL_D
    assert answer(keys, lambda asker: asker.paste("The answer:")) == "ab.\nc"


def test_escape_then_enter_is_not_an_empty_answer() -> None:
    with typed(ESC + ENTER) as (asker, _):
        assert asker.text("Words?") is None


def test_numbered_questions_where_they_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACCESSIBLE", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(open_asker(), TerminalAsker)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(open_asker(), PlainAsker)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("ACCESSIBLE", "1")
    assert isinstance(open_asker(), PlainAsker)
    monkeypatch.setenv("ACCESSIBLE", "0")
    assert isinstance(open_asker(), TerminalAsker)


def test_nobody_is_asked_without_two_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stream:
        def __init__(self, tty: bool) -> None:
            self.tty = tty

        def isatty(self) -> bool:
            return self.tty

    for stdin, stdout, expected in [(1, 1, True), (1, 0, False), (0, 1, False), (0, 0, False)]:
        monkeypatch.setattr("sys.stdin", Stream(bool(stdin)))
        monkeypatch.setattr("sys.stdout", Stream(bool(stdout)))
        assert interactive() is expected
    monkeypatch.setattr("sys.stdin", None)
    assert interactive() is False
