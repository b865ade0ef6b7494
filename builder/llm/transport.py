"""How a question gets to a model and its answer back: live, from a recording, or by hand."""

from typing import Protocol, TypedDict, TypeVar

from builder.errors import LLMError
from builder.llm.schemas import Reply

ReplyT = TypeVar("ReplyT", bound=Reply)


class Message(TypedDict):
    role: str
    content: str


class UnusableAnswer(LLMError):
    """The model answered, and nothing can be made of it: another question may fare better."""


class TruncatedAnswer(UnusableAnswer):
    """The answer ended at the model's output limit (finish_reason "length")."""


class Transport(Protocol):
    def complete(self, purpose: str, messages: list[Message], reply_model: type[ReplyT]) -> ReplyT:
        """The model's answer to `messages`, in the shape of `reply_model`.

        Raises TruncatedAnswer, and LLMError when no readable answer is to be had.
        """


def ask(content: str) -> list[Message]:
    """A conversation of one question."""
    return [{"role": "user", "content": content}]
