"""Questions at a real terminal, by questionary and prompt_toolkit; so are those of `ask_lists`.

Escape goes back at once everywhere; neither it nor Ctrl-C loses what was typed or ticked. Without
eager binding prompt_toolkit would wait for the second key of an Alt combination, and Escape, Enter
would answer with an empty text.
"""

import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from textwrap import fill
from typing import Any, TypeVar

import questionary
from prompt_toolkit.application import Application, get_app
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import FormattedText, StyleAndTextTuples
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import FormattedTextControl, Layout, Window
from prompt_toolkit.output import Output, create_output
from prompt_toolkit.shortcuts import print_formatted_text
from rich.cells import cell_len

from builder.terminal.ask_lists import (
    LONGEST_LIST,
    Place,
    add_bindings,
    entries_of,
    one_of,
    place_in,
    some_of,
    typed_one_of,
    walk_to,
)
from builder.terminal.asker import (
    Check,
    CheckMany,
    InputEnded,
    Key,
    PastingAsker,
    flush_terminal,
    wants_plain,
)
from builder.terminal.menu import menu_lines
from builder.terminal.plain import PlainAsker
from builder.terminal.text import labels, matching, shortened

T = TypeVar("T")
K = TypeVar("K")

# Seconds to wait after Escape for the rest of an arrow key's code.
_ESCAPE_WAIT = 0.1
_TITLE = 300
_BACK = "Esc goes back"


def open_asker() -> PastingAsker:
    """The asker that fits the terminal: one-key menus, or numbered questions."""
    return PlainAsker() if wants_plain() else TerminalAsker()


