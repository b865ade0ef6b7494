"""Tokens and money: prices, what was spent, and how far it may go."""

import math
import re
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from builder.errors import InputError, LLMError

_MILLION = 1e6
_ASCII_A_TOKEN = 3.5
_CAUTION = 1.5
# Chinese, Japanese and Korean: about one token a character.
_CJK = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]")


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
    try:
        into, out = (float(part) for part in text.split("/"))
    except ValueError as error:
        raise _no_price(text) from error
    if not all(math.isfinite(value) and value >= 0 for value in (into, out)):
        raise _no_price(text)
    return Price(into, out)


def _no_price(text: str) -> InputError:
    return InputError(
        f"{text!r} is no price.",
        hint="Give what a million tokens cost, going in and coming out: --price 0.25/2.",
    )


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


class LimitReached(LLMError):
    """What is left of the limits does not pay for the next call."""


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


def money(amount: float) -> str:
    """A sum of money: two decimals, or as many as it takes to see two digits."""
    if amount == 0 or amount >= 0.995:
        return f"{amount:,.2f}"
    return f"{amount:.{max(2, 1 - math.floor(math.log10(amount)))}f}"
