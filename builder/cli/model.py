"""The language model that the flags name: its settings, its price, and how it is opened."""

from dataclasses import dataclass, replace
from pathlib import Path

from builder.cli.screen import Screen
from builder.cli.user_files import expanded
from builder.encoders.cache_folder import default_cache_folder
from builder.errors import InputError
from builder.llm.address import shown
from builder.llm.cost import Limits, Price, money, parse_price
from builder.llm.drafter import open_drafter, spent
from builder.llm.estimating import Estimate, estimate_draft
from builder.llm.paste_drafter import PasteDrafter
from builder.llm.prompts import Prompts
from builder.llm.replay import ReplayDrafter
from builder.llm.settings import NOBODY, PASTE, REPLAY, ModelSettings
from builder.proposals.requests import Drafter, DraftRequest
from builder.scoring.wording import counted
from builder.session.journal import TRANSCRIPT
from builder.session.records import Started
from builder.session.state import State
from builder.terminal.pasting import open_chat

MODES = "modes.json"


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """The flags on the language model; the session keeps them for later runs too."""

    spec: str | None = None
    url: str | None = None
    price: str | None = None
    max_cost: float | None = None
    max_tokens: int | None = None
    prompts: Path | None = None


def spoken_to(started: Started, options: ModelOptions) -> Started:
    """The settings with the model flags that are given; the others stay as they were.

    Raises InputError.
    """
    update: dict[str, object] = {
        "max_cost": options.max_cost,
        "max_tokens": options.max_tokens,
        "prompts": str(options.prompts.absolute()) if options.prompts else None,
    }
    update = {name: value for name, value in update.items() if value is not None}
    if spec := options.spec:
        if spec.startswith(REPLAY):
            # A session may be resumed from another folder.
            spec = f"{REPLAY}{expanded(spec.removeprefix(REPLAY)).absolute()}"
        update["llm"] = None if spec == NOBODY else spec
    if options.spec or options.url:
        # Address and price belong to their model.
        update |= {"llm_url": options.url, "price": None}
    if options.price:
        price = parse_price(options.price)
        update["price"] = (price.input_per_million, price.output_per_million)
    return started.model_copy(update=update)


def open_model(
    started: Started,
    folder: Path,
    screen: Screen,
    *,
    parallel: int | None = None,
    timeout: float | None = None,
    state: State | None = None,
    max_calls: int | None = None,
) -> Drafter | None:
    """Opens the session's language model; None if it has none. Raises CotbuildError.

    timeout: seconds that it may be silent. max_calls: the most requests that are sent from here on.
    """
    if started.llm is None:
        return None
    settings = replace(
        _settings(started),
        limits=Limits(started.max_cost, started.max_tokens, max_calls),
        parallel=parallel,
        timeout=timeout,
        transcript=folder / TRANSCRIPT if started.transcript else None,
        modes_file=default_cache_folder() / MODES,
        prompts=prompts_of(started),
        revisions_heard=state.asked if state else 0,
    )
    transcript = settings.transcript
    if settings.spec == PASTE:
        chat = open_chat(screen.progress_to, folder, screen.over, keep=transcript is not None)
        return PasteDrafter(chat, screen.llm_event, transcript, settings.prompts)
    drafter = open_drafter(settings, screen.llm_event)
    if isinstance(drafter, ReplayDrafter):
        screen.replays(drafter.label, drafter.about)
    elif drafter is not None and transcript is not None:
        screen.spent(spent(transcript, settings.known_price))
    return drafter


def _settings(started: Started) -> ModelSettings:
    """The model that the session names, and its price; nothing is opened or read yet."""
    price = Price(*started.price) if started.price else None
    return ModelSettings(started.llm or NOBODY, started.llm_url, price)


def prompts_of(started: Started) -> Prompts:
    """The prompt templates of the session. Raises InputError."""
    return Prompts.open(started.language, Path(started.prompts) if started.prompts else None)


def price_of(started: Started) -> Price | None:
    """The user's own price, else the known one; None if the price is unknown."""
    return _settings(started).known_price


def may_cost(started: Started) -> bool:
    """Whether a request leaves this machine for a server that may charge for it."""
    way = _settings(started).route
    return way is not None and not way.local


def what_it_takes(started: Started, *, drafted: bool) -> str:
    """What is sent, how often, and at what price, as an unfinished sentence.

    drafted: there is a system already, so that only proposals are asked for.
    """
    where = f"{started.llm} at {shown(started.llm_url)}"
    names = counted(len(started.classes), "class name")
    what = f"{where} will be sent the {names} with their descriptions"
    if drafted:
        return f"{what} and the system: 1 call a round"
    classes = tuple((entry.name, entry.description) for entry in started.classes)
    request = DraftRequest(started.domain, classes, started.attributes, started.context)
    estimate = estimate_draft(request, price=price_of(started), prompts=prompts_of(started))
    return (
        f"{what}: about {estimate.calls:,} calls and {estimate.tokens:,} tokens for a draft, "
        f"{_price_words(estimate)}, then 1 call a round"
    )


def check_agreed(started: Started, estimate: Estimate, *, bounded: bool) -> None:
    """Raises InputError where a search without anybody to ask may cost something.

    `bounded`: the estimate is of all its calls, else of one.
    """
    if not may_cost(started):
        return
    tokens = f"about {estimate.tokens // estimate.calls:,} tokens"
    if bounded:
        calls = f"up to {counted(estimate.calls, 'call')} of {tokens} each"
    else:
        calls = f"any number of calls of {tokens} each, one"
    raise InputError(
        f"{started.llm} at {shown(started.llm_url)} will be sent the class names with their "
        f"descriptions and the system: {calls}, {_price_words(estimate)}; nobody has agreed to "
        "the cost",
        hint="add --yes to agree, or use a local server with --llm-url",
    )


def _price_words(estimate: Estimate) -> str:
    if estimate.cost is None:
        return "at a price that is not known here (--price IN/OUT tells it)"
    return f"about ${money(estimate.cost)}"
