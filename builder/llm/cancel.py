"""Stops calls in flight at once: waiting ends, and open connections are shut."""

import contextlib
import socket
import threading

from builder.errors import LLMError


class Stopped(LLMError):
    """The call was given up because the user stopped the step."""

    def __init__(self) -> None:
        super().__init__("stopped", hint="Run the command again to go on.")


class Cancellation:
    """Stops all calls that share it, once and for good. Thread-safe."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()

    def stop(self) -> None:
        with self._lock:
            self._stopped.set()
            for connection in self._open:
                shut(connection)

    def check(self) -> None:
        """Raises Stopped if the calls are to end."""
        self.wait(0)

    def wait(self, seconds: float) -> None:
        """Waits. Raises Stopped as soon as it is."""
        if self._stopped.wait(seconds):
            raise Stopped

    def watch(self, connection: socket.socket) -> None:
        """From here on, to stop is to shut this connection."""
        with self._lock:
            self._open.add(connection)
            if self._stopped.is_set():
                shut(connection)

    def forget(self, connections: set[socket.socket]) -> None:
        with self._lock:
            self._open -= connections


def shut(connection: socket.socket) -> None:
    """Ends all sending and receiving, whichever thread waits for it."""
    # A thread that reads sees the end at once; closing the descriptor would not wake it. The plain
    # socket's method: that of a TLS socket takes the state away from under the reading thread.
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
