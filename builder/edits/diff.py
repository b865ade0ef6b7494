"""Finds the edits between two systems, and carries edits over to a third.

`diff` tells things by their names. `edits_between` also finds what bears another name and is the
same otherwise. `rebase` makes edits of one system to another that has changed meanwhile.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from builder.edits import model
from builder.edits.apply import EditError, apply
from builder.edits.describe import describe
from builder.edits.model import Edit, RenameClass
from builder.system.model import AttributeGroup, AttributeSystem
from builder.system.names import folded

_Choices = Mapping[str, frozenset[str]]
T = TypeVar("T")


def diff(before: AttributeSystem, after: AttributeSystem) -> tuple[Edit, ...]:
    """Edits with `apply(before, diff(before, after)) == after`; none when both are equal.

    Things are told by their names, so whatever was renamed is added and dropped.
    """
    edits: list[Edit] = []
    if before.domain != after.domain:
        edits.append(model.SetDomain(domain=after.domain))
    edits.extend(model.DropClass(class_name=c) for c in before.classes if c not in after.rules)
    edits.extend(_group_edits(before, after))
    kept = [c for c in before.classes if c in after.rules]
    groups = {group.name: group for group in before.groups}
    for group in after.groups:
        if group.name in groups:
            have = {c: frozenset(before.rules[c][group.name]) for c in kept}
            want = {c: frozenset(after.rules[c][group.name]) for c in kept}
            edits.extend(_option_edits(groups[group.name], group, have, want))
    edits.extend(_class_edits(kept, after))
    return tuple(edits)


def edits_between(
    before: AttributeSystem, after: AttributeSystem, classes: Sequence[RenameClass] = ()
) -> tuple[Edit, ...]:
    """Edits that lead from `before` to `after`; none when both are equal.

    A group with the same prompt and options, and an option at the same place with the same users,
    are renamed, where only one reading is possible; so are `classes`, of `perhaps_renamed`. All
    else is as `diff` tells it.
    """
    named, renames = _same_but_for_names(before, after)
    return (*renames, *classes, *diff(apply(named, classes), after))


def perhaps_renamed(before: AttributeSystem, after: AttributeSystem) -> tuple[RenameClass, ...]:
    """Classes that may have another name in `after`: one went and one came with equal rules.

    Both stand at the same place, or are the only ones with these rules. Rules are compared in the
    groups that both systems have. Only a person knows: the images of a renamed class stay its own.
    """
    named, _ = _same_but_for_names(before, after)
    known = {group.name for group in named.groups}
    groups = [group.name for group in after.groups if group.name in known]
    if not groups:
        return ()
    gone = [name for name in named.classes if name not in after.rules]
    come = [name for name in after.classes if name not in named.rules]
    rules = {name: tuple(named.rules[name][group] for group in groups) for name in gone}
    rules |= {name: tuple(after.rules[name][group] for group in groups) for name in come}
    pairs = {
        old: new
        for old, new in zip(named.classes, after.classes, strict=False)
        if old in rules and new in rules and rules[old] == rules[new]
    }
    left = [name for name in gone if name not in pairs]
    new_left = [name for name in come if name not in pairs.values()]
    pairs |= dict(_twins(left, new_left, rules.__getitem__))
    return tuple(RenameClass(class_name=old, to=pairs[old]) for old in gone if old in pairs)


@dataclass(frozen=True, slots=True)
class Misfit:
    """An edit that does not fit: what it would have done, in one line, and why it can't."""

    what: str
    why: str


def rebase(
    edits: Sequence[Edit], base: AttributeSystem, onto: AttributeSystem
) -> tuple[AttributeSystem, tuple[Misfit, ...]]:
    """`onto` after all the edits (they were made to `base`), or those that fit, and the others.

    Where not all fit together, each is tried by itself on what those before have made of `onto`.
    """
    try:
        return apply(onto, edits), ()
    except EditError:
        pass
    misfits = []
    for edit in edits:
        try:
            onto = apply(onto, (edit,))
        except EditError as error:
            misfits.append(Misfit(describe(edit, base), error.message))
    return onto, tuple(misfits)


def _group_edits(before: AttributeSystem, after: AttributeSystem) -> Iterator[Edit]:
    names = tuple(group.name for group in after.groups)
    old = tuple(group.name for group in before.groups)
    yield from (model.DropGroup(group=name) for name in old if name not in names)
    kept = tuple(name for name in old if name in names)
    for name, position in _placements(kept, names):
        if name in kept:
            yield model.MoveGroup(group=name, position=position)
        else:
            rules = {c: after.rules[c][name] for c in before.classes if c in after.rules}
            rules = {class_name: choice for class_name, choice in rules.items() if choice}
            yield model.AddGroup(group=after.group(name), rules=rules, position=position)


def _option_edits(
    old: AttributeGroup, new: AttributeGroup, have: _Choices, want: _Choices
) -> Iterator[Edit]:
    """The edits of one group's options; drops go last, so that rules can name a replacement."""
    if old.prompt != new.prompt:
        yield model.SetPrompt(group=new.name, prompt=new.prompt)
    for option, position in _placements(old.options, new.options):
        if option in old.options:
            yield model.MoveOption(group=new.name, option=option, position=position)
        else:
            yield model.AddOption(group=new.name, option=option, position=position)
    dropped = [option for option in old.options if option not in new.options]
    left, replacements = _replacements(dropped, new.options, have, want)
    for class_name, wanted in want.items():
        if left[class_name] != wanted:
            options = tuple(option for option in new.options if option in wanted)
            yield model.SetRule(class_name=class_name, group=new.name, options=options)
    settled = [have[class_name] for class_name in want if left[class_name] == want[class_name]]
    for option, replacement in replacements.items():
        needed = any(option in choice for choice in settled)
        yield model.DropOption(
            group=new.name, option=option, replacement=replacement if needed else None
        )


