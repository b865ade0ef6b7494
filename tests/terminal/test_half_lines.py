"""Half a line at a real terminal, broken off by Ctrl-C."""

import sys

import pytest

if sys.platform == "win32":
    pytest.skip("needs a pseudo-terminal", allow_module_level=True)

import pexpect

SCRIPT = """
import sys, termios
from builder.terminal.half_lines import BrokenOff, read_line
before = termios.tcgetattr(0)
for _ in range(3):
    print("ready", flush=True)
    try:
        print("whole", ascii(read_line()), flush=True)
    except BrokenOff as stop:
        print("half", ascii(stop.typed), flush=True)
    print("as before:", termios.tcgetattr(0) == before, flush=True)
"""


def test_half_a_line_is_told_and_left_to_no_other_question() -> None:
    child = pexpect.spawn(sys.executable, ["-c", SCRIPT], encoding="utf-8", timeout=30)
    child.expect("ready")
    child.send("half a thöu")
    child.expect("half a th")
    child.send("\x03")
    child.expect_exact(f"half {'half a thöu'!a}")
    child.expect("as before: True")
    child.expect("ready")
    child.send("\x03")
    child.expect_exact("half ''")
    child.expect("ready")
    child.send("and a whole\r")
    child.expect_exact("whole 'and a whole'")
    child.expect("as before: True")
    child.expect(pexpect.EOF)
