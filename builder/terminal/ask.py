"""Questions at a real terminal, by questionary and prompt_toolkit; so are those of `ask_lists`.

Escape goes back at once everywhere; neither it nor Ctrl-C loses what was typed or ticked. Without
eager binding prompt_toolkit would wait for the second key of an Alt combination, and Escape, Enter
would answer with an empty text.
"""

import sys
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import questionary
from prompt_toolkit import application as toolkit
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import FormattedText, StyleAndTextTuples
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import FormattedTextControl, Layout, Window
from prompt_toolkit.output import Output, create_output
from prompt_toolkit.shortcuts import print_formatted_text
from rich.cells import cell_len

from builder.terminal import ask_lists, asker
from builder.terminal.asker import Check, CheckMany, Key
from builder.terminal.menu import menu_lines
from builder.terminal.plain import PlainAsker
from builder.terminal.text import entered, labels, matching, shortened, wrapped

# Seconds to wait after Escape for the rest of an arrow key's code.
_ESCAPE_WAIT = 0.1
_TITLE = 300


def open_asker() -> asker.PastingAsker:
    """The asker that fits the terminal: one-key menus, or numbered questions."""
    return PlainAsker() if asker.wants_plain() else TerminalAsker()


@dataclass(frozen=True, slots=True)
class TerminalAsker:
    """Asks at the terminal, on stderr. Tests give a pipe as `input` and a dummy `output`."""

    input: Input | None = None
    output: Output | None = None
    # What was typed, ticked or walked to when the person left a question without an answer, by
    # question: it stands there again.
    _left: dict[tuple[object, ...], Any] = field(default_factory=dict, repr=False, compare=False)

    def key(self, title: str, keys: Sequence[Key]) -> str | None:
        return self._press(title, keys, enter=None)

    def confirm(self, title: str, *, default: bool) -> bool | None:
        preset = "y" if default else "n"
        hint = f"{title} (Enter: {'yes' if default else 'no'})"
        answer = self._press(hint, (Key("y", "yes"), Key("n", "no")), enter=preset)
        return None if answer is None else answer == "y"

    def pick(self, title: str, texts: Sequence[str], default: str | None = None) -> str | None:
        index = texts.index(default) if default in texts else None
        picked: int | None
        with self._session():
            shown = labels(texts, _room())
            if len(texts) > ask_lists.LONGEST_LIST:
                usual = "" if index is None else shown[index]
                ask = partial(ask_lists.typed_one_of, shortened(title, _TITLE), shown)
                typed = self._type(title, usual, ask)
                picked = None if typed is None else matching(typed, shown)
            else:
                question, entries = ask_lists.one_of(shortened(title, _TITLE), shown, index)
                place = (title, tuple(texts), default)
                if place in self._left:
                    ask_lists.walk_to(entries, *self._left[place])
                picked = self._ask(question, place, lambda: ask_lists.place_in(entries))
        return None if picked is None else texts[picked]

    def pick_many(
        self,
        title: str,
        texts: Sequence[str],
        chosen: Collection[str] = (),
        check: CheckMany | None = None,
    ) -> tuple[str, ...] | None:
        def validate(indices: Sequence[int]) -> bool | str:
            return _valid(check([texts[index] for index in indices]) if check else None)

        place = (title, tuple(texts), frozenset(chosen))
        chosen = self._left.get(place, chosen)
        ticked = {index for index, text in enumerate(texts) if text in chosen}
        with self._session():
            shown, short = labels(texts, _room()), shortened(title, _TITLE)
            question, entries = ask_lists.some_of(short, shown, ticked, validate)
            indices = self._ask(
                question, place, lambda: {texts[index] for index in entries.selected_options}
            )
        return None if indices is None else tuple(texts[index] for index in indices)

    def text(self, title: str, default: str = "", check: Check | None = None) -> str | None:
        def validate(typed: str) -> bool | str:
            return _valid(check(_one_line(typed)) if check else None)

        def ask(start: str) -> questionary.Question:
            shown = _hinted(shortened(title, _TITLE))
            return questionary.text(shown, default=start, validate=validate)

        with self._session():
            answer = self._type(title, default, ask)
        return None if answer is None else _one_line(answer)

    def paste(self, title: str) -> str | None:
        with self._session():
            answer = self._type(title, "", partial(_many_lines, title))
            if answer is not None:
                lines = f"{len(answer.splitlines())} lines"
                _say_answered(title, lines if answer.strip() else "back")
        return answer if answer and answer.strip() else None

    def discard_typed(self) -> None:
        # Keys that a former question read but did not need stay: quick typists meant them.
        if self.input is None:
            asker.flush_terminal()

    def _type(
        self, title: str, default: str, ask: Callable[[str], questionary.Question]
    ) -> str | None:
        """The answer of a typed question; what is left unfinished stands there the next time."""
        place = (title, default)
        question = ask(self._left.get(place, default))
        buffer = question.application.current_buffer
        answer: str | None = self._ask(question, place, lambda: buffer.text or default)
        return answer

    def _press(self, title: str, keys: Sequence[Key], *, enter: str | None) -> str | None:
        known = {entry.key: entry.label for entry in keys}
        bindings = KeyBindings()

        @bindings.add(Keys.Any)
        def _(event: KeyPressEvent) -> None:
            # Caps Lock must not make a menu deaf.
            if event.data.lower() in known:
                _leave(event, event.data.lower())

        @bindings.add(Keys.Enter)
        def _(event: KeyPressEvent) -> None:
            if enter is not None:
                _leave(event, enter)

        def content() -> StyleAndTextTuples:
            # Asked for each time: the window may have another size by now.
            return _menu_fragments(title, keys)

        control = FormattedTextControl(content, show_cursor=False)
        with self._session():
            pressed: str | None = _run(
                toolkit.Application(Layout(Window(control, wrap_lines=True)), key_bindings=bindings)
            )
            _say_answered(title, known.get(pressed or "", "back"))
        return pressed

    def _ask(
        self, question: questionary.Question, place: tuple[Any, ...], left: Callable[[], Any]
    ) -> Any:
        """The answer; None after Escape, and then the question stands there as gone back from.

        Of a question without an answer is kept what `left` then says, by its `place`: its title
        and what else tells it from others.
        """
        answer = None
        try:
            answer = _run(question.application)
        finally:
            self._left.pop(place, None)
            if answer is None:
                self._left[place] = left()
        if answer is None:
            _say_answered(place[0], "back")
        return answer

    def _session(self) -> AbstractContextManager[toolkit.AppSession]:
        """Where questions are asked."""
        # Results may be piped while somebody reviews; questions then stay on the other stream.
        stream = sys.stderr if sys.stderr.isatty() else sys.stdout
        output = self.output or create_output(stdout=stream)
        return toolkit.create_app_session(self.input or toolkit.get_app_session().input, output)


