"""A system as a text for people to read and change, in a small part of YAML.

Every word is text, also `no`, `1.0` and `null`. What YAML lets pass in silence (a key written
twice) or what nobody means here (anchors, aliases, tags) is a problem. Each problem has its line.
"""

import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import yaml

from builder.errors import InputError
from builder.system.json_format import system_to_json
from builder.system.model import AttributeSystem, Problem, Unsound, quoted
from builder.system.strict_json import joined, read_model

_ABOUT = """\
# The whole system. Change what you like, save and close: the difference is shown before it counts.
# A rule is one option, several in brackets ([black, white]) or none ([], does not apply).
# Words that hold ": " or " #", or begin with a sign such as [ { & * ! " ' - ? stand in quotes.
# What gets another name and stays as it was otherwise is renamed; of a class you are asked.
"""
_WRONG = "#! "
_HINT = "Correct the text; nothing of it is lost."
_QUOTES = "put the words in quotes"
# More mistakes than a person mends at once.
MOST_SHOWN = 20
# Categories of control characters and of what ends lines and paragraphs.
_BREAKS = frozenset({"Cc", "Zl", "Zp"})
# Deeper than any system.
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class LineProblem:
    """A problem with its place in the system and its line in the text, from 1."""

    line: int
    path: str
    message: str

    def __str__(self) -> str:
        where = f"line {self.line}, {self.path}" if self.path else f"line {self.line}"
        return f"{where}: {self.message}"


class SystemTextError(InputError):
    """The text is no system; `problems` lists all that is wrong, line after line."""

    def __init__(self, problems: Sequence[LineProblem]) -> None:
        super().__init__("\n".join(map(str, problems)), hint=_HINT)
        self.problems = tuple(problems)


def system_to_text(system: AttributeSystem) -> str:
    """The system as YAML text, under comment lines that say how to change it."""
    value = system_to_json(system)
    rows = value["rules"].values()
    for row in rows:
        row |= {name: _Inline(c or ()) for name, c in row.items() if not isinstance(c, str)}
    return _ABOUT + yaml.dump(value, Dumper=_Dumper, allow_unicode=True, width=float("inf"))


def system_from_text(text: str) -> AttributeSystem:
    """The system in a YAML text. Raises SystemTextError."""
    reader = _Reader(text)
    try:
        system = read_model(AttributeSystem, reader.value())
    except Unsound as error:
        reader.problems += map(reader.located, error.problems)
    except _Broken:
        pass
    if reader.problems:
        raise SystemTextError(sorted(reader.problems, key=lambda problem: problem.line))
    return system


def without_words(text: str) -> bool:
    """Whether a text holds nothing but comments and blanks."""
    return all(not line.strip() or line.lstrip().startswith("#") for line in text.splitlines())


def with_problems(
    text: str, problems: Sequence[LineProblem]
) -> tuple[str, tuple[LineProblem, ...]]:
    """The text under comment lines that say what is wrong with it, in place of former ones.

    Also the problems with their lines in that text; of very many only the first stand above it.
    """
    lines = text.splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(_WRONG)]
    former = [number for number, line in enumerate(lines, 1) if line.startswith(_WRONG)]
    more = len(problems) - MOST_SHOWN
    height = len(problems) if more <= 0 else MOST_SHOWN + 1
    moved = tuple(
        replace(problem, line=problem.line + height - bisect_left(former, problem.line))
        for problem in problems
    )
    marks = [f"{_WRONG}{' '.join(str(problem).split())}\n" for problem in moved[:MOST_SHOWN]]
    if more > 0:
        marks.append(f"{_WRONG}and {more:,} more\n")
    return "".join([*marks, *kept]), moved


def with_notes(text: str, notes: Sequence[str]) -> str:
    """The text under comment lines, which stay until `with_problems` puts others in their place."""
    return "".join([*(f"{_WRONG}{' '.join(note.split())}\n" for note in notes), text])


# --- Writing ----------------------------------------------------------------------------------


class _Inline(list[str]):
    """A list that is written in brackets."""


