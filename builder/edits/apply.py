"""`apply`: a system with a list of edits made to it, all of them or none.

What an edit acts on (its group, class, option, position) must be there at its turn. What makes a
system sound (two options a group, one slot a prompt, ...) is looked at once, after the last edit.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar, assert_never

from builder.edits import model
from builder.edits.model import Edit
from builder.errors import InputError
from builder.system.model import (
    AttributeGroup,
    AttributeSystem,
    Choice,
    Rules,
    did_you_mean,
    group_problems,
    quoted,
    system_problems,
)

T = TypeVar("T")
_LISTED = 12
_REPAIR = (
    "Edits may leave the system unsound on the way, not at the end: correct this edit, or add "
    "the one that is missing to the same proposal."
)


class EditError(InputError):
    """An edit names what is not there or already there, or the edits leave an unsound system."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """A system on its way: its groups and rules may break the invariants."""

    domain: str
    groups: tuple[AttributeGroup, ...]
    rules: Rules


def apply(system: AttributeSystem, edits: Sequence[Edit]) -> AttributeSystem:
    """The system after all edits, in their order; `system` itself never changes.

    Raises EditError, which says which edit does not fit and why.
    """
    draft = _start(system)
    for place, edit in enumerate(edits):
        try:
            draft = _step(draft, edit)
        except EditError as error:
            what = f"{_named(edits, place)}: {error.message}"
            raise EditError(what, hint=error.hint) from None
    try:
        return _finished(system, draft)
    except ValueError as error:  # pydantic's ValidationError is one
        raise EditError("; ".join(_blamed(system, edits)), hint=_REPAIR) from error


def _start(system: AttributeSystem) -> _Draft:
    return _Draft(system.domain, system.groups, system.rules)


def _finished(system: AttributeSystem, draft: _Draft) -> AttributeSystem:
    if (draft.domain, draft.groups) == (system.domain, system.groups) and (
        tuple(draft.rules) == system.classes
    ):
        # Most changes are of a few rules, and checking all others again takes a hundred times as
        # long as making the change.
        changed = {c: row for c, row in draft.rules.items() if row is not system.rules[c]}
        return system.with_rules(changed)
    return AttributeSystem(domain=draft.domain, groups=draft.groups, rules=draft.rules)


def _named(edits: Sequence[Edit], place: int) -> str:
    kind = edits[place].kind
    return f"Edit {place + 1} of {len(edits)} ({kind})" if len(edits) > 1 else f"Edit {kind}"


def _problems(draft: _Draft) -> list[tuple[str, str]]:
    """The draft's problems as place and message, without option indices, which shift."""
    return [
        *(
            (f"group {quoted(group.name)}", problem.message)
            for group in draft.groups
            for problem in group_problems(group.prompt, group.options)
        ),
        *((p.path, p.message) for p in system_problems(draft.groups, draft.rules)),
    ]


def _blamed(system: AttributeSystem, edits: Sequence[Edit]) -> Iterator[str]:
    """Each problem that the edits leave behind, with the edit that made it."""
    draft = _start(system)
    since: dict[tuple[str, str], int] = {}
    for place, edit in enumerate(edits):
        draft = _step(draft, edit)
        since = {problem: since.get(problem, place) for problem in _problems(draft)}
    for (where, what), place in since.items():
        yield f"{_named(edits, place)}: {where}: {what}"


