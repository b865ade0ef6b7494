"""Lists at the terminal: one entry, several, or one typed with completion; filtered by typing."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import questionary
from prompt_toolkit.application import Application
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples, to_formatted_text
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent, merge_key_bindings
from prompt_toolkit.keys import Keys
from questionary.prompts.common import InquirerControl

from builder.terminal.text import entered, matching

# Longer lists are searched by typing, shorter ones walked through.
LONGEST_LIST = 15
BACK = "Esc goes back"


def one_of(
    title: str, shown: Sequence[str], default: int | None
) -> tuple[questionary.Question, InquirerControl]:
    """Walks through a list; answers with the index of an entry."""
    question = questionary.select(
        title,
        [questionary.Choice(label, value=index) for index, label in enumerate(shown)],
        default=default,  # type: ignore[arg-type]
        use_jk_keys=False,
        use_search_filter=True,
        instruction=f"(type to filter; {BACK})",
    )
    return question, _filtered(question, KeyBindings())


def some_of(
    title: str,
    shown: Sequence[str],
    ticked: Collection[int],
    validate: Callable[[list[int]], bool | str],
) -> tuple[questionary.Question, InquirerControl]:
    """Ticks entries of a list; answers with their indices once these are valid.

    Ctrl-A ticks all that the filter shows, or unticks them, and no others. Tab, which would turn
    every tick around, does nothing.
    """
    how = "Space ticks, Enter is done"
    if len(shown) > LONGEST_LIST:
        how = f"type to filter, Ctrl-A ticks all shown, {how}"
    question = questionary.checkbox(
        title,
        [questionary.Choice(name, value=i, checked=i in ticked) for i, name in enumerate(shown)],
        validate=validate,  # type: ignore[arg-type]
        use_jk_keys=False,
        use_search_filter=True,
        instruction=f"({how}; {BACK})",
    )
    bindings = KeyBindings()
    entries = _filtered(question, bindings)

    @bindings.add(Keys.ControlA, eager=True)
    def _(event: KeyPressEvent) -> None:  # noqa: ARG001
        offered = [choice.value for choice in entries.filtered_choices]
        now = set(entries.selected_options)
        changed = now - set(offered) if now.issuperset(offered) else now | set(offered)
        entries.selected_options = sorted(changed)

    bindings.add(Keys.ControlI, eager=True)(_ring)
    return question, entries


def typed_one_of(title: str, shown: Sequence[str], default: str) -> questionary.Question:
    """Takes a part of an entry that stands for it alone, with completion."""

    def validate(typed: str) -> bool | str:
        return True if matching(typed, shown) is not None else "no such entry, or more than one"

    return questionary.autocomplete(
        f"{title} (Tab lists all; {BACK})",
        list(shown),
        default=default,
        validate=validate,
        # Whole entries: a completion takes the place of all that was typed, not of a word in it.
        completer=WordCompleter(list(shown), ignore_case=True, match_middle=True, sentence=True),
    )


def place_in(entries: InquirerControl) -> tuple[str | None, int | None]:
    """Where a person is in a list: what they filter by, and the index of the entry pointed at.

    None: nothing is filtered, nothing matches.
    """
    shown = [choice.value for choice in entries.filtered_choices]
    at = entries.pointed_at
    return entries.search_filter, shown[at] if at < len(shown) else None


def walk_to(entries: InquirerControl, wanted: str | None, entry: int | None) -> None:
    """Filters and points as before."""
    entries.search_filter = wanted
    shown = [choice.value for choice in entries.filtered_choices]
    entries.pointed_at = shown.index(entry) if entry in shown else 0


def add_bindings(application: Application[Any], bindings: KeyBindings) -> None:
    """Adds key bindings, which come before the present ones."""
    given = application.key_bindings
    application.key_bindings = merge_key_bindings([given, bindings] if given else [bindings])


def _filtered(question: questionary.Question, bindings: KeyBindings) -> InquirerControl:
    """Any letter filters, and where nothing matches that is said; questionary would offer all.

    The entries know what is ticked (`selected_options`). `bindings` become the question's.
    """
    controls = question.application.layout.find_all_controls()
    (entries,) = (control for control in controls if isinstance(control, InquirerControl))
    listed = entries.text

    @Condition
    def nothing_matches() -> bool:
        wanted = (entries.search_filter or "").lower()
        return not any(wanted in str(choice.title).lower() for choice in entries.choices)

    bindings.add(" ", eager=True, filter=nothing_matches)(_ring)
    bindings.add(Keys.Enter, eager=True, filter=nothing_matches)(_ring)

    @bindings.add(Keys.ControlU, eager=True)
    def _(event: KeyPressEvent) -> None:  # noqa: ARG001
        entries.search_filter, entries.pointed_at = None, 0

    # Of letters that a plain keyboard lacks, and of what is pasted, questionary knows nothing.
    @bindings.add(Keys.BracketedPaste)
    @bindings.add(Keys.Any, filter=Condition(lambda: not entries.is_answered))
    def _(event: KeyPressEvent) -> None:
        letters = entered(event.data)
        if letters and letters.isprintable():
            entries.add_search_character(letters)  # type: ignore[arg-type]

    def content() -> StyleAndTextTuples:
        return [("", "   nothing matches")] if nothing_matches() else to_formatted_text(listed)

    entries.text = content
    add_bindings(question.application, bindings)
    return entries


def _ring(event: KeyPressEvent) -> None:
    event.app.output.bell()
