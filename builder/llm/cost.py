"""Tokens and money: prices, limits, and the account that all calls of a session are paid from.

Prices come from the data in the package genai-prices and are never looked up. A call starts only
if its worst case can be paid.
"""

import contextlib
import math
import re
import threading
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from builder.errors import InputError, NoMoreAnswers
from builder.llm.address import endpoint, is_local
from builder.llm.cancel import Cancellation

_MILLION = 1e6
_ASCII_A_TOKEN = 3.5
_CAUTION = 1.5
# Chinese, Japanese and Korean: about one token a character.
_CJK = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]")
# Prices rise with the length of a prompt at some providers; calls here stay far below that.
_TYPICAL = 1_000
# Under a limit the answer's length has one as well, or no call would have a worst case. Answers
# with 25 rules in 8 groups take about 2,000 tokens; models that think first take several times as
# much, and get it while there is room.
LEAST_OUTPUT = 4_096
MOST_OUTPUT = 16_384


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens cost, in the user's currency; known prices are in US dollars."""

    input_per_million: float
    output_per_million: float

    def of(self, input_tokens: int, output_tokens: int) -> float:
        wanted = input_tokens * self.input_per_million + output_tokens * self.output_per_million
        return wanted / _MILLION


FREE = Price(0.0, 0.0)


def parse_price(text: str) -> Price:
    """The price in `IN/OUT`, each for a million tokens, e.g. "0.25/2". Raises InputError."""
    parts = text.split("/")
    with contextlib.suppress(ValueError):
        if len(parts) == 2 and all(0 <= float(part) < math.inf for part in parts):
            return Price(float(parts[0]), float(parts[1]))
    raise InputError(
        f"{text!r} is no price.",
        hint="Give what a million tokens cost, going in and coming out: --price 0.25/2.",
    )


def known_price(model: str, url: str | None, provider: str | None = None) -> Price | None:
    """US dollars for a million tokens; None where nobody knows. A server on this machine is free.

    `url`: the endpoint, as `address.endpoint` understands it. `provider`: instead of the url, as
    in "anthropic/claude-...". Discounts (cached input, batches) are left out: it is the most.
    """
    if provider is None and is_local(url):
        return FREE
    # Imported here: its data take a quarter of a second to load, and the package is not needed.
    try:
        from genai_prices import Usage, calc_price
    except ImportError:
        return None
    place: dict[str, Any] = {"provider_api_url": endpoint(url).geturl()}
    if provider is not None:
        place = {"provider_id": provider}
    usages = Usage(input_tokens=_TYPICAL), Usage(output_tokens=_TYPICAL)
    try:
        into, out = (calc_price(usage, model, **place).total_price for usage in usages)
    except LookupError:
        return None
    return Price(float(into) * _MILLION / _TYPICAL, float(out) * _MILLION / _TYPICAL)


class Spent(BaseModel):
    """Tokens and money for one call or many. `cost` None: the price is not known.

    estimated: some of the tokens are estimated, because the endpoint did not count them.
    """

    model_config = ConfigDict(frozen=True)

    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = 0.0
    estimated: bool = False

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def __add__(self, other: "Spent") -> "Spent":
        known = self.cost is not None and other.cost is not None
        return Spent(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cost=(self.cost or 0.0) + (other.cost or 0.0) if known else None,
            estimated=self.estimated or other.estimated,
        )


NOTHING = Spent()


def money(amount: float) -> str:
    """A sum of money: two decimals, or as many as it takes to see two digits."""
    if amount == 0 or amount >= 0.995:
        return f"{amount:,.2f}"
    return f"{amount:.{max(2, 1 - math.floor(math.log10(amount)))}f}"


def tokens_of(text: str) -> int:
    """About how many tokens a text has: a rule of thumb, because every model counts otherwise.

    One for each Chinese, Japanese or Korean character, one for two characters of other scripts
    beyond ASCII, and one for 3.5 of ASCII: English prose has about 4, JSON about 3.
    """
    dense = len(_CJK.findall(text))
    plain = len(text.encode("ascii", "ignore"))
    return math.ceil(dense + (len(text) - dense - plain) / 2 + plain / _ASCII_A_TOKEN)


def most_tokens_of(text: str) -> int:
    """The most tokens that a text may well have: for what is set aside before a call.

    Beyond ASCII one for each byte of UTF-8, which no byte-level tokenizer exceeds; of ASCII half
    as many again as `tokens_of` says.
    """
    plain = len(text.encode("ascii", "ignore"))
    beyond = len(text.encode("utf-8", "surrogatepass")) - plain
    return math.ceil(beyond + _CAUTION * plain / _ASCII_A_TOKEN)


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that a session may spend, earlier runs included; None: no limit.

    `max_calls`: requests that may be sent, by this run alone, whatever comes of them.
    Raises InputError for what is no amount.
    """

    max_cost: float | None = None
    max_tokens: int | None = None
    max_calls: int | None = None

    def __post_init__(self) -> None:
        for name, value in (("--max-cost", self.max_cost), ("--max-tokens", self.max_tokens)):
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise InputError(f"{name} {value} is no limit.", hint="Give a number from 0 up.")

    @property
    def any(self) -> bool:
        """Whether a call's worst case must be known before it is made."""
        return self.max_cost is not None or self.max_tokens is not None


