"""The two consoles: results go to stdout, progress and questions to stderr.

rich honours NO_COLOR and TERM=dumb by itself.
"""

import io
import sys
from typing import TextIO

from rich.console import Console


def result_console() -> Console:
    """What a command was run for; safe to redirect into a file."""
    return _console(sys.stdout, stderr=False)


def progress_console() -> Console:
    """What happens meanwhile, and errors."""
    return _console(sys.stderr, stderr=True)


def _console(stream: TextIO, *, stderr: bool) -> Console:
    # A terminal that can't show a letter shows its code; a class name must not end the session.
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return Console(stderr=stderr, highlight=False, emoji=False, markup=False)
