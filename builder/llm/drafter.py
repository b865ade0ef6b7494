"""Whoever drafts and revises for a session: a language model, live or replayed, by its settings.

openai and instructor are imported only when a live model is opened.
"""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from builder.errors import LLMError
from builder.llm.asking import Asking
from builder.llm.call_log import LoggedTransport
from builder.llm.cost import Price, Spent
from builder.llm.events import LLMEvent
from builder.llm.model_drafter import ModelDrafter
from builder.llm.parallel import ParallelCalls
from builder.llm.replay import ReplayDrafter
from builder.llm.settings import REPLAY, ModelSettings
from builder.llm.transcript import earlier, spent_in
from builder.proposals.requests import Drafter

# Calls in flight. A server on this machine mostly works on one at a time.
PARALLEL = 4


def open_drafter(settings: ModelSettings, on_event: Callable[[LLMEvent], None]) -> Drafter | None:
    """The drafter that `--llm SPEC` names; None for "none".

    "replay:FILE" answers from a session's llm.jsonl. "provider/model" goes through that provider's
    own client, if no address is given. Anything else is a model's name at an OpenAI-compatible
    address, with the key from OPENAI_API_KEY; a server on this machine needs no key. `on_event`
    may be called from other threads, never from two at a time.

    Raises InputError for an unusable name, file or address, LLMError when the key, a package or the
    price that a limit needs is missing.
    """
    if settings.spec.startswith(REPLAY):
        path = Path(settings.spec.removeprefix(REPLAY))
        return ReplayDrafter(path, on_event, settings.revisions_heard, settings.prompts)
    way = settings.route
    if way is None:
        return None
    settings = replace(settings, price=settings.known_price)
    if settings.price is None and settings.limits.max_cost is not None:
        raise LLMError(
            f"--max-cost can't be kept: the price of {settings.spec} is not known.",
            hint="Give it with --price IN/OUT, for a million tokens, or use --max-tokens.",
        )
    emit = _one_at_a_time(on_event)
    transport: LoggedTransport
    # Imported here: openai and instructor take a second to load.
    if way.provider is not None:
        from builder.llm.providers import ProviderTransport, provider_client

        client = provider_client(way.provider, way.model)
        transport = ProviderTransport(client, settings, emit)
    else:
        from builder.llm.client import LiveTransport

        transport = LiveTransport(replace(settings, spec=way.model, url=way.url), emit)
    calls = ParallelCalls(settings.parallel or (1 if way.local else PARALLEL), transport.stop)
    return ModelDrafter(Asking(transport, emit, settings.prompts, calls))


def _one_at_a_time(on_event: Callable[[LLMEvent], None]) -> Callable[[LLMEvent], None]:
    lock = threading.Lock()

    def emit(event: LLMEvent) -> None:
        with lock:
            on_event(event)

    return emit


def spent(transcript: Path | None, price: Price | None = None) -> Spent:
    """What the calls in a session's llm.jsonl took. `price`: for those whose cost is not noted.

    Raises InputError for a file that is no transcript.
    """
    return spent_in(earlier(transcript), price)
