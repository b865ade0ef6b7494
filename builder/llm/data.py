"""What users wrote, as it stands in a prompt: JSON between tags, data and no instruction."""

import json
from collections.abc import Sequence

from builder.prompting import Prompts

Described = tuple[str, str]  # class name, description or ""


def as_data(values: Sequence[object]) -> str:
    """A JSON list, one value a line, that can't close the tag it stands in."""
    lines = ",\n".join(json.dumps(value, ensure_ascii=False) for value in values)
    return f"[\n{lines}\n]".replace("<", "\\u003c") if values else "[]"


def described_classes(classes: Sequence[Described]) -> str:
    """Classes as data, one a line."""
    return as_data([described(entry) for entry in classes])


def described(entry: Described) -> dict[str, str]:
    name, description = entry
    return {"name": name} | ({"description": description} if description else {})


def with_context(question: str, context: str, prompts: Prompts) -> str:
    """The question, with the user's background text behind it if there is any."""
    lines = [line for line in context.splitlines() if line.strip()]
    if not lines:
        return question
    return f"{question}\n\n{prompts.render('context', context=as_data(lines))}"
