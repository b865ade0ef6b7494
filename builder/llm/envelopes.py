"""What an answer of an endpoint holds: its text, wherever and whichever way it is put."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from openai.types.chat import ChatCompletion, ChatCompletionMessage

# Where servers put what a model wrote while it thought; some put all of it there.
_THOUGHTS = ("reasoning_content", "reasoning", "thinking")


@dataclass(frozen=True, slots=True)
class Said:
    """The message of an answer: its `content`, `thoughts` beside it, a `refusal`.

    `tool`, `arguments`: name and JSON of the first tool called.
    """

    content: str
    thoughts: str
    refusal: str
    finish_reason: str | None
    tool: str
    arguments: str

    def text(self, *, called: bool) -> str:
        """The answer itself: where a tool was to be `called`, its arguments before all else."""
        first, second = (self.content, self.arguments)[:: -1 if called else 1]
        return next((text for text in (first, second, self.thoughts) if text.strip()), "")


def said_in(completion: ChatCompletion) -> Said | None:
    """The first choice if it holds a message that can be read, or one of nothing.

    openai does not validate what it received: any field may be missing or of another type.
    """
    choices: object = completion.choices
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = getattr(choice, "message", None)
    if not isinstance(message, ChatCompletionMessage):
        return None
    content: object = message.content
    refusal: object = message.refusal
    if not isinstance(content, str | list | dict | None) or not isinstance(refusal, str | None):
        return None
    plain, thought = _texts(content)
    beside = (getattr(message, name, None) for name in _THOUGHTS)
    finish = getattr(choice, "finish_reason", None)
    return Said(
        content=plain,
        thoughts=thought or next((text for text in beside if isinstance(text, str) and text), ""),
        refusal=refusal or "",
        finish_reason=finish if isinstance(finish, str) else None,
        **_called(message),
    )


def message_of(text: str, tool: str = "") -> ChatCompletionMessage:
    """A message that says `text` and nothing else, in a call of the `tool` where one is named."""
    call = {"id": "call", "type": "function", "function": {"name": tool, "arguments": text}}
    return ChatCompletionMessage.model_validate(
        {"role": "assistant", "content": None, "tool_calls": [call]}
        if tool
        else {"role": "assistant", "content": text}
    )


def _texts(content: str | list[Any] | dict[str, Any] | None) -> tuple[str, str]:
    """What is said, and what is thought: a text, a list of parts, or the answer as an object."""
    if isinstance(content, dict) and "type" not in content:
        return json.dumps(content, ensure_ascii=False), ""
    if isinstance(content, str | None):
        return content or "", ""
    parts = list(_parts(content, thought=False))
    return (
        "".join(text for text, thought in parts if not thought),
        "".join(text for text, thought in parts if thought),
    )


def _parts(content: object, *, thought: bool, steps: int = 4) -> Iterator[tuple[str, bool]]:
    """The texts of the parts of a content; a part may hold parts."""
    if isinstance(content, str):
        yield content, thought
    elif isinstance(content, list) and steps:
        for part in content:
            yield from _parts(part, thought=thought, steps=steps - 1)
    elif isinstance(content, dict):
        kind = content.get("type")
        thought = thought or (isinstance(kind, str) and kind.startswith(("think", "reason")))
        for name in ("text", "content", *_THOUGHTS):
            if name in content:
                yield from _parts(content[name], thought=thought, steps=steps)
                return


def _called(message: ChatCompletionMessage) -> dict[str, str]:
    """Some servers send the arguments as an object instead of its text, or the older field."""
    calls: object = message.tool_calls
    first = calls[0] if isinstance(calls, list) and calls else None
    function = getattr(first, "function", None) or message.function_call
    name, arguments = getattr(function, "name", None), getattr(function, "arguments", None)
    if isinstance(arguments, dict):
        arguments = json.dumps(arguments, ensure_ascii=False)
    if isinstance(name, str) and isinstance(arguments, str):
        return {"tool": name, "arguments": arguments}
    return {"tool": "", "arguments": ""}
