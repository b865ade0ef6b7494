"""The shapes a model must answer in: pydantic models whose JSON schema is fit for strict mode.

Strict mode wants every field required, no other fields, no dictionaries with free keys and no
`oneOf`. Items of a list are kept or set aside one by one (`Broken`), so that one invented option
does not spoil the whole reply.
"""

import contextlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self, TypeVar

import pydantic
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from builder.llm.literals import without_thoughts
from builder.llm.readings import last_object, replies
from builder.system.model import AttributeGroup, group_problems

ItemT = TypeVar("ItemT")
# More make a prompt that no model reads with care, and a schema that strict modes refuse.
MOST_OPTIONS = 100


@dataclass(frozen=True, slots=True)
class Broken:
    """An item that breaks its schema: what the model sent, and why it can't be used."""

    sent: object
    problem: str

    @property
    def shown(self) -> str:
        return short(json.dumps(self.sent, ensure_ascii=False))

    @property
    def told(self) -> str:
        return f"{self.shown}: {self.problem}"


def _set_aside(value: object, handler: pydantic.ValidatorFunctionWrapHandler) -> object:
    try:
        return handler(value)
    except ValidationError as error:
        return Broken(value, problem_of(error))


def problem_of(error: ValidationError) -> str:
    """The first mistakes of a reply in one line, without the long lists of what is allowed."""
    lines = []
    for detail in error.errors(include_url=False, include_context=False)[:3]:
        where = ".".join(str(part) for part in detail["loc"])
        if detail["type"] == "literal_error":
            message = f"{short(repr(detail['input']))} is not one of the allowed values"
        elif detail["type"] == "json_invalid" and (prose := _prose(detail["input"])):
            message = prose
        else:
            message = short(detail["msg"].removeprefix("Value error, "))
        lines.append(f"{where}: {message}" if where else message)
    return "; ".join(lines)


def _prose(sent: object) -> str:
    """What to say of words sent instead of JSON; "" of JSON that is broken."""
    text = sent if isinstance(sent, str) else ""
    if text.lstrip().startswith(("{", "[")):
        return ""
    whole = "complete " if "{" in text else ""
    return f"there is no {whole}JSON in the reply {short(repr(short(text)), 120)}"


def short(text: str, limit: int = 200) -> str:
    """`text` on one line, cut at `limit` characters: a whole completion is no error message."""
    line = one_line(text)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def one_line(text: str) -> str:
    """`text` without control characters and half characters, white space as one blank."""
    visible = "".join(
        " " if char.isspace() else char
        for char in text
        if char.isspace() or unicodedata.category(char) not in ("Cc", "Cs")
    )
    return " ".join(visible.split())


def _cleaned(value: object) -> object:
    return one_line(value) if isinstance(value, str) else value


def split_broken(items: Sequence[ItemT | Broken]) -> tuple[list[ItemT], list[Broken]]:
    """The sound items of a `Checked` list, and those that were set aside."""
    sound = [item for item in items if not isinstance(item, Broken)]
    return sound, [item for item in items if isinstance(item, Broken)]


# Words that end up in a system or on the screen.
Words = Annotated[str, BeforeValidator(_cleaned)]
# A list whose items are checked one by one. Its JSON schema is that of the sound items.
Checked = list[Annotated[ItemT, pydantic.WrapValidator(_set_aside)]]


# Names of what is there already: what titles them in a schema, see `strict_schemas.with_names`.
GROUP_NAME, CLASS_NAME, OPTION_NAME = "ExistingGroup", "ExistingClass", "ExistingOption"
ExistingGroup = Annotated[str, Field(title=GROUP_NAME)]
ExistingClass = Annotated[str, Field(title=CLASS_NAME)]
ExistingOption = Annotated[str, Field(title=OPTION_NAME)]


class StrictModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TolerantModel(BaseModel):
    """Asks for its own fields alone, and passes over others: models add remarks of their own."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"additionalProperties": False})


class Reply(TolerantModel):
    """A whole answer, the items of one list. Reads JSON alone, else whatever else may be meant.

    `asked_by`: the schema that goes along with a question, where it is narrower than what is read.
    """

    asked_by: ClassVar[Mapping[str, Any] | None] = None

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        if cls.asked_by is not None:
            return deepcopy(dict(cls.asked_by))
        return super().model_json_schema(*args, **kwargs)

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **kwargs: Any) -> Self:
        text = json_data if isinstance(json_data, str) else bytes(json_data).decode()
        return super().model_validate_json(cls.json_in(text), **kwargs)

    @classmethod
    def json_in(cls, text: str) -> str:
        """The JSON of the answer in `text`; where there is none, the text without thoughts.

        Found in a code fence, after thoughts, with prose around, in a written call, as a bare list
        and in what is almost JSON (see `readings`). Never raises; takes time in proportion.
        """

        (field,) = cls.model_fields

        def items(found: str) -> Sequence[object] | None:
            with contextlib.suppress(ValidationError):
                read: list[object] = getattr(super(Reply, cls).model_validate_json(found), field)
                return read
            return None

        if items(text) is not None:
            return text
        for found, whole in replies(text, field):
            read = items(found)
            if read is not None and (whole or split_broken(read)[0]):
                return found
        return last_object(text) or without_thoughts(text)

    @classmethod
    def asked_with(cls, schema: Mapping[str, Any]) -> type[Self]:
        """The same to be read, asked for by that schema."""
        narrower = pydantic.create_model(cls.__name__, __base__=cls)
        narrower.asked_by = schema
        return narrower

    @property
    def finished(self) -> bool:
        """Whether nothing of what was asked for is missing; False where that can't be known."""
        return False


class DraftedGroup(TolerantModel):
    name: Words
    prompt: Words
    options: list[Words]

    @pydantic.model_validator(mode="after")
    def _sound(self) -> Self:
        problems = [problem.message for problem in group_problems(self.prompt, self.options)]
        if not self.name:
            problems.append("the group has no name")
        if not all(self.options):
            problems.append("an option is empty")
        if len(self.options) > MOST_OPTIONS:
            problems.append(f"{len(self.options):,} options are too many: at most {MOST_OPTIONS}")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def as_group(self) -> AttributeGroup:
        return AttributeGroup(name=self.name, prompt=self.prompt, options=tuple(self.options))


class GroupsReply(Reply):
    groups: Checked[DraftedGroup]


class SeparatingReply(Reply):
    """Groups to add to those that a system has."""

    new_groups: Checked[DraftedGroup]
