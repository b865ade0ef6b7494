"""Edits: small typed changes to a system; proposals: edits accepted or rejected together."""

import json
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from builder.system.model import AttributeGroup, Choice, Name

# Where an added or moved thing stands afterwards; None puts it last.
Position = Annotated[int, Field(ge=0)] | None


class _Edit(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SetDomain(_Edit):
    kind: Literal["set_domain"] = "set_domain"
    domain: Name


class AddGroup(_Edit):
    """A new group; classes that `rules` leaves out get none (does not apply)."""

    kind: Literal["add_group"] = "add_group"
    group: AttributeGroup
    rules: Mapping[str, Choice] = Field(default_factory=dict)
    position: Position = None


class DropGroup(_Edit):
    kind: Literal["drop_group"] = "drop_group"
    group: str


class RenameGroup(_Edit):
    kind: Literal["rename_group"] = "rename_group"
    group: str
    to: Name


class MoveGroup(_Edit):
    kind: Literal["move_group"] = "move_group"
    group: str
    position: Annotated[int, Field(ge=0)]


class SetPrompt(_Edit):
    kind: Literal["set_prompt"] = "set_prompt"
    group: str
    prompt: Name


class AddOption(_Edit):
    kind: Literal["add_option"] = "add_option"
    group: str
    option: Name
    position: Position = None


class DropOption(_Edit):
    """Rules that used `option` use `replacement` instead, or lose it when that is None."""

    kind: Literal["drop_option"] = "drop_option"
    group: str
    option: str
    replacement: str | None = None


class RenameOption(_Edit):
    """New words for an option; the rules that use it follow."""

    kind: Literal["rename_option"] = "rename_option"
    group: str
    option: str
    to: Name


class MoveOption(_Edit):
    kind: Literal["move_option"] = "move_option"
    group: str
    option: str
    position: Annotated[int, Field(ge=0)]


class SplitOption(_Edit):
    """`option` becomes `into` at its place; `classes` says which of them each user of it gets."""

    kind: Literal["split_option"] = "split_option"
    group: str
    option: str
    into: Annotated[tuple[Name, ...], Field(min_length=2)]
    classes: Mapping[str, Choice]


class MergeOptions(_Edit):
    """`options` become `into` at the place of the first; rules that used any of them use it."""

    kind: Literal["merge_options"] = "merge_options"
    group: str
    options: Annotated[tuple[str, ...], Field(min_length=2)]
    into: Name


class AddClass(_Edit):
    """A new class; groups that `rules` leaves out get none (does not apply)."""

    kind: Literal["add_class"] = "add_class"
    class_name: Name
    rules: Mapping[str, Choice] = Field(default_factory=dict)
    position: Position = None


class DropClass(_Edit):
    kind: Literal["drop_class"] = "drop_class"
    class_name: str


class RenameClass(_Edit):
    kind: Literal["rename_class"] = "rename_class"
    class_name: str
    to: Name


class MoveClass(_Edit):
    kind: Literal["move_class"] = "move_class"
    class_name: str
    position: Annotated[int, Field(ge=0)]


class SetRule(_Edit):
    """The option(s) of one class in one group; empty means does not apply."""

    kind: Literal["set_rule"] = "set_rule"
    class_name: str
    group: str
    options: Choice


GroupEdit = AddGroup | DropGroup | RenameGroup | MoveGroup | SetPrompt
OptionEdit = AddOption | DropOption | RenameOption | MoveOption | SplitOption | MergeOptions
ClassEdit = AddClass | DropClass | RenameClass | MoveClass | SetRule
Edit = Annotated[SetDomain | GroupEdit | OptionEdit | ClassEdit, Field(discriminator="kind")]

Source = Literal["person", "llm", "data"]


class Proposal(BaseModel):
    """Edits that are measured, accepted, rejected and undone as a whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    edits: Annotated[tuple[Edit, ...], Field(min_length=1)]
    source: Source
    reason: str = ""

    @property
    def key(self) -> str:
        """A key that is equal for proposals with the same edits, whoever made them and why."""
        edits = [edit.model_dump(mode="json") for edit in self.edits]
        # Sorted: the order in which an edit lists its classes says nothing.
        return json.dumps(edits, sort_keys=True)
