"""How long an endpoint may be silent, and what ends a call to one that is silent for longer."""

import math
import threading
import time
from dataclasses import dataclass
from typing import Any, Self

from builder.llm.cancel import shut

# Seconds. A local model may read a long prompt for many minutes before it writes its first word.
_FIRST_NEAR, _FIRST_FAR, _BETWEEN = 1200.0, 300.0, 120.0
# After the last word only the count of tokens is still to come.
_AFTERWARDS = 5.0
_SLICE = 0.25


@dataclass(frozen=True, slots=True)
class Silence:
    """Seconds that may pass before the first word of an answer, and then without a byte of it."""

    first: float
    between: float

    @classmethod
    def allowed(cls, timeout: float | None, *, near: bool) -> Self:
        """`timeout`: the user's own wish; `near`: the endpoint is not out on the internet."""
        if timeout is not None:
            return cls(timeout, timeout)
        return cls(_FIRST_NEAR if near else _FIRST_FAR, _BETWEEN)


class Alarm:
    """Shuts the `connections` of a call, as a context, where its endpoint is silent too long.

    A thread of its own, since no timeout of a socket ends what comes in drops. What is no word
    (header lines, comments, empty pieces) counts as a sign of life only between two words, and not
    for longer than the first word may take.
    """

    def __init__(self, silence: Silence, connections: set[Any]) -> None:
        self._silence = silence
        self._connections = connections
        self._between = self._word = self._byte = math.inf
        self._over = threading.Event()
        # For how long it was silent, in seconds, where that was too long.
        self.rang: float | None = None

    @property
    def begun(self) -> bool:
        """Whether a word of the answer came."""
        return self._between < math.inf

    def byte(self) -> None:
        self._byte = time.monotonic()

    def word(self, *, last: bool) -> None:
        between = self._silence.between
        self._between = min(between, _AFTERWARDS) if last else between
        self._word = self._byte = time.monotonic()

    def __enter__(self) -> Self:
        self._word = self._byte = time.monotonic()
        threading.Thread(target=self._run, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def _run(self) -> None:
        wait = 0.0
        while not self._over.wait(wait):
            limits = {self._word + self._silence.first: self._silence.first}
            limits[self._byte + self._between] = self._between
            left = min(limits) - time.monotonic()
            if left <= 0:
                self.rang = self.rang or limits[min(limits)]
                # Again and again: a connection may be made just now.
                for connection in tuple(self._connections):
                    shut(connection)
            wait = min(max(left, 0.01), _SLICE)
