"""The language model's room: drafts and revisions through one seam, live or replayed.

Nothing here prints; what happens is told as `LLMEvent`s. openai and instructor are imported only
when a live model is opened.
"""

from collections.abc import Callable
from pathlib import Path

from builder.edits import Proposal
from builder.llm.drafting import draft_system
from builder.llm.events import (
    CallFinished,
    CallReused,
    CallStarted,
    Dropped,
    LLMEvent,
    ModeFallback,
    RecordingSilent,
)
from builder.llm.replay import ReplayDrafter, Unanswered
from builder.llm.revising import revise_system
from builder.llm.transport import Transport
from builder.requests import DEFAULT_ATTRIBUTES, Drafter, DraftRequest, Past, RevisionRequest
from builder.system import AttributeSystem

__all__ = [
    "DEFAULT_ATTRIBUTES",
    "CallFinished",
    "CallReused",
    "CallStarted",
    "DraftRequest",
    "Drafter",
    "Dropped",
    "LLMEvent",
    "ModeFallback",
    "ModelDrafter",
    "Past",
    "RecordingSilent",
    "ReplayDrafter",
    "RevisionRequest",
    "Transport",
    "Unanswered",
    "open_drafter",
]


class ModelDrafter:
    """A drafter that asks a language model through `transport`."""

    def __init__(self, transport: Transport, emit: Callable[[LLMEvent], None]) -> None:
        self._transport = transport
        self._emit = emit

    def draft(self, request: DraftRequest) -> AttributeSystem:
        return draft_system(request, self._transport, self._emit)

    def revise(self, request: RevisionRequest) -> tuple[Proposal, ...]:
        return revise_system(request, self._transport, self._emit)


def open_drafter(
    spec: str | None,
    *,
    url: str | None = None,
    transcript: Path | None = None,
    on_event: Callable[[LLMEvent], None],
    revisions_heard: int = 0,
) -> Drafter | None:
    """The drafter that `--llm SPEC` names; None for "none".

    "replay:FILE" answers from a session's llm.jsonl. Anything else is a model's name at `url`, an
    OpenAI-compatible address (default: OPENAI_BASE_URL, else OpenAI's own), with the key from
    OPENAI_API_KEY; a server on this machine needs no key. Every request and reply is appended to
    `transcript`. `revisions_heard`: how many a resumed session has had; a recording goes on there.

    Raises InputError for an unusable file or address, LLMError when the key is missing.
    """
    if spec is None or spec == "none":
        return None
    if spec.startswith("replay:"):
        return ReplayDrafter(Path(spec.removeprefix("replay:")), on_event, revisions_heard)
    from builder.llm.client import LiveTransport

    return ModelDrafter(LiveTransport(spec, url, transcript, on_event), on_event)
