"""One group of a system written anew: the answer as it came, judged by whoever asked."""

import json
from collections.abc import Mapping
from typing import Any

from builder.llm.asking import Asking
from builder.llm.prompts import Prompts, as_data
from builder.llm.revising import ClassChoice, told
from builder.llm.schemas import Broken, Checked, Reply, TolerantModel, Words
from builder.llm.transport import UnusableAnswer
from builder.proposals.requests import RevisionRequest, Rewriting, RewritingRequest

# What transcripts call it.
REWRITE_GROUP = "evolve"


class RewrittenGroup(TolerantModel):
    """A whole group; `rules` are those that change."""

    reason: Words
    name: Words
    prompt: Words
    options: list[Words]
    rules: list[ClassChoice]


class RewritingReply(Reply):
    """One group, or none: then the group is dropped."""

    rewritten: Checked[RewrittenGroup]


def rewrite_group(request: RewritingRequest, asking: Asking) -> Rewriting:
    """The group that the model gives for the request's. Raises LLMError where none came."""
    question = rewriting_question(request, asking.prompts)
    try:
        reply = asking.ask(REWRITE_GROUP, question, RewritingReply)
    except UnusableAnswer as error:
        return Rewriting("", problem=error.message)
    return _rewriting(reply, request.group)


def rewriting_question(request: RewritingRequest, prompts: Prompts) -> str:
    """What is asked to get the group's new text."""
    return prompts.question(
        "evolve",
        request.about.context,
        **told(request.about),
        group=as_data([_shown(request.group, request.about)] if request.group else []),
        unusable=as_data(request.unusable),
    )


def _shown(group: Mapping[str, Any], about: RevisionRequest) -> dict[str, Any]:
    """The group with the rules of only those classes that the model is told of."""
    names = group["rules"] if about.classes is None else about.classes
    return {**group, "rules": {name: group["rules"][name] for name in names}}


def _rewriting(reply: RewritingReply, before: Mapping[str, Any] | None) -> Rewriting:
    match reply.rewritten:
        case []:
            return Rewriting("")
        case [RewrittenGroup() as group]:
            return Rewriting(_text(group, before), group.reason)
        case [Broken() as broken]:
            return Rewriting("", problem=broken.problem)
        case several:
            return Rewriting("", problem=f"one group was asked for, {len(several)} came")


def _text(group: RewrittenGroup, before: Mapping[str, Any] | None) -> str:
    """The group with the rules that it had, where it does not say otherwise."""
    rules = dict(before["rules"]) if before else {}
    rules |= {choice.class_name: _shortest(choice.options) for choice in group.rules}
    value = {"name": group.name, "prompt": group.prompt, "options": group.options}
    return json.dumps({**value, "rules": rules}, ensure_ascii=False)


def _shortest(options: list[str]) -> str | list[str] | None:
    return options[0] if len(options) == 1 else options or None
