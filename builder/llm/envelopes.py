"""What an answer of an endpoint holds: the message, whichever way it is wrapped."""

import json
from dataclasses import dataclass

from openai.types.chat import ChatCompletion, ChatCompletionMessage


@dataclass(frozen=True, slots=True)
class Said:
    """The message of an answer; `tool`, `arguments`: name and JSON of the first tool called."""

    message: ChatCompletionMessage
    finish_reason: str | None
    tool: str
    arguments: str

    def text(self, *, called: bool) -> str | None:
        """The answer itself: where a tool was `called`, its arguments."""
        return self.arguments if called and self.message.tool_calls else self.message.content


def said_in(completion: ChatCompletion) -> Said | None:
    """The first choice if it holds a message of text, or of nothing.

    openai does not validate what it received: any field may be missing or of another type.
    """
    choices: object = completion.choices
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = getattr(choice, "message", None)
    if not isinstance(message, ChatCompletionMessage):
        return None
    texts: tuple[object, ...] = (message.content, message.refusal)
    if not all(isinstance(text, str | None) for text in texts):
        return None
    finish = getattr(choice, "finish_reason", None)
    return Said(message, finish if isinstance(finish, str) else None, *_called(message))


def _called(message: ChatCompletionMessage) -> tuple[str, str]:
    """Some servers send the arguments as an object instead of its text."""
    calls: object = message.tool_calls
    function = getattr(calls[0], "function", None) if isinstance(calls, list) and calls else None
    name, arguments = getattr(function, "name", None), getattr(function, "arguments", None)
    if isinstance(arguments, dict):
        arguments = json.dumps(arguments, ensure_ascii=False)
    return (name, arguments) if isinstance(name, str) and isinstance(arguments, str) else ("", "")
