"""Background for the language model, from a file of the user's."""

from pathlib import Path

from builder.errors import InputError

# About 250,000 tokens: more than the models in use take.
_LONGEST = 1_000_000


def read_context(path: Path | None) -> str:
    """The text of `--context FILE`, "" without one. Raises InputError."""
    if path is None:
        return ""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InputError(
            f"{path} can't be read: {why}", hint="name a UTF-8 text file: --context FILE"
        ) from error
    if "\0" in text:
        raise InputError(f"{path} holds no text", hint="name a UTF-8 text file: --context FILE")
    if len(text) > _LONGEST:
        raise InputError(
            f"{path} has {len(text):,} characters; no model reads that much",
            hint=f"keep what tells the classes apart, at most {_LONGEST:,} characters",
        )
    return text.strip()
