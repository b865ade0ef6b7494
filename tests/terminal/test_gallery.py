"""Looking at images: which ones a conversation leads to, and what stands on the screen."""

import io
import re
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import pytest
from PIL import Image
from rich.cells import cell_len
from rich.console import Console

from builder.edits.apply import EditError
from builder.edits.model import DropClass, Proposal, RenameGroup, SetRule
from builder.review.view import View
from builder.session.records import Decided
from builder.terminal import gallery
from builder.terminal.asker import InputEnded
from builder.terminal.gallery import view_images
from tests.terminal import sample
from tests.terminal.scripted import BACK, Scripted

pytestmark = pytest.mark.usefixtures("ordinary_terminal")

HELPFUL, _, WHITE = sample.proposals()
COLOUR_CODES = re.compile(r"\x1b\[[0-9;]*m")
# Blank line, title and keys, as the asker draws them.
MENU_LINES = 3


@dataclass
class Album:
    """Pictures of any digest but the lost ones; notes which were opened."""

    lost: Collection[str] = ()
    size: tuple[int, int] = (80, 80)
    opened: list[str] = field(default_factory=list)

    def name(self, digest: str) -> str:
        return f"Mew/{digest}.png"

    def open(self, digest: str) -> Image.Image | None:
        self.opened.append(digest)
        return None if digest in self.lost else Image.new("RGB", self.size, "red")


@dataclass
class Shown:
    """What a conversation left on the screen, and what it asked for; colours are left out."""

    text: str
    asked: list[str]
    album: Album

    @property
    def headings(self) -> list[str]:
        return [line.rstrip() for line in re.findall(r"^\d+ of \d+ · .*", self.text, re.MULTILINE)]

    @property
    def words(self) -> str:
        """All that is no picture, with single blanks."""
        return " ".join(self.text.replace("▄", "").split())


