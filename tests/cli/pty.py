"""cotbuild in a real pseudo-terminal, driven by keystrokes."""

import json
import os
import re
import signal
import sys
from pathlib import Path

import pexpect

from tests.cli.conftest import GROUPS, WRONG_RULES, Job

_CODES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]")


def start_file(job: Job) -> Path:
    """A system for the job's classes, of whose images it has only Celebi's right."""
    path = job.folder / "start.json"
    system = {"domain": "creature", "groups": GROUPS["groups"], "rules": WRONG_RULES}
    path.write_text(json.dumps(system), encoding="utf-8")
    return path


class Terminal:
    """cotbuild in a terminal of 80 columns; `sees` waits for words, blanks and colours aside."""

    def __init__(self, *arguments: object, columns: int = 80) -> None:
        self.child = pexpect.spawn(
            sys.executable,
            ["-m", "builder", *map(str, arguments)],
            encoding="utf-8",
            dimensions=(40, columns),
            timeout=60,
            env={**os.environ, "TERM": "xterm", "COLUMNS": str(columns)},
        )

    def sees(self, words: str) -> str:
        gap = r"(?:\s|\x1b\[[0-9;?]*[a-zA-Z])*"
        self.child.expect(gap.join(re.escape(character) for character in words.replace(" ", "")))
        return str(self.child.before)

    def types(self, keys: str) -> None:
        self.child.send(keys)

    def round_screen(self) -> str:
        """The next round's screen that is shown, from its first figures to the menu."""
        self.sees("Did it help?")
        shown = _CODES.sub("", self.sees("Held-out"))
        return "\n".join(line for line in map(str.rstrip, shown.splitlines()) if line)

    def killed(self) -> None:
        """As by a power cut: nothing is said and nothing tidied up."""
        self.child.kill(signal.SIGKILL)
        self.child.close()

    def ends(self) -> int:
        self.child.expect(pexpect.EOF)
        self.child.close()
        status = self.child.exitstatus
        assert status is not None
        return status


def flags(job: Job) -> list[str]:
    return [*job.flags(), "--llm", "none", "--start", str(start_file(job))]