def _step(draft: _Draft, edit: Edit) -> _Draft:
    match edit:
        case model.SetDomain():
            return replace(draft, domain=edit.domain)
        case model.AddGroup():
            return _add_group(draft, edit)
        case model.DropGroup():
            return _drop_group(draft, edit)
        case model.RenameGroup():
            renamed = _with_group(draft, edit.group, name=edit.to)
            _check_free(edit.to, set(_group_names(draft)) - {edit.group}, "group")
            rules = {c: _with_key(row, edit.group, edit.to) for c, row in draft.rules.items()}
            return replace(renamed, rules=rules)
        case model.MoveGroup():
            index = _group_index(draft, edit.group)
            return replace(draft, groups=_moved(draft.groups, index, edit.position))
        case model.SetPrompt():
            return _with_group(draft, edit.group, prompt=edit.prompt)
        case model.AddOption():
            options = draft.groups[_group_index(draft, edit.group)].options
            _check_free(edit.option, options, "option")
            options = _inserted(options, edit.option, edit.position)
            return _with_group(draft, edit.group, options=options)
        case model.DropOption():
            return _drop_option(draft, edit)
        case model.RenameOption():
            to = (edit.to,)
            return _exchanged(draft, edit.group, (edit.option,), to, lambda _: to)
        case model.MoveOption():
            options, index = _option_index(draft, edit.group, edit.option)
            options = _moved(options, index, edit.position)
            return _with_group(draft, edit.group, options=options)
        case model.SplitOption():
            return _split_option(draft, edit)
        case model.MergeOptions():
            return _merge_options(draft, edit)
        case model.AddClass():
            return _add_class(draft, edit)
        case model.DropClass():
            _class_index(draft, edit.class_name)
            kept = {name: row for name, row in draft.rules.items() if name != edit.class_name}
            return replace(draft, rules=kept)
        case model.RenameClass():
            _class_index(draft, edit.class_name)
            _check_free(edit.to, draft.rules.keys() - {edit.class_name}, "class")
            return replace(draft, rules=_with_key(draft.rules, edit.class_name, edit.to))
        case model.MoveClass():
            names = tuple(draft.rules)
            names = _moved(names, _class_index(draft, edit.class_name), edit.position)
            return replace(draft, rules={name: draft.rules[name] for name in names})
        case model.SetRule():
            _class_index(draft, edit.class_name)
            _group_index(draft, edit.group)
            row = {**draft.rules[edit.class_name], edit.group: edit.options}
            return replace(draft, rules={**draft.rules, edit.class_name: row})
        case _:
            assert_never(edit)


# --- groups ---------------------------------------------------------------------------------


def _add_group(draft: _Draft, edit: model.AddGroup) -> _Draft:
    name = edit.group.name
    _check_free(name, _group_names(draft), "group")
    for class_name in edit.rules:
        _class_index(draft, class_name)
    rules = {
        class_name: {**row, name: edit.rules[class_name]} if class_name in edit.rules else row
        for class_name, row in draft.rules.items()
    }
    groups = _inserted(draft.groups, edit.group, edit.position)
    return replace(draft, groups=groups, rules=rules)


def _drop_group(draft: _Draft, edit: model.DropGroup) -> _Draft:
    index = _group_index(draft, edit.group)
    rules = {
        class_name: {group: choice for group, choice in row.items() if group != edit.group}
        for class_name, row in draft.rules.items()
    }
    return replace(draft, groups=draft.groups[:index] + draft.groups[index + 1 :], rules=rules)


# --- options --------------------------------------------------------------------------------


def _drop_option(draft: _Draft, edit: model.DropOption) -> _Draft:
    instead: Choice = ()
    if edit.replacement is not None:
        _option_index(draft, edit.group, edit.replacement)
        instead = (edit.replacement,)
    if edit.replacement == edit.option:
        hint = "Name another option, or none, to use instead."
        raise EditError(f"{quoted(edit.option)} cannot replace itself", hint=hint)
    return _exchanged(draft, edit.group, (edit.option,), (), lambda _: instead)


def _merge_options(draft: _Draft, edit: model.MergeOptions) -> _Draft:
    if len(set(edit.options)) < 2:
        hint = "Name two or more different options, or rename the one."
        raise EditError(f"it merges {quoted(edit.options[0])} with itself", hint=hint)
    return _exchanged(draft, edit.group, edit.options, (edit.into,), lambda _: (edit.into,))


def _split_option(draft: _Draft, edit: model.SplitOption) -> _Draft:
    _option_index(draft, edit.group, edit.option)
    hint = f"Give each class that uses {quoted(edit.option)} one or more of: {_listed(edit.into)}."
    users = [c for c, row in draft.rules.items() if edit.option in row.get(edit.group, ())]
    forgotten = [class_name for class_name in users if class_name not in edit.classes]
    if forgotten:
        raise EditError(f"it says nothing of classes that use it: {_listed(forgotten)}", hint=hint)
    for class_name, parts in edit.classes.items():
        _class_index(draft, class_name)
        if class_name not in users:
            raise EditError(f"{quoted(class_name)} does not use {quoted(edit.option)}", hint=hint)
        if not parts:
            raise EditError(f"it leaves {quoted(class_name)} without an option", hint=hint)
        for part in parts:
            if part not in edit.into:
                what = f"it gives {quoted(class_name)} {quoted(part)}, which is not in `into`"
                raise EditError(what, hint=hint)
    return _exchanged(draft, edit.group, (edit.option,), edit.into, lambda c: edit.classes[c])


