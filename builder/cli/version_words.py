"""`[SESSION] A B`: the words after `diff` and `revert`."""

import os
from collections.abc import Sequence
from pathlib import Path

from builder.errors import InputError
from builder.session.journal import JOURNAL, latest_session
from builder.session.versions import NAMES
from builder.system.model import quoted


def session_and_versions(words: Sequence[str], expected: str) -> tuple[Path, Sequence[str]]:
    """The session's folder, by default the latest one here, and the versions named after it.

    `expected`: how the help screen spells the words, e.g. "[SESSION] A B". Raises InputError where
    others are given, and SessionError where there is no session here.
    """
    session, *versions = expected.split()
    hint = f"give {expected}; without {session} it is the latest session here"
    if len(words) == len(versions):
        if names_session(words[0]):
            raise InputError(f"which version of the session in {words[0]}?", hint=hint)
        return latest_session(Path.cwd()).resolve(), words
    if len(words) != len(versions) + 1:
        raise InputError(f"there are {len(words)} words: {' '.join(words)}", hint=hint)
    if not _session_like(words[0]):
        raise InputError(f"{quoted(words[0])} is not the folder of a session", hint=hint)
    return Path(words[0]).resolve(), words[1:]


def names_session(word: str) -> bool:
    """Whether the word can only be meant as a session: a version's name is that of a version."""
    return _session_like(word) and not (word.isdecimal() or word in NAMES)


def _session_like(word: str) -> bool:
    return os.sep in word or (Path(word) / JOURNAL).exists()
