"""Proposals for a measured system: asked of the model, checked, those that don't apply dropped.

The reply's shape mirrors `builder.edits.model` as a strict JSON schema can say it: maps keyed by
class become lists of {class_name, options}. New words are cleaned (`Words`); names of what exists
are taken as they stand, and the schema that is sent allows no others where it can say so.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Annotated, Any, Literal, TypeAlias, Union

from pydantic import Field, GetJsonSchemaHandler, TypeAdapter, ValidationError, create_model
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from builder.edits.apply import EditError, apply
from builder.edits.model import Edit, Proposal
from builder.errors import LLMError
from builder.llm import schemas
from builder.llm.asking import Asking
from builder.llm.prompts import Prompts, as_data
from builder.llm.strict_schemas import with_names
from builder.llm.transport import TruncatedAnswer
from builder.proposals.requests import RevisionRequest
from builder.system.model import AttributeSystem

REVISE = "revise"
REVISE_AGAIN = "revise again"
# Of what the images of a class see, the likeliest options are told.
MOST_SEEN = 3


# --- The reply ------------------------------------------------------------------------------------


class ClassChoice(schemas.StrictModel):
    class_name: schemas.ExistingClass
    options: list[str]


_Text, _Texts, _Choices = schemas.Words, list[schemas.Words], list[ClassChoice]
_Class: TypeAlias = schemas.ExistingClass
_Group: TypeAlias = schemas.ExistingGroup
_Option: TypeAlias = schemas.ExistingOption
# The kinds of edit that a model may propose, with their fields. Options of a rule, and what takes
# the place of one that is dropped, may be new: added in the same proposal.
_KINDS: dict[str, dict[str, Any]] = {
    "set_rule": {"class_name": _Class, "group": _Group, "options": list[str]},
    "rename_option": {"group": _Group, "option": _Option, "to": _Text},
    "set_prompt": {"group": _Group, "prompt": _Text},
    "add_option": {"group": _Group, "option": _Text},
    "drop_option": {"group": _Group, "option": _Option, "replacement": str | None},
    "split_option": {"group": _Group, "option": _Option, "into": _Texts, "classes": _Choices},
    "merge_options": {"group": _Group, "options": list[_Option], "into": _Text},
    "add_group": {"name": _Text, "prompt": _Text, "options": _Texts, "rules": _Choices},
    "drop_group": {"group": _Group},
}


def _item(kind: str) -> type[schemas.StrictModel]:
    name = "".join(word.capitalize() for word in kind.split("_"))
    fields: dict[str, Any] = {"kind": Literal[kind], **_KINDS[kind]}
    required: Any = {field: (type_, ...) for field, type_ in fields.items()}
    return create_model(f"{name}Item", __base__=schemas.StrictModel, **required)


class _AnyOf:
    """Writes a discriminated union as `anyOf`: strict modes refuse `oneOf`."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": handler(schema)["oneOf"]}


EditItem: Any = Annotated[
    Union[tuple(_item(kind) for kind in _KINDS)],  # noqa: UP007 - they are known when it runs
    Field(discriminator="kind"),
    _AnyOf(),
]


class ProposalItem(schemas.StrictModel):
    reason: schemas.Words
    edits: list[EditItem]

    def as_proposal(self) -> Proposal:
        """The proposal. Raises pydantic.ValidationError for an edit that breaks its own rules."""
        return Proposal(
            edits=tuple(_as_edit(item) for item in self.edits), source="llm", reason=self.reason
        )


class RevisionReply(schemas.Reply):
    proposals: schemas.Checked[ProposalItem]


def revision_reply(request: RevisionRequest) -> type[RevisionReply]:
    """The reply, asked for in the names that the request tells of, as far as strict modes go."""
    groups = request.system.groups
    names = {
        schemas.GROUP_NAME: [group.name for group in groups],
        schemas.CLASS_NAME: shown_classes(request),
        schemas.OPTION_NAME: [option for group in groups for option in group.options],
    }
    return RevisionReply.asked_with(with_names(RevisionReply.model_json_schema(), names))


_EDIT: TypeAdapter[Edit] = TypeAdapter(Edit)


def _as_edit(item: schemas.StrictModel) -> Edit:
    fields = item.model_dump()
    for by_class in fields.keys() & {"rules", "classes"}:
        choices = fields[by_class]
        fields[by_class] = {choice["class_name"]: choice["options"] for choice in choices}
    if fields["kind"] == "add_group":
        fields["group"] = {key: fields.pop(key) for key in ("name", "prompt", "options")}
    return _EDIT.validate_python(fields)