def shown(
    *answers: object,
    view: View | None = None,
    proposal: Proposal | None = None,
    album: Album | None = None,
    width: int = 80,
) -> Shown:
    stream = io.StringIO()
    console = Console(
        file=stream,
        force_terminal=True,
        color_system="truecolor",
        width=width,
        height=24,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    asker, album = Scripted(*answers), album or Album()
    view_images(asker, console, view or sample.view(), album, proposal)
    assert not asker.answers, "an answer was left over"
    return Shown(COLOUR_CODES.sub("", stream.getvalue()), asker.asked, album)


def test_back_and_forth_through_the_wrong_images() -> None:
    talk = shown("w", "n", "n", "p", BACK, BACK)
    assert talk.asked == [
        "Which images?",
        *("1 of 5", "2 of 5", "3 of 5", "2 of 5"),
        "Which images?",
    ]
    assert talk.headings == [
        '1 of 5 · "Mew", taken for "Houndour" (ahead by 0.01)',
        '2 of 5 · "Mew", taken for "Houndour" (ahead by less than 0.01)',
        '3 of 5 · "Mew", taken for "Houndour" (ahead by less than 0.01)',
        '2 of 5 · "Mew", taken for "Houndour" (ahead by less than 0.01)',
    ]
    assert talk.album.opened == ["review-28", "review-24", "review-26", "review-24"]
    assert "Mew/review-28.png" in talk.text


def test_next_after_the_last_is_done() -> None:
    talk = shown("w", *"nnnnn", BACK)
    assert talk.asked[-2:] == ["5 of 5", "Which images?"]
    with pytest.raises(AssertionError, match="not on the menu"):
        shown("w", "p")


def test_a_confused_pair() -> None:
    talk = shown("p", "1. Houndour ↔ Mew · 5 images", *"nnnn", BACK, BACK)
    assert len(talk.headings) == 5
    assert shown("p", BACK, BACK).headings == []


def test_a_class_with_its_right_images_last() -> None:
    talk = shown("c", "Mew · 7 of 12 correct", *"nnnnn", BACK, BACK)
    assert talk.headings[4].startswith('5 of 12 · "Mew", taken for "Houndour"')
    assert talk.headings[5] == '6 of 12 · "Mew", classified correctly'
    assert shown("c", BACK, BACK).headings == []


def test_the_class_with_the_most_to_win_is_offered_first() -> None:
    class Noting(Scripted):
        def pick(self, title: str, texts: Sequence[str], default: str | None = None) -> str | None:
            offered.extend(texts)
            return super().pick(title, texts, default)

    offered: list[str] = []
    view_images(Noting("c", BACK, BACK), Console(file=io.StringIO()), sample.view(), Album())
    assert offered == [
        "Mew · 7 of 12 correct",
        "Absol G · 12 of 12 correct",
        "Houndour · 12 of 12 correct",
        "Eevee · 12 of 12 correct",
    ]


def test_the_images_that_a_proposal_fixes_then_those_that_it_breaks() -> None:
    fixes = shown(*"nnnnn", proposal=HELPFUL)
    assert len(fixes.headings) == 5
    assert all('fixed: "Mew", taken for "Houndour" without it' in line for line in fixes.headings)
    both = Proposal(
        edits=(
            *HELPFUL.edits,
            SetRule(class_name="Eevee", group="background", options=("a desert",)),
            SetRule(class_name="Eevee", group="color", options=("black",)),
        ),
        source="person",
    )
    mixed = shown(*"n" * 17, proposal=both)
    roles = [heading.split(" · ")[1].split(":")[0] for heading in mixed.headings]
    assert roles == ["fixed"] * 5 + ["broken"] * 12
    assert re.search(r'6 of 17 · broken: "Eevee", taken for ".*" with it', mixed.headings[5])
    # What stands there is the changed rule.
    assert "rule 0 % a desert · saw 100 % space" in mixed.words


def test_a_proposal_without_effect_and_one_that_does_not_fit() -> None:
    same = RenameGroup(group="color", to="colour")
    talk = shown(proposal=Proposal(edits=(same,), source="person"))
    assert "It makes no image right, and none wrong." in talk.text
    unfit = SetRule(class_name="Mew", group="tail", options=("long",))
    with pytest.raises(EditError):
        shown(proposal=Proposal(edits=(unfit,), source="person"))


def test_what_it_saw_against_what_the_rule_says() -> None:
    narrow = shown("w", BACK, BACK).words
    assert narrow.endswith(
        "background (misled) rule 0 % a desert · saw 100 % a forest Houndour has what it saw "
        "did not mislead (% of its rule) color 99 % pink"
    )
    wide = shown("w", BACK, BACK, width=160).words
    assert "rule saw Houndour has" in wide
    assert "color 99 % pink the same 1 % black" in wide
    assert "background (misled) 0 % a desert 100 % a forest what it saw" in wide


def test_what_it_saw_in_an_image_that_is_classified_correctly() -> None:
    answers = ("c", "Absol G · 12 of 12 correct", BACK, BACK)
    narrow = shown(*answers).words
    assert re.search(r"each group \(% of its rule\) color \d+ % black background \d+ %", narrow)
    wide = shown(*answers, width=160).words
    assert re.search(r"rule saw ─+ color \d+ % black the same background \d+ %", wide)
    assert "misled" not in narrow + wide


def accepted(class_name: str, group: str, *options: str) -> Decided:
    edit = SetRule(class_name=class_name, group=group, options=options)
    proposal = Proposal(edits=(edit,), source="person")
    return Decided(proposal=proposal, decision="accepted", by="person")


def test_rules_of_several_options_of_none_and_of_the_same() -> None:
    view = sample.view(
        [
            accepted("Houndour", "color", "pink"),
            accepted("Mew", "background", "a desert", "space"),
            accepted("Absol G", "background"),
            accepted("Absol G", "color", "white"),
        ]
    )
    words = shown("w", BACK, BACK, view=view, width=160).words
    assert re.search(r"color \d+ % pink the same the same rule", words)
    assert "background (misled) 0 % a desert or space 100 % a forest what it saw" in words
    absol = shown("c", "Absol G · 0 of 12 correct", BACK, BACK, view=view).words
    assert re.search(r"color \(misled\) rule \d+ % white · saw \d+ % black", absol)
    assert "background (misled) rule 33 % nothing · saw 100 % a desert" in absol


def test_images_of_a_class_that_has_no_rules_any_more() -> None:
    """They are what a proposal to drop it breaks; once it is dropped they are looked at no more."""
    dropped = Proposal(edits=(DropClass(class_name="Eevee"),), source="person")
    gone = Decided(proposal=dropped, decision="accepted", by="person")
    talk = shown("w", "n", BACK, BACK, view=sample.view([gone]))
    assert not any("a class without rules" in heading for heading in talk.headings)
    assert 'broken: a class without rules, taken for "Mew" with it' in shown(
        "n", BACK, proposal=dropped
    ).words  # fmt: skip


def test_the_worst_of_very_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "_MOST_SHOWN", 3)
    assert shown("w", *"nnn", BACK).asked[1:4] == ["1 of 3", "2 of 3", "3 of 3"]


def test_a_file_that_is_gone() -> None:
    talk = shown("w", "n", BACK, BACK, album=Album(lost=("review-28",)))
    assert "its file is gone, unreadable or has changed" in talk.words
    first, second = talk.text.split("2 of 5")
    assert "100 % a forest" in first
    assert "▄" not in first
    assert "▄" in second


