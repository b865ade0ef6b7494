"""The language model as the flags name it: who is asked, how, and for how much."""

from dataclasses import dataclass
from pathlib import Path

from builder.cli.screen import Screen
from builder.encoders.cache_folder import default_cache_folder
from builder.errors import InputError
from builder.llm import (
    Drafter,
    DraftRequest,
    Estimate,
    Limits,
    Price,
    ReplayDrafter,
    estimate_draft,
    known_price,
    money,
    open_drafter,
    parse_price,
    route,
    spent,
)
from builder.llm.address import shown
from builder.llm.paste import PasteDrafter
from builder.llm.prompts import Prompts
from builder.scoring.wording import counted
from builder.session.journal import TRANSCRIPT
from builder.session.records import Started
from builder.session.state import State
from builder.terminal.pasting import open_chat

PASTE = "paste"
REPLAY = "replay:"
MODES = "modes.json"


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """What the flags say of the language model; but for `parallel` it holds for later runs."""

    spec: str | None = None
    url: str | None = None
    parallel: int | None = None
    price: str | None = None
    max_cost: float | None = None
    max_tokens: int | None = None
    prompts: Path | None = None


def llm_spec(spec: str | None) -> str | None:
    """The model as the journal keeps it; None for none. Raises InputError."""
    if spec is None or spec == "none":
        return None
    if spec.startswith(REPLAY):
        path = Path(spec.removeprefix(REPLAY))
        try:
            return REPLAY + str(path.expanduser().absolute())
        except RuntimeError as error:
            raise InputError(f"{path}: {error}", hint="write the folder's name out") from error
    return spec


def spoken_to(started: Started, options: ModelOptions) -> Started:
    """The settings with what the flags say; what they don't say stays as it was.

    Raises InputError.
    """
    update: dict[str, object] = {}
    if options.spec:
        update["llm"] = llm_spec(options.spec)
        # Address and price belong to their model.
        update |= {"llm_url": options.url, "price": None}
    elif options.url:
        update |= {"llm_url": options.url, "price": None}
    if options.price:
        price = parse_price(options.price)
        update["price"] = (price.input_per_million, price.output_per_million)
    if options.max_cost is not None:
        update["max_cost"] = options.max_cost
    if options.max_tokens is not None:
        update["max_tokens"] = options.max_tokens
    if options.prompts is not None:
        update["prompts"] = str(options.prompts.absolute())
    return started.model_copy(update=update)


def open_model(
    started: Started,
    folder: Path,
    screen: Screen,
    *,
    parallel: int | None = None,
    state: State | None = None,
    max_calls: int | None = None,
) -> Drafter | None:
    """Whoever writes the words; None for nobody. Raises CotbuildError.

    max_calls: the most requests that are sent from here on.
    """
    if started.llm is None:
        return None
    prompts = prompts_of(started)
    transcript = folder / TRANSCRIPT if started.transcript else None
    if started.llm == PASTE:
        chat = open_chat(screen.progress_to, folder, screen.over, keep=transcript is not None)
        return PasteDrafter(chat, screen.llm_event, transcript, prompts)
    drafter = open_drafter(
        started.llm,
        url=started.llm_url,
        transcript=transcript,
        on_event=screen.llm_event,
        revisions_heard=state.asked if state else 0,
        parallel=parallel,
        price=_given_price(started),
        limits=Limits(started.max_cost, started.max_tokens, max_calls),
        modes_file=default_cache_folder() / MODES,
        prompts=prompts,
    )
    if isinstance(drafter, ReplayDrafter):
        screen.replays(drafter.label, drafter.about)
    elif drafter is not None and transcript is not None:
        screen.spent(spent(transcript, price_of(started)))
    return drafter


def prompts_of(started: Started) -> Prompts:
    """The templates that the session speaks with. Raises InputError."""
    return Prompts.open(started.language, Path(started.prompts) if started.prompts else None)


def price_of(started: Started) -> Price | None:
    """The user's own price, else the known one; None where the price is not known."""
    given = _given_price(started)
    if given is not None or not asks_a_server(started) or started.llm is None:
        return given
    way = route(started.llm, started.llm_url)
    return known_price(way.model, way.url, way.provider)


def _given_price(started: Started) -> Price | None:
    return Price(*started.price) if started.price else None


def asks_a_server(started: Started) -> bool:
    """Whether anything is sent anywhere, rather than replayed or carried by hand."""
    spec = started.llm
    return spec is not None and spec != PASTE and not spec.startswith(REPLAY)


def may_cost(started: Started) -> bool:
    """Whether a request leaves this machine for a server that may charge for it."""
    return (
        asks_a_server(started)
        and started.llm is not None
        and not route(started.llm, started.llm_url).local
    )


def what_it_takes(started: Started, *, drafted: bool) -> str:
    """What is sent, how often, and at what price, in a sentence without its end.

    drafted: there is a system already, so that only proposals are asked for.
    """
    where = f"{started.llm} at {shown(started.llm_url)}"
    names = counted(len(started.classes), "class name")
    what = f"{where} will be sent the {names} with their descriptions"
    if drafted:
        return f"{what} and the system: 1 call a round"
    estimate = estimated_draft(started)
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


def estimated_draft(started: Started) -> Estimate:
    classes = tuple((entry.name, entry.description) for entry in started.classes)
    request = DraftRequest(started.domain, classes, started.attributes, started.context)
    return estimate_draft(request, price=price_of(started), prompts=prompts_of(started))


def _price_words(estimate: Estimate) -> str:
    if estimate.cost is None:
        return "at a price that is not known here (--price IN/OUT tells it)"
    return f"about ${money(estimate.cost)}"
