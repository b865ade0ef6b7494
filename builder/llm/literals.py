"""JSON and Python literals found in a text that holds more than that; read as data, never run.

A chat window gives prose, code fences, an assignment in front, comments, trailing commas and
single quotes. Brackets are matched token by token, and what they hold is rewritten as JSON.
"""

import ast
import contextlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from typing import Any

_TOKEN = r"""
    (?P<space>[\s\u200b-\u200d\u2060\ufeff]+)
  | (?P<comment>\#[^\n]*|//[^\n]*|/\*.*?(?:\*/|\Z))
  | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
  | (?P<open>[\[{(])
  | (?P<close>[\]})])
  | (?P<mark>[,:])
  | (?P<number>-?\d++(?:\.\d++)?(?:[eE][+-]?\d++)?(?!\w))
  | (?P<word>[^\W\d]\w*)
  | (?P<gap>\.\.\.|…)
"""
_CURLY = r"""
  | (?P<curly>[“”„‟][^“”„‟\n]*[“”„‟]|[‘’‚‛][^\n]{0,300}?[‘’‚‛](?=\s*[]},:]))
"""
# In one piece what could begin a string or a number that is looked for in vain at every character.
_JUNK = r"""  | (?P<junk>\\["'\\]|\d\w*|.)"""
_FLAGS = re.VERBOSE | re.DOTALL
_STRAIGHT = re.compile(_TOKEN + _JUNK, _FLAGS)
_TYPOGRAPHIC = re.compile(_TOKEN + _CURLY + _JUNK, _FLAGS)
_BRACKET = re.compile(r"[{\[]")
_ASSIGNED = re.compile(r"([^\W\d]\w*)[\"'”]?\s*(?::[^=\n]{0,80})?[=:]$")
_THOUGHT_TAG = re.compile(r"<(/?)think(?:ing)?>", re.IGNORECASE)
_WORDS = {word: word for word in ("true", "false", "null")}
_WORDS |= {"True": "true", "False": "false", "None": "null"}
_FAULTS = {
    "word": "{!r} has no quotes around it",
    "gap": "it is abbreviated with dots; everything must be there",
    "junk": "{!r} does not belong there",
}
_CLOSERS = {"{": "}", "[": "]", "(": ")"}
_DEEPEST = 60
# What is more is no answer of a chat window, and would take a long time: brackets that are tried,
# characters read for those that turn out broken (one that is never closed costs all the rest),
# and faults that are told.
_MOST_TRIED = 10_000
_MOST_IN_VAIN = 500_000
_MOST_FAULTS = 100


@dataclass(frozen=True, slots=True)
class Literal:
    """An object or a list; `name`: what it was assigned to, or ""; `length` in characters."""

    value: Any
    name: str
    length: int


@dataclass(frozen=True, slots=True)
class Reading:
    """The literals of a text in order, and in words why others could not be read."""

    literals: tuple[Literal, ...]
    faults: tuple[str, ...]


class _Fault(Exception):
    """A literal that can't be read; `at`: the character where reading failed."""

    def __init__(self, at: int, words: str) -> None:
        super().__init__(words)
        self.at = at


class _TooDeep(_Fault):
    """One that holds so many others that those to that depth are not tried."""


def read_literals(text: str, *, typographic: bool = False) -> Reading:
    """All outermost literals of `text`; thoughts between <think> tags are left out.

    `typographic`: curly quotes delimit strings too, as word processors put them. Never raises.
    Takes time in proportion to the length of `text`, whatever it is.
    """
    text = without_thoughts(text)
    pattern = _TYPOGRAPHIC if typographic else _STRAIGHT
    literals: list[Literal] = []
    faults: list[str] = []
    tried = in_vain = end = 0
    while (
        tried < _MOST_TRIED and in_vain <= _MOST_IN_VAIN and (bracket := _BRACKET.search(text, end))
    ):
        tried += 1
        start = bracket.start()
        end = start + 1
        try:
            tokens = _tokens(text, start, pattern)
            end = tokens[-1].end()
            value = json.loads(_as_json(tokens), object_pairs_hook=_object)
        except (_Fault, ValueError, RecursionError) as error:
            if isinstance(error, _Fault):
                fault, stop = error, error.at
            else:
                fault, stop = _Fault(start, f"not readable: {str(error)[:80]}"), end
            if isinstance(error, _TooDeep):
                end = stop
            in_vain += stop - start
            if len(faults) < _MOST_FAULTS:
                faults += _told(text, text[start : min(stop, start + 400)], fault)
        else:
            literals.append(Literal(value, _assigned(text, start), end - start))
    return Reading(tuple(literals), tuple(faults))


