"""Edits by hand: questions that lead to a proposal of the person's own.

A change is shown with its measured effect before it is applied.
"""

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.text import Text

from builder.applying import EditError
from builder.edits import (
    AddGroup,
    AddOption,
    DropGroup,
    DropOption,
    Edit,
    Proposal,
    RenameGroup,
    RenameOption,
    SetPrompt,
    SetRule,
)
from builder.reviewing import Offer, View
from builder.system import (
    SLOT,
    AttributeGroup,
    AttributeSystem,
    Choice,
)
from builder.terminal.asker import Asker, Key
from builder.terminal.complaints import prompt_complaint, unlike
from builder.terminal.console import progress_console
from builder.terminal.leaving import TwiceToLeave
from builder.terminal.render import error_panel
from builder.terminal.rounds import offer_block
from builder.terminal.text import quoted, shortened

Edits = tuple[Edit, ...]
# Class and name of the group -> the entry that was picked for them.
Picked = dict[tuple[str, str], str]

_KINDS = (
    Key("r", "rule of a class"),
    Key("o", "option"),
    Key("p", "prompt"),
    Key("g", "group"),
)
_OPTION_KEYS = (Key("a", "add"), Key("w", "reword"), Key("d", "drop"))
_GROUP_KEYS = (Key("a", "add"), Key("n", "rename"), Key("d", "drop"))
_RULE_KEYS = (Key("o", "one option"), Key("s", "several"), Key("n", "does not apply"))


def edit_by_hand(asker: Asker, console: Console, view: View) -> Proposal | None:
    """A change that the person made, saw measured and confirmed; None if there is none."""
    flows: dict[str, Callable[[Asker, AttributeSystem], Edits | None]] = {
        "r": edit_rule,
        "o": edit_option,
        "p": edit_prompt,
        "g": edit_group,
    }
    while (kind := asker.key("Edit what?", _KINDS)) is not None:
        edits = flows[kind](asker, view.system)
        if edits is None:
            continue
        proposal = Proposal(edits=edits, source="person")
        if confirmed(asker, console, view, proposal):
            return proposal
    return None


def first_system(asker: Asker, domain: str, classes: Sequence[str]) -> AttributeSystem | None:
    """A system made from nothing: its groups, then each class's option; None if given up.

    Raises KeyboardInterrupt at the second Ctrl-C in a row.
    """
    asker = TwiceToLeave(asker, _warn, "Press Ctrl-C again to leave; nothing of this is saved yet.")
    asker.discard_typed()
    groups: list[AttributeGroup] = []
    picked: Picked = {}
    while True:
        if not groups or asker.confirm("Another group?", default=False):
            group = _new_group(asker, [known.name for known in groups])
            if group is not None:
                groups.append(group)
            elif not groups:
                return None
        elif _pick_rules(asker, groups, classes, picked):
            rules = {
                name: {group.name: _chosen(group, picked[name, group.name]) for group in groups}
                for name in classes
            }
            return AttributeSystem(domain=domain, groups=tuple(groups), rules=rules)


def _warn(words: str) -> None:
    progress_console().print(Text(words))


def _pick_rules(
    asker: Asker, groups: Sequence[AttributeGroup], classes: Sequence[str], picked: Picked
) -> bool:
    """Fills `picked` for each class and group, each going back to the one before it.

    False when the person goes back before the first.
    """
    questions = [(name, group) for name in classes for group in groups]
    at = 0
    while 0 <= at < len(questions):
        name, group = questions[at]
        entry = asker.pick(
            f"{shortened(name)} · {shortened(group.name)}",
            (*group.options, _open_entry(group)),
            picked.get((name, group.name)),
        )
        if entry is not None:
            picked[name, group.name] = entry
        at += 1 if entry is not None else -1
    return at >= 0


def _open_entry(group: AttributeGroup) -> str:
    """What stands for no option at all, beside the group's options."""
    entry = "leave open"
    while entry in group.options:
        entry = f"({entry})"
    return entry


def _chosen(group: AttributeGroup, entry: str) -> Choice:
    return (entry,) if entry in group.options else ()


def confirmed(asker: Asker, console: Console, view: View, proposal: Proposal) -> bool:
    """Shows the change and its measured effect, and asks. A change that does not fit is told."""
    try:
        effect = view.attempt(proposal)
    except EditError as error:
        console.print(error_panel(error))
        return False
    console.print(offer_block("Your change:", Offer(proposal, effect), view.system))
    return asker.confirm("Apply it?", default=True) is True


# --- The four kinds -------------------------------------------------------------------------


def edit_rule(asker: Asker, system: AttributeSystem) -> Edits | None:
    class_name = asker.pick("Which class?", system.classes)
    if class_name is None:
        return None
    group = _pick_group(asker, system)
    if group is None:
        return None
    now = system.rules[class_name][group.name]
    options = choose_options(asker, group.options, now)
    if options is None or options == now:
        return None
    return (SetRule(class_name=class_name, group=group.name, options=options),)


