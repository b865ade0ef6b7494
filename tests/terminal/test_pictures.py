"""Pictures in a terminal: which way they are drawn, and what comes out."""

import io
import os
import struct
import sys
from pathlib import Path

import pexpect
import pytest
from PIL import Image
from rich.cells import cell_len
from rich.console import Console
from rich.style import Style

from builder.terminal import pictures
from builder.terminal.pictures import Way, complaint, drawn, way_to_draw

pytestmark = pytest.mark.usefixtures("ordinary_terminal")


def terminal(colours: str | None = "truecolor", width: int = 80) -> Console:
    return Console(
        file=io.StringIO(),
        force_terminal=True,
        color_system=colours,  # type: ignore[arg-type]
        width=width,
        height=24,
        legacy_windows=False,
    )


def lines(picture: Image.Image, columns: int, rows: int, width: int = 80) -> list[str]:
    """What half blocks draw, without the colours."""
    console = terminal(None, width)
    console.print(drawn(picture, "blocks", columns, rows))
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


def colours(picture: Image.Image, columns: int, rows: int) -> list[tuple[str, Style]]:
    """Each cell's character and its two colours."""
    console = terminal()
    segments = console.render(drawn(picture, "blocks", columns, rows))
    return [(s.text, s.style or Style()) for s in segments if s.text != "\n"]


@pytest.mark.parametrize(
    ("variables", "way"),
    [
        ({}, "blocks"),
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-ghostty"}, "kitty"),
        ({"TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM_PROGRAM": "WezTerm"}, "sixel"),
        ({"TERM_PROGRAM": "iTerm.app"}, "sixel"),
        ({"TERM": "foot-extra"}, "sixel"),
        # The variables of the terminal outside reach programs in a multiplexer, its pictures don't.
        ({"TERM": "screen.xterm-256color", "TERM_PROGRAM": "WezTerm"}, "blocks"),
        ({"TERM": "tmux-256color", "TERM_PROGRAM": "ghostty"}, "blocks"),
        # What the user says counts more.
        ({"TERM": "tmux-256color", "COTBUILD_IMAGES": "sixel"}, "sixel"),
        ({"TERM": "xterm-kitty", "COTBUILD_IMAGES": "blocks"}, "blocks"),
        ({"TERM": "xterm-kitty", "COTBUILD_IMAGES": "none"}, "none"),
        ({"COTBUILD_IMAGES": "kitty"}, "kitty"),
        ({"COTBUILD_IMAGES": "[red]"}, "blocks"),
        ({"COTBUILD_IMAGES": ""}, "blocks"),
        ({"TERM": "dumb"}, "none"),
        ({"ACCESSIBLE": "1"}, "none"),
        ({"NO_COLOR": "1"}, "none"),
        ({"NO_COLOR": "1", "COTBUILD_IMAGES": "kitty"}, "none"),
        ({"ACCESSIBLE": "1", "COTBUILD_IMAGES": "blocks"}, "none"),
    ],
)
def test_the_way_that_the_terminal_is_known_to_show(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], way: Way
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert way_to_draw(terminal()) == way


def test_nothing_is_drawn_where_there_are_no_colours_or_no_terminal() -> None:
    assert way_to_draw(terminal(None)) == "none"
    assert way_to_draw(Console(file=io.StringIO())) == "none"


def test_kitty_needs_all_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-kitty")
    assert way_to_draw(terminal("256")) == "blocks"


def test_without_the_extra_there_are_half_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "find_spec", lambda _: None)
    monkeypatch.setenv("TERM", "xterm-kitty")
    assert way_to_draw(terminal()) == "blocks"
    assert complaint(terminal()) is None
    monkeypatch.setenv("COTBUILD_IMAGES", "sixel")
    assert way_to_draw(terminal()) == "blocks"
    assert 'pip install "cotbuild[images]"' in (complaint(terminal()) or "")


def test_an_unknown_way_is_complained_of(monkeypatch: pytest.MonkeyPatch) -> None:
    assert complaint(terminal()) is None
    for way in ("kitty", "sixel", "blocks", "none"):
        monkeypatch.setenv("COTBUILD_IMAGES", way)
        assert complaint(terminal()) is None
    monkeypatch.setenv("COTBUILD_IMAGES", "\x1b[2Jsixels")
    assert complaint(terminal()) == (
        'COTBUILD_IMAGES is "\\x1b[2Jsixels"; it can be kitty, sixel, blocks, none.'
    )


@pytest.mark.parametrize(
    ("variable", "reason"),
    [
        ("NO_COLOR=1", "Pictures need colours: NO_COLOR is set"),
        ("ACCESSIBLE=1", "Pictures can't be read aloud: ACCESSIBLE is set"),
        ("TERM=dumb", "Pictures need a terminal that can draw: TERM is dumb"),
    ],
)
def test_why_there_is_no_picture_is_said(
    monkeypatch: pytest.MonkeyPatch, variable: str, reason: str
) -> None:
    monkeypatch.setenv(*variable.split("="))
    assert complaint(terminal()) == f"{reason}."
    monkeypatch.setenv("COTBUILD_IMAGES", "blocks")
    assert complaint(terminal()) == f"{reason}, which wins over COTBUILD_IMAGES=blocks."
    # Who wants none misses none.
    monkeypatch.setenv("COTBUILD_IMAGES", "none")
    assert complaint(terminal()) is None


def test_no_terminal_and_no_colours_are_reasons_too() -> None:
    elsewhere = complaint(Console(file=io.StringIO()))
    assert elsewhere == "Pictures need a terminal: the output goes elsewhere."
    assert complaint(terminal(None)) == "Pictures need colours: this terminal has none."