NO_LIMITS = Limits()


class LimitReached(NoMoreAnswers):
    """What is left of the limits does not pay for the next call."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a call may use at most. `most_output` None: as much as the endpoint lets it."""

    worst: Spent
    most_output: int | None


class Account:
    """Tokens and money spent so far, and what calls in flight may still spend. Thread-safe.

    `before`: what earlier runs of the session spent. Where an endpoint counts more than a call's
    worst case (it ignored the limit on output, or its tokenizer cuts very finely) the account says
    so, and the next call is not started.
    """

    def __init__(
        self, price: Price | None = None, limits: Limits = NO_LIMITS, before: Spent = NOTHING
    ) -> None:
        self.price = price
        self.limits = limits
        self._spent = before
        self._reserved: list[Spent] = []
        self._calls = 0
        self._changed = threading.Condition()

    @property
    def spent(self) -> Spent:
        with self._changed:
            return self._spent

    def charge(self, input_tokens: int, output_tokens: int, *, estimated: bool = False) -> Spent:
        """What so many tokens are at this account's price; changes nothing."""
        cost = self.price.of(input_tokens, output_tokens) if self.price is not None else None
        return Spent(
            input_tokens=input_tokens, output_tokens=output_tokens, cost=cost, estimated=estimated
        )

    def reserve(
        self,
        purpose: str,
        most_input: int,
        cancellation: Cancellation,
        most_output: int = MOST_OUTPUT,
    ) -> Reservation:
        """Sets the worst case of a call aside; waits for calls in flight if it fits only then.

        `most_input`: tokens, estimated with caution. Raises LimitReached, and Stopped when
        `cancellation` is stopped.
        """
        with self._changed:
            if self._calls == self.limits.max_calls:
                raise LimitReached(
                    f"The budget of {self._calls:,} calls is spent; the next one ({purpose}) is "
                    "not made.",
                    hint="What came so far is kept. Go on with another budget.",
                )
            self._calls += 1
            if not self.limits.any:
                return Reservation(self.charge(most_input, 0, estimated=True), None)
            while (room := self._room(most_input, self._reserved)) < LEAST_OUTPUT:
                if self._room(most_input, []) < LEAST_OUTPUT:
                    raise self._reached(purpose, most_input)
                self._changed.wait(0.05)
                cancellation.check()
            output = min(most_output, int(min(room, MOST_OUTPUT)))
            reservation = Reservation(self.charge(most_input, output, estimated=True), output)
            self._reserved.append(reservation.worst)
            return reservation

    def settle(self, reservation: Reservation, spent: Spent) -> None:
        """Puts what the call did spend in the place of its worst case."""
        with self._changed:
            if reservation.most_output is not None:
                self._reserved.remove(reservation.worst)
            self._spent += spent
            self._changed.notify_all()

    def _room(self, input_tokens: int, reserved: list[Spent]) -> float:
        """How many output tokens a call with this input can be paid for; negative: none."""
        used = sum(reserved, self._spent)
        rooms = [float("inf")]
        if self.limits.max_tokens is not None:
            rooms.append(self.limits.max_tokens - used.tokens - input_tokens)
        if self.limits.max_cost is not None and self.price is not None:
            left = self.limits.max_cost - (used.cost or 0.0) - self.price.of(input_tokens, 0)
            each = self.price.of(0, 1)
            rooms.append(left / each if each else (float("inf") if left >= 0 else -1.0))
        # A limit of nothing forbids calls, also those that cost nothing.
        return -1.0 if 0 in (self.limits.max_tokens, self.limits.max_cost) else min(rooms)

    def _reached(self, purpose: str, input_tokens: int) -> LimitReached:
        parts = []
        if self.limits.max_cost is not None:
            worst = self.charge(input_tokens, LEAST_OUTPUT).cost or 0.0
            parts.append(
                f"it may cost {money(worst)}, and of --max-cost {self.limits.max_cost:g} "
                f"{money(self._spent.cost or 0.0)} is spent"
            )
        if self.limits.max_tokens is not None:
            parts.append(
                f"it may take {input_tokens + LEAST_OUTPUT:,} tokens, and of --max-tokens "
                f"{self.limits.max_tokens:,} {self._spent.tokens:,} are used"
            )
        return LimitReached(
            f"The limit does not pay for the next call ({purpose}): {'; '.join(parts)}.",
            hint="What came so far is kept. Go on with a higher limit.",
        )
