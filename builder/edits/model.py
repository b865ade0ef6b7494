"""Edits: small typed changes to a system; proposals: edits accepted or rejected together."""

import json
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from builder.system.model import AttributeGroup, Choice, Name, Value

# Where an added or moved thing stands afterwards; None puts it last.
Position = Annotated[int, Field(ge=0)] | None


class SetDomain(Value):
    kind: Literal["set_domain"] = "set_domain"
    domain: Name


class AddGroup(Value):
    """A new group; classes that `rules` leaves out get none (does not apply)."""

    kind: Literal["add_group"] = "add_group"
    group: AttributeGroup
    rules: Mapping[str, Choice] = Field(default_factory=dict)
    position: Position = None


class DropGroup(Value):
    kind: Literal["drop_group"] = "drop_group"
    group: str


class RenameGroup(Value):
    kind: Literal["rename_group"] = "rename_group"
    group: str
    to: Name


class MoveGroup(Value):
    kind: Literal["move_group"] = "move_group"
    group: str
    position: Annotated[int, Field(ge=0)]


class SetPrompt(Value):
    kind: Literal["set_prompt"] = "set_prompt"
    group: str
    prompt: Name


class AddOption(Value):
    kind: Literal["add_option"] = "add_option"
    group: str
    option: Name
    position: Position = None


class DropOption(Value):
    """Rules that used `option` use `replacement` instead, or lose it when that is None."""

    kind: Literal["drop_option"] = "drop_option"
    group: str
    option: str
    replacement: str | None = None


class RenameOption(Value):
    """New words for an option; the rules that use it follow."""

    kind: Literal["rename_option"] = "rename_option"
    group: str
    option: str
    to: Name


class MoveOption(Value):
    kind: Literal["move_option"] = "move_option"
    group: str
    option: str
    position: Annotated[int, Field(ge=0)]


class SplitOption(Value):
    """`option` becomes `into` at its place; `classes` says which of them each user of it gets."""

    kind: Literal["split_option"] = "split_option"
    group: str
    option: str
    into: Annotated[tuple[Name, ...], Field(min_length=2)]
    classes: Mapping[str, Choice]


class MergeOptions(Value):
    """`options` become `into` at the place of the first; rules that used any of them use it."""

    kind: Literal["merge_options"] = "merge_options"
    group: str
    options: Annotated[tuple[str, ...], Field(min_length=2)]
    into: Name


class AddClass(Value):
    """A new class; groups that `rules` leaves out get none (does not apply)."""

    kind: Literal["add_class"] = "add_class"
    class_name: Name
    rules: Mapping[str, Choice] = Field(default_factory=dict)
    position: Position = None


class DropClass(Value):
    kind: Literal["drop_class"] = "drop_class"
    class_name: str


class RenameClass(Value):
    kind: Literal["rename_class"] = "rename_class"
    class_name: str
    to: Name


class MoveClass(Value):
    kind: Literal["move_class"] = "move_class"
    class_name: str
    position: Annotated[int, Field(ge=0)]


class SetRule(Value):
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


class Proposal(Value):
    """Edits that are measured, accepted, rejected and undone as a whole."""

    edits: Annotated[tuple[Edit, ...], Field(min_length=1)]
    source: Source
    reason: str = ""

    @property
    def key(self) -> str:
        """A key that is equal for proposals with the same edits, whoever made them and why."""
        edits = [edit.model_dump(mode="json") for edit in self.edits]
        # Sorted: the order in which an edit lists its classes says nothing.
        return json.dumps(edits, sort_keys=True)
