"""What a drafter tells while it works; the terminal draws it, nothing here prints."""

from dataclasses import dataclass

from builder.llm.cost import Spent


class LLMEvent:
    """Any of the events below."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class CallStarted(LLMEvent):
    """A request goes out. `purpose`: "draft groups", "draft rules 2/4", "revise", ..."""

    purpose: str


@dataclass(frozen=True, slots=True)
class CallFinished(LLMEvent):
    """A reply came, after `seconds`. Tokens are None where the endpoint does not count them.

    `cost`: None where the price is not known; where tokens are not counted it is estimated.
    `total`: what the session has spent by now, earlier runs and calls that failed included; it
    never falls from one event to the next. None where nothing is counted (replayed, pasted).
    """

    purpose: str
    prompt_tokens: int | None
    completion_tokens: int | None
    seconds: float
    cost: float | None = None
    total: Spent | None = None


@dataclass(frozen=True, slots=True)
class CallStreams(LLMEvent):
    """Answers are being written; told a few times a second.

    `purposes`: of the calls in flight. `tokens`: about how many of their answers have come, all
    together; `rate`: those a second, None until it can be told.
    """

    purposes: tuple[str, ...]
    tokens: int
    rate: float | None


@dataclass(frozen=True, slots=True)
class CallReused(LLMEvent):
    """An answer that an earlier, broken-off draft of the same session already paid for."""

    purpose: str


@dataclass(frozen=True, slots=True)
class FormatFallback(LLMEvent):
    """The endpoint does not answer in the format tried first; `format` says what is tried now."""

    reason: str
    format: str = ""


@dataclass(frozen=True, slots=True)
class Waiting(LLMEvent):
    """A request failed in a way that may pass, and is made again after `seconds`."""

    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class DraftProgress(LLMEvent):
    """`done` of `total` classes have rules."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Respelled(LLMEvent):
    """A class name in a reply was not letter by letter one that was asked for."""

    sent: str
    meant: str


@dataclass(frozen=True, slots=True)
class RulesWanting(LLMEvent):
    """No rule came of these classes, or none that is complete, also when asked for again.

    `reason`: what was wrong with that of the first.
    """

    classes: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Inseparable(LLMEvent):
    """So many classes have rules that others have too; `reason`: why that could not be helped."""

    classes: int
    reason: str


@dataclass(frozen=True, slots=True)
class Dropped(LLMEvent):
    """Parts of a reply that can't be used: "proposal", "rule" or "group", one reason each."""

    what: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GivenToAnother(LLMEvent):
    """A recorded reply answers a request other than the one that it was given to."""

    purpose: str


@dataclass(frozen=True, slots=True)
class RecordingSilent(LLMEvent):
    """A replayed recording has no answer to what was asked."""

    message: str