def _replacements(
    dropped: Sequence[str], options: Sequence[str], have: _Choices, want: _Choices
) -> tuple[_Choices, Mapping[str, str | None]]:
    """What to use instead of each dropped option, so that few rules are left to set.

    Greedy: for one option after the other, what makes most of the rules right, then what brings
    them nearest. Returns the rules it leads to, and the replacement (or none) of each option.
    """
    choices = dict(have)
    replacements: dict[str, str | None] = {}
    for option in dropped:
        users = [class_name for class_name, choice in choices.items() if option in choice]
        best = (-1, 0)
        changed: dict[str, frozenset[str]] = {}
        for candidate in (None, *options):
            instead = frozenset() if candidate is None else frozenset({candidate})
            trial = {c: choices[c] - {option} | instead for c in users}
            errors = [len(trial[c] ^ want[c]) for c in users]
            if (errors.count(0), -sum(errors)) > best:
                best = (errors.count(0), -sum(errors))
                replacements[option], changed = candidate, trial
        choices |= changed
    return choices, replacements


def _class_edits(kept: Sequence[str], after: AttributeSystem) -> Iterator[Edit]:
    for class_name, position in _placements(kept, after.classes):
        if class_name in kept:
            yield model.MoveClass(class_name=class_name, position=position)
        else:
            rules = {group: choice for group, choice in after.rules[class_name].items() if choice}
            yield model.AddClass(class_name=class_name, rules=rules, position=position)


def _placements(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, int]]:
    """The steps that put in or move an item of `new`: each item with its place, in turn.

    When all are done the items of `new` stand in their order; others of `old` stay in between.
    """
    unmoved = _unmoved(old, new)
    now = list(old)
    for index, name in enumerate(new):
        if name in unmoved:
            continue
        if name in now:
            now.remove(name)
        position = now.index(new[index - 1]) + 1 if index else 0
        now.insert(position, name)
        yield name, position


def _unmoved(old: Sequence[str], new: Sequence[str]) -> frozenset[str]:
    """The largest set of items in the same order in both (longest increasing subsequence)."""
    rank = {name: index for index, name in enumerate(old)}
    common = [name for name in new if name in rank]
    # Patience sorting. ends[k]: the lowest rank that a run of k + 1 items can end on;
    # tails[k]: its item; previous: the item before an item in its run.
    ends: list[int] = []
    tails: list[str] = []
    previous: dict[str, str | None] = {}
    for name in common:
        length = bisect_left(ends, rank[name])
        previous[name] = tails[length - 1] if length else None
        ends[length : length + 1] = [rank[name]]
        tails[length : length + 1] = [name]
    run = []
    item = tails[-1] if tails else None
    while item is not None:
        run.append(item)
        item = previous[item]
    return frozenset(run)


def _same_but_for_names(
    before: AttributeSystem, after: AttributeSystem
) -> tuple[AttributeSystem, tuple[Edit, ...]]:
    """`before` with `after`'s names of groups and options, and the edits that rename them."""
    groups = tuple(_renamed_groups(before, after))
    named = apply(before, groups)
    options = tuple(_renamed_options(named, after))
    return apply(named, options), (*groups, *options)


def _renamed_groups(before: AttributeSystem, after: AttributeSystem) -> Iterator[Edit]:
    old_names = [group.name for group in before.groups]
    new_names = [group.name for group in after.groups]
    gone = [group for group in before.groups if group.name not in new_names]
    come = [group for group in after.groups if group.name not in old_names]
    for old, new in _twins(gone, come, lambda group: (group.prompt, group.options)):
        if _free(new.name, old.name, old_names):
            yield model.RenameGroup(group=old.name, to=new.name)


def _renamed_options(before: AttributeSystem, after: AttributeSystem) -> Iterator[Edit]:
    kept = [name for name in before.classes if name in after.rules]
    groups = {group.name: group.options for group in before.groups}
    for group in after.groups:
        old_options = groups.get(group.name, ())
        for old, new in zip(old_options, group.options, strict=False):
            if old in group.options or new in old_options or not _free(new, old, old_options):
                continue
            if all(
                (old in before.rules[name][group.name]) == (new in after.rules[name][group.name])
                for name in kept
            ):
                yield model.RenameOption(group=group.name, option=old, to=new)


def _twins(
    gone: Sequence[T], come: Sequence[T], key: Callable[[T], Hashable]
) -> Iterator[tuple[T, T]]:
    """Pairs of a thing that went and one that came with the same key, which no other has."""
    old_keys, new_keys = Counter(map(key, gone)), Counter(map(key, come))
    by_key = {key(new): new for new in come}
    for old in gone:
        if old_keys[key(old)] == new_keys[key(old)] == 1:
            yield old, by_key[key(old)]


def _free(name: str, of: str, names: Collection[str]) -> bool:
    """Whether the thing named `of` can take the name while all others keep theirs."""
    return folded(name) not in {folded(other) for other in names if other != of}
