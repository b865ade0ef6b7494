"""Groups by hand: add, rename, move, drop, and their prompts."""

from builder.edits.model import AddGroup, DropGroup, Edit, MoveGroup, RenameGroup, SetPrompt
from builder.system.model import SLOT, AttributeGroup, AttributeSystem, Choice
from builder.terminal import edit_questions as questions
from builder.terminal.asker import Key
from builder.terminal.going_back import Steps
from builder.terminal.text import quoted

_KEYS = (Key("a", "add"), Key("n", "rename"), Key("m", "move"), Key("d", "drop"))
_RULES = (Key("n", "name the classes of each option"), Key("l", "leave them to suggestions"))


def edit_group(steps: Steps, system: AttributeSystem) -> tuple[Edit, ...]:
    key = steps.key("Groups", _KEYS)
    if key == "a":
        return _add(steps, system)
    group = questions.pick_group(steps, system)
    names = [known.name for known in system.groups]
    others = [name for name in names if name != group.name]
    match key:
        case "n":
            to = steps.text("New name:", group.name, questions.unlike(others))
            return () if to == group.name else (RenameGroup(group=group.name, to=to),)
        case "m":
            now = names.index(group.name)
            place = questions.pick_place(steps, group.name, others, now)
            return () if place == now else (MoveGroup(group=group.name, position=place),)
        case _:
            return (DropGroup(group=group.name),)


def edit_prompt(steps: Steps, system: AttributeSystem) -> tuple[Edit, ...]:
    group = questions.pick_group(steps, system)
    title = f"Prompt of {quoted(group.name, 30)}, with one {SLOT} for the option:"
    prompt = steps.text(title, group.prompt, questions.prompt_complaint)
    return () if prompt == group.prompt else (SetPrompt(group=group.name, prompt=prompt),)


def type_group(steps: Steps, taken: list[str]) -> AttributeGroup:
    """A new group: its name, which is none of `taken`, its prompt and its options."""
    name = steps.text('Name of the group, e.g. "tail":', check=questions.unlike(taken))
    hint = f'Prompt, with one {SLOT} for the option, e.g. "Its tail is {SLOT}.":'
    prompt = steps.text(hint, check=questions.prompt_complaint)
    return AttributeGroup(name=name, prompt=prompt, options=questions.type_options(steps))


def _add(steps: Steps, system: AttributeSystem) -> tuple[Edit, ...]:
    """Adds a group, with rules or none; then what its images choose comes as a suggestion."""
    group = type_group(steps, [known.name for known in system.groups])
    rules: dict[str, Choice] = {}
    if steps.key("Rules of the new group", _RULES) == "n":
        for option in group.options:
            title = f"Which classes have {quoted(option, 30)}?"
            for name in steps.pick_many(title, system.classes):
                rules[name] = (*rules.get(name, ()), option)
    return (AddGroup(group=group, rules=rules),)