def choose_options(asker: Asker, options: Sequence[str], now: Choice) -> Choice | None:
    """The options of a rule, `now` being the present ones: one, several or none."""
    shown = ", ".join(quoted(option, 30) for option in now) or "does not apply"
    match asker.key(f"The rule is {shown}; make it", _RULE_KEYS):
        case "o":
            picked = asker.pick(
                "Which option?", options, now[0] if set(now[:1]) & set(options) else None
            )
            return None if picked is None else (picked,)
        case "s":
            return asker.pick_many("Which options?", options, now)
        case "n":
            return ()
        case _:
            return None


def edit_option(asker: Asker, system: AttributeSystem) -> Edits | None:
    group = _pick_group(asker, system)
    if group is None:
        return None
    match asker.key(f"Options of {quoted(group.name, 30)}", _OPTION_KEYS):
        case "a":
            return _add_option(asker, system, group)
        case "w":
            return _reword_option(asker, group)
        case "d":
            return _drop_option(asker, system, group)
        case _:
            return None


def edit_prompt(asker: Asker, system: AttributeSystem) -> Edits | None:
    group = _pick_group(asker, system)
    if group is None:
        return None
    prompt = asker.text(f"Prompt, with one {SLOT} for the option:", group.prompt, prompt_complaint)
    if prompt is None or prompt == group.prompt:
        return None
    return (SetPrompt(group=group.name, prompt=prompt),)


def edit_group(asker: Asker, system: AttributeSystem) -> Edits | None:
    match asker.key("Groups", _GROUP_KEYS):
        case "a":
            return _add_group(asker, system)
        case "n":
            group = _pick_group(asker, system)
            if group is None:
                return None
            others = [other.name for other in system.groups if other != group]
            name = asker.text("New name:", group.name, unlike(others))
            if name is None or name == group.name:
                return None
            return (RenameGroup(group=group.name, to=name),)
        case "d":
            group = _pick_group(asker, system)
            return None if group is None else (DropGroup(group=group.name),)
        case _:
            return None


# --- Options and groups ---------------------------------------------------------------------


def _add_option(asker: Asker, system: AttributeSystem, group: AttributeGroup) -> Edits | None:
    option = asker.text("New option:", check=unlike(group.options))
    if option is None:
        return None
    # An option that no rule uses cannot help: both are one change.
    classes = asker.pick_many("Which classes get it?", system.classes)
    if classes is None:
        return None
    rules = [SetRule(class_name=name, group=group.name, options=(option,)) for name in classes]
    return (AddOption(group=group.name, option=option), *rules)


def _reword_option(asker: Asker, group: AttributeGroup) -> Edits | None:
    option = asker.pick("Which option?", group.options)
    if option is None:
        return None
    others = [other for other in group.options if other != option]
    to = asker.text("New words:", option, unlike(others))
    if to is None or to == option:
        return None
    return (RenameOption(group=group.name, option=option, to=to),)


def _drop_option(asker: Asker, system: AttributeSystem, group: AttributeGroup) -> Edits | None:
    option = asker.pick("Which option?", group.options)
    if option is None:
        return None
    users = [name for name, rules in system.rules.items() if option in rules[group.name]]
    if not users:
        return (DropOption(group=group.name, option=option),)
    named = ", ".join(shortened(name, 20) for name in users[:5]) + (", …" if users[5:] else "")
    keys = (Key("o", "another option"), Key("n", "does not apply"))
    match asker.key(f"Used by {named}. Their rule becomes", keys):
        case "o":
            others = [other for other in group.options if other != option]
            instead = asker.pick("Which option?", others)
            if instead is None:
                return None
            return (DropOption(group=group.name, option=option, replacement=instead),)
        case "n":
            return (DropOption(group=group.name, option=option),)
        case _:
            return None


def _add_group(asker: Asker, system: AttributeSystem) -> Edits | None:
    """A new group; its rules come as proposals, from what the images of each class choose."""
    group = _new_group(asker, [group.name for group in system.groups])
    return None if group is None else (AddGroup(group=group),)


def _new_group(asker: Asker, taken: Sequence[str]) -> AttributeGroup | None:
    name = asker.text('Name of the group, e.g. "tail":', check=unlike(taken))
    if name is None:
        return None
    hint = f'Prompt, with one {SLOT} for the option, e.g. "Its tail is {SLOT}.":'
    prompt = asker.text(hint, check=prompt_complaint)
    if prompt is None:
        return None
    options: list[str] = []
    while True:
        enough = len(options) >= 2
        how = "Enter alone ends" if enough else "one at a time; after two, Enter alone ends"
        option = asker.text(
            f"Option {len(options) + 1} ({how}):", check=unlike(options, empty=enough)
        )
        if option is None:
            return None
        if not option:
            return AttributeGroup(name=name, prompt=prompt, options=tuple(options))
        options.append(option)


def _pick_group(asker: Asker, system: AttributeSystem) -> AttributeGroup | None:
    name = asker.pick("Which group?", [group.name for group in system.groups])
    return None if name is None else system.group(name)
