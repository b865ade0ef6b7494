"""A session's events under `--json`: one JSON object a line on stdout.

Progress and warnings go to stderr, as ever. systems/README.md describes the events.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial

from builder.cli import INTERRUPTED, unusable_file
from builder.cli.events import (
    Finished,
    Interrupted,
    Opened,
    RoundShown,
    SessionEvent,
)
from builder.cli.json_values import (
    Data,
    decided_data,
    effect_data,
    exported_data,
    proposal_data,
    spent_data,
    version_data,
)
from builder.cli.screen import Screen
from builder.cli.settings import RunMode
from builder.errors import CotbuildError, InputError
from builder.review.loop import Recorded, StepFailed, Working
from builder.review.view import Offer, View
from builder.search.shuffled import ShuffledNull
from builder.session.records import (
    Assigned,
    Decided,
    Drafted,
    Exported,
    Measured,
    Proposed,
    Record,
    Started,
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
    results = result_console()
    lines = JsonLines(partial(results.out, highlight=False))
    try:
        if not (mode.auto or mode.edits):
            raise InputError(
                "--json asks nobody anything, and somebody has to review the proposals",
                hint="add --auto to accept what helps on review images, or give proposals with "
                "cotbuild resume --edits FILE",
            )
        yield Screen(results, progress_console(), lines)
    except CotbuildError as error:
        lines.tell(error)
        raise
    except OSError as error:
        lines.tell(unusable_file(error))
        raise
    except KeyboardInterrupt:
        lines.tell(Interrupted())
        raise


@dataclass(frozen=True, slots=True)
class JsonLines:
    """Prints each event as one JSON object."""

    print_line: Callable[[str], None]

    def tell(self, event: SessionEvent) -> None:
        if found := _named_data(event):
            name, data = found
            # ASCII, so that it arrives whole whatever the terminal's encoding.
            self.print_line(json.dumps({"event": name, **data}))


def _named_data(event: SessionEvent) -> tuple[str, Data] | None:
    """The event's name and its data; None where another event already tells them."""
    match event:
        case Opened():
            return "session", _opened_data(event)
        case Working():
            return "working", {"what": event.what}
        case Recorded():
            data = _record_data(event.record, event.state)
            return (event.record.kind, data) if data else None
        case StepFailed():
            return "failed", _failed_data(event)
        case RoundShown():
            return "proposed", _proposed_data(event.view)
        case ShuffledNull():
            return "shuffled", asdict(event)
        case Finished():
            return "ended", _finished_data(event)
        case Interrupted():
            return "ended", {"reason": "stopped by Ctrl-C", "exit_code": INTERRUPTED}
        case CotbuildError():
            told = {"message": event.message, "hint": event.hint, "exit_code": event.exit_code}
            return "error", told


def _opened_data(event: Opened) -> Data:
    state = event.state
    return {
        "folder": str(event.folder),
        "domain": event.started.domain,
        "classes": [entry.name for entry in event.started.classes],
        "resumed": state is not None,
        "round": state.round if state else 1,
        "versions": len(state.versions) if state else 0,
    }


def _failed_data(event: StepFailed) -> Data:
    error = event.error
    return {
        "what": event.what,
        "message": error.message if error else "stopped by Ctrl-C",
        "hint": error.hint if error else "",
    }


def _proposed_data(view: View) -> Data:
    return {
        "round": view.state.round,
        "proposals": [_offer_data(offer, view) for offer in view.offers],
        "unfit": view.unfit,
        "locked": view.locked,
        "tried": view.state.tried,
    }


def _finished_data(event: Finished) -> Data:
    state = event.ended.state
    best = state.best_version
    return {
        "reason": event.ended.reason,
        "best": version_data(best, state) if best else None,
        "spent": spent_data(event.spent),
        "exit_code": 1 if event.shortfall else 0,
    }


def _record_data(record: Record, state: State) -> Data | None:
    """The data told of a record; None where another event already tells them."""
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
        case Started() | Proposed():
            return None
        case _:
            return record.model_dump(mode="json", exclude={"kind"})


def _offer_data(offer: Offer, view: View) -> Data:
    return {
        **proposal_data(offer.proposal, view.system),
        "effect": effect_data(offer.effect),
        "alone": effect_data(offer.alone),
    }
