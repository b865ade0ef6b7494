"""The way between cotbuild and a chat window: the prompt goes out, the answer comes back."""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from builder.errors import InputError
from builder.terminal.ask import open_asker
from builder.terminal.asker import Key, PastingAsker, interactive
from builder.terminal.clipboard import sends_to_clipboard
from builder.terminal.edit_text import read_text, remove_file, run_editor, write_private
from builder.terminal.menu import behind
from builder.terminal.render import error_panel
from builder.terminal.text import shortened, visible

PROMPT = "prompt.txt"
_EDITED = (
    "# Paste the chat window's whole answer below this line, save and close; "
    "these two lines may stay.\n"
    "# Nothing below this line: no answer.\n"
)
# A prompt of more lines is read in its file.
_MOST_LINES = 400
_TOO_LONG = "Save the answer alone in a text file."


def open_chat(
    console: Console, folder: Path, before_asking: Callable[[], None], *, keep: bool
) -> "TerminalChat":
    """A `TerminalChat` with whoever is here. Raises InputError where there is nobody."""
    if not interactive():
        raise InputError(
            "--llm paste needs somebody who carries prompts to a chat window, and this is not a "
            "terminal",
            hint="run it in a terminal, or name a model that answers by itself: --llm MODEL",
        )
    return TerminalChat(open_asker(), console, folder, before_asking, keep=keep)


@dataclass(frozen=True, slots=True)
class TerminalChat:
    """Hands prompts to the person at the terminal, and takes what a chat window answered.

    Prompts go to `console`, to prompt.txt in `folder`, and to the terminal's clipboard where there
    is one. `before_asking` ends whatever is being drawn on the screen.
    The last prompt stays in its file if `keep`; otherwise the file is there only while its answer
    is waited for, as befits a session that keeps no transcript.
    """

    asker: PastingAsker
    console: Console
    folder: Path
    before_asking: Callable[[], None]
    keep: bool

    def ask(self, title: str, prompt: str) -> str | None:
        """The answer to `prompt`; None when the person goes back.

        Raises InputError when the prompt can't be written to its file.
        """
        self.before_asking()
        write_private(self.folder / PROMPT, f"{prompt}\n", "The prompt")
        try:
            self._show(title, prompt)
            self._say(f"This prompt is also in {self.folder / PROMPT}")
            if sends_to_clipboard(prompt, sys.stderr):
                self._say("and was sent to the clipboard, if this terminal lets programs do that.")
            self._say("Give it to any chat window, then bring the whole answer here.")
            return self._answer(title, prompt)
        finally:
            if not self.keep:
                # It was promised not to stay.
                remove_file(self.folder / PROMPT, "The prompt")

    def explain(self, problem: str) -> None:
        """Says why an answer can't be used."""
        self.before_asking()
        self._say("That answer cannot be used as it stands:")
        for line in problem.splitlines():
            self._say(line, indent=2)
        self._say("What follows tells the chat what to put right.")

    def _answer(self, title: str, prompt: str) -> str | None:
        self.asker.discard_typed()
        ways: dict[Key, Callable[[], str | None]] = {
            Key("p", "paste it"): self._pasted,
            Key("f", "from a file"): self._from_file,
            Key("e", "in the editor"): self._from_editor,
            Key("s", "show the prompt"): lambda: self._show(title, prompt),
        }
        while way := behind(ways, self.asker.key(f"Answer to {title!r}", tuple(ways))):
            try:
                answer = way()
            except InputError as error:
                self.console.print(error_panel(error), crop=False)
                continue
            if answer is not None and answer.strip():
                return answer
        return None

    def _pasted(self) -> str | None:
        # The question itself is cut off where the terminal is narrow.
        self._say("A line with only . ends the answer.")
        return self.asker.paste("The answer:")

    def _from_file(self) -> str | None:
        name = self.asker.text("File with the answer:")
        return read_text(Path(name), _TOO_LONG) if name else None

    def _from_editor(self) -> str | None:
        with tempfile.TemporaryDirectory(prefix="cotbuild-") as folder:
            path = Path(folder) / "answer.txt"
            path.write_text(_EDITED, encoding="utf-8")
            run_editor(path, otherwise=", or paste the answer")
            edited = read_text(path, _TOO_LONG)
        lines = edited.splitlines(keepends=True)
        return "".join(line for line in lines if line.rstrip() not in _EDITED.splitlines())

    def _show(self, title: str, prompt: str) -> None:
        self.console.print()
        self.console.print(Rule(Text(shortened(f"prompt: {title}"))))
        lines = prompt.splitlines()
        for line in lines[:_MOST_LINES]:
            # Blanks are part of the form that is asked for, and of names.
            self._print(" ".join(visible(word) for word in line.split(" ")))
        if len(lines) > _MOST_LINES:
            self._say(f"… and {len(lines) - _MOST_LINES:,} more lines, in {self.folder / PROMPT}")
        self.console.print(Rule())

    def _say(self, words: str, indent: int = 0) -> None:
        self._print(" " * indent + visible(words))

    def _print(self, safe: str) -> None:
        # Not broken into lines, so that it can be copied from the screen.
        self.console.print(Text(safe), soft_wrap=True)
