"""A session on disk: a folder with an append-only journal, for one writer at a time.

    session.jsonl   the journal, one record a line, the only truth
    llm.jsonl       every request to the language model and its reply
    system.json     the best system so far, replaced atomically
    system.edit.yaml   the whole system as a text while somebody edits it; `system.edit.base.json`
                    is what it was written from, `system.edit.kept.yaml` what no longer fitted
    session.lock    held by the process that writes; `session.owner` says who that is

A last line that was cut off by a crash is taken out when the journal is opened for writing, and
kept in session.jsonl.torn: it was never acknowledged. Any other unreadable line is an error.
"""

import contextlib
import getpass
import json
import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout
from pydantic import TypeAdapter

from builder.errors import InputError, SessionError
from builder.files import command, replace_file
from builder.session.records import JOURNAL_VERSION, Record, Started
from builder.session.state import State, fold
from builder.session.story import Story, story_of

JOURNAL = "session.jsonl"
TRANSCRIPT = "llm.jsonl"
BEST = "system.json"
_LOCK = "session.lock"
_OWNER = "session.owner"
# What a session folder keeps for itself; no export may replace it.
_OTHERS = ("prompt.txt", "system.edit.yaml", "system.edit.base.json", "system.edit.kept.yaml")
OWN_FILES = frozenset({JOURNAL, f"{JOURNAL}.torn", TRANSCRIPT, BEST, *_OTHERS, _LOCK, _OWNER})
_RECORDS: TypeAdapter[Record] = TypeAdapter(Record)


@dataclass(frozen=True, slots=True)
class Journal:
    """The contents of a journal file: its records, and the size of a torn last line (usually 0).

    `times`: when each record was written, ISO 8601 in UTC; "" where its line does not say.
    """

    records: tuple[Record, ...]
    times: tuple[str, ...]
    good_bytes: int
    torn_bytes: int


