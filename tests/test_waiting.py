import pytest

from builder.waiting import duration, retry_after


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "20"}, 20.0),
        ({"retry-after": "2.5", "retry-after-ms": "300"}, 0.3),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, 90.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:05 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after-ms": "x", "retry-after": "inf"}, None),
    ],
)
def test_reading_retry_after(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after(headers, now=10.0) == expected


def test_durations() -> None:
    assert [duration(s) for s in (0.2, 59, 125, 3600, 7260)] == [
        "1 s", "59 s", "2 min 5 s", "1 h 0 min", "2 h 1 min",
    ]  # fmt: skip
