"""What a server says in its own words, in whichever form: JSON of any shape, plain text, a page."""

import html
import json
import re
from collections.abc import Iterator
from typing import Any

from builder.llm.schemas import short

# Under these a server says what is wrong, the plainest first.
_SPOKEN = ("message", "error", "detail", "msg", "errors", "error_description", "reason", "title")
# What was sent, given back: it says nothing of what is wrong with it.
_ECHOES = ("input", "ctx", "failed_generation")
_PAGE = re.compile(r"\s*<[a-z!?]", re.IGNORECASE)
_TITLE = re.compile(r"<(title|h1)[^>]*>(.*?)</\1", re.IGNORECASE | re.DOTALL)
_LOGIN = re.compile(r"\b(log-?\s?in|log-?\s?on|sign-?\s?in|captive|portal)\b|type=.?password", re.I)
_DEEPEST = 8
# Characters of a text that are looked at: it may be a whole page.
_BEGINNING = 5_000


def is_page(body: str) -> bool:
    return _PAGE.match(body) is not None


def wants_login(text: str) -> bool:
    """Whether a page, or an address, is one where somebody logs in."""
    return _LOGIN.search(text) is not None


def told(body: object) -> str:
    """What a server says, short and on one line; "" where it says nothing."""
    return short(_spoken(body, _DEEPEST)[:_BEGINNING]).strip()


def ended(text: str) -> str:
    """What stands after "what happened": ": TEXT." with one full stop, "." where TEXT is empty."""
    text = text.rstrip()
    return f": {text}{'' if text.endswith(('.', '!', '?', '…')) else '.'}" if text else "."


def all_words(body: object) -> str:
    """Everything that a server says, in lower case, to look for causes; not what it gives back."""
    return " ".join(text[:_BEGINNING] for text in _strings(body, _DEEPEST)).lower()


def _spoken(body: object, steps: int) -> str:
    if isinstance(body, str):
        return _text(body, steps)
    if steps == 0:
        return ""
    if isinstance(body, list):
        return "; ".join(filter(None, (_spoken(item, steps - 1) for item in body[:3])))
    if not isinstance(body, dict):
        return ""
    said = next(filter(None, (_spoken(body.get(key), steps - 1) for key in _SPOKEN)), "")
    if said and isinstance(place := body.get("loc"), list):
        said = f"{'.'.join(map(str, place[:8]))}: {said}"
    # Where a server passes on what another one said.
    wrapper = body.get("metadata")
    passed_on = _spoken(wrapper.get("raw"), steps - 1) if isinstance(wrapper, dict) else ""
    return f"{said}: {passed_on}" if said and passed_on and passed_on != said else said


def _text(text: str, steps: int) -> str:
    if is_page(text):
        title = _TITLE.search(text[:_BEGINNING])
        return html.unescape(re.sub(r"<[^>]*>", " ", title[2] if title else text[:_BEGINNING]))
    if steps and text.lstrip().startswith(("{", "[")):
        try:
            return _spoken(json.loads(text), steps - 1) or text
        except (ValueError, RecursionError):
            return text
    return text


def _strings(value: Any, steps: int) -> Iterator[str]:
    if isinstance(value, dict):
        value = [inner for key, inner in value.items() if key not in _ECHOES]
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and steps:
        for item in value:
            yield from _strings(item, steps - 1)