class Session:
    """An open session folder. Use as a context manager; closing releases the lock."""

    def __init__(self, folder: Path, lock: FileLock, state: State, torn_bytes: int) -> None:
        self.folder = folder
        self.state = state
        # Bytes of a last line that a crash had cut off, for the screen to say so.
        self.torn_bytes = torn_bytes
        self._lock = lock

    @classmethod
    def create(cls, folder: Path, started: Started) -> Self:
        """A new session in `folder`, which may exist but not hold a journal.

        Raises SessionError if it does, if it is in use, or if it can't be written.
        """
        with _translated(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with _acquired(folder) as lock:
                check_free(folder)
                if (folder / JOURNAL).exists():
                    _take_out_torn_line(folder / JOURNAL, 0)
                session = cls(folder, lock, fold([started]), 0)
                session._write(started)
        return session

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Opens the session in `folder`, to continue it.

        Raises SessionError if there is none, if it is in use, damaged or of a newer version.
        """
        _journal_of(folder)
        with _translated(folder), _acquired(folder) as lock:
            journal = read_journal(folder)
            if journal.torn_bytes:
                _take_out_torn_line(folder / JOURNAL, journal.good_bytes)
            state = _fold(folder, journal.records)
        return cls(folder, lock, state, journal.torn_bytes)

    @property
    def transcript(self) -> Path:
        return self.folder / TRANSCRIPT

    def append(self, record: Record, state: State) -> None:
        """Appends the record; on return it is on the disk. `state` is the one after it."""
        with _translated(self.folder):
            self._write(record)
        self.state = state

    def save_best(self, text: str) -> None:
        """Replaces system.json in one step."""
        with _translated(self.folder):
            replace_file(self.folder / BEST, text)

    def close(self) -> None:
        _release(self.folder, self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, record: Record) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        text = json.dumps({"at": at, **record.model_dump(mode="json")}, ensure_ascii=False)
        # Half a surrogate pair, as a file name may hold, has no place in UTF-8.
        line = text.encode("utf-8", "backslashreplace") + b"\n"
        with (self.folder / JOURNAL).open("ab") as file:
            size = file.tell()
            try:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                # Half a line in front of the next record would damage that one too.
                with contextlib.suppress(OSError):
                    os.truncate(file.name, size)
                raise


def read_journal(folder: Path) -> Journal:
    """Reads all records of a session's journal, without a lock. Raises SessionError."""
    path, best = _journal_of(folder), folder / BEST
    with _translated(folder):
        data = path.read_bytes()
    records: list[Record] = []
    times: list[str] = []
    good = 0
    # A complete line ends with a newline, so what stands after the last one was cut off.
    lines = data.split(b"\n")[:-1]
    for number, line in enumerate(lines, start=1):
        try:
            record, at = _parse(line)
        except ValueError as error:
            # What is JSON was written whole, and means something to whoever wrote it.
            cut_off = isinstance(error, json.JSONDecodeError | UnicodeDecodeError)
            if number == len(lines) and records and cut_off:
                break
            shown = line[:60].decode("utf-8", errors="replace")
            raise SessionError(
                f"{path}, line {number} is damaged and can't be read: {shown!r}",
                hint="only a last line that was cut off can be dropped safely; restore the file "
                f"from a copy, or begin anew from the best system:\n{_anew('--start', best)}",
            ) from error
        records.append(record)
        times.append(at)
        good += len(line) + 1
    if not records:
        raise SessionError(
            f"the session in {folder} was broken off before it began",
            hint=f"nothing is lost, begin it again:\n{_anew('--out', folder)}",
        )
    return Journal(tuple(records), tuple(times), good, len(data) - good)


def read_state(folder: Path) -> State:
    """The state of the session in `folder`, read without opening it for writing."""
    return _fold(folder, read_journal(folder).records)


def read_story(folder: Path) -> Story:
    """The story of the session in `folder`, which another process may be writing to."""
    journal = read_journal(folder)
    with _contradictions(folder):
        return story_of(zip(journal.records, journal.times, strict=True))


def check_free(folder: Path) -> None:
    """Raises SessionError if `folder` can't take a new session: it holds one or is a file."""
    if _has_begun(folder / JOURNAL):
        raise SessionError(
            f"{folder} already holds a session",
            hint=f"choose another --out, or continue it with:\n{command('resume', folder)}",
        )
    if folder.exists() and not folder.is_dir():
        raise SessionError(f"{folder} is a file, not a folder", hint="choose another --out")


def session_folders(under: Path) -> list[Path]:
    """The session folders below `under` (at most two levels), the one written last first."""
    journals = [*under.glob(JOURNAL), *under.glob(f"*/{JOURNAL}"), *under.glob(f"*/*/{JOURNAL}")]
    journals.sort(key=lambda path: path.stat().st_mtime_ns, reverse=True)
    return [path.parent for path in journals]


def latest_session(under: Path) -> Path:
    """The first of `session_folders`. Raises SessionError if there is none."""
    folders = session_folders(under)
    if not folders:
        raise SessionError(
            f"there is no session below {under}",
            hint=f"name the session's folder, or begin one with:\n{_anew()}",
        )
    return folders[0]


def in_use_by(folder: Path) -> str:
    """Who works on the session in `folder` just now; "" for nobody."""
    # Only where somebody may hold the lock is it tried, for who comes meanwhile would be refused.
    if not (folder / _OWNER).exists():
        return ""
    try:
        with FileLock(folder / _LOCK, timeout=0):
            return ""
    except OSError:  # which Timeout is, too
        return owner_words(folder / _OWNER)


def sign(path: Path) -> None:
    """Writes into the lock file that this process holds the lock. Raises OSError."""
    mine = {
        "process": os.getpid(),
        "user": _user(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    path.write_text(json.dumps(mine), encoding="utf-8")


def owner_words(path: Path) -> str:
    """The lock's owner, e.g. "process 123 of ann on desk, since 14:05", or "another process"."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        number, user, host = int(found["process"]), found["user"], found["host"]
        since = datetime.fromisoformat(found["since"]).astimezone()
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return "another process"
    today = since.date() == datetime.now().astimezone().date()
    return (
        f"process {number} of {user} on {host}, since {since:{'' if today else '%Y-%m-%d '}%H:%M}"
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, ImportError, OSError):
        # In a container a process may run as a number that no user bears.
        return f"user {os.getuid()}" if sys.platform != "win32" else "an unknown user"


def _has_begun(path: Path) -> bool:
    """Whether the journal has its first record in full."""
    try:
        with path.open("rb") as file:
            return file.readline().endswith(b"\n")
    except OSError:
        # One that can't be read is not for taking either.
        return path.exists()


def _take_out_torn_line(path: Path, good_bytes: int) -> None:
    with path.open("rb") as file:
        file.seek(good_bytes)
        torn = file.read()
    with path.with_name(f"{path.name}.torn").open("ab") as kept:
        kept.write(torn + b"\n")
    os.truncate(path, good_bytes)


def _parse(line: bytes) -> tuple[Record, str]:
    """A journal line's record, and when it was written. Raises ValueError (or a subclass)."""
    data = json.loads(line)
    if not isinstance(data, dict):
        raise ValueError("not an object")
    at = data.pop("at", "")
    version = data.get("version") if data.get("kind") == "started" else None
    if isinstance(version, int) and version > JOURNAL_VERSION:
        raise SessionError(
            f"this session was written by a newer cotbuild (journal version {version}, "
            f"this one reads up to {JOURNAL_VERSION})",
            hint="upgrade: pip install --upgrade cotbuild",
        )
    return _RECORDS.validate_python(data), at if isinstance(at, str) else ""


def _fold(folder: Path, records: tuple[Record, ...]) -> State:
    with _contradictions(folder):
        return fold(records)


@contextlib.contextmanager
def _contradictions(folder: Path) -> Iterator[None]:
    try:
        yield
    except (ValueError, InputError) as error:
        raise SessionError(
            f"the journal in {folder} contradicts itself: {error}",
            hint="restore the folder from a copy, or begin a new session from its system.json:\n"
            f"{_anew('--start', folder / BEST)}",
        ) from error


@contextlib.contextmanager
def _acquired(folder: Path) -> Iterator[FileLock]:
    """The folder's lock, which is kept unless an error comes."""
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise SessionError(
            f"{folder} is in use by {owner_words(folder / _OWNER)}",
            hint="two writers would lose each other's decisions: leave the other one first (q), "
            f"or only look:\n{command('log', folder)}",
        ) from error
    try:
        sign(folder / _OWNER)
        yield lock
    except BaseException:
        _release(folder, lock)
        raise


def _release(folder: Path, lock: FileLock) -> None:
    with contextlib.suppress(OSError):
        (folder / _OWNER).unlink()
    lock.release()


def _journal_of(folder: Path) -> Path:
    path = folder / JOURNAL
    if not path.is_file():
        raise SessionError(
            f"there is no session in {folder} (no {JOURNAL})",
            hint=f"begin one with:\n{_anew()}",
        )
    return path


def _anew(*flags: object) -> str:
    return command("new", "--classes", "classes.txt", *flags)


@contextlib.contextmanager
def _translated(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SessionError(
            f"the session folder {folder} can't be used: {error.strerror or error}",
            hint="check that it is a folder with free space that you may write to, or name another",
        ) from error
