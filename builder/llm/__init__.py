"""The language model's room: drafts and revisions through one seam, live or replayed.

Nothing here prints; what happens is told as `LLMEvent`s. openai and instructor are imported only
when a live model is opened.
"""

from builder.llm.address import Route, route
from builder.llm.cost import (
    FREE,
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
from builder.llm.drafter import PARALLEL, ModelDrafter, open_drafter, spent
from builder.llm.estimating import Estimate, estimate_draft, estimate_rewriting
from builder.llm.events import (
    CallFinished,
    CallReused,
    CallStarted,
    DraftProgress,
    Dropped,
    GivenToAnother,
    Inseparable,
    LLMEvent,
    ModeFallback,
    RecordingSilent,
    Respelled,
    Waiting,
)
from builder.llm.prompt_rewriting import prompt_question
from builder.llm.replay import RecordingEnded, ReplayDrafter, Unanswered
from builder.llm.rewriting import rewriting_question
from builder.llm.settings import ModelSettings
from builder.llm.transport import Transport, UnusableAnswer
from builder.proposals.requests import (
    DEFAULT_ATTRIBUTES,
    Drafter,
    DraftRequest,
    Past,
    RevisionRequest,
)

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
    "GivenToAnother",
    "Inseparable",
    "LLMEvent",
    "LimitReached",
    "Limits",
    "ModeFallback",
    "ModelDrafter",
    "ModelSettings",
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
