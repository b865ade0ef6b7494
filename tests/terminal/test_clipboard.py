import base64
import io

import pytest

from builder.terminal.clipboard import LONGEST_BYTES, sends_to_clipboard


class Stream(io.StringIO):
    def __init__(self, *, tty: bool = True) -> None:
        super().__init__()
        self.tty = tty

    def isatty(self) -> bool:
        return self.tty


def test_the_text_is_sent_as_base64() -> None:
    stream = Stream()
    assert sends_to_clipboard("Absol δ\n\x1b[2J", stream, {"TERM": "xterm"})
    start, _, data = stream.getvalue().removesuffix("\x07").rpartition(";")
    assert start == "\x1b]52;c"
    assert base64.b64decode(data).decode() == "Absol δ\n\x1b[2J"


def test_tmux_hands_it_on() -> None:
    stream = Stream()
    assert sends_to_clipboard("a", stream, {"TERM": "screen", "TMUX": "/tmp/tmux-0/default,1,0"})
    assert stream.getvalue() == "\x1bPtmux;\x1b\x1b]52;c;YQ==\x07\x1b\\"


@pytest.mark.parametrize(
    ("text", "tty", "term"),
    [
        ("a", False, "xterm"),
        ("a", True, "dumb"),
        ("a", True, ""),
        ("é" * (LONGEST_BYTES // 2 + 1), True, "xterm"),
    ],
    ids=["no terminal", "dumb", "none", "too long"],
)
def test_where_it_cannot_work_nothing_is_sent(text: str, tty: bool, term: str) -> None:
    stream = Stream(tty=tty)
    assert not sends_to_clipboard(text, stream, {"TERM": term})
    assert stream.getvalue() == ""
