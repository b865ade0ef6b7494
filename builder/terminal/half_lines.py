"""Lines from a terminal that edits them itself; what was typed of one that Ctrl-C breaks off."""

import os
import sys

if sys.platform != "win32":
    import termios

# More than a terminal holds of one line.
_LONGEST_LINE = 1 << 16


class BrokenOff(KeyboardInterrupt):
    """Ctrl-C within a line, of which `typed` was there already."""

    def __init__(self, typed: str) -> None:
        super().__init__()
        self.typed = typed


def read_line() -> str:
    """The next line. Raises BrokenOff (elsewhere than at a terminal, KeyboardInterrupt)."""
    if sys.platform == "win32" or sys.stdin is None or not sys.stdin.isatty():
        return input()
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    keeping = termios.tcgetattr(terminal)
    # As it stands, the terminal drops the line at Ctrl-C.
    keeping[3] |= termios.NOFLSH
    termios.tcsetattr(terminal, termios.TCSANOW, keeping)
    try:
        return input()
    except KeyboardInterrupt as stop:
        raise BrokenOff(_waiting(terminal)) from stop
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, before)


def _waiting(terminal: int) -> str:
    """Takes what was typed without Enter out of the terminal, lest the next question gets it."""
    taking = termios.tcgetattr(terminal)
    # A half line is handed over only where lines are none of the terminal's business.
    taking[3] &= ~termios.ICANON
    taking[6][termios.VMIN] = taking[6][termios.VTIME] = 0
    termios.tcsetattr(terminal, termios.TCSANOW, taking)
    return os.read(terminal, _LONGEST_LINE).decode(errors="ignore")
