"""A session killed at any moment in which it writes: nothing acknowledged is lost, it goes on.

Files that are written go through `Disk`, which stands for the machine: what a program has written
reaches it when it is flushed, and from the chosen moment on nothing does any more.
"""

import builtins
import io
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from builder.cli.save import EXPORT_NAME, Running
from builder.cli.screen import Screen
from builder.cli.workspace import Workspace
from builder.edits.locks import Lock
from builder.edits.model import Proposal, RenameOption, SetRule
from builder.llm.transcript import Exchange, append, read
from builder.proposals.requests import DraftRequest, RevisionRequest
from builder.review.loop import Ended, Recorded, run
from builder.review.view import (
    Action,
    Decide,
    EndRound,
    Export,
    Note,
    Quit,
    Redo,
    RemoveLock,
    SetLock,
    Undo,
    View,
)
from builder.session.journal import BEST, JOURNAL, Session, read_journal
from builder.session.records import Record
from builder.session.state import State, fold
from builder.system.file import load_system_file
from builder.system.model import AttributeSystem
from tests.worlds import DRAFT, evaluator, started


class Killed(BaseException):
    """The program is gone: nothing catches this, and nothing is cleaned up after it."""


class Disk:
    """What reaches the disk below a folder, until the moment `killed_at` (counted from 1)."""

    def __init__(self, folder: Path, killed_at: int | None = None) -> None:
        self.folder = folder
        self.killed_at = killed_at
        self.moments = 0
        self.dead = False

    def moment(self) -> None:
        """Something is about to change on the disk, or just has."""
        if self.dead:
            raise Killed
        self.moments += 1
        if self.moments == self.killed_at:
            self.dead = True
            raise Killed

    def holds(self, path: object) -> bool:
        return isinstance(path, int) or Path(os.fsdecode(path)).is_relative_to(self.folder)  # type: ignore[arg-type]


class Written:
    """A file that is written: its data wait until they are flushed."""

    def __init__(self, file: Any, disk: Disk) -> None:
        self._file = file
        self._disk = disk
        self._waiting: list[Any] = []

    def write(self, data: Any) -> int:
        self._waiting.append(data)
        return len(data)

    def flush(self) -> None:
        if not self._waiting:
            return
        whole = self._waiting[0][:0].join(self._waiting)
        half = len(whole) // 2
        self._disk.moment()
        self._arrives(whole[:half])
        self._disk.moment()
        self._arrives(whole[half:])
        self._disk.moment()
        self._waiting = []

    def close(self) -> None:
        try:
            if not self._disk.dead:
                self.flush()
        finally:
            self._file.close()

    def __enter__(self) -> "Written":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def _arrives(self, data: Any) -> None:
        self._file.write(data)
        self._file.flush()


