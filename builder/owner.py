"""Who works on a session: a small file beside its lock, for the process that is refused."""

import getpass
import json
import os
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path


def sign(path: Path) -> None:
    """Writes down that this process has the lock. Raises OSError."""
    mine = {
        "process": os.getpid(),
        "user": _user(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    path.write_text(json.dumps(mine), encoding="utf-8")


def owner_words(path: Path) -> str:
    """E.g. "process 123 of ann on desk, since 14:05"; "another process" where that is not known."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        number, user, host = int(found["process"]), found["user"], found["host"]
        since = datetime.fromisoformat(found["since"]).astimezone()
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return "another process"
    # Left by a process that was killed: whoever has the lock now has not signed yet.
    if host == socket.gethostname() and not _is_running(number):
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


def _is_running(number: int) -> bool:
    """Whether this machine has such a process; True where asking would do harm."""
    # On Windows the signal 0 is Ctrl-C.
    if sys.platform == "win32":
        return True
    try:
        os.kill(number, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