def without_thoughts(text: str) -> str:
    """The text without what stands between the tags; some servers leave out the one that opens."""
    kept: list[str] = []
    at, opened = 0, None
    for tag in _THOUGHT_TAG.finditer(text):
        if not tag[1]:
            opened = tag.start() if opened is None else opened
            continue
        if opened is None:
            kept.clear()
        else:
            kept.append(text[at:opened])
        at, opened = tag.end(), None
    return "".join([*kept, text[at:]])


def _assigned(text: str, start: int) -> str:
    """What the literal at `start` is assigned to, or ""."""
    line = text[max(0, start - 150) : start].rstrip().rpartition("\n")[2]
    name = _ASSIGNED.search(line) if line.endswith(("=", ":")) else None
    return name[1] if name else ""


def _tokens(text: str, start: int, pattern: re.Pattern[str]) -> list[re.Match[str]]:
    """All from the bracket at `start` to the one that closes it, without blanks and comments.

    Raises _Fault.
    """
    tokens: list[re.Match[str]] = []
    expected: list[str] = []
    for match in pattern.finditer(text, start):
        kind = match.lastgroup
        if kind in ("space", "comment"):
            continue
        tokens.append(match)
        if kind == "open":
            expected.append(_CLOSERS[match[0]])
            if len(expected) > _DEEPEST:
                raise _TooDeep(match.start(), "nested too deeply")
        elif kind == "close":
            if match[0] != expected.pop():
                raise _Fault(match.start(), f"{match[0]!r} closes another kind of bracket")
            if not expected:
                return tokens
    raise _Fault(
        len(text),
        "the text ends before every bracket is closed: it was cut off, or not copied to the end",
    )


def _as_json(tokens: Sequence[re.Match[str]]) -> str:
    """The literal as JSON. Raises _Fault."""
    written: list[str] = []
    ended = False
    for match, following in zip_longest(tokens, tokens[1:]):
        kind = match.lastgroup or "junk"
        if ended and kind in ("open", "string", "curly", "number", "word"):
            raise _Fault(match.start(), f"a comma is missing before {match[0][:40]}")
        if kind == "close" and written[-1] == ",":
            written.pop()
        is_key = following is not None and following[0][0] == ":"
        written.append(_one_as_json(kind, match, is_key=is_key))
        ended = kind not in ("open", "mark")
    return "".join(written)


def _one_as_json(kind: str, match: re.Match[str], *, is_key: bool) -> str:
    token = match[0]
    match kind:
        case "open" | "close":
            return {"(": "[", ")": "]"}.get(token, token)
        case "string":
            return json.dumps(_string(match))
        case "curly":
            return json.dumps(token[1:-1])
        case "number" | "word" if is_key:
            return json.dumps(token)
        case "number" | "mark":
            return token
        case "word" if token in _WORDS:
            return _WORDS[token]
    raise _Fault(match.start(), _FAULTS[kind].format(token[:40]))


def _string(match: re.Match[str]) -> str:
    """Its text, as JSON has it, else (quotes and escapes of its own) as Python has it."""
    for read in (partial(json.loads, strict=False), ast.literal_eval):
        with contextlib.suppress(ValueError, SyntaxError):
            return str(read(match[0]))
    raise _Fault(match.start(), f"the text {match[0][:40]} has a broken escape")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for key, item in pairs:
        if key in value and value[key] != item:
            raise ValueError(f"{key!r} is there twice")
        value[key] = item
    return value


def _told(text: str, read: str, fault: _Fault) -> list[str]:
    """The fault in words, with its line; nothing for brackets in prose. `read`: its beginning."""
    if not re.search(r"[\"'”’\w]\s*:", read):
        return []
    return [f"line {text.count(chr(10), 0, fault.at) + 1}: {fault}"]
