"""What a drafter tells while it works; the terminal draws it, nothing here prints."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CallStarted:
    """A request goes out. `purpose`: "draft groups", "draft rules 2/4", "revise", ..."""

    purpose: str


@dataclass(frozen=True, slots=True)
class CallFinished:
    """A reply came, after `seconds`. Tokens are None where the endpoint does not count them."""

    purpose: str
    prompt_tokens: int | None
    completion_tokens: int | None
    seconds: float


@dataclass(frozen=True, slots=True)
class CallReused:
    """An answer that an earlier, broken-off draft of the same session already paid for."""

    purpose: str


@dataclass(frozen=True, slots=True)
class ModeFallback:
    """The endpoint does not take a JSON schema: the schema goes into the prompt from now on."""

    reason: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """Parts of a reply that can't be used: "proposal", "rule" or "group", one reason each."""

    what: str
    reasons: tuple[str, ...]

    @property
    def count(self) -> int:
        return len(self.reasons)


@dataclass(frozen=True, slots=True)
class RecordingSilent:
    """A replayed recording has no answer to what was asked."""

    message: str


LLMEvent = CallStarted | CallFinished | CallReused | ModeFallback | Dropped | RecordingSilent