@dataclass(frozen=True, slots=True)
class TerminalAsker:
    """Asks at the terminal, on stderr. Tests give a pipe as `input` and a dummy `output`."""

    input: Input | None = None
    output: Output | None = None
    # What was typed, ticked or walked to when the person left a question without an answer, by
    # question: it stands there again.
    _typed: dict[tuple[str, str], str] = field(default_factory=dict, repr=False, compare=False)
    _ticked: dict[tuple[str, tuple[str, ...], frozenset[str]], frozenset[str]] = field(
        default_factory=dict, repr=False, compare=False
    )
    _walked: dict[tuple[str, tuple[str, ...], str | None], Place] = field(
        default_factory=dict, repr=False, compare=False
    )

    def key(self, title: str, keys: Sequence[Key]) -> str | None:
        return self._press(title, keys, enter=None)

    def confirm(self, title: str, *, default: bool) -> bool | None:
        preset = "y" if default else "n"
        hint = f"{title} (Enter: {'yes' if default else 'no'})"
        answer = self._press(hint, (Key("y", "yes"), Key("n", "no")), enter=preset)
        return None if answer is None else answer == "y"

    def pick(self, title: str, texts: Sequence[str], default: str | None = None) -> str | None:
        output = self._output()
        shown = labels(texts, _room(output))
        index = texts.index(default) if default in texts else None
        if len(texts) > LONGEST_LIST:
            return self._type(title, texts, shown, index, output)
        question = one_of(shortened(title, _TITLE), shown, index, self.input, output)
        entries, place = entries_of(question), (title, tuple(texts), default)
        if place in self._walked:
            walk_to(entries, self._walked[place])
        picked: object = None
        try:
            picked = self._ask(question, title, output)
        finally:
            _keep(self._walked, place, place_in(entries) if picked is None else None)
        return texts[picked] if isinstance(picked, int) else None

    def pick_many(
        self,
        title: str,
        texts: Sequence[str],
        chosen: Collection[str] = (),
        check: CheckMany | None = None,
    ) -> tuple[str, ...] | None:
        def complaint(indices: Sequence[int]) -> str | None:
            said = check([texts[index] for index in indices]) if check else None
            return None if said is None else shortened(said, _TITLE)

        output = self._output()
        place = (title, tuple(texts), frozenset(chosen))
        chosen = self._ticked.get(place, frozenset(chosen))
        question = some_of(
            shortened(title, _TITLE),
            labels(texts, _room(output)),
            {index for index, text in enumerate(texts) if text in chosen},
            complaint,
            self.input,
            output,
        )
        indices: object = None
        try:
            indices = self._ask(question, title, output)
        finally:
            ticked = frozenset(texts[index] for index in entries_of(question).selected_options)
            _keep(self._ticked, place, ticked if indices is None else None)
        return tuple(texts[index] for index in indices) if isinstance(indices, list) else None

    def text(self, title: str, default: str = "", check: Check | None = None) -> str | None:
        def validate(typed: str) -> bool | str:
            complaint = check(_one_line(typed)) if check else None
            return True if complaint is None else shortened(complaint, _TITLE)

        output = self._output()
        question = questionary.text(
            _hinted(shortened(title, _TITLE)),
            default=self._typed.get((title, default), default),
            validate=validate,
            input=self.input,
            output=output,
        )
        answer = self._typed_answer(question, title, default, output)
        return None if answer is None else _one_line(answer)

    def paste(self, title: str) -> str | None:
        output = self._output()
        question = questionary.text(
            f"{shortened(title, _TITLE)} (paste it; a line with only . ends it; {_BACK})\n",
            default=self._typed.get((title, ""), ""),
            multiline=True,
            instruction="",
            input=self.input,
            output=output,
        )
        _take_many_lines(question)
        # Thousands of pasted characters are of no use on the screen afterwards.
        question.application.erase_when_done = True
        answer = self._typed_answer(question, title, "", output)
        if answer is None:
            return None
        lines = len(answer.splitlines())
        width = output.get_size().columns
        shown = f"{lines} lines" if answer.strip() else "back"
        print_formatted_text(
            FormattedText(_answered(title.removesuffix(":"), shown, width)), output=output
        )
        return answer if answer.strip() else None

    def discard_typed(self) -> None:
        # Keys that a former question read but did not need stay: quick typists meant them.
        if self.input is None:
            flush_terminal()

    def _type(
        self,
        title: str,
        texts: Sequence[str],
        shown: Sequence[str],
        default: int | None,
        output: Output,
    ) -> str | None:
        """Picks by typing a part of it, with completion."""
        usual = "" if default is None else shown[default]
        start = self._typed.get((title, usual), usual)
        question = typed_one_of(shortened(title, _TITLE), shown, start, self.input, output)
        answer = self._typed_answer(question, title, usual, output)
        index = None if answer is None else matching(answer, shown)
        return None if index is None else texts[index]

    def _typed_answer(
        self, question: questionary.Question, title: str, default: str, output: Output
    ) -> str | None:
        """The answer of a typed question; what is left unfinished stands there the next time."""
        buffer = question.application.current_buffer
        answer: object = None
        try:
            answer = self._ask(question, title, output)
        finally:
            left = (buffer.text or default) if answer is None else None
            _keep(self._typed, (title, default), left)
        return answer if isinstance(answer, str) else None

    def _press(self, title: str, keys: Sequence[Key], *, enter: str | None) -> str | None:
        output = self._output()
        pressed: str | None = None
        done = False
        known = {entry.key: entry.label for entry in keys}
        bindings = KeyBindings()

        def leave(event: KeyPressEvent, answer: str | None) -> None:
            nonlocal pressed, done
            pressed, done = answer, True
            event.app.exit(result=answer)

        @bindings.add(Keys.Any)
        def _(event: KeyPressEvent) -> None:
            # Caps Lock must not make a menu deaf.
            if event.data.lower() in known:
                leave(event, event.data.lower())

        @bindings.add(Keys.Enter)
        def _(event: KeyPressEvent) -> None:
            if enter is not None:
                leave(event, enter)

        @bindings.add(Keys.Escape, eager=True)
        def _(event: KeyPressEvent) -> None:
            leave(event, None)

        _bind_ends(bindings)

        def content() -> StyleAndTextTuples:
            # Asked for each time: the window may have another size by now.
            width = output.get_size().columns
            if done:
                return _answered(title, known.get(pressed or "", "back"), width)
            return _menu_fragments(title, keys, width)

        application: Application[str | None] = Application(
            layout=Layout(
                Window(FormattedTextControl(content, show_cursor=False), wrap_lines=True)
            ),
            key_bindings=bindings,
            input=self.input,
            output=output,
        )
        return _run(application, application.run)

    def _ask(self, question: questionary.Question, title: str, output: Output) -> object:
        """The answer; None after Escape, and then the question stands there as gone back from."""
        bindings = KeyBindings()

        @bindings.add(Keys.Escape, eager=True)
        def _(event: KeyPressEvent) -> None:
            event.app.erase_when_done = True
            event.app.exit(result=None)

        _bind_ends(bindings)
        add_bindings(question.application, bindings)
        answer = _run(question.application, question.unsafe_ask)
        if answer is None:
            width = output.get_size().columns
            left = FormattedText(_answered(title.removesuffix(":"), "back", width))
            print_formatted_text(left, output=output)
        return answer

    def _output(self) -> Output:
        if self.output is not None:
            return self.output
        # Results may be piped while somebody reviews; questions then stay on the other stream.
        return create_output(stdout=sys.stderr if sys.stderr.isatty() else sys.stdout)


