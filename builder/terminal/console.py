"""The two consoles: results go to stdout, progress and questions to stderr.

rich honours NO_COLOR and TERM=dumb by itself.
"""

import io
import os
import sys
from typing import TextIO

from rich.console import Console

from builder.errors import InputError


def result_console() -> Console:
    """Prints what a command was run for; safe to redirect into a file."""
    return _console(sys.stdout, stderr=False)


def progress_console() -> Console:
    """Prints what happens meanwhile, and errors."""
    return _console(sys.stderr, stderr=True)


class OutputClosed(InputError):
    """Whoever read the output went away, as `head` does."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Raises OutputClosed: rich would end the program with a code that means something else."""
        # What is still in the buffer has nowhere to go; Python would complain of it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OutputClosed(
            "the output was closed before everything was said",
            hint="write it into a file instead: cotbuild ... > FILE",
        )


def _console(stream: TextIO, *, stderr: bool) -> Console:
    # A terminal that can't show a letter shows its code; a class name must not end the session.
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return _Console(stderr=stderr, highlight=False, emoji=False, markup=False)
