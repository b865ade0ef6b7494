"""`diff`: a short list of edits that turns one system into another."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

from builder.edits import (
    AddClass,
    AddGroup,
    AddOption,
    DropClass,
    DropGroup,
    DropOption,
    Edit,
    MoveClass,
    MoveGroup,
    MoveOption,
    SetDomain,
    SetPrompt,
    SetRule,
)
from builder.system import AttributeGroup, AttributeSystem

_Choices = Mapping[str, frozenset[str]]


def diff(before: AttributeSystem, after: AttributeSystem) -> tuple[Edit, ...]:
    """Edits with `apply(before, diff(before, after)) == after`; none when both are equal.

    Things are told by their names, so whatever was renamed is added and dropped.
    """
    edits: list[Edit] = []
    if before.domain != after.domain:
        edits.append(SetDomain(domain=after.domain))
    edits.extend(DropClass(class_name=c) for c in before.classes if c not in after.rules)
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


def _group_edits(before: AttributeSystem, after: AttributeSystem) -> Iterator[Edit]:
    names = tuple(group.name for group in after.groups)
    old = tuple(group.name for group in before.groups)
    yield from (DropGroup(group=name) for name in old if name not in names)
    kept = tuple(name for name in old if name in names)
    for name, position in _placements(kept, names):
        if name in kept:
            yield MoveGroup(group=name, position=position)
        else:
            rules = {c: after.rules[c][name] for c in before.classes if c in after.rules}
            rules = {class_name: choice for class_name, choice in rules.items() if choice}
            yield AddGroup(group=after.group(name), rules=rules, position=position)


def _option_edits(
    old: AttributeGroup, new: AttributeGroup, have: _Choices, want: _Choices
) -> Iterator[Edit]:
    """Within one group. Options go last, so that a rule can name one that takes their place."""
    if old.prompt != new.prompt:
        yield SetPrompt(group=new.name, prompt=new.prompt)
    for option, position in _placements(old.options, new.options):
        if option in old.options:
            yield MoveOption(group=new.name, option=option, position=position)
        else:
            yield AddOption(group=new.name, option=option, position=position)
    dropped = [option for option in old.options if option not in new.options]
    left, replacements = _replacements(dropped, new.options, have, want)
    for class_name, wanted in want.items():
        if left[class_name] != wanted:
            options = tuple(option for option in new.options if option in wanted)
            yield SetRule(class_name=class_name, group=new.name, options=options)
    settled = [have[class_name] for class_name in want if left[class_name] == want[class_name]]
    for option, replacement in replacements.items():
        needed = any(option in choice for choice in settled)
        yield DropOption(group=new.name, option=option, replacement=replacement if needed else None)


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
            yield MoveClass(class_name=class_name, position=position)
        else:
            rules = {group: choice for group, choice in after.rules[class_name].items() if choice}
            yield AddClass(class_name=class_name, rules=rules, position=position)


def _placements(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Each of `new` that has to be put in or moved, and where to, one after the other.

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
    """The most items that stand in the same order in both (longest increasing subsequence)."""
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
