"""What the conversation needs from a terminal: a few kinds of questions.

Every question returns None when the person goes back (Esc). Ctrl-C raises KeyboardInterrupt, the
end of the input InputEnded.
"""

import os
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from builder.errors import InputError

if sys.platform != "win32":
    import termios

# What is wrong with a typed text, in words; None when it will do.
Check = Callable[[str], str | None]
# The same for several picked texts.
CheckMany = Callable[[Sequence[str]], str | None]


@dataclass(frozen=True, slots=True)
class Key:
    """One entry of a menu: the key to press, and what it does."""

    key: str
    label: str


class InputEnded(InputError):
    """The terminal was closed, or Ctrl-D pressed, where an answer was expected."""

    def __init__(self) -> None:
        super().__init__(
            "the input ended where an answer was expected",
            hint="run the command in a terminal, or use --auto to go on without questions",
        )


class Asker(Protocol):
    """Asks a person. Texts may be anything: implementations make them safe to show."""

    def key(self, title: str, keys: Sequence[Key]) -> str | None:
        """The key pressed, one of `keys`; it acts at once, without Enter."""

    def pick(self, title: str, texts: Sequence[str], default: str | None = None) -> str | None:
        """One of the texts, which differ from each other; there is at least one."""

    def pick_many(
        self,
        title: str,
        texts: Sequence[str],
        chosen: Collection[str] = (),
        check: CheckMany | None = None,
    ) -> tuple[str, ...] | None:
        """Any number of the texts, in their order; `chosen` are ticked at first."""

    def text(self, title: str, default: str = "", check: Check | None = None) -> str | None:
        """One line, without blanks around it; asked until `check` has no complaint."""

    def confirm(self, title: str, *, default: bool) -> bool | None:
        """Yes or no; Enter alone means `default`."""

    def discard_typed(self) -> None:
        """Drops what was typed while nothing was asked, lest it answer the next question."""


class PastingAsker(Asker, Protocol):
    """Asks for texts of many lines, too."""

    def paste(self, title: str) -> str | None:
        """All lines up to one with a single full stop, or to Ctrl-D; None for nothing but that."""


def interactive() -> bool:
    """Whether there is somebody to ask: both stdin and stdout are terminals."""
    # A closed stream is None, e.g. under a service manager.
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def flush_terminal() -> None:
    """Drops keys that the terminal has not handed over yet; does nothing to a pipe or a file."""
    if sys.platform != "win32" and sys.stdin is not None and sys.stdin.isatty():
        termios.tcflush(sys.stdin, termios.TCIFLUSH)


def accessible() -> bool:
    """Whether ACCESSIBLE is set: somebody listens to the screen, and nothing may be redrawn."""
    return os.environ.get("ACCESSIBLE", "") not in ("", "0")


def wants_plain() -> bool:
    """Whether questions should be numbered lines: ACCESSIBLE is set, or the terminal is dumb."""
    return accessible() or os.environ.get("TERM", "") in ("dumb", "unknown")
