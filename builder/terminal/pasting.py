"""The way between cotbuild and a chat window: the prompt goes out, the answer comes back."""

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from builder.errors import InputError
from builder.terminal.ask import open_asker
from builder.terminal.asker import Key, PastingAsker, interactive
from builder.terminal.clipboard import sends_to_clipboard
from builder.terminal.render import error_panel
from builder.terminal.text import shortened, visible

PROMPT = "prompt.txt"
_KEYS = (
    Key("p", "paste it"),
    Key("f", "from a file"),
    Key("e", "in the editor"),
    Key("s", "show the prompt"),
)
_EDITED = (
    "# Paste the chat window's whole answer below this line, save and close; "
    "these two lines may stay.\n"
    "# Nothing below this line: no answer.\n"
)
# A prompt of more lines is read in its file.
_MOST_LINES = 400
_LONGEST_FILE = 10_000_000


def open_chat(
    console: Console,
    folder: Path,
    before_asking: Callable[[], None] = lambda: None,
    *,
    keep: bool = True,
) -> "TerminalChat":
    """A `TerminalChat` with whoever is here. Raises InputError where there is nobody."""
    if not interactive():
        raise InputError(
            "--llm paste needs somebody who carries prompts to a chat window, and this is not a "
            "terminal",
            hint="run it in a terminal, or name a model that answers by itself: --llm MODEL",
        )
    return TerminalChat(open_asker(), console, folder, before_asking, keep=keep)


class TerminalChat:
    """Hands prompts to the person at the terminal, and takes what a chat window answered.

    Prompts go to `console`, to prompt.txt in `folder`, and to the terminal's clipboard where there
    is one. `before_asking` ends whatever is being drawn on the screen.
    The last prompt stays in its file if `keep`; otherwise the file is there only while its answer
    is waited for, as befits a session that keeps no transcript.
    """

    def __init__(
        self,
        asker: PastingAsker,
        console: Console,
        folder: Path,
        before_asking: Callable[[], None] = lambda: None,
        *,
        keep: bool = True,
    ) -> None:
        self._asker = asker
        self._console = console
        self._path = folder / PROMPT
        self._before_asking = before_asking
        self._keep = keep

    def ask(self, title: str, prompt: str) -> str | None:
        """The answer to `prompt`; None when the person goes back.

        Raises InputError when the prompt can't be written to its file.
        """
        self._before_asking()
        _write_private(self._path, prompt)
        try:
            self._show(title, prompt)
            self._say(f"This prompt is also in {self._path}")
            if sends_to_clipboard(prompt, sys.stderr):
                self._say("and was sent to the clipboard, if this terminal lets programs do that.")
            self._say("Give it to any chat window, then bring the whole answer here.")
            return self._answer(title, prompt)
        finally:
            if not self._keep:
                _remove(self._path)

    def explain(self, problem: str) -> None:
        """Says why an answer can't be used."""
        self._before_asking()
        self._say("That answer cannot be used as it stands:")
        for line in problem.splitlines():
            self._say(line, indent=2)
        self._say("What follows tells the chat what to put right.")

    def _answer(self, title: str, prompt: str) -> str | None:
        self._asker.discard_typed()
        ways: dict[str, Callable[[], str | None]] = {
            "p": self._pasted,
            "f": self._from_file,
            "e": self._from_editor,
        }
        while (key := self._asker.key(f"Answer to {title!r}", _KEYS)) is not None:
            if key == "s":
                self._show(title, prompt)
                continue
            try:
                answer = ways[key]()
            except InputError as error:
                self._console.print(error_panel(error))
                continue
            if answer is not None and answer.strip():
                return answer
        return None

    def _pasted(self) -> str | None:
        # The question itself is cut off where the terminal is narrow.
        self._say("A line with only . ends the answer.")
        return self._asker.paste("The answer:")

    def _from_file(self) -> str | None:
        name = self._asker.text("File with the answer:")
        return _read(Path(name)) if name else None

    def _from_editor(self) -> str | None:
        command = _editor()
        with tempfile.TemporaryDirectory(prefix="cotbuild-") as folder:
            path = Path(folder) / "answer.txt"
            path.write_text(_EDITED, encoding="utf-8")
            try:
                code = subprocess.run([*command, str(path)], check=False).returncode
            except OSError as error:
                raise InputError(
                    f"The editor {command[0]} cannot be started: {error.strerror or error}.",
                    hint="Name another one in EDITOR, or paste the answer.",
                ) from error
            if code != 0:
                raise InputError(
                    f"The editor {command[0]} ended with an error ({code}).",
                    hint="Try again, or paste the answer.",
                )
            edited = _read(path)
        lines = edited.splitlines(keepends=True)
        return "".join(line for line in lines if line.rstrip() not in _EDITED.splitlines())

    def _show(self, title: str, prompt: str) -> None:
        self._console.print()
        self._console.print(Rule(Text(shortened(f"prompt: {title}"))))
        lines = prompt.splitlines()
        for line in lines[:_MOST_LINES]:
            # Blanks are part of the form that is asked for, and of names.
            self._print(" ".join(visible(word) for word in line.split(" ")))
        if len(lines) > _MOST_LINES:
            self._say(f"… and {len(lines) - _MOST_LINES:,} more lines, in {self._path}")
        self._console.print(Rule())

    def _say(self, words: str, indent: int = 0) -> None:
        self._print(" " * indent + visible(words))

    def _print(self, safe: str) -> None:
        # Not broken into lines, so that it can be copied from the screen.
        self._console.print(Text(safe), soft_wrap=True)


def _editor() -> list[str]:
    """The person's editor as words of a command. Raises InputError where none is named."""
    named = os.environ.get("VISUAL", "").strip() or os.environ.get("EDITOR", "").strip()
    usual = "notepad" if sys.platform == "win32" else "vi"
    try:
        # A path on Windows holds backslashes.
        command = shlex.split(named or usual, posix=sys.platform != "win32")
    except ValueError as error:
        raise InputError(
            f"The editor {named} is not a command: {error}.", hint="Set EDITOR, e.g. EDITOR=nano."
        ) from error
    return command


def _read(path: Path) -> str:
    """The text of a file. Raises InputError."""
    try:
        path = path.expanduser()
        if path.stat().st_size > _LONGEST_FILE:
            raise InputError(
                f"{path} has {path.stat().st_size / 1e6:,.0f} MB.",
                hint="Save the answer alone in a text file.",
            )
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError, RuntimeError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise InputError(
            f"{path} cannot be read: {why or error}.", hint="Name a UTF-8 text file."
        ) from error


def _remove(path: Path) -> None:
    """Raises InputError where the file can't be removed: it was promised not to stay."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"The prompt cannot be removed from {path}: {error.strerror or error}.",
            hint="Remove the file by hand.",
        ) from error


def _write_private(path: Path, text: str) -> None:
    """The whole file or nothing, readable by its owner alone. Raises InputError."""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
                file.write(f"{text}\n")
            Path(temporary).replace(path)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(
            f"The prompt cannot be written to {path}: {error.strerror or error}.",
            hint="Make room or make the folder writable, then go on with cotbuild resume.",
        ) from error