@contextmanager
def on(disk: Disk) -> Iterator[None]:
    """Every write in here is one to that disk."""
    opened = io.open

    def open_file(path: Any, mode: str = "r", *rest: Any, **named: Any) -> Any:
        written = set(mode) & set("wax+") and disk.holds(path)
        if written and disk.dead:
            raise Killed
        file = opened(path, mode, *rest, **named)
        return Written(file, disk) if written else file

    def momentous(name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def call(*arguments: Any, **named: Any) -> Any:
            if not disk.holds(arguments[0]):
                return real(*arguments, **named)
            disk.moment()
            # What was flushed is on this disk; waiting for the real one would only take time.
            result = None if name == "fsync" else real(*arguments, **named)
            disk.moment()
            return result

        return call

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(io, "open", open_file)
        patch.setattr(builtins, "open", open_file)
        for name in ("fsync", "replace", "truncate", "unlink"):
            patch.setattr(os, name, momentous(name))
        yield


class Encoder:
    """All that a system file says of an encoder."""

    name = "test encoder"
    revision = "1"
    fingerprint = "test encoder"
    logit_scale = 20.0


WORKSPACE = Workspace(encoder=Encoder(), evaluator=evaluator(per_class=2, final=1), labels={})  # type: ignore[arg-type]
FIX = Proposal(
    edits=(SetRule(class_name='Celebi & "Co"', group="form", options=("a fish",)),),
    source="llm",
    reason="it has [fins]",
)
OTHER = Proposal(
    edits=(RenameOption(group="colour", option="green", to="grass green δ"),), source="llm"
)
OWN = Proposal(
    edits=(RenameOption(group="form", option="a bird", to="a big bird"),), source="person"
)
LOCK = Lock(group="colour")
SCRIPT: tuple[Action, ...] = (
    Decide(FIX, "accepted"),
    Note("mind the [red] ones\n\x1b[31m"),
    SetLock(LOCK),
    Undo(),
    Undo(),
    Redo(),
    Decide(OWN, "accepted"),
    EndRound(),
    Decide(OTHER, "rejected", "no"),
    SetLock(LOCK),
    Export(),
    RemoveLock(LOCK),
    Undo(),
    EndRound(),
    Export(),
)
# Each action of the script leaves one record of these kinds.
ACTS = ["decided", "noted", "locked", "unlocked", "undone", "redone", "round_ended", "exported"]


@dataclass
class Person:
    """Goes on with the script where the journal says that it stands."""

    place: int
    name = "person"
    present = True

    def next_action(self, view: View) -> Action:  # noqa: ARG002 - the script is written
        self.place += 1
        return SCRIPT[self.place - 1] if self.place <= len(SCRIPT) else Quit()


@dataclass
class Model:
    """Answers always the same, and keeps each answer as a model's transport does."""

    transcript: Path

    def draft(self, request: DraftRequest) -> AttributeSystem:  # noqa: ARG002
        append(self.transcript, Exchange(purpose="draft", reply="a system"))
        return DRAFT

    def revise(self, request: RevisionRequest) -> tuple[Proposal, ...]:  # noqa: ARG002
        append(self.transcript, Exchange(purpose="revise", reply="proposals"))
        return FIX, OTHER


def play(session: Session, acknowledged: list[Record]) -> None:
    """Goes on with the session to the end of the script."""
    running = Running(session, Screen(), workspace=WORKSPACE)
    running.save_best()
    done = sum(record.kind in ACTS for record in read_journal(session.folder).records)
    for event in run(
        session.state,
        evaluator=WORKSPACE.evaluator,
        drafter=Model(session.transcript),
        reviewer=Person(done),  # type: ignore[arg-type]
        export_to=str(session.folder / EXPORT_NAME),
    ):
        if isinstance(event, Recorded):
            running.keep(event)
            acknowledged.append(event.record)
        if isinstance(event, Ended):
            return


def from_the_start(folder: Path, disk: Disk) -> list[Record]:
    """What was acknowledged until the end, or until the disk was gone."""
    acknowledged: list[Record] = []
    begun: list[Session] = []
    try:
        with on(disk):
            session = Session.create(folder, started())
            begun.append(session)
            acknowledged.append(started())
            play(session, acknowledged)
    except Killed:
        pass
    # The machine ends a dead program's locks.
    for session in begun:
        session._lock.release()
    return acknowledged


def reopened(folder: Path) -> Session:
    """As `cotbuild resume` does, or `new` where the session had not begun."""
    if (folder / JOURNAL).exists() and b"\n" in (folder / JOURNAL).read_bytes():
        return Session.open(folder)
    return Session.create(folder, started())


def undisturbed(folder: Path) -> tuple[tuple[Record, ...], int]:
    """The records of the script played to its end, and in how many moments it writes."""
    disk = Disk(folder)
    acknowledged = from_the_start(folder, disk)
    records = read_journal(folder).records
    assert list(records) == acknowledged
    assert [record.kind for record in records if record.kind in ACTS] == [
        "decided", "noted", "locked", "undone", "undone", "redone", "decided", "round_ended",
        "decided", "locked", "exported", "unlocked", "undone", "round_ended", "exported",
    ]  # fmt: skip
    return records, disk.moments


def sound(path: Path, state: State) -> None:
    """The file is absent, or holds a whole system that the session has had."""
    if path.exists():
        systems = {step.system for version in state.versions for step in version.steps}
        assert load_system_file(path).system in systems | {DRAFT}


def test_killed_at_any_moment_a_session_has_lost_nothing_and_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "session"
    records, moments = undisturbed(folder)
    end = fold(records)
    assert moments > 100
    for moment in range(1, moments + 1):
        shutil.rmtree(folder)
        acknowledged = from_the_start(folder, Disk(folder, moment))
        sound(folder / BEST, end)
        sound(folder / EXPORT_NAME, end)
        with on(Disk(folder)), reopened(folder) as session:
            found = read_journal(folder).records
            # In their order, none twice, and at most one that was written but not acknowledged.
            assert found == records[: len(found)], moment
            assert found[: len(acknowledged)] == tuple(acknowledged), moment
            assert len(found) <= max(1, len(acknowledged) + 1), moment
            assert session.state == fold(found)
            play(session, [])
            assert session.state == end, moment
            best = session.state.best_version
        acts = [record.kind for record in read_journal(folder).records if record.kind in ACTS]
        assert acts == [record.kind for record in records if record.kind in ACTS]
        assert best is not None
        assert load_system_file(folder / BEST).system == best.system
        answers = read(folder / "llm.jsonl").exchanges
        # An answer that came too late to be acted on is asked for again.
        asked = 1 + sum(record.kind == "proposed" and record.asked for record in records)
        assert asked <= len(answers) <= asked + 1