@pytest.mark.parametrize(
    ("size", "box", "cells"),
    [
        ((100, 100), (80, 10), (20, 10)),
        ((300, 100), (30, 10), (30, 5)),
        ((100, 400), (30, 10), (5, 10)),
        # Enlarged too: it is what there is to see.
        ((4, 4), (80, 8), (16, 8)),
        ((10_000, 1), (40, 10), (40, 1)),
        ((1, 10_000), (40, 10), (1, 10)),
    ],
)
def test_a_picture_fits_and_keeps_its_proportions(
    size: tuple[int, int], box: tuple[int, int], cells: tuple[int, int]
) -> None:
    drawn_lines = lines(Image.new("RGB", size, "red"), *box)
    assert [cell_len(line) for line in drawn_lines] == [cells[0]] * cells[1]


def test_no_line_is_wider_than_the_screen() -> None:
    picture = Image.new("RGB", (200, 100), "red")
    assert [cell_len(line) for line in lines(picture, 100, 50, width=40)] == [40] * 10


def test_each_half_of_a_cell_has_its_own_colour() -> None:
    picture = Image.new("RGB", (1, 2))
    picture.putdata([(10, 20, 30), (200, 100, 50)])
    ((block, style),) = colours(picture, 1, 1)
    assert block == "▄"
    assert style == Style.parse("rgb(200,100,50) on rgb(10,20,30)")


def colour_of(picture: Image.Image) -> Style:
    ((_, style),) = colours(picture, 1, 1)
    return style


def test_transparent_and_palette_pictures() -> None:
    grey = Style.parse("rgb(128,128,128) on rgb(128,128,128)")
    red = Style.parse("rgb(255,0,0) on rgb(255,0,0)")
    assert colour_of(Image.new("RGBA", (2, 4), (255, 0, 0, 0))) == grey
    assert colour_of(Image.new("RGBA", (2, 4), (255, 0, 0, 255))) == red
    palette = Image.new("P", (2, 4), 1)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    assert colour_of(palette) == red
    palette.info["transparency"] = 1
    assert colour_of(palette) == grey
    assert colour_of(Image.new("LA", (2, 4), (255, 0))) == grey
    assert colour_of(Image.new("1", (2, 4), 1)) == Style.parse(
        "rgb(255,255,255) on rgb(255,255,255)"
    )
    assert colour_of(Image.new("CMYK", (2, 4), (0, 255, 255, 0))) == red


def test_nothing_is_drawn_of_a_picture_that_can_not_be_shown() -> None:
    assert drawn(Image.new("RGB", (9, 9)), "none", 10, 10) == ""


@pytest.fixture
def past_rich(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What textual-image writes by itself."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "__stdout__", stream)
    return stream


def test_kitty_gets_the_picture_and_placeholders_for_it(past_rich: io.StringIO) -> None:
    console = terminal()
    console.print(drawn(Image.new("RGB", (100, 100), "red"), "kitty", 20, 6))
    sent = past_rich.getvalue()
    # The picture as PNG, then a virtual placement of so many columns and rows.
    assert sent.startswith("\x1b_Gi=")
    assert ",f=100," in sent
    assert ",c=12,r=6,U=1," in sent
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert shown.count("\U0010eeee") == 12 * 6


def test_a_sixel_terminal_gets_sixels(past_rich: io.StringIO) -> None:
    console = terminal()
    console.print(drawn(Image.new("RGB", (100, 100), "red"), "sixel", 20, 6))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    # Device control string, with the size in pixels of 12 x 6 cells, and its end.
    assert "\x1bP" in shown
    assert '"1;1;120;120' in shown
    assert "\x1b\\" in shown
    assert past_rich.getvalue() == ""


LOADS = """
import sys
from PIL import Image
from rich.console import Console
from builder.terminal.pictures import drawn, way_to_draw
console = Console(force_terminal=True, color_system="truecolor", width=40, height=24)
way = way_to_draw(console)
print(way, "textual_image" in sys.modules)
console.print(drawn(Image.new("RGB", (8, 8), "red"), way, 8, 4))
print(way, "textual_image" in sys.modules)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(("term", "loaded"), [("xterm-kitty", True), ("xterm-256color", False)])
def test_the_extra_is_loaded_only_to_draw_with_it(term: str, loaded: bool) -> None:
    """The real library in a real terminal, which is not asked what it can do."""
    child = pexpect.spawn(
        sys.executable,
        ["-c", LOADS],
        cwd=str(Path(__file__).resolve().parents[2]),
        env={**os.environ, "TERM": term},
        encoding="utf-8",
        timeout=60,
    )
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0, child.before
    way = "kitty" if loaded else "blocks"
    assert f"{way} False" in child.before
    assert f"{way} {loaded}" in child.before
    assert ("\x1b_G" in child.before) == loaded
    # Device attributes, the size of a cell, and kitty's own question.
    assert "\x1b[c" not in child.before
    assert "\x1b[16t" not in child.before
    assert "a=q" not in child.before


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(
    ("size", "cell"), [((24, 80, 1280, 816), (16, 34)), ((24, 80, 0, 0), None)]
)
def test_a_cells_size_is_read_from_the_driver(
    size: tuple[int, ...], cell: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl
    import termios

    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", *size))
    with os.fdopen(theirs, "w") as stream:
        monkeypatch.setattr(sys, "__stdout__", stream)
        assert pictures._cell_size() == cell
    os.close(ours)
