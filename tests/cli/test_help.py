"""The help screen of `new`: short enough to be read, with examples that work."""

import os
import shlex
import subprocess
import sys

from typer.main import get_command

from builder.cli import app, load_commands
from builder.cli.new import EXAMPLES


def help_of(command: str) -> list[str]:
    """The lines at 80 columns; in a process of its own, for rich measures the terminal once."""
    shown = subprocess.run(
        [sys.executable, "-m", "builder", command, "--help"],
        capture_output=True,
        env=os.environ | {"COLUMNS": "80", "TERMINAL_WIDTH": "80", "PYTHONIOENCODING": "utf-8"},
        check=True,
        encoding="utf-8",
    )
    return shown.stdout.splitlines()


def test_the_help_of_new_fits_two_screens() -> None:
    lines = help_of("new")
    assert len(lines) <= 60
    assert max(map(len, lines)) <= 80
    panels = [line.split()[1] for line in lines if line.startswith("╭")]
    assert panels == ["Options", "Images", "Encoder", "Language", "Cost", "Running"]
    # Where a line of the examples is broken hangs on typer's version.
    said = " ".join(" ".join(lines).split())
    assert all(example in said for example in EXAMPLES)


def test_the_examples_of_new_can_be_typed() -> None:
    load_commands()
    for example in EXAMPLES:
        name, command, *flags = shlex.split(example)
        assert (name, command) == ("cotbuild", "new")
        new = get_command(app).get_command(None, command)  # type: ignore[attr-defined]
        parsed = new.make_context(command, flags)
        assert str(parsed.params["classes"]) == "classes.txt"
