"""Changing somebody's proposal before it is accepted: which of its edits, and their words."""

from collections.abc import Collection, Sequence

from rich.console import Console

from builder.edits import model
from builder.edits.apply import EditError, apply
from builder.edits.model import AddGroup, Edit, Proposal
from builder.review.view import View
from builder.system.model import SLOT, AttributeGroup, AttributeSystem
from builder.terminal.asker import Asker, Key
from builder.terminal.confirming import confirmed
from builder.terminal.edit_questions import new_words, prompt_complaint
from builder.terminal.edit_rules import choose_options
from builder.terminal.going_back import Steps, stepwise
from builder.terminal.sentences import edit_told
from builder.terminal.text import shortened

Edits = tuple[Edit, ...]
# The edits that bring in words, which can be others.
_Wordy = (
    model.SetRule
    | model.SetPrompt
    | AddGroup
    | model.AddOption
    | model.RenameOption
    | model.MergeOptions
)


def adjust(asker: Asker, console: Console, view: View, proposal: Proposal) -> Proposal | None:
    """The person's form of the proposal, seen measured and confirmed; None if there is none."""
    return stepwise(asker, lambda steps: _adjusted(steps, console, view, proposal))


def _adjusted(steps: Steps, console: Console, view: View, proposal: Proposal) -> Proposal | None:
    edits = proposal.edits
    while (key := steps.key("Edit the proposal", _keys(edits))) != "m":
        edits = (_kept if key == "k" else _reworded)(steps, view.system, edits)
    # The reason given speaks of the words that were proposed.
    reason = proposal.reason if all(edit in proposal.edits for edit in edits) else ""
    adjusted = Proposal(edits=edits, source="person", reason=reason)
    return adjusted if confirmed(steps, console, view, adjusted) else None


def _keys(edits: Edits) -> list[Key]:
    keys = [Key("k", "keep only some edits")] if len(edits) > 1 else []
    if any(isinstance(edit, _Wordy) for edit in edits):
        keys.append(Key("w", "change its words"))
    return [*keys, Key("m", "measure it")]


def _kept(steps: Steps, system: AttributeSystem, edits: Edits) -> Edits:
    lines = _numbered(edits, system)
    kept = steps.pick_many("Keep which?", lines, lines, _at_least_one)
    return tuple(edit for edit, line in zip(edits, lines, strict=True) if line in kept)


def _at_least_one(lines: Sequence[str]) -> str | None:
    return None if lines else "one of them has to stay"


def _reworded(steps: Steps, system: AttributeSystem, edits: Edits) -> Edits:
    lines = _numbered(edits, system)
    wordy = [line for edit, line in zip(edits, lines, strict=True) if isinstance(edit, _Wordy)]
    index = lines.index(wordy[0] if len(edits) == 1 else steps.pick("Which edit?", wordy))
    edit, before = edits[index], _after(system, edits[:index])
    match edit:
        case model.SetRule():
            subject = f"{shortened(edit.class_name, 30)} · {shortened(edit.group, 30)}"
            options = choose_options(steps, subject, _options(before, edit.group), edit.options)
            edit = edit.model_copy(update={"options": options})
        case model.SetPrompt():
            edit = edit.model_copy(update={"prompt": _new_prompt(steps, edit.prompt)})
        case AddGroup():
            edit = _reworded_group(steps, edit)
        case model.AddOption():
            return _renamed(steps, edits, index, "option", _options(before, edit.group))
        case model.RenameOption():
            others = _options(before, edit.group, {edit.option})
            return _renamed(steps, edits, index, "to", others)
        case model.MergeOptions():
            others = _options(before, edit.group, edit.options)
            return _renamed(steps, edits, index, "into", others)
    return (*edits[:index], edit, *edits[index + 1 :])


def _new_prompt(steps: Steps, prompt: str) -> str:
    return steps.text(f"Prompt, with one {SLOT}:", prompt, prompt_complaint)


def _reworded_group(steps: Steps, edit: AddGroup) -> AddGroup:
    """The new group with another prompt, or with other words for one of its options."""
    group = edit.group
    if steps.key("Change", (Key("p", "its prompt"), Key("o", "an option"))) == "p":
        prompt = _new_prompt(steps, group.prompt)
        new = AttributeGroup(name=group.name, prompt=prompt, options=group.options)
        return AddGroup(group=new, rules=edit.rules, position=edit.position)
    old = steps.pick("Which option?", group.options)
    words = new_words(steps, old, [option for option in group.options if option != old])
    names = {option: option for option in group.options} | {old: words}
    new = AttributeGroup(name=group.name, prompt=group.prompt, options=tuple(names.values()))
    rules = {name: tuple(names[o] for o in chosen) for name, chosen in edit.rules.items()}
    return AddGroup(group=new, rules=rules, position=edit.position)


def _renamed(steps: Steps, edits: Edits, index: int, field: str, others: Sequence[str]) -> Edits:
    """Edit `index` with other words, unlike `others`, in a field; what names them later follows."""
    edit = edits[index]
    old = getattr(edit, field)
    new = new_words(steps, old, others)
    group = getattr(edit, "group", None)
    later = (_following(other, group, old, new) for other in edits[index + 1 :])
    return (*edits[:index], edit.model_copy(update={field: new}), *later)


def _following(edit: Edit, group: str | None, old: str, new: str) -> Edit:
    """The edit with `new` wherever it names the option `old` of the group."""

    def named(options: str | Sequence[str] | None) -> object:
        if isinstance(options, tuple):
            return tuple(map(named, options))
        return new if options == old else options

    if getattr(edit, "group", None) != group or isinstance(edit, model.AddOption):
        return edit
    fields = {"option", "options", "replacement"} & set(type(edit).model_fields)
    return edit.model_copy(update={field: named(getattr(edit, field)) for field in fields})


def _numbered(edits: Edits, system: AttributeSystem) -> list[str]:
    """Each edit in a line that starts with its number, so that all lines differ."""
    return [
        f"{index + 1}. {edit_told(edit, _after(system, edits[:index]))}"
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


def _options(system: AttributeSystem, group: str, without: Collection[str] = ()) -> tuple[str, ...]:
    options = next((found.options for found in system.groups if found.name == group), ())
    return tuple(option for option in options if option not in without)
