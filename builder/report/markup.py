"""HTML from values: whatever is not markup already is text, and is escaped."""

import html
import unicodedata
from collections.abc import Iterable

# Control characters, direction overrides, half surrogate pairs (which no file can hold) and the
# like; joiners belong to letters and emoji.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_KEPT = "\n\t\u200c\u200d"

Attribute = str | int | float | bool | None


class Markup(str):
    """Text that is HTML; everything else is escaped on its way into an element."""

    __slots__ = ()


def escaped(text: str) -> Markup:
    """Text as HTML, also within an attribute's quotes; unsafe characters become U+FFFD."""
    if isinstance(text, Markup):
        return text
    if not text.isascii() or not text.isprintable():
        text = "".join(map(_safe, text))
    return Markup(html.escape(text))


def joined(parts: Iterable[str], separator: str = "") -> Markup:
    """The parts one after the other."""
    return Markup(escaped(separator).join(map(escaped, parts)))


def element(tag: str, *content: str, **attributes: Attribute) -> Markup:
    """An element. Of an attribute's name `_` becomes `-`, and one at its end is dropped.

    An attribute that is True has no value; one that is None or False is left out.
    """
    parts = [f"<{tag}"]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        name = key.rstrip("_").replace("_", "-")
        parts.append(f" {name}" if value is True else f' {name}="{escaped(str(value))}"')
    parts.append(">")
    return Markup("".join((*parts, *map(escaped, content), f"</{tag}>")))


def void(tag: str, **attributes: Attribute) -> Markup:
    """An element that has no content, such as an image."""
    return Markup(element(tag, **attributes).removesuffix(f"</{tag}>"))


def _safe(character: str) -> str:
    unsafe = unicodedata.category(character) in _UNSAFE and character not in _KEPT
    return "\ufffd" if unsafe else character
