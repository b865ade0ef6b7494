"""The options of a group by hand: add, reword, drop, move, split and join."""

from collections.abc import Callable, Sequence

from builder.edits import model
from builder.edits.model import DropOption, Edit, SetRule
from builder.system.model import AttributeGroup, AttributeSystem, Choice
from builder.terminal.asker import CheckMany, Key
from builder.terminal.edit_questions import new_words, pick_group, pick_place, type_options, unlike
from builder.terminal.going_back import Steps
from builder.terminal.menu import behind
from builder.terminal.text import quoted, shortened

_INSTEAD = (Key("o", "another option"), Key("n", "does not apply"))
_NAMED = 5


def edit_option(steps: Steps, system: AttributeSystem) -> tuple[Edit, ...]:
    group = pick_group(steps, system)
    flow = behind(_FLOWS, steps.key(f"Options of {quoted(group.name, 30)}", tuple(_FLOWS)))
    return flow(steps, system, group) if flow else ()


def _add(steps: Steps, system: AttributeSystem, group: AttributeGroup) -> tuple[Edit, ...]:
    option = steps.text(f"New option of {quoted(group.name, 30)}:", check=unlike(group.options))
    # An option that no rule uses cannot help: both are one change.
    classes = steps.pick_many("Which classes get it?", system.classes)
    rules = [SetRule(class_name=name, group=group.name, options=(option,)) for name in classes]
    return (model.AddOption(group=group.name, option=option), *rules)


def _reword(steps: Steps, _: AttributeSystem, group: AttributeGroup) -> tuple[Edit, ...]:
    option, others = _pick(steps, group)
    to = new_words(steps, option, others)
    return () if to == option else (model.RenameOption(group=group.name, option=option, to=to),)


def _drop(steps: Steps, system: AttributeSystem, group: AttributeGroup) -> tuple[Edit, ...]:
    option, others = _pick(steps, group)
    users = _users(system, group, option)
    if users:
        named = ", ".join(shortened(name, 20) for name in users[:_NAMED])
        more = ", …" if users[_NAMED:] else ""
        if steps.key(f"Used by {named}{more}. Their rule becomes", _INSTEAD) == "o":
            instead = steps.pick("Which option instead?", others)
            return (DropOption(group=group.name, option=option, replacement=instead),)
    return (DropOption(group=group.name, option=option),)


def _move(steps: Steps, _: AttributeSystem, group: AttributeGroup) -> tuple[Edit, ...]:
    option, others = _pick(steps, group)
    now = group.options.index(option)
    place = pick_place(steps, option, others, now)
    if place == now:
        return ()
    return (model.MoveOption(group=group.name, option=option, position=place),)


def _split(steps: Steps, system: AttributeSystem, group: AttributeGroup) -> tuple[Edit, ...]:
    option, others = _pick(steps, group)
    parts = type_options(steps, others)
    classes = _shares(steps, parts, _users(system, group, option))
    return (model.SplitOption(group=group.name, option=option, into=parts, classes=classes),)


def _shares(steps: Steps, parts: Sequence[str], users: Sequence[str]) -> dict[str, Choice]:
    """What each class gets that used what is split: one of the parts or several."""
    shares: dict[str, Choice] = dict.fromkeys(users, ())
    if not users:
        return shares
    for part in parts:
        left = [name for name in users if not shares[name]]
        # The last part is for the classes that no other was given to.
        last = part == parts[-1]
        title = f"Which classes get {quoted(part, 30)}?"
        check = _covering(left) if last else None
        for name in steps.pick_many(title, users, left if last else (), check):
            shares[name] = (*shares[name], part)
    return shares


def _join(steps: Steps, _: AttributeSystem, group: AttributeGroup) -> tuple[Edit, ...]:
    most = len(group.options) - 1

    def check(some: Sequence[str]) -> str | None:
        if len(some) < 2:
            return "it takes two or more"
        return None if len(some) <= most else "one option alone would be left in the group"

    joined = steps.pick_many("Which options become one?", group.options, check=check)
    others = [option for option in group.options if option not in joined]
    into = steps.text("Words for all of them:", joined[0], unlike(others))
    return (model.MergeOptions(group=group.name, options=joined, into=into),)


_FLOWS: dict[Key, Callable[[Steps, AttributeSystem, AttributeGroup], tuple[Edit, ...]]] = {
    Key("a", "add"): _add,
    Key("w", "reword"): _reword,
    Key("d", "drop"): _drop,
    Key("m", "move"): _move,
    Key("s", "split"): _split,
    Key("j", "join several into one"): _join,
}


def _pick(steps: Steps, group: AttributeGroup) -> tuple[str, list[str]]:
    """One of the options, and the others."""
    option = steps.pick("Which option?", group.options)
    return option, [other for other in group.options if other != option]


def _users(system: AttributeSystem, group: AttributeGroup, option: str) -> list[str]:
    return [name for name, rules in system.rules.items() if option in rules[group.name]]


def _covering(left: Sequence[str]) -> CheckMany:
    def check(some: Sequence[str]) -> str | None:
        missing = [name for name in left if name not in set(some)]
        return f"{quoted(missing[0], 30)} would have none of them" if missing else None

    return check
