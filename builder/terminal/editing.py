"""Edits by hand: questions that lead to a proposal of the person's own.

A change is shown with its measured effect before it is applied.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.text import Text

from builder.edits.model import Edit, Proposal, SetDomain
from builder.review.view import View
from builder.system.model import AttributeGroup, AttributeSystem, Choice
from builder.terminal.asker import Asker, Check, CheckMany, Key
from builder.terminal.confirming import confirmed
from builder.terminal.console import progress_console
from builder.terminal.edit_classes import edit_class
from builder.terminal.edit_groups import edit_group, edit_prompt, type_group
from builder.terminal.edit_options import edit_option
from builder.terminal.edit_questions import entry_beside, unlike
from builder.terminal.edit_rules import edit_rule
from builder.terminal.edit_text import edit_as_text, resume_text, unfinished_text
from builder.terminal.going_back import Steps, stepwise
from builder.terminal.text import shortened

T = TypeVar("T")

_KINDS = (
    Key("r", "rule of a class"),
    Key("o", "option"),
    Key("p", "prompt"),
    Key("g", "group"),
    Key("c", "class"),
    Key("d", "domain"),
)
_AS_TEXT = Key("t", "the whole system as text")


def edit_by_hand(
    asker: Asker, console: Console, view: View, folder: Path | None = None
) -> Proposal | None:
    """A change that the person made, saw measured and confirmed; None if there is none.

    In `folder` lies the text of the whole system while it is edited; without one it can't be.
    """
    if folder and unfinished_text(folder, view.system):
        resumed = resume_text(asker, console, view, folder)
        if resumed is not None:
            return resumed
    keys = (*_KINDS, _AS_TEXT) if folder else _KINDS
    flow = partial(_edited, console, view, keys)
    while (edited := stepwise(asker, flow)) is not None:
        proposal = edited.proposal
        if edited.as_text and folder:
            proposal = edit_as_text(asker, console, view, folder)
        if proposal is not None:
            return proposal
    return None


@dataclass(frozen=True, slots=True)
class _Edited:
    """What the menu led to: a confirmed proposal, the wish to edit the text, or neither."""

    proposal: Proposal | None = None
    as_text: bool = False


def _edited(console: Console, view: View, keys: Sequence[Key], steps: Steps) -> _Edited:
    kind = steps.key("Edit what?", keys)
    if kind == _AS_TEXT.key:
        # Not within the steps: an editor can't be run again with the answers so far.
        return _Edited(as_text=True)
    edits = _FLOWS[kind](steps, view.system)
    if not edits:
        console.print(Text("That changes nothing."))
        return _Edited()
    proposal = Proposal(edits=edits, source="person")
    return _Edited(proposal if confirmed(steps, console, view, proposal) else None)


def _edit_domain(steps: Steps, system: AttributeSystem) -> tuple[Edit, ...]:
    domain = steps.text("What do the images show?", system.domain, unlike(()))
    return () if domain == system.domain else (SetDomain(domain=domain),)


_FLOWS: dict[str, Callable[[Steps, AttributeSystem], tuple[Edit, ...]]] = {
    "r": edit_rule,
    "o": edit_option,
    "p": edit_prompt,
    "g": edit_group,
    "c": edit_class,
    "d": _edit_domain,
}


# --- A system from nothing --------------------------------------------------------------------


def first_system(asker: Asker, domain: str, classes: Sequence[str]) -> AttributeSystem | None:
    """A system made from nothing: its groups, then each class's option; None if given up.

    Raises KeyboardInterrupt at the second Ctrl-C in a row.
    """
    asker = _TwiceToLeave(
        asker, _warn, "Press Ctrl-C again to leave; nothing of this is saved yet."
    )
    asker.discard_typed()
    return stepwise(asker, lambda steps: _first_system(steps, domain, classes))


def _first_system(steps: Steps, domain: str, classes: Sequence[str]) -> AttributeSystem:
    groups: list[AttributeGroup] = []
    while not groups or steps.confirm("Another group?", default=False):
        groups.append(type_group(steps, [group.name for group in groups]))
    rules = {
        name: {group.name: _pick_rule(steps, name, group) for group in groups} for name in classes
    }
    return AttributeSystem(domain=domain, groups=tuple(groups), rules=rules)


def _pick_rule(steps: Steps, class_name: str, group: AttributeGroup) -> Choice:
    title = f"{shortened(class_name)} · {shortened(group.name)}"
    none = entry_beside("leave open", group.options)
    entry = steps.pick(title, (*group.options, none))
    return () if entry == none else (entry,)


def _warn(words: str) -> None:
    progress_console().print(Text(words))


@dataclass(frozen=True, slots=True)
class _TwiceToLeave:
    """Leaving takes two Ctrl-C in a row, as nothing of the first system is saved yet.

    The first Ctrl-C in a question says `warning` and asks it again.
    """

    asker: Asker
    say: Callable[[str], None]
    warning: str

    def key(self, title: str, keys: Sequence[Key]) -> str | None:
        return self._ask(lambda: self.asker.key(title, keys))

    def pick(self, title: str, texts: Sequence[str], default: str | None = None) -> str | None:
        return self._ask(lambda: self.asker.pick(title, texts, default))

    def pick_many(
        self,
        title: str,
        texts: Sequence[str],
        chosen: Collection[str] = (),
        check: CheckMany | None = None,
    ) -> tuple[str, ...] | None:
        return self._ask(lambda: self.asker.pick_many(title, texts, chosen, check))

    def text(self, title: str, default: str = "", check: Check | None = None) -> str | None:
        return self._ask(lambda: self.asker.text(title, default, check))

    def confirm(self, title: str, *, default: bool) -> bool | None:
        return self._ask(lambda: self.asker.confirm(title, default=default))

    def discard_typed(self) -> None:
        self.asker.discard_typed()

    def _ask(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except KeyboardInterrupt:
            self.say(self.warning)
        return ask()
