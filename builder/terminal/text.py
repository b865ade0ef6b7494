"""Text that others wrote (users, language models, files), made safe and short for the screen.

No such text may move the cursor, colour the screen, reorder a line or fill it. What is shown goes
through here, and into rich as `Text`, whose content is never read as markup.
"""

import unicodedata
from collections.abc import Sequence

from rich.cells import cell_len, chop_cells
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from builder.system.names import exact

# Enough for every real name and sentence in a table; the rest can be read in the session's files.
SHORT = 60
# Enough for a paragraph of reasons.
LONG = 400

ELLIPSIS = "…"
# Ends a text that runs from right to left: a terminal that draws it so would draw figures that
# follow on its other side, "Name 3 of 8" as "3 Name of 8".
MARK = "\u200e"
RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
# Joiners belong to letters and emoji; other invisible characters only mislead.
_JOINERS = "\u200c\u200d"
# Control, format (bidi overrides among them), surrogate, private and unassigned characters, and the
# separators of lines and paragraphs.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MOST_LINES = 60
# More marks than any script stacks on one letter.
_MOST_MARKS = 4


def visible(text: str) -> str:
    """`text` in one line: white space is single blanks, unsafe characters stand as `\\x1b`."""
    return _safe(" ".join(text.split()))


def to_copy(line: str) -> RenderableType:
    """A line that the terminal wraps and not we, so that it is copied in one piece.

    It is whole only if it is printed with `crop=False`.
    """
    # In a group, for of a text by itself rich forgets that it must not be wrapped.
    return Group(Text(_safe(line), no_wrap=True, overflow="ignore"))


def _safe(text: str) -> str:
    shown: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        known = character in _JOINERS or (character == MARK and _runs_from_the_right(shown))
        if unicodedata.category(character) in _UNSAFE and not known:
            shown.append(_escaped(character))
        elif marks <= _MOST_MARKS:
            shown.append(character)
    return "".join(shown)


def apart(text: str) -> str:
    """`text`, with a mark where what follows in its line would be drawn on its other side."""
    return text + MARK if _runs_from_the_right(text) else text


def shortened(text: str, limit: int = SHORT) -> str:
    """The safe form of `text` in at most `limit` columns; an ellipsis tells what was cut.

    No figure that follows is drawn on its other side.
    """
    # Cutting first keeps a text of a million characters from being read to its end.
    safe = visible(text[: 20 * limit])
    if cell_len(safe) > limit or len(text) > 20 * limit:
        safe = chop_cells(safe, max(1, limit - 1))[0].rstrip() + ELLIPSIS
    return apart(safe)


def wrapped(text: str, width: int) -> str:
    """The safe text in lines of at most `width` columns."""
    return "\n".join(line.plain for line in Text(text).wrap(Console(width=width), width))


def plain(text: str, limit: int = SHORT, style: str = "") -> Text:
    """The shortened text for rich, which prints brackets as they are."""
    return Text(shortened(text, limit), style=style)


def indented(text: str, by: int = 2, style: str = "") -> RenderableType:
    """A paragraph, shortened, with blanks before each of its lines."""
    return Padding.indent(plain(text, 2 * LONG, style), by)


def quoted(text: str, limit: int = SHORT) -> str:
    """The shortened text between quotes, for a sentence."""
    return f'"{shortened(text, limit)}"'


def listed(words: Sequence[str], most: int) -> str:
    """The first of the words, which are safe already, and how many more there are."""
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def _escaped(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def paragraphs(text: str, whole: tuple[str, ...] = ()) -> list[str]:
    """The lines of a longer text, each made safe and shortened; very many lines are cut.

    Those that begin with one of `whole` stay as they are.
    """
    lines = text[: _MOST_LINES * LONG].splitlines()
    lines = [line if line.startswith(whole) else shortened(line, LONG) for line in lines]
    return [line for line in lines if line][:_MOST_LINES]


def labels(texts: Sequence[str], limit: int = SHORT) -> list[str]:
    """The shortened texts, told apart by a number where they would look the same."""
    shown: list[str] = []
    taken: dict[str, int] = {}
    for text in texts:
        label = base = shortened(text, limit)
        while label in taken:
            taken[base] += 1
            tail = f" ({taken[base]})"
            label = shortened(text, limit - len(tail)) + tail
        taken[label] = 1
        shown.append(label)
    return shown


def entered(text: str) -> str:
    """What a person typed, or copied from the screen with its marks, without blanks around it."""
    return text.replace(MARK, "").strip()


def holding(wanted: str, shown: Sequence[str]) -> list[int]:
    """Indices of the labels that hold what was typed; none for nothing."""
    part = _comparable(wanted)
    return [index for index, label in enumerate(shown) if part and part in _comparable(label)]


def matching(wanted: str, shown: Sequence[str]) -> int | None:
    """Index of the label that was meant: its name, its beginning, or a part of it alone."""
    part = _comparable(wanted)
    held = holding(wanted, shown)
    exactly = [index for index in held if entered(shown[index]) == entered(wanted)]
    same = [index for index in held if _comparable(shown[index]) == part]
    begins = [index for index in held if _comparable(shown[index]).startswith(part)]
    return next((found[0] for found in (exactly, same, begins, held) if len(found) == 1), None)


def _comparable(text: str) -> str:
    return exact(entered(text)).casefold()


def _runs_from_the_right(text: Sequence[str]) -> bool:
    """Whether the last character that has a direction of its own runs from right to left."""
    for character in reversed(text):
        direction = unicodedata.bidirectional(character[-1])
        if direction == "L" or direction in RIGHT_TO_LEFT:
            return direction != "L"
    return False