# --- Asking ---------------------------------------------------------------------------------------


def revise_system(request: RevisionRequest, asking: Asking) -> tuple[Proposal, ...]:
    """At most `request.limit` proposals that apply; none when the model has none that do.

    When every proposal is unfit they are asked for once more, with the reasons.
    Raises LLMError when no readable answer is to be had.
    """
    proposals, reasons = _usable(_ask(request, asking), request, asking)
    if reasons and not proposals:
        proposals, _ = _usable(_ask(request, asking, reasons), request, asking)
    return proposals


def _ask(request: RevisionRequest, asking: Asking, reasons: Sequence[str] = ()) -> RevisionReply:
    question = revision_question(request, asking.prompts)
    if reasons:
        question = asking.prompts.again(question, [f"- {reason}" for reason in reasons])
    try:
        purpose = REVISE_AGAIN if reasons else REVISE
        return asking.ask(purpose, question, revision_reply(request))
    except TruncatedAnswer as error:
        if request.limit == 1:
            raise LLMError(
                "The model's answer is cut off even when it is asked for a single proposal.",
                hint="Raise the endpoint's limit on output tokens or use another model.",
            ) from error
        return _ask(replace(request, limit=request.limit // 2), asking, reasons)


def revision_question(request: RevisionRequest, prompts: Prompts) -> str:
    """What is asked to get proposals: with the rules of the request's classes alone."""
    limit = str(request.limit)
    return prompts.question("revise", request.context, **told(request), limit=limit)


def told(request: RevisionRequest) -> dict[str, str]:
    """What a model is told, by slot: the system, its faults, what was tried, wishes and locks."""
    system = request.system
    shown = shown_classes(request)
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


def shown_classes(request: RevisionRequest) -> tuple[str, ...]:
    """The classes whose rules a model is told."""
    return request.system.classes if request.classes is None else request.classes


def _groups(request: RevisionRequest, shown: Iterable[str]) -> list[dict[str, object]]:
    """Every group: its options, each with the number of classes that use it.

    Of a very long list those that matter to the shown classes come first, then the most used.
    """
    rules = request.system.rules
    described: list[dict[str, object]] = []
    for group in request.system.groups:
        users = Counter(option for choices in rules.values() for option in choices[group.name])
        told = {option for name in shown for option in rules[name][group.name]}
        seen = [found for found in request.seen if found.group == group.name]
        told |= {option for found in seen for option, _ in found.chosen[:MOST_SEEN]}
        first = sorted(group.options, key=lambda option: (option not in told, -users[option]))
        kept = set(first[: schemas.MOST_OPTIONS])
        left_out = len(first) - len(kept)
        options = {option: users[option] for option in group.options if option in kept}
        further: dict[str, object] = {"further_options": left_out} if left_out else {}
        described.append(
            {"name": group.name, "prompt": group.prompt, "options": options, **further}
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
    reply: RevisionReply, request: RevisionRequest, asking: Asking
) -> tuple[tuple[Proposal, ...], tuple[str, ...]]:
    """The proposals that apply, and why the others don't."""
    proposals: dict[str, Proposal] = {}
    reasons: list[str] = []
    for number, item in enumerate(reply.proposals, start=1):
        checked = item if isinstance(item, schemas.Broken) else _checked(item, request.system)
        if isinstance(checked, schemas.Broken):
            reasons.append(f"proposal {number}: {checked.problem}")
        elif checked.key in proposals:
            reasons.append(f"proposal {number}: the same as one before")
        elif len(proposals) == request.limit:
            reasons.append(f"proposal {number}: more than the {request.limit} asked for")
        else:
            proposals[checked.key] = checked
    asking.drop("proposal", reasons)
    return tuple(proposals.values()), tuple(reasons)


def _checked(item: ProposalItem, system: AttributeSystem) -> Proposal | schemas.Broken:
    try:
        proposal = item.as_proposal()
        revised = apply(system, proposal.edits)
    except ValidationError as error:
        return schemas.Broken(None, schemas.problem_of(error))
    except EditError as error:
        return schemas.Broken(None, schemas.short(error.message))
    return schemas.Broken(None, "it changes nothing") if revised == system else proposal
