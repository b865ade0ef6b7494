"""The language model's room: drafts and revisions through one seam, live or replayed.

Nothing here prints; what happens is told as `LLMEvent`s. openai and instructor are imported only
when a live model is opened.
"""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from builder.edits.model import Proposal
from builder.errors import LLMError
from builder.llm.address import Route, route
from builder.llm.cost import (
    FREE,
    NO_LIMITS,
    Account,
    LimitReached,
    Limits,
    Price,
    Spent,
    known_price,
    money,
    parse_price,
    tokens_of,
)
from builder.llm.drafting import draft_system
from builder.llm.estimating import Estimate, estimate_draft, estimate_rewriting
from builder.llm.events import (
    CallFinished,
    CallReused,
    CallStarted,
    DraftProgress,
    Dropped,
    FormatFallback,
    GivenToAnother,
    Inseparable,
    LLMEvent,
    RecordingSilent,
    Respelled,
    Waiting,
)
from builder.llm.parallel import ONE_AT_A_TIME, ParallelCalls
from builder.llm.prompt_rewriting import prompt_question, rewrite_prompt
from builder.llm.prompts import ENGLISH, Prompts
from builder.llm.replay import RecordingEnded, ReplayDrafter, Unanswered
from builder.llm.revising import revise_system
from builder.llm.rewriting import rewrite_group, rewriting_question
from builder.llm.transcript import read, spent_in
from builder.llm.transport import Transport, UnusableAnswer
from builder.proposals.requests import (
    DEFAULT_ATTRIBUTES,
    Drafter,
    DraftRequest,
    Past,
    PromptRequest,
    RevisionRequest,
    Rewriting,
    RewritingRequest,
)
from builder.system.model import AttributeSystem

if TYPE_CHECKING:
    from builder.llm.client import LiveTransport
    from builder.llm.providers import ProviderTransport

__all__ = [
    "DEFAULT_ATTRIBUTES",
    "FREE",
    "PARALLEL",
    "Account",
    "CallFinished",
    "CallReused",
    "CallStarted",
    "DraftProgress",
    "DraftRequest",
    "Drafter",
    "Dropped",
    "Estimate",
    "FormatFallback",
    "GivenToAnother",
    "Inseparable",
    "LLMEvent",
    "LimitReached",
    "Limits",
    "ModelDrafter",
    "Past",
    "Price",
    "RecordingEnded",
    "RecordingSilent",
    "ReplayDrafter",
    "Respelled",
    "RevisionRequest",
    "Route",
    "Spent",
    "Transport",
    "Unanswered",
    "UnusableAnswer",
    "Waiting",
    "estimate_draft",
    "estimate_rewriting",
    "known_price",
    "money",
    "open_drafter",
    "parse_price",
    "prompt_question",
    "rewriting_question",
    "route",
    "spent",
    "tokens_of",
]

# Calls in flight. A server on this machine mostly works on one at a time.
PARALLEL = 4


class ModelDrafter:
    """A drafter that asks a language model through `transport`.

    `parallel`: how many calls at a time. `account`: what was spent, None where nothing is counted.
    """

    def __init__(
        self,
        transport: Transport,
        emit: Callable[[LLMEvent], None],
        *,
        prompts: Prompts = ENGLISH,
        parallel: ParallelCalls = ONE_AT_A_TIME,
        account: Account | None = None,
    ) -> None:
        self._transport = transport
        self._emit = emit
        self._prompts = prompts
        self._parallel = parallel
        self.account = account

    def draft(self, request: DraftRequest) -> AttributeSystem:
        return self._draft(request, self._prompts)

    def revise(self, request: RevisionRequest) -> tuple[Proposal, ...]:
        return revise_system(request, self._transport, self._emit, prompts=self._prompts)

    def rewrite_group(self, request: RewritingRequest) -> Rewriting:
        return rewrite_group(request, self._transport, self._prompts)

    def rewrite_prompt(self, request: PromptRequest) -> Rewriting:
        return rewrite_prompt(request, self._transport, self._prompts)

    def draft_with(self, template: str, request: DraftRequest) -> AttributeSystem:
        return self._draft(request, replace(self._prompts, draft=template))

    def _draft(self, request: DraftRequest, prompts: Prompts) -> AttributeSystem:
        return draft_system(
            request,
            self._transport,
            self._emit,
            prompts=prompts,
            parallel=self._parallel,
            split_alike=True,
        )


def open_drafter(
    spec: str | None,
    *,
    url: str | None = None,
    transcript: Path | None = None,
    on_event: Callable[[LLMEvent], None],
    revisions_heard: int = 0,
    parallel: int | None = None,
    price: Price | None = None,
    limits: Limits = NO_LIMITS,
    modes_file: Path | None = None,
    prompts: Prompts = ENGLISH,
) -> Drafter | None:
    """The drafter that `--llm SPEC` names; None for "none".

    "replay:FILE" answers from a session's llm.jsonl. "provider/model" goes through that provider's
    own client, if no address is given. Anything else is a model's name at `url`, an
    OpenAI-compatible address (default: OPENAI_BASE_URL, else OpenAI's own), with the key from
    OPENAI_API_KEY; a server on this machine needs no key. Every request and reply is appended to
    `transcript`; None: nothing is kept, so that a draft that is broken off begins anew, and the
    account with it: `limits` then hold for this run alone.

    `revisions_heard`: how many a resumed session has had; a recording goes on there.
    `parallel`: calls in flight at most, None for 4, or 1 on this machine. `on_event` may be called
    from other threads, never from two at a time. `price`: None for the one that is known.
    `limits`: for the session, what its transcript holds included. `modes_file`: where the forms
    of answer that endpoints take are remembered between runs.

    Raises InputError for an unusable name, file or address, LLMError when the key, a package or the
    price that a limit needs is missing.
    """
    if spec is None or spec == "none":
        return None
    if spec.startswith("replay:"):
        path = Path(spec.removeprefix("replay:"))
        return ReplayDrafter(path, on_event, revisions_heard, prompts)
    way = route(spec, url)
    price = price if price is not None else known_price(way.model, way.url, way.provider)
    if price is None and limits.max_cost is not None:
        raise LLMError(
            f"--max-cost can't be kept: the price of {spec} is not known.",
            hint="Give it with --price IN/OUT, for a million tokens, or use --max-tokens.",
        )
    emit = _one_at_a_time(on_event)
    transport = _transport(way, transcript, emit, price, limits, modes_file)
    calls = ParallelCalls(parallel or (1 if way.local else PARALLEL), transport.stop)
    return ModelDrafter(transport, emit, prompts=prompts, parallel=calls, account=transport.account)


def _transport(
    way: Route,
    transcript: Path | None,
    emit: Callable[[LLMEvent], None],
    price: Price | None,
    limits: Limits,
    modes_file: Path | None,
) -> "LiveTransport | ProviderTransport":
    # Imported here: openai and instructor take a second to load.
    if way.provider is not None:
        from builder.llm.providers import ProviderTransport, provider_client

        return ProviderTransport(
            provider_client(way.provider, way.model),
            f"{way.provider}/{way.model}",
            transcript,
            emit,
            price=price,
            limits=limits,
        )
    from builder.llm.client import LiveTransport

    return LiveTransport(
        way.model, way.url, transcript, emit, price=price, limits=limits, modes_file=modes_file
    )


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
    if transcript is None or not transcript.exists():
        return Spent()
    return spent_in(read(transcript).exchanges, price)
