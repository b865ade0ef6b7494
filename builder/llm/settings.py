"""Which language model is asked, how, and for how much: one value that travels whole."""

from dataclasses import dataclass
from pathlib import Path

from builder.llm.address import Route, route
from builder.llm.cost import NO_LIMITS, Limits, Price, known_price
from builder.llm.prompts import ENGLISH, Prompts

PASTE = "paste"
REPLAY = "replay:"
NOBODY = "none"


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """What is settled about a model before it is asked.

    `spec`: as `--llm` names it, "none" for nobody; `url`: an OpenAI-compatible address
    (default: OPENAI_BASE_URL, else OpenAI's own). `price`: the user's own, None for the known one.
    `limits`: for the session, what its transcript holds included. `parallel`: calls in flight at
    most, None for 4, or 1 on this machine. `timeout`: seconds of silence that a call bears, None
    for what suits the address (see Silence). Every request and reply is appended to `transcript`;
    None: nothing is kept, so that a draft that is broken off begins anew, and the account with it.
    `modes_file`: where the forms of answer that endpoints take are remembered between runs.
    `revisions_heard`: how many a resumed session has had; a recording goes on there.
    """

    spec: str
    url: str | None = None
    price: Price | None = None
    limits: Limits = NO_LIMITS
    parallel: int | None = None
    timeout: float | None = None
    transcript: Path | None = None
    modes_file: Path | None = None
    prompts: Prompts = ENGLISH
    revisions_heard: int = 0

    @property
    def route(self) -> Route | None:
        """Where requests are sent; None where nothing is. Raises InputError for no model's name."""
        if self.spec in (NOBODY, PASTE) or self.spec.startswith(REPLAY):
            return None
        return route(self.spec, self.url)

    @property
    def known_price(self) -> Price | None:
        """The user's own price, else the known one; None where the price is not known."""
        way = self.route
        if self.price is not None or way is None:
            return self.price
        return known_price(way.model, way.url, way.provider)
