"""Changing somebody's proposal before it is accepted: which of its edits, and their words."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from builder.applying import EditError, apply
from builder.describing import describe
from builder.edits import (
    AddGroup,
    AddOption,
    DropOption,
    Edit,
    MergeOptions,
    MoveOption,
    Proposal,
    RenameOption,
    SetPrompt,
    SetRule,
)
from builder.reviewing import View
from builder.system import SLOT, AttributeGroup, AttributeSystem
from builder.terminal.asker import Asker, Key
from builder.terminal.complaints import prompt_complaint, unlike
from builder.terminal.editing import choose_options, confirmed

Edits = tuple[Edit, ...]


def adjust(asker: Asker, console: Console, view: View, proposal: Proposal) -> Proposal | None:
    """The person's form of the proposal, seen measured and confirmed; None if there is none."""
    edits = proposal.edits
    while True:
        keys = [Key("w", "change its words"), Key("m", "measure it")]
        if len(edits) > 1:
            keys.insert(0, Key("k", "keep only some edits"))
        match asker.key("Edit the proposal", keys):
            case "k":
                edits = _keep(asker, view.system, edits) or edits
            case "w":
                edits = _reword(asker, console, view.system, edits) or edits
            case "m":
                # The reason given speaks of the words that were proposed.
                reason = proposal.reason if all(edit in proposal.edits for edit in edits) else ""
                adjusted = Proposal(edits=edits, source="person", reason=reason)
                if confirmed(asker, console, view, adjusted):
                    return adjusted
            case _:
                return None


def _keep(asker: Asker, system: AttributeSystem, edits: Edits) -> Edits | None:
    lines = _numbered(edits, system)
    kept = asker.pick_many("Keep which?", lines, lines)
    if kept is None:
        return None
    return tuple(edit for edit, line in zip(edits, lines, strict=True) if line in kept)


def _reword(asker: Asker, console: Console, system: AttributeSystem, edits: Edits) -> Edits | None:
    index = 0
    if len(edits) > 1:
        lines = _numbered(edits, system)
        line = asker.pick("Which edit?", lines)
        if line is None:
            return None
        index = lines.index(line)
    edit, before = edits[index], _after(system, edits[:index])
    changed: Edit | None
    match edit:
        case SetRule():
            options = choose_options(asker, _options(before, edit.group), edit.options)
            changed = None if options is None else edit.model_copy(update={"options": options})
        case SetPrompt():
            prompt = asker.text(f"Prompt, with one {SLOT}:", edit.prompt, prompt_complaint)
            changed = None if prompt is None else edit.model_copy(update={"prompt": prompt})
        case AddGroup():
            group = _reworded_group(asker, edit)
            return None if group is None else _with(edits, index, group)
        case AddOption():
            words = _new_words(asker, edit.option, _options(before, edit.group))
            return _renamed(edits, index, edit.option, words)
        case RenameOption():
            others = [o for o in _options(before, edit.group) if o != edit.option]
            return _renamed(edits, index, edit.to, _new_words(asker, edit.to, others))
        case MergeOptions():
            others = [o for o in _options(before, edit.group) if o not in edit.options]
            return _renamed(edits, index, edit.into, _new_words(asker, edit.into, others))
        case _:
            console.print(Text("Nothing in this edit can be reworded; keep it or leave it out."))
            return None
    return None if changed is None else _with(edits, index, changed)


def _new_words(asker: Asker, words: str, others: Sequence[str]) -> str | None:
    return asker.text("New words:", words, unlike(others))


def _reworded_group(asker: Asker, edit: AddGroup) -> AddGroup | None:
    """The new group with another prompt, or with other words for one of its options."""
    group = edit.group
    match asker.key("Change", (Key("p", "its prompt"), Key("o", "an option"))):
        case "p":
            prompt = asker.text(f"Prompt, with one {SLOT}:", group.prompt, prompt_complaint)
            if prompt is None:
                return None
            new = AttributeGroup(name=group.name, prompt=prompt, options=group.options)
            return AddGroup(group=new, rules=edit.rules, position=edit.position)
        case "o":
            old = asker.pick("Which option?", group.options)
            if old is None:
                return None
            words = _new_words(asker, old, [o for o in group.options if o != old])
            if words is None:
                return None
            names = {option: option for option in group.options} | {old: words}
            new = AttributeGroup(
                name=group.name, prompt=group.prompt, options=tuple(names.values())
            )
            rules = {name: tuple(names[o] for o in chosen) for name, chosen in edit.rules.items()}
            return AddGroup(group=new, rules=rules, position=edit.position)
        case _:
            return None


def _renamed(edits: Edits, index: int, old: str, new: str | None) -> Edits | None:
    """Edit `index` brings in `new` instead of `old`, and whatever names it later follows."""
    edit = edits[index]
    if new is None or not isinstance(edit, AddOption | RenameOption | MergeOptions):
        return None
    field = {AddOption: "option", RenameOption: "to", MergeOptions: "into"}[type(edit)]
    later = (_following(other, edit.group, old, new) for other in edits[index + 1 :])
    return (*edits[:index], edit.model_copy(update={field: new}), *later)


def _following(edit: Edit, group: str, old: str, new: str) -> Edit:
    """The edit with `new` wherever it names the option `old` of the group."""

    def name(option: str) -> str:
        return new if option == old else option

    match edit:
        case SetRule() if edit.group == group:
            return edit.model_copy(update={"options": tuple(name(o) for o in edit.options)})
        case DropOption() if edit.group == group and edit.replacement is not None:
            named = {"option": name(edit.option), "replacement": name(edit.replacement)}
            return edit.model_copy(update=named)
        case DropOption() | MoveOption() | RenameOption() if edit.group == group:
            return edit.model_copy(update={"option": name(edit.option)})
        case _:
            return edit


def _numbered(edits: Edits, system: AttributeSystem) -> list[str]:
    """Each edit in a line that starts with its number, so that all lines differ."""
    return [
        f"{index + 1}. {describe(edit, _after(system, edits[:index]))}"
        for index, edit in enumerate(edits)
    ]


def _after(system: AttributeSystem, edits: Edits) -> AttributeSystem:
    """The system after as many of the edits as leave it sound."""
    for count in range(len(edits), 0, -1):
        try:
            return apply(system, edits[:count])
        except EditError:
            continue
    return system


def _options(system: AttributeSystem, group: str) -> tuple[str, ...]:
    return next((found.options for found in system.groups if found.name == group), ())


def _with(edits: Edits, index: int, edit: Edit) -> Edits:
    return (*edits[:index], edit, *edits[index + 1 :])
