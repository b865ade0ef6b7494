"""One account for all calls of a session: a call starts only if its worst case can be paid."""

import threading
from dataclasses import dataclass

from builder.llm.cost import NO_LIMITS, NOTHING, LimitReached, Limits, Price, Spent, money
from builder.llm.halt import Halt

# Under a limit the answer's length has one as well, or no call would have a worst case. Answers
# with 25 rules in 8 groups take about 2,000 tokens; models that think first take several times as
# much, and get it while there is room.
LEAST_OUTPUT = 4_096
MOST_OUTPUT = 16_384


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
        self, purpose: str, most_input: int, halt: Halt, most_output: int = MOST_OUTPUT
    ) -> Reservation:
        """Sets the worst case of a call aside; waits for calls in flight if it fits only then.

        `most_input`: tokens, estimated with caution. Raises LimitReached, and Stopped from `halt`.
        """
        self._count(purpose)
        if not self.limits.any:
            return Reservation(self.charge(most_input, 0, estimated=True), None)
        with self._changed:
            while (room := self._room(most_input, self._reserved)) < LEAST_OUTPUT:
                if self._room(most_input, []) < LEAST_OUTPUT:
                    raise self._reached(purpose, most_input)
                self._changed.wait(0.05)
                halt.check()
            output = min(most_output, int(min(room, MOST_OUTPUT)))
            reservation = Reservation(self.charge(most_input, output, estimated=True), output)
            self._reserved.append(reservation.worst)
            return reservation

    def _count(self, purpose: str) -> None:
        with self._changed:
            if self._calls == self.limits.max_calls:
                raise LimitReached(
                    f"The budget of {self._calls:,} calls is spent; the next one ({purpose}) is "
                    "not made.",
                    hint="What came so far is kept. Go on with another budget.",
                )
            self._calls += 1

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
