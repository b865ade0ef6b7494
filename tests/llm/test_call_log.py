"""What is told of answers while they are written."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from builder.llm.call_log import CallLog, OpenCall
from builder.llm.cancel import Cancellation
from builder.llm.events import CallStreams, LLMEvent
from builder.llm.settings import ModelSettings
from builder.llm.transcript import Question, Usage
from builder.llm.transport import ask


class Clock:
    """Time that passes when it is told to."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    monkeypatch.setattr("builder.llm.call_log.time", clock)
    yield clock


def begun(log: CallLog, purpose: str) -> OpenCall:
    return log.open(Question(purpose, ask("?"), {}), "m", "?", ask("?"), Cancellation())


def test_calls_in_flight_add_up_and_so_do_their_rates(clock: Clock) -> None:
    events: list[LLMEvent] = []
    log = CallLog(ModelSettings("m"), events.append)
    first, second, third = (begun(log, purpose) for purpose in ("a", "b", "c"))
    del events[:]
    log.streamed(first, 10)
    assert events == [CallStreams(("a",), 10, None)]
    clock.now += 2
    log.streamed(second, 5)
    assert events[-1] == CallStreams(("a", "b"), 15, 5.0)
    clock.now += 2
    log.streamed(first, 30)
    assert events[-1] == CallStreams(("a", "b"), 45, 10.0 + 2.5)
    log.answered(first, "{}", Usage())
    clock.now += 1
    log.streamed(second, 1)
    assert events[-1] == CallStreams(("b",), 6, 2.0)
    log.failed(second, "lost", at_work=True)
    clock.now += 1
    log.streamed(third, 1)
    assert events[-1] == CallStreams(("c",), 1, None)


def test_no_more_than_four_times_a_second(clock: Clock) -> None:
    moments: list[float] = []
    log = CallLog(ModelSettings("m"), lambda _event: moments.append(clock.now))
    calls = [begun(log, "a"), begun(log, "b")]
    del moments[:]
    for step in range(1000):
        clock.now += 0.01
        log.streamed(calls[step % 2], 1)
    assert 30 <= len(moments) <= 41
    assert all(later - earlier >= 0.25 for earlier, later in pairwise(moments))