def _exchanged(
    draft: _Draft,
    group: str,
    old: Sequence[str],
    new: tuple[str, ...],
    instead: Callable[[str], Choice],
) -> _Draft:
    """The draft with options `new` in the place of the first of `old`.

    A class that used any of `old` uses `instead(class)` in their place, each option once.
    """
    places = [_option_index(draft, group, option)[1] for option in old]
    options = draft.groups[_group_index(draft, group)].options
    first = min(places)
    before, after = (
        tuple(option for option in part if option not in old)
        for part in (options[:first], options[first:])
    )
    for option in new:
        _check_free(option, before + after, "option")
    draft = _with_group(draft, group, options=before + new + after)

    def exchanged(class_name: str, choice: Choice) -> Choice:
        parts = (instead(class_name) if option in old else (option,) for option in choice)
        return tuple(dict.fromkeys(option for part in parts for option in part))

    rules = {
        class_name: {**row, group: exchanged(class_name, row.get(group, ()))}
        for class_name, row in draft.rules.items()
    }
    return replace(draft, rules=rules)


# --- classes --------------------------------------------------------------------------------


def _add_class(draft: _Draft, edit: model.AddClass) -> _Draft:
    _check_free(edit.class_name, draft.rules, "class")
    for group in edit.rules:
        _group_index(draft, group)
    names = _inserted(tuple(draft.rules), edit.class_name, edit.position)
    return replace(draft, rules={name: draft.rules.get(name, edit.rules) for name in names})


# --- parts of a draft -----------------------------------------------------------------------


def _group_names(draft: _Draft) -> tuple[str, ...]:
    return tuple(group.name for group in draft.groups)


def _group_index(draft: _Draft, name: str) -> int:
    return _index(_group_names(draft), name, "group")


def _class_index(draft: _Draft, name: str) -> int:
    return _index(tuple(draft.rules), name, "class")


def _option_index(draft: _Draft, group: str, option: str) -> tuple[tuple[str, ...], int]:
    """All options of the group, and the index of `option` among them."""
    options = draft.groups[_group_index(draft, group)].options
    return options, _index(options, option, f"option of {quoted(group)}")


def _with_group(draft: _Draft, group_name: str, **changes: object) -> _Draft:
    index = _group_index(draft, group_name)
    # model_copy does not validate: the group may be unsound until the last edit.
    group = draft.groups[index].model_copy(update=changes)
    return replace(draft, groups=(*draft.groups[:index], group, *draft.groups[index + 1 :]))


# --- sequences ------------------------------------------------------------------------------


def _index(names: Sequence[str], name: str, noun: str) -> int:
    if name not in names:
        what = f"there is no {noun} {quoted(name)}{did_you_mean(name, names)}"
        raise EditError(what, hint=f"There is: {_listed(names)}." if names else "")
    return names.index(name)


def _check_free(name: str, taken: Collection[str], noun: str) -> None:
    if name in taken:
        raise EditError(f"the {noun} {quoted(name)} is already there", hint="Choose another name.")


def _inserted(items: tuple[T, ...], item: T, position: int | None) -> tuple[T, ...]:
    place = len(items) if position is None else position
    if place > len(items):
        what = f"position {place} is out of range"
        raise EditError(what, hint=f"Positions here run from 0 to {len(items)}.")
    return (*items[:place], item, *items[place:])


def _with_key(mapping: Mapping[str, T], key: str, to: str) -> dict[str, T]:
    """The mapping with one key renamed, in its place."""
    return {to if name == key else name: value for name, value in mapping.items()}


def _moved(items: tuple[T, ...], index: int, position: int) -> tuple[T, ...]:
    return _inserted(items[:index] + items[index + 1 :], items[index], position)


def _listed(names: Iterable[str]) -> str:
    """The first dozen names, quoted, and how many more there are."""
    names = tuple(names)
    rest = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(quoted(name) for name in islice(names, _LISTED)) + rest
