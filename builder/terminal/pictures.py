"""Pictures in a terminal: coarse ones of half blocks, or sharp ones where it can show them.

A half block is a character cell of two colours, which every terminal with colours can show. Sharp
ones need the extra `images`, and kitty's graphics protocol (with Unicode placeholders) or sixel.
"""

import io
import os
import struct
import sys
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, get_args

from PIL import Image
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich_pixels import Pixels

from builder.terminal.asker import accessible, wants_plain
from builder.terminal.text import quoted

if TYPE_CHECKING:
    from textual_image.renderable import SixelImage, TGPImage

Way = Literal["kitty", "sixel", "blocks", "none"]

VARIABLE = "COTBUILD_IMAGES"
# Terminals with a TERM of their own (by its beginning), and those known by TERM_PROGRAM. Asking a
# terminal what it can do would swallow what is being typed. WezTerm knows kitty's protocol, but not
# its placeholders.
_BY_TERM: dict[str, Way] = {
    "xterm-kitty": "kitty",
    "xterm-ghostty": "kitty",
    "foot": "sixel",
    "mlterm": "sixel",
}
_BY_PROGRAM: dict[str, Way] = {"ghostty": "kitty", "WezTerm": "sixel", "iTerm.app": "sixel"}
_MULTIPLEXERS = ("screen", "tmux")
# Behind transparent pictures: neither black nor white lines vanish on it.
_BACKGROUND = (128, 128, 128, 255)


def way_to_draw(console: Console) -> Way:
    """How pictures are drawn there; "none" without colours, or where the screen is read aloud."""
    wished = _wished() or _known_to_work()
    if wished == "none" or _obstacle(console):
        return "none"
    # The number of a picture travels as the colour of its placeholders, which must not be rounded.
    if not _has_extra() or (wished == "kitty" and console.color_system != "truecolor"):
        return "blocks"
    return wished


def complaint(console: Console) -> str | None:
    """Why no picture is drawn there, or none as COTBUILD_IMAGES says, in words; None if one is.

    None too where the user wants no pictures.
    """
    value, wished = os.environ.get(VARIABLE, ""), _wished()
    if value and wished is None:
        return f"{VARIABLE} is {quoted(value)}; it can be {', '.join(get_args(Way))}."
    if wished == "none":
        return None
    if reason := _obstacle(console):
        return f"{reason}, which wins over {VARIABLE}={wished}." if wished else f"{reason}."
    if wished in ("kitty", "sixel") and not _has_extra():
        return f'{VARIABLE}={wished} needs the extra: pip install "cotbuild[images]"'
    return None


def drawn(picture: Image.Image, way: Way, columns: int, rows: int) -> RenderableType:
    """The picture, in its proportions, as large as fits into so many character cells.

    Sharp ones move the cursor: they must be printed by themselves, not within a table.
    """
    if way == "none":
        return ""
    opaque = _opaque(picture)
    if way == "blocks":
        return _HalfBlocks(opaque, columns, rows)
    return _Sharp(opaque, way, columns, rows)


@dataclass(frozen=True, slots=True, eq=False)
class _HalfBlocks:
    picture: Image.Image
    columns: int
    rows: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns, rows = self._cells(options)
        # Resized here, because rich-pixels takes the nearest pixel.
        yield Pixels.from_image(self.picture.resize((columns, 2 * rows), Image.Resampling.LANCZOS))

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        columns, _ = self._cells(options)
        return Measurement(columns, columns)

    def _cells(self, options: ConsoleOptions) -> tuple[int, int]:
        """Columns and rows, at least one; a cell is taken to be twice as high as it is wide."""
        width, height = self.picture.size
        scale = min(min(self.columns, options.max_width) / width, 2 * self.rows / height)
        return max(1, round(width * scale)), max(1, round(height * scale / 2))


@dataclass(frozen=True, slots=True, eq=False)
class _Sharp:
    picture: Image.Image
    way: Literal["kitty", "sixel"]
    columns: int
    rows: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        kitty, sixel = _sharp_renderables()
        image = (kitty if self.way == "kitty" else sixel)(self.picture, "auto", "auto")
        room = options.update_dimensions(min(self.columns, options.max_width), self.rows)
        yield from image.__rich_console__(console, room)


@cache
def _sharp_renderables() -> "tuple[type[TGPImage], type[SixelImage]]":
    """textual-image's, for kitty's protocol and for sixel."""
    terminal, cell = sys.__stdout__, _cell_size()
    # On import, or when it first measures, it asks the terminal what it can do and how large a cell
    # is, unless there is none. The answer is known, and would mix with what is being typed.
    sys.__stdout__ = io.StringIO()  # type: ignore[assignment, misc]
    try:
        from textual_image.renderable import SixelImage, TGPImage

        if cell is not None:
            os.environ.setdefault("TEXTUAL_CELL_WIDTH", str(cell[0]))
            os.environ.setdefault("TEXTUAL_CELL_HEIGHT", str(cell[1]))
        unseen = Console(file=io.StringIO())
        TGPImage(Image.new("RGB", (1, 1))).__rich_measure__(unseen, unseen.options)
    finally:
        sys.__stdout__ = terminal  # type: ignore[misc]
    return TGPImage, SixelImage


def _cell_size() -> tuple[int, int] | None:
    """Width and height of a cell in pixels, where the terminal's driver knows it without asking."""
    try:
        import fcntl
        import termios

        sizes = fcntl.ioctl(sys.__stdout__.fileno(), termios.TIOCGWINSZ, bytes(8))  # type: ignore[union-attr]
    except (ImportError, AttributeError, OSError):
        return None
    rows, columns, width, height = struct.unpack("4H", sizes)
    return (width // columns, height // rows) if min(rows, columns, width, height) else None


def _obstacle(console: Console) -> str | None:
    """What keeps any picture from being drawn there, in words; None if nothing does."""
    if accessible():
        return "Pictures can't be read aloud: ACCESSIBLE is set"
    if wants_plain():
        return f"Pictures need a terminal that can draw: TERM is {os.environ.get('TERM', '')}"
    if not console.is_terminal:
        return "Pictures need a terminal: the output goes elsewhere"
    if console.no_color:
        return "Pictures need colours: NO_COLOR is set"
    if console.color_system is None:
        return "Pictures need colours: this terminal has none"
    return None


def _wished() -> Way | None:
    """What the user asked for, if it is one of the ways."""
    value = os.environ.get(VARIABLE, "")
    return next((way for way in get_args(Way) if way == value), None)


def _known_to_work() -> Way:
    """The best that the terminal shows, as far as it tells without being asked."""
    term = os.environ.get("TERM", "")
    # They hand on TERM_PROGRAM of the terminal that they run in, but no pictures.
    if term.startswith(_MULTIPLEXERS):
        return "blocks"
    program = _BY_PROGRAM.get(os.environ.get("TERM_PROGRAM", ""), "blocks")
    return next((way for name, way in _BY_TERM.items() if term.startswith(name)), program)


def _has_extra() -> bool:
    return find_spec("textual_image") is not None


def _opaque(picture: Image.Image) -> Image.Image:
    """RGB; a palette's and an image's transparency shows the background."""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layer = picture.convert("RGBA")
    ground = Image.new("RGBA", layer.size, _BACKGROUND)
    return Image.alpha_composite(ground, layer).convert("RGB")
