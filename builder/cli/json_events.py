"""`--json` of a session: what happens is told on stdout, one JSON object a line.

Progress and warnings go to stderr, as ever. systems/README.md describes the events.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from builder.cli import INTERRUPTED, unusable_file
from builder.cli.json_values import (
    Data,
    decided_data,
    effect_data,
    exported_data,
    proposal_data,
    spent_data,
    version_data,
)
from builder.cli.screen import Screen, Shortfall
from builder.cli.settings import RunMode
from builder.encoders.protocol import Encoder
from builder.errors import CotbuildError, InputError
from builder.review.loop import Ended, Recorded, StepFailed, Working
from builder.review.view import Offer, View
from builder.search.shuffled import ShuffledNull
from builder.session.records import (
    Assigned,
    Decided,
    Drafted,
    Exported,
    Locked,
    Measured,
    Noted,
    Optimised,
    Proposed,
    Record,
    Redone,
    Rescored,
    Reverted,
    RoundEnded,
    RulesTried,
    Started,
    Undone,
    Unlocked,
)
from builder.session.state import State
from builder.system.file import SplitName
from builder.terminal.console import progress_console, result_console

_SPLITS: tuple[SplitName, ...] = ("review", "held_out", "final")


@contextmanager
def session_screen(mode: RunMode, *, as_json: bool) -> Iterator[Screen]:
    """Where a session is shown; with `as_json` as events, of which an error is the last.

    Raises InputError where somebody would have to be asked in the middle of them.
    """
    if not as_json:
        yield Screen.open()
        return
    screen = JsonScreen(result_console(), progress_console())
    try:
        if not (mode.auto or mode.edits):
            raise InputError(
                "--json asks nobody anything, and somebody has to review the proposals",
                hint="add --auto to accept what helps on review images, or give proposals with "
                "cotbuild resume --edits FILE",
            )
        yield screen
    except CotbuildError as error:
        screen.error(error)
        raise
    except OSError as error:
        screen.error(unusable_file(error))
        raise
    except KeyboardInterrupt:
        screen.interrupted()
        raise


class JsonScreen(Screen):
    """A screen whose results are events."""

    def began(self, folder: Path, started: Started) -> None:
        super().began(folder, started)
        self._session(folder, started, resumed=False, round=1, versions=0)

    def resumed(self, folder: Path, state: State, torn_bytes: int) -> None:
        super().resumed(folder, state, torn_bytes)
        self._session(
            folder, state.started, resumed=True, round=state.round, versions=len(state.versions)
        )

    def working(self, event: Working) -> None:
        super().working(event)
        self._event("working", what=event.what)

    def recorded(self, event: Recorded) -> None:
        self.over()
        if data := _record_data(event.record, event.state):
            self._event(event.record.kind, **data)

    def failed(self, event: StepFailed) -> None:
        super().failed(event)
        error = event.error
        self._event(
            "failed",
            what=event.what,
            message=error.message if error else "stopped by Ctrl-C",
            hint=error.hint if error else "",
        )

    def viewed(self, view: View, encoder: Encoder | None) -> None:  # noqa: ARG002 - drawn only
        self.over()
        self._event(
            "proposed",
            round=view.state.round,
            proposals=[_offer_data(offer, view) for offer in view.offers],
            unfit=view.unfit,
            locked=view.locked,
            tried=view.state.tried,
        )

    def ended(
        self, folder: Path, ended: Ended, *, exported: bool, shortfall: Shortfall | None
    ) -> None:
        super().ended(folder, ended, exported=exported, shortfall=shortfall)
        best = ended.state.best_version
        self._event(
            "ended",
            reason=ended.reason,
            best=version_data(best, ended.state) if best else None,
            spent=spent_data(self._spent),
            exit_code=1 if shortfall else 0,
        )

    def shuffled(self, null: ShuffledNull) -> None:
        self.over()
        self._event("shuffled", **asdict(null))

    def prompt_found(self, path: Path, correct: int, n: int) -> None:
        super().prompt_found(path, correct, n)
        self._event("prompt_found", path=str(path), correct=correct, n=n)

    def left(self, folder: Path, go_on: str = "resume") -> None:
        super().left(folder, go_on)
        self.interrupted()

    def interrupted(self) -> None:
        self._event("ended", reason="stopped by Ctrl-C", exit_code=INTERRUPTED)

    def error(self, error: CotbuildError) -> None:
        self._event("error", message=error.message, hint=error.hint, exit_code=error.exit_code)

    def _session(self, folder: Path, started: Started, **data: object) -> None:
        names = [entry.name for entry in started.classes]
        self._event("session", folder=str(folder), domain=started.domain, classes=names, **data)

    def _event(self, name: str, **data: object) -> None:
        # ASCII, so that it arrives whole whatever the terminal's encoding.
        self.results.out(json.dumps({"event": name, **data}), highlight=False)


def _record_data(record: Record, state: State) -> Data | None:
    """None for what another event tells."""
    match record:
        case Assigned():
            sizes = Counter(record.splits.values())
            return {split: sizes[split] for split in _SPLITS}
        case Drafted():
            return {"source": record.source, "system": record.system.model_dump(mode="json")}
        case Measured():
            version = next(v for v in state.versions if v.number == record.version)
            return version_data(version, state)
        case Decided():
            return decided_data(record)
        case Exported():
            return exported_data(record)
        case (
            Optimised()
            | Noted()
            | Locked()
            | Unlocked()
            | Reverted()
            | Rescored()
            | RulesTried()
            | RoundEnded()
            | Undone()
            | Redone()
        ):
            return record.model_dump(mode="json", exclude={"kind"})
        case Started() | Proposed():
            return None


def _offer_data(offer: Offer, view: View) -> Data:
    return {
        **proposal_data(offer.proposal, view.system),
        "effect": effect_data(offer.effect),
        "alone": effect_data(offer.alone),
    }
