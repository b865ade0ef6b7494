"""Checks of what is being typed, in words: None when it will do."""

from collections.abc import Callable, Sequence

from builder.system.model import prompt_problems
from builder.system.names import folded
from builder.terminal.asker import Check
from builder.terminal.text import quoted


def prompt_complaint(prompt: str) -> str | None:
    """A prompt holds one place for the option."""
    return next((problem.message for problem in prompt_problems(prompt, "prompt")), None)


def unlike(
    texts: Sequence[str], *, empty: bool = False, same: Callable[[str], str] = folded
) -> Check:
    """A check against repeating one of `texts`, and unless `empty`, against nothing at all.

    Two texts repeat each other when `same` makes the same of them.
    """
    known = {same(text): text for text in texts}

    def check(typed: str) -> str | None:
        if not typed.strip():
            return None if empty else "it needs some words"
        repeated = known.get(same(typed))
        return None if repeated is None else f"{quoted(repeated)} is there already"

    return check
