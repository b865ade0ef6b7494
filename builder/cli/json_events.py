"""A session's events under `--json`: one JSON object a line on stdout.

Progress and warnings go to stderr, as ever. systems/README.md describes the events.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from builder.cli import INTERRUPTED, unusable_file
from builder.cli import json_values as values
from builder.cli.screen import Screen, reached
from builder.cli.settings import RunMode
from builder.cli.workspace import SPLITS
from builder.encoders.protocol import Encoder
from builder.errors import CotbuildError, InputError
from builder.review.loop import Ended, Recorded, StepFailed, Working
from builder.review.view import Offer, View
from builder.search.shuffled import ShuffledNull
from builder.session import records
from builder.session.records import Started
from builder.session.state import State


@contextmanager
def session_screen(mode: RunMode, *, as_json: bool) -> Iterator[Screen]:
    """Where a session is shown; with `as_json` as events, of which an error is the last.

    Raises InputError where somebody would have to be asked in the middle of them.
    """
    if not as_json:
        yield Screen()
        return
    screen = JsonScreen()
    try:
        if not (mode.auto or mode.edits):
            raise InputError(
                "--json asks nobody anything, and somebody has to review the proposals",
                hint="add --auto to accept what helps on review images, or give proposals with:\n"
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
    """Prints each event as one JSON object in place of text and tables."""

    def _event(self, name: str, data: values.Data) -> None:
        # ASCII, so that it arrives whole whatever the terminal's encoding.
        self.results.out(json.dumps({"event": name, **data}), highlight=False)

    def error(self, error: CotbuildError) -> None:
        told = {"message": error.message, "hint": error.hint, "exit_code": error.exit_code}
        self._event("error", told)

    def interrupted(self) -> None:
        self._event("ended", {"reason": "stopped by Ctrl-C", "exit_code": INTERRUPTED})

    def began(self, folder: Path, started: Started) -> None:
        super().began(folder, started)
        self._opened(folder, started, resumed=False, round=1, versions=0)

    def resumed(self, folder: Path, state: State, torn_bytes: int) -> None:
        super().resumed(folder, state, torn_bytes)
        versions = len(state.versions)
        self._opened(folder, state.started, resumed=True, round=state.round, versions=versions)

    def _opened(self, folder: Path, started: Started, **stands: int) -> None:
        names = [entry.name for entry in started.classes]
        told = {"folder": str(folder), "domain": started.domain, "classes": names}
        self._event("session", {**told, **stands})

    def working(self, event: Working) -> None:
        super().working(event)
        self._event("working", {"what": event.what})

    def draw_record(self, event: Recorded) -> None:
        if data := _record_data(event.record, event.state):
            self._event(event.record.kind, data)

    def failed(self, event: StepFailed) -> None:
        super().failed(event)
        message = event.error.message if event.error else "stopped by Ctrl-C"
        hint = event.error.hint if event.error else ""
        self._event("failed", {"what": event.what, "message": message, "hint": hint})

    def viewed(self, view: View, encoder: Encoder | None) -> None:  # noqa: ARG002
        self.over()
        told = {
            "round": view.state.round,
            "proposals": [_offer_data(offer, view) for offer in view.offers],
            "unfit": view.unfit,
            "locked": view.locked,
            "tried": view.state.tried,
        }
        self._event("proposed", told)

    def shuffled(self, null: ShuffledNull) -> None:
        self.over()
        self._event("shuffled", asdict(null))

    def ended(self, folder: Path, ended: Ended, wanted: float | None = None, **how: bool) -> None:
        self.over()
        best = ended.state.best_version
        told = {
            "reason": ended.reason,
            "best": values.version_data(best, ended.state) if best else None,
            "spent": self._spent.model_dump(mode="json"),
            "exit_code": 1 if wanted is not None and reached(ended.state) < wanted else 0,
        }
        self._event("ended", told)
        super().ended(folder, ended, wanted, **how)

    def left(self, folder: Path, go_on: Sequence[object] = ("resume",)) -> None:
        super().left(folder, go_on)
        self.interrupted()


def _record_data(record: records.Record, state: State) -> values.Data | None:
    """The data told of a record; None where another event already tells them."""
    match record:
        case records.Assigned():
            sizes = Counter(record.splits.values())
            return {split: sizes[split] for split in SPLITS}
        case records.Drafted():
            return {"source": record.source, "system": record.system.model_dump(mode="json")}
        case records.Measured():
            version = next(v for v in state.versions if v.number == record.version)
            return values.version_data(version, state)
        case records.Decided():
            return values.decided_data(record)
        case records.Exported():
            return values.exported_data(record)
        case records.Started() | records.Proposed():
            return None
        case _:
            return record.model_dump(mode="json", exclude={"kind"})


def _offer_data(offer: Offer, view: View) -> values.Data:
    return {
        **values.proposal_data(offer.proposal, view.system),
        "effect": values.effect_data(offer.effect),
        "alone": values.effect_data(offer.alone),
    }
