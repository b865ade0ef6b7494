"""Several calls in flight, with a limit; results in the order of the jobs, whoever was first."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, TypeVar

from builder.llm.cancel import Stopped
from builder.llm.transport import Message, ReplyT, Transport

T = TypeVar("T")


# Seconds.
_SLICE = 0.1


@dataclass(frozen=True, slots=True)
class ParallelCalls:
    """Runs at most `count` calls at a time; `stop` ends those in flight, for Ctrl-C."""

    count: int = 1
    stop: Callable[[], None] = lambda: None

    def run(self, transport: Transport, jobs: Sequence[Callable[[Transport], T]]) -> list[T]:
        """The jobs' results in their order. One at a time they run in this thread.

        When a job fails no further call is started; those in flight end first, so that their
        answers are kept. Then the first failure, in the order of the jobs, is raised.
        """
        if min(self.count, len(jobs)) <= 1:
            return [job(transport) for job in jobs]
        gate = _Gate(transport)
        with ThreadPoolExecutor(self.count) as pool:
            futures: list[Future[T]] = []
            try:
                for job in jobs:
                    futures.append(pool.submit(job, gate))
                    # Called by the thread that failed, before it takes up its next job.
                    futures[-1].add_done_callback(gate.close_after_failure)
                # In slices: a signal that comes while a wait begins is seen at its end only.
                while wait(futures, timeout=_SLICE).not_done:
                    pass
            except KeyboardInterrupt:
                gate.close()
                pool.shutdown(wait=False, cancel_futures=True)
                # Until all have ended: a call just past the gate starts after the first time.
                while left := [future for future in futures if not future.done()]:
                    self.stop()
                    wait(left, timeout=0.05)
                raise
        failures = [failure for future in futures if (failure := future.exception()) is not None]
        # Those that were not let through failed only because another one had.
        for failure in sorted(failures, key=lambda failure: isinstance(failure, Stopped)):
            raise failure
        return [future.result() for future in futures]


ONE_AT_A_TIME = ParallelCalls()


class _Gate:
    """Lets calls through to the transport for as long as they may start."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._closed = threading.Event()

    def close(self) -> None:
        self._closed.set()

    def close_after_failure(self, future: Future[Any]) -> None:
        if not future.cancelled() and future.exception() is not None:
            self.close()

    def complete(self, purpose: str, messages: list[Message], reply_model: type[ReplyT]) -> ReplyT:
        if self._closed.is_set():
            raise Stopped
        return self._transport.complete(purpose, messages, reply_model)
