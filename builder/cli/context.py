"""Background for the language model, from a file of the user's."""

from pathlib import Path

from builder.cli.user_files import read_text
from builder.errors import InputError

# About 250,000 tokens: more than the models in use take.
_LONGEST = 1_000_000


def read_context(path: Path | None) -> str:
    """The text of `--context FILE`, "" without one. Raises InputError."""
    if path is None:
        return ""
    hint = "name a UTF-8 text file: --context FILE"
    text = read_text(path, hint)
    if "\0" in text:
        raise InputError(f"{path} holds no text", hint=hint)
    if len(text) > _LONGEST:
        raise InputError(
            f"{path} has {len(text):,} characters; no model reads that much",
            hint=f"keep what tells the classes apart, at most {_LONGEST:,} characters",
        )
    return text.strip()
