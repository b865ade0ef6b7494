"""Names in any language as answers: typed, copied from the screen, completed and filtered."""

import io
import unicodedata
from collections.abc import Callable
from typing import TypeVar

import pytest
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from rich.cells import cell_len
from rich.console import Console

from builder.edits.model import AddOption, SetRule
from builder.terminal.ask import TerminalAsker
from builder.terminal.asker import Key
from builder.terminal.editing import edit_by_hand
from builder.terminal.plain import PlainAsker
from builder.terminal.text import labels, matching, shortened
from tests.terminal.languages import TONGUES, Tongue, view

T = TypeVar("T")
ENTER = "\r"
every_tongue = pytest.mark.parametrize("tongue", TONGUES.values(), ids=TONGUES)


class Screen(DummyOutput):
    """Takes what is drawn and keeps its text."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.text = ""

    def get_size(self) -> Size:
        return Size(rows=24, columns=self.columns)

    def write(self, data: str) -> None:
        self.text += data


def answer(keys: str, ask: Callable[[TerminalAsker], T], screen: DummyOutput | None = None) -> T:
    """What a terminal's question takes the keys for."""
    with create_pipe_input() as pipe:
        pipe.send_text(keys)
        return ask(TerminalAsker(pipe, screen or Screen(80)))


def decomposed(text: str) -> str:
    """As some systems store accents and Korean syllables: in parts."""
    return unicodedata.normalize("NFD", text)


@every_tongue
@pytest.mark.parametrize("spelled", [str, shortened, decomposed], ids=["typed", "copied", "parts"])
def test_a_name_is_taken_as_typed_or_copied_from_the_screen(
    tongue: Tongue, spelled: Callable[[str], str]
) -> None:
    entries = [*tongue.classes, *tongue.first, *(f"{name} (other)" for name in tongue.second)]
    many = [*entries, *(f"{name} 🦊" for name in tongue.second)]
    for name in (*tongue.classes, tongue.first[1]):
        assert matching(spelled(name), labels(entries)) == entries.index(name)
        assert PlainAsker(lambda name=name: spelled(name)).pick("Which?", entries) == name
        assert answer(spelled(name) + ENTER, lambda asker: asker.pick("Which?", many)) == name
    pair = ", ".join(map(spelled, tongue.first[1:3]))
    assert PlainAsker(lambda: pair).pick_many("Which?", tongue.first) == tongue.first[1:3]


@every_tongue
def test_a_short_list_is_filtered_by_letters_of_any_kind(tongue: Tongue) -> None:
    for name in tongue.classes:
        pasted = f"\x1b[200~{shortened(name)}\x1b[201~"
        for keys in (name.split()[0], pasted):
            assert answer(keys + ENTER, lambda asker: asker.pick("Which?", tongue.classes)) == name


@every_tongue
def test_a_long_list_is_completed_in_any_language(tongue: Tongue) -> None:
    many = [*tongue.classes, *(f"Class {index}" for index in range(20))]
    for name in tongue.classes:
        first = name[: max(2, len(name) // 2)]
        assert answer(first + ENTER, lambda asker: asker.pick("Which?", many)) == name


@every_tongue
def test_what_is_copied_into_a_line_has_no_mark(tongue: Tongue) -> None:
    for words in tongue.texts:
        copied = f"{shortened(words, 200)}\r"
        assert answer(copied, lambda asker: asker.text("New option:")) == words
        assert PlainAsker(lambda copied=copied: copied).text("New option:") == words


@every_tongue
def test_an_option_is_added_by_hand_in_any_language(tongue: Tongue) -> None:
    seen = view(tongue, 4)
    wanted, classes = tongue.first[4], tongue.classes[1:3]
    lines = iter(["o", tongue.groups[0], "a", wanted, ", ".join(classes), "yes"])
    said: list[str] = []
    console = Console(file=io.StringIO(), width=80)
    proposal = edit_by_hand(PlainAsker(lambda: next(lines), said.append), console, seen)
    assert proposal is not None
    assert proposal.edits == (
        AddOption(group=tongue.groups[0], option=wanted),
        *(SetRule(class_name=c, group=tongue.groups[0], options=(wanted,)) for c in classes),
    )


@every_tongue
@pytest.mark.parametrize("width", [80, 40])
def test_a_question_keeps_to_its_columns(tongue: Tongue, width: int) -> None:
    title = f"{tongue.note} {tongue.note}"
    screen = Screen(width)
    answer("a", lambda asker: asker.key(title, (Key("a", "accept"),)), screen)
    # The line in place of the question is printed as it is, after what the terminal erased.
    answered = screen.text[screen.text.rindex(shortened(title)[:4]) :].rstrip().splitlines()
    assert answered[-1].endswith("accept")
    assert all(cell_len(line) <= width for line in answered)