# The base dumper knows no words but text, so that none needs quotes for being a number or null.
class _Dumper(yaml.BaseDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        """Indents lists deeper than their name."""
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        """Writes in full what is there twice."""
        return True

    def text(self, text: str) -> yaml.Node:
        # YAML folds line breaks, of which Unicode has more; only escapes keep them.
        escaped = any(unicodedata.category(character) in _BREAKS for character in text)
        return self.represent_scalar("tag:yaml.org,2002:str", text, '"' if escaped else None)

    def listed(self, items: list[Any]) -> yaml.Node:
        inline = isinstance(items, _Inline)
        return self.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=inline)

    def entries(self, value: dict[str, Any]) -> yaml.Node:
        return self.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=False)


_Dumper.add_representer(str, _Dumper.text)
_Dumper.add_representer(list, _Dumper.listed)
_Dumper.add_representer(_Inline, _Dumper.listed)
_Dumper.add_representer(dict, _Dumper.entries)


# --- Reading ----------------------------------------------------------------------------------


class _Broken(Exception):
    """Stops the reading of a text that can't be read any further."""


class _Reader:
    """Reads the events of YAML into texts, lists and dicts, with the line of each."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=yaml.BaseLoader)
        self._lines: dict[str, int] = {}
        self.problems: list[LineProblem] = []

    def value(self) -> Any:
        """The value. Raises _Broken where no more can be read; `problems` say why."""
        try:
            next(self._events)
            event = next(self._events)
            if isinstance(event, yaml.StreamEndEvent):
                raise self._stop(event, "", "nothing is in the text")
            value = self._read(next(self._events), "")
            next(self._events)
            event = next(self._events)
            if not isinstance(event, yaml.StreamEndEvent):
                self._complain(event, "", "a second document begins; leave out the line with ---")
            return value
        except yaml.MarkedYAMLError as error:
            line = _line(error.problem_mark or error.context_mark)
            words = error.problem or error.context or "this can't be read"
            reason = f"{words}; perhaps {_QUOTES}, or mind the blanks in front"
        except yaml.reader.ReaderError as error:
            line = self._text.count("\n", 0, error.position) + 1
            reason = (
                f"U+{error.character:04X} can't be read as it stands; "
                f'in double quotes it can be written as "\\U{error.character:08X}"'
            )
        self.problems.append(LineProblem(line, "", reason))
        raise _Broken

    def located(self, problem: Problem) -> LineProblem:
        """The problem with the line of its place, or of the place where it is missing."""
        path = problem.path
        while path and path not in self._lines:
            path = path[:-1]
        return LineProblem(self._lines.get(path, 1), problem.path, problem.message)

    def _read(self, event: yaml.Event, path: str, depth: int = 0) -> Any:
        if depth > _DEEPEST:
            raise self._stop(event, path, "nested too deeply")
        self._lines[path] = _line(event.start_mark)
        self._refuse_signs(event, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._items(path, depth)
        if isinstance(event, yaml.MappingStartEvent):
            return self._entries(path, depth)
        return event.value if isinstance(event, yaml.ScalarEvent) else ""

    def _items(self, path: str, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._read(event, f"{path}[{len(items)}]", depth + 1))
        return items

    def _entries(self, path: str, depth: int) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise self._stop(event, path, f"a name should stand here; {_QUOTES}")
            self._refuse_signs(event, path)
            key, at = event.value, joined(path, event.value)
            if key in entries:
                self._complain(event, at, f"{quoted(key)} is written more than once")
            line = _line(event.start_mark)
            entries[key] = self._read(next(self._events), at, depth + 1)
            # A list begins on the next line, and is looked for at its name.
            self._lines[at] = line
        return entries

    def _refuse_signs(self, event: yaml.Event, path: str) -> None:
        """Complains of anchors, aliases and tags: here they are words without their quotes."""
        signs = {"*": isinstance(event, yaml.AliasEvent)}
        signs["&"] = not signs["*"] and getattr(event, "anchor", None) is not None
        signs["!"] = getattr(event, "tag", None) is not None
        for sign in (sign for sign, there in signs.items() if there):
            self._complain(event, path, f"words can't begin with {sign} as they stand; {_QUOTES}")

    def _complain(self, event: yaml.Event, path: str, message: str) -> None:
        self.problems.append(LineProblem(_line(event.start_mark), path, message))

    def _stop(self, event: yaml.Event, path: str, message: str) -> _Broken:
        self._complain(event, path, message)
        return _Broken()


def _line(mark: Any) -> int:
    return mark.line + 1 if mark is not None else 1