@pytest.mark.parametrize(
    "variable", ["NO_COLOR=1", "TERM=dumb", "ACCESSIBLE=1", "COTBUILD_IMAGES=none"]
)
def test_only_the_name_where_no_picture_can_be_drawn(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(*variable.split("="))
    talk = shown("w", BACK, BACK)
    assert talk.album.opened == []
    assert "Mew/review-28.png" in talk.text
    assert "▄" not in talk.text
    assert "gone" not in talk.text
    assert talk.text.count("Pictures ") == (variable != "COTBUILD_IMAGES=none")
    assert re.search(r"background \(misled\) +0 % a desert +100 % a forest +what it saw", talk.text)


def test_nothing_to_look_at() -> None:
    for view in (sample.view_without_images(), sample.view_without_review_images()):
        assert shown(view=view).text == "There are no review images to look at.\n"
        assert shown(view=view, proposal=HELPFUL).asked == []


def test_nothing_is_wrong() -> None:
    done = Decided(proposal=HELPFUL, decision="accepted", by="person")
    for key in "wp":
        with pytest.raises(AssertionError, match="not on the menu"):
            shown(key, view=sample.view([done]))
    assert shown(BACK, view=sample.view([done])).headings == []


def test_what_the_user_set_wrongly_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COTBUILD_IMAGES", "big")
    talk = shown("w", "n", BACK, BACK)
    assert talk.text.count("COTBUILD_IMAGES is") == 1
    assert "▄" in talk.text


def test_the_figures_are_explained_where_they_stand() -> None:
    talk = shown("?", "w", "?", "n", BACK, BACK)
    for word in ("ahead by", "rule", "saw", "has", "misled", "fixed, broken"):
        assert len(re.findall(rf"^  {word}: ", talk.text, re.MULTILINE)) == 2
    # It is the same image that is asked about after the explanation.
    assert talk.asked[:5] == ["Which images?", "Which images?", "1 of 5", "1 of 5", "2 of 5"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, InputEnded])
def test_ctrl_c_and_the_end_of_the_input_are_for_the_caller(stop: type[BaseException]) -> None:
    for answers in ((stop,), ("w", stop), ("c", stop)):
        with pytest.raises(stop):
            shown(*answers)


@pytest.mark.parametrize("width", [80, 60, 59, 40])
@pytest.mark.parametrize("size", [(80, 80), (160, 100), (30, 90)])
def test_picture_words_and_menu_fit_a_screen(width: int, size: tuple[int, int]) -> None:
    for number in range(1, 6):
        before = shown("w", *"n" * (number - 1), BACK, BACK, album=Album(size=size), width=width)
        lines = before.text.split("\n")
        (start,) = [index for index, line in enumerate(lines) if f"{number} of 5 · " in line]
        # With the blank line above, without what ends the last line.
        assert len(lines[start - 1 : -1]) - 1 + MENU_LINES <= 24
        assert all(cell_len(line) <= width for line in lines)
        assert sum("▄" in line for line in lines[start:]) >= 5


HOSTILE = ("[red]", "\x1b[2J\x1b]0;x\x07", "long " * 2000 + "name", "שועל\u202e")


@pytest.mark.parametrize("width", [100, 80, 40])
def test_no_name_drives_the_terminal_or_fills_it(width: int) -> None:
    @dataclass
    class Odd(Album):
        def name(self, digest: str) -> str:
            return f"\x1b[2J[bold]{digest}\u202e\udcff" + "x" * 100_000

    view = sample.view(names=HOSTILE)
    pair = f"1. \\x1b[2J\\x1b]0;x\\x07 ↔ {('long ' * 2000)[:29].rstrip()}… · 5 images"
    talk = shown("w", BACK, "p", pair, BACK, BACK, view=view, album=Odd(), width=width)
    assert "\x1b" not in talk.text
    assert "\u202e" not in talk.text
    assert "[bold]review-28" in talk.words.replace(" ", "")
    assert all(cell_len(line) <= width for line in talk.text.splitlines())
    assert len(talk.text.splitlines()) < 150


@pytest.mark.parametrize("width", [80, 40])
def test_sharp_pictures_stand_above_the_words(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COTBUILD_IMAGES", "kitty")
    monkeypatch.setattr(sys, "__stdout__", io.StringIO())
    lines = shown("w", BACK, BACK, width=width).text.splitlines()
    placed = [index for index, line in enumerate(lines) if "\U0010eeee" in line]
    assert len(placed) >= 8
    assert all(re.fullmatch(r"\W+", lines[index]) for index in placed)
    assert lines[1].startswith("1 of 5")
    (evidence,) = (index for index, line in enumerate(lines) if "(misled)" in line)
    assert evidence > placed[-1]
