"""The terminal's clipboard by OSC 52: also over ssh, without a program of the desktop.

`ESC ] 52 ; c ; BASE64 BEL` (xterm's control sequences). Terminals that don't know it ignore it, so
nobody can be told for certain that a text was copied.
"""

import base64
import os
from collections.abc import Mapping
from typing import TextIO

# Longer sequences are cut by some terminals (xterm, and tmux with it, take about 100 kB of base64).
LONGEST_BYTES = 70_000


def sends_to_clipboard(text: str, stream: TextIO, env: Mapping[str, str] = os.environ) -> bool:
    """Sends `text` to the clipboard of the terminal at `stream`; False where that can't work."""
    data = text.encode("utf-8", "replace")
    if not stream.isatty() or env.get("TERM", "") in ("", "dumb", "unknown"):
        return False
    if len(data) > LONGEST_BYTES:
        return False
    stream.write(_sequence(data, in_tmux=bool(env.get("TMUX"))))
    stream.flush()
    return True


def _sequence(data: bytes, *, in_tmux: bool) -> str:
    copy = f"\x1b]52;c;{base64.b64encode(data).decode()}\x07"
    if not in_tmux:
        return copy
    # tmux hands on what stands between these, with every escape character doubled.
    doubled = copy.replace("\x1b", "\x1b\x1b")
    return f"\x1bPtmux;{doubled}\x1b\\"