def _width() -> int:
    return toolkit.get_app_session().output.get_size().columns


def _room() -> int:
    """Columns for one entry of a list, beside its pointer."""
    return max(20, _width() - 8)


def _menu_fragments(title: str, keys: Sequence[Key]) -> StyleAndTextTuples:
    fragments: StyleAndTextTuples = [("bold", wrapped(shortened(title, _TITLE), _width()))]
    for line in menu_lines([*keys, Key("Esc", "back")], _width()):
        fragments.append(("", "\n"))
        for entry, padding in line:
            key = ("bold underline", entry.key)
            fragments += [("", "  "), key, ("", f" {entry.label}{padding}")]
    return fragments


def _say_answered(title: str, label: str) -> None:
    """A line in place of the question."""
    safe, width = shortened(title.removesuffix(":"), _TITLE), _width()
    fits = cell_len(f"{safe} · {label}") < width
    answer = f" · {label}" if fits else f"\n  {label}"
    print_formatted_text(FormattedText([("bold", wrapped(safe, width)), ("", answer)]))


def _leave(event: KeyPressEvent, answer: str | None = None) -> None:
    event.app.erase_when_done = True
    event.app.exit(result=answer)


def _run(application: toolkit.Application[Any]) -> Any:
    """The answer; None after Escape."""
    bindings = KeyBindings()
    bindings.add(Keys.Escape, eager=True)(_leave)

    @bindings.add(Keys.ControlC, eager=True)
    @bindings.add(Keys.SIGINT)
    def _(event: KeyPressEvent) -> None:
        event.app.exit(exception=KeyboardInterrupt)

    # Within a line that is being typed it deletes a letter, as everywhere.
    @bindings.add(Keys.ControlD, eager=True, filter=_nothing_typed)
    def _(event: KeyPressEvent) -> None:
        event.app.exit(exception=EOFError)

    ask_lists.add_bindings(application, bindings)
    application.ttimeoutlen = application.timeoutlen = _ESCAPE_WAIT
    try:
        return application.run()
    except EOFError:
        raise asker.InputEnded from None


@Condition
def _nothing_typed() -> bool:
    return not toolkit.get_app().current_buffer.text


@Condition
def _at_lone_full_stop() -> bool:
    return toolkit.get_app().current_buffer.document.current_line.strip() == "."


def _many_lines(title: str, typed: str) -> questionary.Question:
    """Enter after a lone full stop ends a text of many lines; so does Ctrl-D, as in a shell."""
    shown = f"{shortened(title, _TITLE)} (paste it; a line with only . ends it; {ask_lists.BACK})\n"
    question = questionary.text(shown, default=typed, multiline=True, instruction="")
    # Thousands of pasted characters are of no use on the screen afterwards.
    question.application.erase_when_done = True
    bindings = KeyBindings()

    @bindings.add(Keys.Enter, eager=True, filter=_at_lone_full_stop)
    def _(event: KeyPressEvent) -> None:
        document = event.current_buffer.document
        event.app.exit(result="\n".join(document.lines[: document.cursor_position_row]))

    # As it stands a line would inherit the indentation of the one above, and pasted ones drift.
    @bindings.add(Keys.Enter, eager=True, filter=~_at_lone_full_stop)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.newline(copy_margin=False)

    @bindings.add(Keys.ControlD, eager=True, filter=~_nothing_typed)
    def _(event: KeyPressEvent) -> None:
        event.app.exit(result=event.current_buffer.text)

    ask_lists.add_bindings(question.application, bindings)
    return question


def _valid(complaint: str | None) -> bool | str:
    return True if complaint is None else shortened(complaint, _TITLE)


def _hinted(title: str) -> str:
    """The title of a typed question with the way back, in one pair of brackets before a colon."""
    words, colon = (title[:-1], ":") if title.endswith(":") else (title, "")
    if words.endswith(")"):
        return f"{words[:-1]}; {ask_lists.BACK}){colon}"
    return f"{words} ({ask_lists.BACK}){colon}"


def _one_line(answer: str) -> str:
    """What was typed or pasted, without line breaks, outer blanks and the marks of names."""
    return entered(" ".join(answer.splitlines()))
