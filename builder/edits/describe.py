"""`describe`: an edit in one line for a person. Names stand as they are; the terminal escapes."""

from collections import Counter
from collections.abc import Mapping
from typing import assert_never

from builder.edits import model
from builder.edits.apply import EditError, apply
from builder.edits.model import Edit, Proposal, Source
from builder.system.model import AttributeGroup, AttributeSystem, Choice

# Who made a proposal.
SOURCES: Mapping[Source, str] = {"llm": "the model", "data": "the data", "person": "you"}


def describe(edit: Edit, before: AttributeSystem | None = None) -> str:
    """The edit in one line, e.g. `Absol G · background: rocky battlefield -> outer space`.

    `before` is the system it is to be made to; with it, what is replaced is named too.
    """
    match edit:
        case model.SetDomain():
            return f"domain: {_change(before.domain if before else None, edit.domain)}"
        case model.AddGroup():
            options = f"({len(edit.group.options)} options)"
            place = _place(edit.position, len(before.groups) if before else None)
            return f'new group {edit.group.name}: "{edit.group.prompt}" {options}{place}'
        case model.DropGroup():
            return f"drop group {edit.group}"
        case model.RenameGroup():
            return f"rename group {edit.group} to {edit.to}"
        case model.MoveGroup():
            return f"move group {edit.group} to place {edit.position + 1}"
        case model.SetPrompt():
            group = _group(before, edit.group)
            change = _change(f'"{group.prompt}"' if group else None, f'"{edit.prompt}"')
            return f"{edit.group}: prompt {change}"
        case model.AddOption():
            group = _group(before, edit.group)
            place = _place(edit.position, len(group.options) if group else None)
            return f'{edit.group}: new option "{edit.option}"{place}'
        case model.DropOption():
            instead = f', replaced by "{edit.replacement}"' if edit.replacement else ""
            users = _users(before, edit.group, edit.option)
            return f'{edit.group}: drop option "{edit.option}"{instead}{users}'
        case model.RenameOption():
            return f'{edit.group}: rename option "{edit.option}" to "{edit.to}"'
        case model.MoveOption():
            return f'{edit.group}: move option "{edit.option}" to place {edit.position + 1}'
        case model.SplitOption():
            counts = Counter(option for choice in edit.classes.values() for option in choice)
            parts = (f'"{option}"{_classes(counts[option])}' for option in edit.into)
            return f'{edit.group}: split option "{edit.option}" into {", ".join(parts)}'
        case model.MergeOptions():
            merged = ", ".join(f'"{option}"' for option in edit.options)
            return f'{edit.group}: merge options {merged} into "{edit.into}"'
        case model.AddClass():
            place = _place(edit.position, len(before.rules) if before else None)
            rules = "; ".join(f"{group}: {_words(choice)}" for group, choice in edit.rules.items())
            return f"new class {edit.class_name}{place}" + (f" ({rules})" if rules else "")
        case model.DropClass():
            return f"drop class {edit.class_name}"
        case model.RenameClass():
            return f"rename class {edit.class_name} to {edit.to}"
        case model.MoveClass():
            return f"move class {edit.class_name} to place {edit.position + 1}"
        case model.SetRule():
            choice = before.rules.get(edit.class_name, {}).get(edit.group) if before else None
            old = None if choice is None else _words(choice)
            return f"{edit.class_name} · {edit.group}: {_change(old, _words(edit.options))}"
        case _:
            assert_never(edit)


def describe_proposal(proposal: Proposal, before: AttributeSystem | None = None) -> str:
    """One line per edit, each told against what the edits in front of it have made of `before`."""
    lines = []
    pending: tuple[Edit, ...] = ()
    for edit in proposal.edits:
        lines.append(describe(edit, before))
        pending = (*pending, edit)
        if before is not None:
            try:
                before, pending = apply(before, pending), ()
            except EditError:
                # Unsound until a later edit: until then the last sound system is the one known.
                continue
    return "\n".join(lines)


def _group(system: AttributeSystem | None, name: str) -> AttributeGroup | None:
    groups = system.groups if system else ()
    return next((group for group in groups if group.name == name), None)


def _change(old: str | None, new: str) -> str:
    return new if old is None else f"{old} -> {new}"


def _words(choice: Choice) -> str:
    return " + ".join(choice) or "does not apply"


def _place(position: int | None, end: int | None) -> str:
    """A position in words, counted from 1; "" for the end, where new things go anyway."""
    return "" if position is None or position == end else f" at place {position + 1}"


def _users(system: AttributeSystem | None, group: str, option: str) -> str:
    rows = system.rules.values() if system else ()
    return _classes(sum(option in row.get(group, ()) for row in rows))


def _classes(count: int) -> str:
    return "" if count == 0 else " (1 class)" if count == 1 else f" ({count} classes)"
