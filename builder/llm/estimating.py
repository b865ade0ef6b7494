"""What a draft will take, before anything is sent: from the questions themselves."""

import json
import math
from collections.abc import Sequence

from builder.llm.class_rules import in_batches, listed_classes
from builder.llm.cost import Price, Spent, tokens_of
from builder.llm.drafting import SAMPLE, group_question, spread
from builder.llm.prompts import ENGLISH, Described, Prompts, as_data
from builder.llm.rule_schema import keyed, property_names, rules_schema
from builder.llm.schemas import GroupsReply
from builder.llm.split_identical import MOST_CLASSES
from builder.proposals.requests import DraftRequest
from builder.system.model import AttributeGroup

# What groups are like that models draft for one attribute.
_PROMPT = "The creature in this picture is mainly {}."
_OPTION = "a typical option"


class Estimate(Spent):
    """What so many calls will take, without those that must be repeated."""

    calls: int


def _estimate(calls: int, into: int, out: int, price: Price | None) -> Estimate:
    cost = price.of(into, out) if price is not None else None
    return Estimate(calls=calls, input_tokens=into, output_tokens=out, cost=cost)


def estimate_draft(
    request: DraftRequest, *, price: Price | None = None, prompts: Prompts = ENGLISH
) -> Estimate:
    """About what `draft` takes, with groups of usual size: one for each attribute asked for.

    Counts the call for groups, those for the rules, and with more than SAMPLE classes the most
    that classes still alike can take. Raises InputError for a broken template.
    """
    groups = _usual_groups(request)
    schema = json.dumps(GroupsReply.model_json_schema())
    into = tokens_of(group_question(request, prompts)) + tokens_of(schema)
    out = tokens_of(json.dumps([group.model_dump() for group in groups]))
    calls = 1
    for batch in in_batches(request.classes, groups):
        asked, answered = _rules_call(groups, batch)
        into, out, calls = into + asked, out + answered, calls + 1
    told = as_data([group.model_dump() for group in groups])
    common = tokens_of(
        prompts.question("rules", request.context, domain=request.domain, groups=told, classes="")
    )
    into += common * (calls - 1)
    if len(request.classes) > SAMPLE:
        # Named once to ask for groups, and once more to ask for their rules.
        alike = spread(request.classes, MOST_CLASSES)
        asked, answered = _rules_call(groups, alike)
        extra = 1 + len(in_batches(alike, groups))
        into, out, calls = into + extra * common + 2 * asked, out + answered, calls + extra
    return _estimate(calls, into, out, price)


def estimate_rewriting(
    question: str, answer: str, *, calls: int, price: Price | None = None
) -> Estimate:
    """About what so many calls take that ask like this and get an answer of this length."""
    return _estimate(calls, calls * tokens_of(question), calls * tokens_of(answer), price)


def _usual_groups(request: DraftRequest) -> tuple[AttributeGroup, ...]:
    count = min(10, max(2, math.ceil(len(request.classes) / 2)))
    options = tuple(f"{_OPTION} {number}" for number in range(count))
    return tuple(
        AttributeGroup(name=f"usual_group_{number}", prompt=_PROMPT, options=options)
        for number in range(max(1, len(request.attributes)))
    )


def _rules_call(
    groups: tuple[AttributeGroup, ...], classes: Sequence[Described]
) -> tuple[int, int]:
    """Tokens of a batch beyond what all batches are told, and of its answer."""
    names = [name for name, _ in classes]
    schema = json.dumps(rules_schema(names, groups), ensure_ascii=False)
    choice = dict.fromkeys(property_names(groups), _OPTION)
    answer = {"rules": dict.fromkeys(keyed(names), choice)}
    return (
        tokens_of(listed_classes(classes)) + tokens_of(schema),
        tokens_of(json.dumps(answer, ensure_ascii=False)),
    )
