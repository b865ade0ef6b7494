"""The shape of a revision: proposals with edits, as a strict JSON schema can say them.

The kinds mirror `builder.edits`; maps keyed by class become lists of {class_name, options}.
New words are cleaned (`Words`); names of what exists are taken as they stand.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, GetJsonSchemaHandler, TypeAdapter
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from builder.edits import Edit, Proposal
from builder.llm.schemas import Checked, Reply, StrictModel, Words


class ClassChoice(StrictModel):
    class_name: str
    options: list[str]


class SetRuleItem(StrictModel):
    kind: Literal["set_rule"]
    class_name: str
    group: str
    options: list[str]


class RenameOptionItem(StrictModel):
    kind: Literal["rename_option"]
    group: str
    option: str
    to: Words


class SetPromptItem(StrictModel):
    kind: Literal["set_prompt"]
    group: str
    prompt: Words


class AddOptionItem(StrictModel):
    kind: Literal["add_option"]
    group: str
    option: Words


class DropOptionItem(StrictModel):
    kind: Literal["drop_option"]
    group: str
    option: str
    replacement: str | None


class SplitOptionItem(StrictModel):
    kind: Literal["split_option"]
    group: str
    option: str
    into: list[Words]
    classes: list[ClassChoice]


class MergeOptionsItem(StrictModel):
    kind: Literal["merge_options"]
    group: str
    options: list[str]
    into: Words


class AddGroupItem(StrictModel):
    kind: Literal["add_group"]
    name: Words
    prompt: Words
    options: list[Words]
    rules: list[ClassChoice]


class DropGroupItem(StrictModel):
    kind: Literal["drop_group"]
    group: str


class _AnyOf:
    """Writes a discriminated union as `anyOf`: strict modes refuse `oneOf`."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": handler(schema)["oneOf"]}


EditItem = Annotated[
    SetRuleItem
    | RenameOptionItem
    | SetPromptItem
    | AddOptionItem
    | DropOptionItem
    | SplitOptionItem
    | MergeOptionsItem
    | AddGroupItem
    | DropGroupItem,
    Field(discriminator="kind"),
    _AnyOf(),
]


class ProposalItem(StrictModel):
    reason: Words
    edits: list[EditItem]

    def as_proposal(self) -> Proposal:
        """Raises pydantic.ValidationError when an edit breaks its own rules (an empty name)."""
        return Proposal(
            edits=tuple(_as_edit(item) for item in self.edits), source="llm", reason=self.reason
        )


class RevisionReply(Reply):
    proposals: Checked[ProposalItem]


_EDIT: TypeAdapter[Edit] = TypeAdapter(Edit)


def _as_edit(item: StrictModel) -> Edit:
    return _EDIT.validate_python(_edit_fields(item))


def _edit_fields(item: StrictModel) -> dict[str, Any]:
    match item:
        case AddGroupItem():
            group = {"name": item.name, "prompt": item.prompt, "options": item.options}
            return {"kind": item.kind, "group": group, "rules": _by_class(item.rules)}
        case SplitOptionItem():
            return item.model_dump() | {"classes": _by_class(item.classes)}
        case _:
            return item.model_dump()


def _by_class(choices: list[ClassChoice]) -> dict[str, list[str]]:
    return {choice.class_name: choice.options for choice in choices}
