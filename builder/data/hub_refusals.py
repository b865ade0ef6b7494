"""A Hugging Face hub that answers, but not now: it limits requests, or has trouble of its own."""

import re
import time
from collections.abc import Mapping
from typing import NamedTuple

from builder.waiting import duration, retry_after

# An error and those that led to it.
_MOST_CAUSES = 10


class Refusal(NamedTuple):
    why: str
    hint: str


def refusal_in(error: BaseException | None) -> Refusal | None:
    """What the hub says of the error, or of one that led to it; None where it is another matter."""
    for _ in range(_MOST_CAUSES):
        if error is None:
            break
        response = getattr(error, "response", None)
        status = getattr(response, "status_code", 0)
        if response is not None and (status == 429 or status >= 500):
            return _refusal(status, _wait(response.headers))
        error = error.__cause__ or error.__context__
    return None


def _wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that the hub asks to wait; in its own header it says when its limit ends."""
    reset = re.search(r";\s*t=(\d{1,9})", headers.get("ratelimit", ""))
    asked = retry_after(headers, now=time.time())
    return asked if asked is not None or reset is None else float(reset[1])


def _refusal(status: int, wait: float | None) -> Refusal:
    limits = status in (429, 503)
    what = "limits requests" if limits else "has trouble of its own"
    asked = f" and asks to wait {duration(wait)}" if wait else ""
    again = f"in {duration(wait)}" if wait else "later"
    more = "; who is logged in (`hf auth login`, or HF_TOKEN) may ask more often" if limits else ""
    return Refusal(f"the Hugging Face hub {what} ({status}){asked}", f"Try again {again}{more}.")
