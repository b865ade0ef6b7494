"""Classes by hand: add, with a rule in each group, rename, move, drop."""

from builder.edits.model import AddClass, DropClass, Edit, MoveClass, RenameClass
from builder.system.model import AttributeSystem, Choice
from builder.terminal.asker import Key
from builder.terminal.edit_questions import pick_place, unlike
from builder.terminal.going_back import Steps
from builder.terminal.text import quoted

_KEYS = (Key("a", "add"), Key("n", "rename"), Key("m", "move"), Key("d", "drop"))


def edit_class(steps: Steps, system: AttributeSystem) -> tuple[Edit, ...]:
    key = steps.key("Classes", _KEYS)
    if key == "a":
        return _add(steps, system)
    name = steps.pick("Which class?", system.classes)
    others = [other for other in system.classes if other != name]
    match key:
        case "n":
            # Classes may differ in their case alone, unlike groups and options.
            to = steps.text("New name:", name, unlike(others, same=str.strip))
            return () if to == name else (RenameClass(class_name=name, to=to),)
        case "m":
            now = system.classes.index(name)
            place = pick_place(steps, name, others, now)
            return () if place == now else (MoveClass(class_name=name, position=place),)
        case _:
            return (DropClass(class_name=name),)


def _add(steps: Steps, system: AttributeSystem) -> tuple[Edit, ...]:
    name = steps.text("Name of the class:", check=unlike(system.classes, same=str.strip))
    rules: dict[str, Choice] = {}
    for group in system.groups:
        title = f"Its {quoted(group.name, 30)} (none: does not apply)"
        if chosen := steps.pick_many(title, group.options):
            rules[group.name] = chosen
    return (AddClass(class_name=name, rules=rules),)
