"""A hub that answers, but not now."""

import httpx
import pytest

from builder.data.hugging_face import refusal_in


def answered(status: int, **headers: str) -> Exception:
    request = httpx.Request("GET", "http://hub")
    response = httpx.Response(status, headers=headers, request=request)
    return httpx.HTTPStatusError("no", request=request, response=response)


@pytest.mark.parametrize(
    ("status", "headers", "why"),
    [
        (429, {"Retry-After": "300"}, "limits requests (429) and asks to wait 5 min 0 s"),
        (429, {"RateLimit": '"api";r=0;t=90'}, "limits requests (429) and asks to wait 1 min 30 s"),
        (429, {"Retry-After": "5", "RateLimit": '"api";r=0;t=90'}, "asks to wait 5 s"),
        (429, {"RateLimit": "odd"}, "limits requests (429)"),
        (503, {"Retry-After": "0"}, "limits requests (503)"),
        (502, {}, "has trouble of its own (502)"),
    ],
)
def test_why_and_how_long(status: int, headers: dict[str, str], why: str) -> None:
    refusal = refusal_in(answered(status, **headers))
    assert refusal is not None and refusal.why.endswith(why) and "Try again" in refusal.hint


@pytest.mark.parametrize("error", [None, OSError("no"), answered(404), answered(403)])
def test_other_failures_are_another_matter(error: Exception | None) -> None:
    assert refusal_in(error) is None


def test_what_led_to_an_error_counts() -> None:
    try:
        try:
            raise answered(429)
        except httpx.HTTPError as cause:
            raise OSError("no file") from cause
    except OSError as error:
        assert refusal_in(error) is not None


def test_errors_that_lead_to_each_other_are_no_trap() -> None:
    first, second = OSError("a"), OSError("b")
    first.__cause__, second.__cause__ = second, first
    assert refusal_in(first) is None
