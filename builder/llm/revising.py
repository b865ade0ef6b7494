"""Proposals for a measured system: asked for, checked against the system, unfit ones dropped."""

from collections.abc import Callable
from dataclasses import asdict, replace

from pydantic import ValidationError

from builder.applying import EditError, apply
from builder.edits import Proposal
from builder.errors import LLMError
from builder.llm.data import as_data, with_context
from builder.llm.events import Dropped, LLMEvent
from builder.llm.proposing import ProposalItem, RevisionReply
from builder.llm.schemas import Broken, problem_of, short
from builder.llm.transport import Transport, TruncatedAnswer, ask
from builder.prompting import ENGLISH, Prompts
from builder.requests import RevisionRequest
from builder.system import AttributeSystem

REVISE = "revise"
REVISE_AGAIN = "revise again"
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
    """What is asked to get proposals."""
    system = request.system
    question = prompts.render(
        "revise",
        domain=system.domain,
        groups=as_data([group.model_dump() for group in system.groups]),
        rules=as_data([_rule(request, name) for name in system.classes]),
        confusions=as_data(request.confusions),
        weak_groups=as_data(request.weak_groups),
        notes=as_data(request.notes),
        past=as_data([asdict(past) for past in request.past]),
        limit=str(request.limit),
    )
    return with_context(question, request.context, prompts)


def _rule(request: RevisionRequest, class_name: str) -> dict[str, object]:
    description = request.descriptions.get(class_name, "")
    return {
        "class_name": class_name,
        **({"description": description} if description else {}),
        "options": {
            group: list(chosen) for group, chosen in request.system.rules[class_name].items()
        },
    }


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
