"""The events of a running session, and the interface of what receives them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from builder.encoders.protocol import Encoder
from builder.errors import CotbuildError
from builder.llm.cost import Spent
from builder.review.loop import Ended, Recorded, StepFailed, Working
from builder.review.view import View
from builder.search.shuffled import ShuffledNull
from builder.session.records import Started
from builder.session.state import State


@dataclass(frozen=True, slots=True)
class Opened:
    """A session was begun, or resumed in `state`."""

    folder: Path
    started: Started
    state: State | None = None


@dataclass(frozen=True, slots=True)
class RoundShown:
    """A round's proposals and what led to them; `encoder` None: nothing is measured."""

    view: View
    encoder: Encoder | None


@dataclass(frozen=True, slots=True)
class Shortfall:
    """The best held-out accuracy is below the one that was asked for; both in [0, 1]."""

    reached: float
    wanted: float


@dataclass(frozen=True, slots=True)
class Finished:
    """The loop came to its end. `spent`: what the session spent on the language model."""

    ended: Ended
    spent: Spent
    shortfall: Shortfall | None


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Ctrl-C ended the session."""


SessionEvent = (
    Opened
    | Working
    | Recorded
    | StepFailed
    | RoundShown
    | ShuffledNull
    | Finished
    | Interrupted
    | CotbuildError
)


class EventSink(Protocol):
    """Receives the events of a session."""

    def tell(self, event: SessionEvent) -> None:
        """Takes an event; ignores it if it is of no interest here."""
        ...
