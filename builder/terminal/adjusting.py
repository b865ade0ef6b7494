"""Changing somebody's proposal before it is accepted: which of its edits, and their words."""

from collections.abc import Collection, Mapping, Sequence

from rich.console import Console

from builder.edits.apply import EditError, apply
from builder.edits.describe import describe
from builder.edits.model import (
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
from builder.review.view import View
from builder.system.model import SLOT, AttributeGroup, AttributeSystem
from builder.terminal.asker import Asker, Key
from builder.terminal.confirming import confirmed
from builder.terminal.edit_questions import new_words, prompt_complaint
from builder.terminal.edit_rules import choose_options
from builder.terminal.going_back import Steps, stepwise
from builder.terminal.text import shortened

Edits = tuple[Edit, ...]
# The edits that bring in words, which can be others.
_Wordy = SetRule | SetPrompt | AddGroup | AddOption | RenameOption | MergeOptions


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
        case SetRule():
            subject = f"{shortened(edit.class_name, 30)} · {shortened(edit.group, 30)}"
            known = _options(before, edit.group)
            options = choose_options(steps, subject, known, edit.options)
            return _with(edits, index, edit.model_copy(update={"options": options}))
        case SetPrompt():
            prompt = _new_prompt(steps, edit.prompt)
            return _with(edits, index, edit.model_copy(update={"prompt": prompt}))
        case AddGroup():
            return _with(edits, index, _reworded_group(steps, edit))
        case AddOption():
            words = new_words(steps, edit.option, _options(before, edit.group))
            return _renamed(edits, index, edit, {"option": words})
        case RenameOption():
            words = new_words(steps, edit.to, _options(before, edit.group, {edit.option}))
            return _renamed(edits, index, edit, {"to": words})
        case MergeOptions():
            words = new_words(steps, edit.into, _options(before, edit.group, edit.options))
            return _renamed(edits, index, edit, {"into": words})
        case _:
            return edits


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


def _renamed(
    edits: Edits,
    index: int,
    edit: AddOption | RenameOption | MergeOptions,
    words: Mapping[str, str],
) -> Edits:
    """Edit `index` with other words in one of its fields; what names them later follows."""
    ((field, new),) = words.items()
    old = getattr(edit, field)
    later = (_following(other, edit.group, old, new) for other in edits[index + 1 :])
    return (*edits[:index], edit.model_copy(update=words), *later)


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


def _options(system: AttributeSystem, group: str, without: Collection[str] = ()) -> tuple[str, ...]:
    options = next((found.options for found in system.groups if found.name == group), ())
    return tuple(option for option in options if option not in without)


def _with(edits: Edits, index: int, edit: Edit) -> Edits:
    return (*edits[:index], edit, *edits[index + 1 :])
