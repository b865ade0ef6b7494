"""The rule of a class by hand: one option, several, or none."""

from collections.abc import Sequence

from builder.edits.model import Edit, SetRule
from builder.system.model import AttributeSystem, Choice
from builder.terminal.asker import Key
from builder.terminal.edit_questions import pick_group
from builder.terminal.going_back import Steps
from builder.terminal.text import quoted, shortened

_KEYS = (Key("o", "one option"), Key("s", "several"), Key("n", "does not apply"))


def edit_rule(steps: Steps, system: AttributeSystem) -> tuple[Edit, ...]:
    class_name = steps.pick("Which class?", system.classes)
    group = pick_group(steps, system)
    now = system.rules[class_name][group.name]
    subject = f"{shortened(class_name, 30)} · {shortened(group.name, 30)}"
    options = choose_options(steps, subject, group.options, now)
    if options == now:
        return ()
    return (SetRule(class_name=class_name, group=group.name, options=options),)


def choose_options(steps: Steps, subject: str, options: Sequence[str], now: Choice) -> Choice:
    """The options of the rule named `subject`, `now` being the present ones: one, several, none."""
    shown = " + ".join(quoted(option, 30) for option in now) or "does not apply"
    known = [option for option in now if option in options]
    match steps.key(f"{subject} is {shown}; make it", _KEYS):
        case "o":
            return (steps.pick(f"{subject}: which option?", options, known[0] if known else None),)
        case "s":
            return steps.pick_many(f"{subject}: which options?", options, known)
        case _:
            return ()
