"""One group of a system written anew: the answer as it came, judged by whoever asked.

Each option is given with the classes that have it. So no rule can name an option that is not there,
and a class that is named nowhere keeps what it has, with its option.
"""

import json
from collections.abc import Mapping
from itertools import chain, count
from typing import Annotated

from pydantic import BeforeValidator, Field

from builder.llm.asking import Asking
from builder.llm.prompts import Prompts, as_data
from builder.llm.revising import ClassChoice, shown_classes, told
from builder.llm.schemas import CLASS_NAME, Broken, Checked, Reply, TolerantModel, Words, short
from builder.llm.strict_schemas import object_of, with_names
from builder.llm.transport import UnusableAnswer
from builder.proposals.requests import Rewriting, RewritingRequest
from builder.system.model import AttributeSystem, as_choice
from builder.system.names import folded, likeness, unambiguous

# What transcripts call it.
REWRITE_GROUP = "evolve"
REWRITE, DROP = "rewrite this group", "drop this group"


class OptionOfClasses(TolerantModel):
    option: Words
    classes: list[str] = Field(default_factory=list)


def _with_classes(option: object) -> object:
    return {"option": option} if isinstance(option, str) else option


def _in_a_row(options: object) -> object:
    """The first, the second and all others as one list."""
    if not isinstance(options, dict):
        return options
    others = options.get("others")
    named = [options[key] for key in ("first", "second") if key in options]
    return [*named, *(others if isinstance(others, list) else [])]


def _as_list(group: object) -> object:
    if isinstance(group, list):
        return group
    return [] if group is None else [group]


class RewrittenGroup(TolerantModel):
    """A whole group, or that there should be none.

    `rules`: how former versions asked for those that change.
    """

    reason: Words
    decision: str = ""
    name: Words = ""
    prompt: Words
    options: Annotated[
        list[Annotated[OptionOfClasses, BeforeValidator(_with_classes)]], BeforeValidator(_in_a_row)
    ]
    rules: list[ClassChoice] = Field(default_factory=list)

    def choices(self) -> list[tuple[str, list[str]]]:
        """Class and options, of all classes that are named."""
        given: dict[str, list[str]] = {}
        for each in self.options:
            for name in each.classes:
                given.setdefault(name, []).append(each.option)
        return [*given.items(), *((rule.class_name, rule.options) for rule in self.rules)]


class RewritingReply(Reply):
    """One group, or none: then the group is dropped."""

    rewritten: Annotated[Checked[RewrittenGroup], BeforeValidator(_as_list)]


def rewriting_reply(request: RewritingRequest) -> type[RewritingReply]:
    """The reply as it is asked for: known classes, two options or more, a name for a new group.

    To drop the group is no answer of its own, and the question does not speak of it: small models
    take the shortest answer there is, or do what was named last.
    """
    text = {"type": "string"}
    classes = {"type": "array", "items": {"type": "string", "title": CLASS_NAME}}
    option = object_of({"option": text, "classes": classes})
    others = {"type": "array", "items": option}
    options = object_of({"first": option, "second": option, "others": others})
    # Old groups have a name, and new ones are not there to be dropped.
    first = {"decision": {**text, "enum": [REWRITE, DROP]}} if request.group else {"name": text}
    group = object_of({**first, "reason": text, "prompt": text, "options": options})
    whole = object_of({"rewritten": group})
    names = {CLASS_NAME: shown_classes(request.about)}
    return RewritingReply.asked_with(with_names({"title": "RewritingReply", **whole}, names))


def rewrite_group(request: RewritingRequest, asking: Asking) -> Rewriting:
    """The group that the model gives for the request's. Raises LLMError where none came."""
    question = rewriting_question(request, asking.prompts)
    try:
        reply = asking.ask(REWRITE_GROUP, question, rewriting_reply(request))
    except UnusableAnswer as error:
        return Rewriting("", problem=error.message)
    match reply.rewritten:
        case []:
            return Rewriting("")
        case [RewrittenGroup(decision=decision) as group] if decision == DROP:
            return Rewriting("", group.reason)
        case [RewrittenGroup() as group]:
            return Rewriting(_text(group, request, asking), group.reason)
        case [Broken() as broken]:
            return Rewriting("", problem=broken.problem)
        case several:
            return Rewriting("", problem=f"one group was asked for, {len(several)} came")


def rewriting_question(request: RewritingRequest, prompts: Prompts) -> str:
    """What is asked to get the group's new text."""
    about, shown = request.about, []
    if request.group:
        # With the rules of only those classes that the model is told of.
        rules = {name: request.group["rules"][name] for name in shown_classes(about)}
        shown = [{**request.group, "rules": rules}]
    known = told(about) | {"group": as_data(shown), "unusable": as_data(request.unusable)}
    return prompts.question("evolve", about.context, **known)


def _text(group: RewrittenGroup, request: RewritingRequest, asking: Asking) -> str:
    """The group as a text, with the rules that it had where it does not say otherwise."""
    system, before = request.about.system, request.group
    # By a key, so that an option in two spellings is one.
    options: dict[str, str] = {}
    for each in group.options:
        if each.option:
            options.setdefault(folded(each.option), each.option)
    rules, unfit = _given_rules(group, options, system)
    asking.drop("rule", unfit)
    for name, choice in (before["rules"] if before else {}).items():
        if name not in rules:
            rules[name] = [
                options.setdefault(folded(option), option) for option in as_choice(choice)
            ]
    value = {
        "name": before["name"] if before else _free_name(group.name, system),
        "prompt": group.prompt,
        "options": [*options.values()],
        "rules": {name: _shortest(chosen) for name, chosen in rules.items()},
    }
    return json.dumps(value, ensure_ascii=False)


def _given_rules(
    group: RewrittenGroup, options: Mapping[str, str], system: AttributeSystem
) -> tuple[dict[str, list[str]], list[str]]:
    """The rules that the answer gives, and why others can't be used; each concerns its class alone.

    `options`: those of the group by their key.
    """
    rules: dict[str, list[str]] = {}
    unfit = []
    known = unambiguous(system.classes)
    for name, chosen in group.choices():
        meant = name if name in system.rules else known.get(likeness(name))
        unknown = [option for option in chosen if folded(option) not in options]
        if meant is None:
            unfit.append(f"{short(repr(name), 80)} is not a class of the system")
        elif unknown:
            unfit.append(f"{short(meant, 80)}: {short(repr(unknown[0]), 80)} is not an option")
        else:
            rules[meant] = list(dict.fromkeys(options[folded(option)] for option in chosen))
    return rules, unfit


def _free_name(wanted: str, system: AttributeSystem) -> str:
    """The name for a new group, with a number behind it where another group has it."""
    taken = {folded(group.name) for group in system.groups}
    name = wanted or "new_group"
    numbered = (f"{name}_{number}" for number in count(2))
    return next(free for free in chain([name], numbered) if folded(free) not in taken)


def _shortest(options: list[str]) -> str | list[str] | None:
    return options[0] if len(options) == 1 else options or None
