"""Edits by hand: questions that lead to a proposal of the person's own.

A change is shown with its measured effect before it is applied.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.text import Text

from builder.edits.model import Edit, Proposal, SetDomain
from builder.review.view import View
from builder.system.model import AttributeGroup, AttributeSystem, Choice
from builder.terminal.asker import Asker, Key
from builder.terminal.confirming import confirmed
from builder.terminal.console import progress_console
from builder.terminal.edit_classes import edit_class
from builder.terminal.edit_groups import edit_group, edit_prompt, type_group
from builder.terminal.edit_options import edit_option
from builder.terminal.edit_questions import entry_beside, unlike
from builder.terminal.edit_rules import edit_rule
from builder.terminal.edit_text import edit_as_text, resume_text, unfinished_text
from builder.terminal.going_back import Steps, stepwise
from builder.terminal.menu import behind
from builder.terminal.text import shortened

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
    keys = (*_FLOWS, _AS_TEXT) if folder else tuple(_FLOWS)
    flow = partial(_edited, console, view, keys)
    while (edited := stepwise(asker, flow)) is not None:
        if edited is _AS_TEXT and folder:
            edited = edit_as_text(asker, console, view, folder)
        if isinstance(edited, Proposal):
            return edited
    return None


def _edited(
    console: Console, view: View, keys: Sequence[Key], steps: Steps
) -> Proposal | Key | Literal["nothing"]:
    """What the menu led to: a confirmed proposal, the wish to edit the text, or nothing."""
    flow = behind(_FLOWS, steps.key("Edit what?", keys))
    if flow is None:
        # Not within the steps: an editor can't be run again with the answers so far.
        return _AS_TEXT
    edits = flow(steps, view.system)
    if not edits:
        console.print(Text("That changes nothing."))
        return "nothing"
    proposal = Proposal(edits=edits, source="person")
    return proposal if confirmed(steps, console, view, proposal) else "nothing"


def _edit_domain(steps: Steps, system: AttributeSystem) -> tuple[Edit, ...]:
    domain = steps.text("What do the images show?", system.domain, unlike(()))
    return () if domain == system.domain else (SetDomain(domain=domain),)


_FLOWS: dict[Key, Callable[[Steps, AttributeSystem], tuple[Edit, ...]]] = {
    Key("r", "rule of a class"): edit_rule,
    Key("o", "option"): edit_option,
    Key("p", "prompt"): edit_prompt,
    Key("g", "group"): edit_group,
    Key("c", "class"): edit_class,
    Key("d", "domain"): _edit_domain,
}


# --- A system from nothing --------------------------------------------------------------------


def first_system(asker: Asker, domain: str, classes: Sequence[str]) -> AttributeSystem | None:
    """A system made from nothing: its groups, then each class's option; None if given up.

    Raises KeyboardInterrupt at the second Ctrl-C in a row.
    """
    # As nothing of it is saved yet, leaving takes two Ctrl-C in a row.
    words = Text("Press Ctrl-C again to leave; nothing of this is saved yet.")
    asker.discard_typed()
    return stepwise(
        asker,
        lambda steps: _first_system(steps, domain, classes),
        lambda: progress_console().print(words),
    )


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
