"""A Hugging Face hub that answers, but not now: it limits requests, or has trouble of its own."""

import time
from typing import NamedTuple

from builder.waiting import duration, retry_after


class Refusal(NamedTuple):
    why: str
    hint: str


def refusal_in(error: BaseException | None) -> Refusal | None:
    """What the hub says of the error, or of one that led to it; None where it is another matter."""
    seen = 0
    while error is not None and seen < 10:
        response = getattr(error, "response", None)
        status = getattr(response, "status_code", 0)
        if response is not None and (status == 429 or status >= 500):
            return _refusal(status, retry_after(response.headers, now=time.time()))
        error, seen = error.__cause__ or error.__context__, seen + 1
    return None


def _refusal(status: int, wait: float | None) -> Refusal:
    limits = status in (429, 503)
    what = "limits requests" if limits else "has trouble of its own"
    asked = f" and asks to wait {duration(wait)}" if wait is not None else ""
    again = f"in {duration(wait)}" if wait is not None else "later"
    more = "; who is logged in (`hf auth login`, or HF_TOKEN) may ask more often" if limits else ""
    return Refusal(f"the Hugging Face hub {what} ({status}){asked}", f"Try again {again}{more}.")
