"""Renames: what a changed system calls by another name, told by all that stayed the same."""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from typing import TypeVar

from builder.applying import apply
from builder.differing import diff
from builder.edits import Edit, RenameClass, RenameGroup, RenameOption
from builder.system import AttributeSystem, folded

T = TypeVar("T")


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


def _same_but_for_names(
    before: AttributeSystem, after: AttributeSystem
) -> tuple[AttributeSystem, tuple[Edit, ...]]:
    """`before` with the names of `after` for its groups and options, and the edits that do it."""
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
            yield RenameGroup(group=old.name, to=new.name)


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
                yield RenameOption(group=group.name, option=old, to=new)


def _twins(
    gone: Sequence[T], come: Sequence[T], key: Callable[[T], Hashable]
) -> Iterator[tuple[T, T]]:
    """Pairs of what went and what came with the same key, where no other has that key."""
    old_keys, new_keys = Counter(map(key, gone)), Counter(map(key, come))
    by_key = {key(new): new for new in come}
    for old in gone:
        if old_keys[key(old)] == new_keys[key(old)] == 1:
            yield old, by_key[key(old)]


def _free(name: str, of: str, names: Collection[str]) -> bool:
    """Whether what is called `of` can take the name while all others keep theirs."""
    return folded(name) not in {folded(other) for other in names if other != of}
