"""Proposals for a measured system: asked for, checked against the system, unfit ones dropped."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace

from pydantic import ValidationError

from builder.applying import EditError, apply
from builder.edits import Proposal
from builder.errors import LLMError
from builder.llm.data import as_data, with_context
from builder.llm.events import Dropped, LLMEvent
from builder.llm.proposing import ProposalItem, RevisionReply
from builder.llm.schemas import MOST_OPTIONS, Broken, problem_of, short
from builder.llm.transport import Transport, TruncatedAnswer, ask
from builder.prompting import ENGLISH, Prompts
from builder.requests import RevisionRequest
from builder.system import AttributeSystem

REVISE = "revise"
REVISE_AGAIN = "revise again"
# Of what the images of a class see, the likeliest options are told.
MOST_SEEN = 3
Emit = Callable[[LLMEvent], None]


def revise_system(
    request: RevisionRequest,
    transport: Transport,
    emit: Emit,
    *,
    prompts: Prompts = ENGLISH,
) -> tuple[Proposal, ...]:
    """At most `request.limit` proposals that apply; none when the model has none that do.

    When every proposal is unfit they are asked for once more, with the reasons.
    Raises LLMError when no readable answer is to be had.
    """
    proposals, reasons = _usable(_ask(request, transport, prompts, ()), request, emit)
    if reasons and not proposals:
        proposals, _ = _usable(_ask(request, transport, prompts, reasons), request, emit)
    return proposals


def _ask(
    request: RevisionRequest, transport: Transport, prompts: Prompts, reasons: tuple[str, ...]
) -> RevisionReply:
    question = revision_question(request, prompts)
    if reasons:
        again = prompts.render("again", problems="\n".join(f"- {reason}" for reason in reasons))
        question = f"{question}\n\n{again}"
    purpose = REVISE_AGAIN if reasons else REVISE
    try:
        return transport.complete(purpose, ask(question), RevisionReply)
    except TruncatedAnswer as error:
        if request.limit == 1:
            raise LLMError(
                "The model's answer is cut off even when it is asked for a single proposal.",
                hint="Raise the endpoint's limit on output tokens or use another model.",
            ) from error
        return _ask(replace(request, limit=request.limit // 2), transport, prompts, reasons)


def revision_question(request: RevisionRequest, prompts: Prompts) -> str:
    """What is asked to get proposals: with the rules of the request's classes alone."""
    question = prompts.render("revise", **told(request), limit=str(request.limit))
    return with_context(question, request.context, prompts)


def told(request: RevisionRequest) -> dict[str, str]:
    """By their slots: the system, what is wrong with it, what was tried, wishes and locks."""
    system = request.system
    shown = system.classes if request.classes is None else request.classes
    return {
        "domain": system.domain,
        "total": str(len(system.classes)),
        "shown": str(len(shown)),
        "groups": as_data(_groups(request, shown)),
        "rules": as_data([_rule(request, name) for name in shown]),
        "confusions": as_data(request.confusions),
        "weak_groups": as_data(request.weak_groups),
        "past": as_data([_without_blanks(asdict(past)) for past in request.past]),
        "notes": as_data((*request.earlier_notes, *request.notes)),
        "locks": as_data(request.locks),
    }


def _groups(request: RevisionRequest, shown: Iterable[str]) -> list[dict[str, object]]:
    """Every group: its options, each with the number of classes that use it.

    Of a very long list those that matter to the shown classes come first, then the most used.
    """
    rules = request.system.rules
    described = []
    for group in request.system.groups:
        users = Counter(option for choices in rules.values() for option in choices[group.name])
        told = {option for name in shown for option in rules[name][group.name]}
        told.update(
            option
            for seen in request.seen
            if seen.group == group.name
            for option, _ in seen.chosen[:MOST_SEEN]
        )
        first = sorted(group.options, key=lambda option: (option not in told, -users[option]))
        kept = set(first[:MOST_OPTIONS])
        left_out = len(first) - len(kept)
        described.append(
            {
                "name": group.name,
                "prompt": group.prompt,
                "options": {option: users[option] for option in group.options if option in kept},
                **({"further_options": left_out} if left_out else {}),
            }
        )
    return described


def _rule(request: RevisionRequest, class_name: str) -> dict[str, object]:
    seen = [found for found in request.seen if found.class_name == class_name]
    rule = {
        "class_name": class_name,
        "description": request.descriptions.get(class_name, ""),
        "options": {g: list(chosen) for g, chosen in request.system.rules[class_name].items()},
        "pictures": seen[0].n if seen else 0,
        "seen": {found.group: dict(found.chosen[:MOST_SEEN]) for found in seen},
    }
    return _without_blanks(rule)


def _without_blanks(entry: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in entry.items() if value}


def _usable(
    reply: RevisionReply, request: RevisionRequest, emit: Emit
) -> tuple[tuple[Proposal, ...], tuple[str, ...]]:
    """The proposals that apply, and why the others don't."""
    proposals: dict[str, Proposal] = {}
    reasons: list[str] = []
    for number, item in enumerate(reply.proposals, start=1):
        checked = item if isinstance(item, Broken) else _checked(item, request.system)
        if isinstance(checked, Broken):
            reasons.append(f"proposal {number}: {checked.problem}")
        elif checked.key in proposals:
            reasons.append(f"proposal {number}: the same as one before")
        elif len(proposals) == request.limit:
            reasons.append(f"proposal {number}: more than the {request.limit} asked for")
        else:
            proposals[checked.key] = checked
    if reasons:
        emit(Dropped("proposal", tuple(reasons)))
    return tuple(proposals.values()), tuple(reasons)


def _checked(item: ProposalItem, system: AttributeSystem) -> Proposal | Broken:
    try:
        proposal = item.as_proposal()
        revised = apply(system, proposal.edits)
    except ValidationError as error:
        return Broken(None, problem_of(error))
    except EditError as error:
        return Broken(None, short(error.message))
    return Broken(None, "it changes nothing") if revised == system else proposal