def _keep(kept: dict[K, T], question: K, left: T | None) -> None:
    """Keeps what is left unfinished; of a question that was answered nothing is (None)."""
    if left is None:
        kept.pop(question, None)
    else:
        kept[question] = left


def _menu_fragments(title: str, keys: Sequence[Key], width: int) -> StyleAndTextTuples:
    fragments: StyleAndTextTuples = [("bold", fill(shortened(title, _TITLE), width))]
    for line in menu_lines([*keys, Key("Esc", "back")], width):
        fragments.append(("", "\n"))
        for entry, padding in line:
            fragments += [
                ("", "  "),
                ("bold underline", entry.key),
                ("", f" {entry.label}{padding}"),
            ]
    return fragments


def _answered(title: str, label: str, width: int) -> StyleAndTextTuples:
    safe = shortened(title, _TITLE)
    fits = cell_len(f"{safe} · {label}") < width
    return [("bold", fill(safe, width)), ("", f" · {label}" if fits else f"\n  {label}")]


def _bind_ends(bindings: KeyBindings) -> None:
    @bindings.add(Keys.ControlC, eager=True)
    @bindings.add(Keys.SIGINT)
    def _(event: KeyPressEvent) -> None:
        event.app.exit(exception=KeyboardInterrupt)

    # Within a line that is being typed it deletes a letter, as everywhere.
    @bindings.add(Keys.ControlD, eager=True, filter=Condition(_nothing_typed))
    def _(event: KeyPressEvent) -> None:
        event.app.exit(exception=EOFError)


def _take_many_lines(question: questionary.Question) -> None:
    """Enter after a lone full stop ends a text of many lines; so does Ctrl-D, as in a shell."""
    bindings = KeyBindings()

    @Condition
    def lone_full_stop() -> bool:
        return get_app().current_buffer.document.current_line.strip() == "."

    @bindings.add(Keys.Enter, eager=True, filter=lone_full_stop)
    def _(event: KeyPressEvent) -> None:
        document = event.current_buffer.document
        event.app.exit(result="\n".join(document.lines[: document.cursor_position_row]))

    # As it stands a line would inherit the indentation of the one above, and pasted ones drift.
    @bindings.add(Keys.Enter, eager=True, filter=~lone_full_stop)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.newline(copy_margin=False)

    @bindings.add(Keys.ControlD, eager=True, filter=~Condition(_nothing_typed))
    def _(event: KeyPressEvent) -> None:
        event.app.exit(result=event.current_buffer.text)

    add_bindings(question.application, bindings)


def _run(application: Application[Any], ask: Callable[[], T]) -> T:
    application.ttimeoutlen = _ESCAPE_WAIT
    application.timeoutlen = _ESCAPE_WAIT
    try:
        return ask()
    except EOFError:
        raise InputEnded from None


def _nothing_typed() -> bool:
    return not get_app().current_buffer.text


def _hinted(title: str) -> str:
    """The title of a typed question with the way back, in one pair of brackets before a colon."""
    words, colon = (title[:-1], ":") if title.endswith(":") else (title, "")
    if words.endswith(")"):
        return f"{words[:-1]}; {_BACK}){colon}"
    return f"{words} ({_BACK}){colon}"


def _one_line(typed: str) -> str:
    """What was typed or pasted, without line breaks and outer blanks."""
    return " ".join(typed.splitlines()).strip()


def _room(output: Output) -> int:
    """Columns for one entry of a list, beside its pointer."""
    return max(20, output.get_size().columns - 8)
