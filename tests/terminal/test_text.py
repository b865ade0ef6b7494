import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from builder.terminal.text import (
    ELLIPSIS,
    MARK,
    labels,
    matching,
    plain,
    quoted,
    shortened,
    visible,
    wrapped,
)
from tests.terminal.bidi import turned

anything = st.text(st.characters(), max_size=200)


@given(anything)
def test_nothing_that_drives_a_terminal_is_shown(text: str) -> None:
    for character in visible(text):
        assert unicodedata.category(character) not in {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
        assert character in f"\u200c\u200d{MARK}" or unicodedata.category(character) != "Cf"


@given(anything, st.integers(1, 80))
def test_shortened_keeps_its_width_and_tells_when_it_cut(text: str, limit: int) -> None:
    shown = shortened(text, limit)
    assert cell_len(shown) <= max(limit, 2)
    shown = shown.removesuffix(MARK)
    assert shown == visible(text).removesuffix(MARK) or shown.endswith(ELLIPSIS)


def test_unsafe_characters_stand_as_their_codes() -> None:
    assert visible("a\x1b[31mb") == "a\\x1b[31mb"
    assert visible("\x9b2J") == "\\x9b2J"
    assert visible("evil\u202egnp") == "evil\\u202egnp"
    assert visible("tag\U000e0041") == "tag\\U000e0041"
    assert visible("two\nlines\tand  blanks") == "two lines and blanks"


def test_real_names_stay_as_they_are() -> None:
    for name in (
        "Beedrill δ",
        "Blaine's Moltres",
        "Celebi & Venusaur-GX",
        "[red]",
        "皮卡丘",
        "é",
        "{}",
    ):
        assert visible(name) == name


def test_marks_do_not_pile_up() -> None:
    assert len(visible("a" + "\u0301" * 10_000)) < 10


def test_markup_prints_as_itself() -> None:
    console = Console(width=40, record=True, file=None, quiet=True)
    console.quiet = False
    with console.capture() as captured:
        console.print(plain("[red]Charizard[/red]"))
    assert captured.get() == "[red]Charizard[/red]\n"


def test_a_long_text_is_cut_in_a_sentence() -> None:
    assert quoted("x" * 10_000, 10) == '"' + "x" * 9 + ELLIPSIS + '"'


@given(st.lists(anything, max_size=20, unique=True), st.integers(12, 60))
def test_labels_differ(texts: list[str], limit: int) -> None:
    shown = labels(texts, limit)
    assert len(set(shown)) == len(texts)
    assert all(cell_len(label) <= limit for label in shown)


def test_labels_of_names_that_differ_only_far_out() -> None:
    shown = labels(["x" * 100 + str(i) for i in range(300)], 20)
    assert len(set(shown)) == 300
    assert all(len(label) <= 20 for label in shown)


def test_matching_wants_one_answer() -> None:
    shown = ["Absol", "Absol G", "absol", "Mew"]
    assert matching("Absol G", shown) == 1
    assert matching("absol", shown) == 2
    assert matching("ABSOL G", shown) == 1
    assert matching(" me ", shown) == 3
    assert matching("abs", shown) is None
    assert matching("saur", ["Venusaur", "Celebi & Venusaur-GX"]) is None
    assert matching("venu", ["Celebi & Venusaur-GX", "Venusaur"]) == 1
    assert matching("", shown) is None
    assert matching("zz", shown) is None


@given(st.text(max_size=200).map(shortened), st.integers(2, 80))
def test_a_wrapped_text_is_whole_and_keeps_to_its_columns(text: str, width: int) -> None:
    lines = wrapped(text, width).splitlines()
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@given(
    st.lists(st.text(st.sampled_from('aZ1 .·שועלبيك٣קि3%-("皮'), max_size=12), min_size=1),
    st.integers(3, 40),
)
def test_figures_stay_where_they_are_written(texts: list[str], limit: int) -> None:
    shown = [shortened(text, limit) for text in texts]
    line = " · ".join(f"{text} 3 of 8, +1.5 pp" for text in shown)
    for part in turned(line):
        assert any(part in text for text in shown)


def test_a_mark_ends_what_runs_from_the_right_and_nothing_else() -> None:
    assert shortened("皮卡丘") == "皮卡丘"
    assert shortened("שועל Mew") == "שועל Mew"
    assert shortened("שועל 3!") == f"שועל 3!{MARK}"
    assert shortened("שועל גדול", 5) == f"שועל{ELLIPSIS}{MARK}"
    # Nothing is marked twice; where it says nothing it stands as its code, as all that is unseen.
    assert shortened(shortened("שועל")) == f"שועל{MARK}"
    assert shortened(f"{MARK}Mew{MARK}") == "\\u200eMew\\u200e"
    assert len(set(labels(["שועל", f"שועל{MARK}"]))) == 2
