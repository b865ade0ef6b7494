"""One image from its URL to a file: tried again, limited, checked before it is kept."""

import contextlib
import email.utils
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
from filelock import FileLock, Timeout

from builder.data.pictures import ImageUnreadable, check_image

_REDIRECTS = 10


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a download may go. Times in seconds, `size` in bytes."""

    at_a_time: int = 4
    tries: int = 4
    backoff: float = 0.5  # before the second try, doubled before each further one
    retry_after: float = 60.0  # the longest wait that a server may ask for
    silence: float = 15.0  # to connect, or between two pieces
    total: float = 120.0  # for one image: all tries, and waiting for another process
    size: int = 50_000_000
    patience: int = 8  # images in a row that a server fails to answer for, before it is left alone


class Unavailable(Exception):
    """An image that cannot be had, and why; `no_answer`: its server may be down altogether."""

    def __init__(self, reason: str, *, no_answer: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.no_answer = no_answer


class _Passing(Exception):
    """What may have passed in a moment; `wait`: seconds that the server asked for."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait = wait


def fetch(
    client: httpx.Client, url: str, path: Path, limits: Limits, stop: threading.Event
) -> Path:
    """Downloads an image to `path`, at once or not at all, and returns it.

    Connection errors, 408, 429 and 5xx are tried again, from the first byte. Of several processes
    one downloads the image, and the others wait for it. For threads, so the caller wraps all calls
    in `bombs_as_errors`; soon after `stop` is set nothing is written any more. Raises Unavailable,
    and OSError if it cannot be written.
    """
    deadline = time.monotonic() + limits.total
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(path.name + ".lock")
    try:
        with FileLock(lock, timeout=limits.total):
            if not path.is_file():
                _fetch_alone(client, url, path, limits, deadline, stop)
    except Timeout as error:
        raise Unavailable("an earlier download of it has not ended") from error
    # Whoever still waits for the lock will find the image, and so write nothing.
    with contextlib.suppress(OSError):
        lock.unlink(missing_ok=True)
    return path


def _fetch_alone(
    client: httpx.Client,
    url: str,
    path: Path,
    limits: Limits,
    deadline: float,
    stop: threading.Event,
) -> None:
    def go_on() -> None:
        if stop.is_set():
            raise Unavailable("interrupted")
        if time.monotonic() > deadline:
            raise Unavailable(too_late(limits))

    part = path.with_name(path.name + ".part")
    try:
        for attempt in range(limits.tries):
            try:
                _transfer(client, url, part, limits, go_on)
                break
            except _Passing as problem:
                wait = limits.backoff * 2**attempt if problem.wait is None else problem.wait
                last = attempt + 1 == limits.tries or time.monotonic() + wait > deadline
                if last or stop.wait(wait):
                    raise Unavailable(problem.reason, no_answer=True) from problem
        _keep(part, path)
    finally:
        part.unlink(missing_ok=True)


def _keep(part: Path, path: Path) -> None:
    """Moves a whole image to its place. Raises Unavailable if it is none."""
    try:
        check_image(part)
    except ImageUnreadable as error:
        raise Unavailable(f"what came cannot be read as an image: {error.reason}") from error
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(path)


def _transfer(
    client: httpx.Client,
    url: str,
    part: Path,
    limits: Limits,
    go_on: Callable[[], None],
) -> None:
    """Writes the whole body of one answer to `part`. Raises _Passing, Unavailable."""
    with _translated(), _answer(client, url, go_on) as response:
        _require_success(response, limits)
        announced = response.headers.get("Content-Length", "")
        if announced.isdecimal() and int(announced) > limits.size:
            raise Unavailable(_too_large(limits))
        size = 0
        with part.open("wb") as file:
            for chunk in response.iter_bytes():
                go_on()
                size += len(chunk)
                if size > limits.size:
                    raise Unavailable(_too_large(limits))
                file.write(chunk)


@contextlib.contextmanager
def _answer(client: httpx.Client, url: str, go_on: Callable[[], None]) -> Iterator[httpx.Response]:
    """The answer that redirects lead to.

    Followed by hand, because httpx reads the body of each redirect, which may have no end.
    """
    request = client.build_request("GET", url)
    for _ in range(_REDIRECTS + 1):
        go_on()
        response = client.send(request, stream=True, follow_redirects=False)
        with contextlib.closing(response):
            if response.next_request is None:
                yield response
                return
            request = response.next_request
    raise Unavailable(f"more than {_REDIRECTS} redirects")


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """httpx's errors as Unavailable or _Passing."""
    try:
        yield
    except httpx.UnsupportedProtocol as error:
        raise Unavailable("it leads to an address that is neither http:// nor https://") from error
    except httpx.TimeoutException as error:
        raise _Passing("the server is silent") from error
    except httpx.TransportError as error:
        raise _Passing(_said(error)) from error
    # ValueError, with UnicodeError below it: what else an odd address or header makes it raise.
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise Unavailable(_said(error)) from error


def _said(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _require_success(response: httpx.Response, limits: Limits) -> None:
    status = response.status_code
    if status == 200:
        return
    reason = f"the server answers {status} {response.reason_phrase}".rstrip()
    if status not in (408, 429) and status < 500:
        raise Unavailable(reason)
    wait = _retry_after(response.headers.get("Retry-After", ""))
    if wait is not None and wait > limits.retry_after:
        raise Unavailable(f"{reason} and asks to wait {wait:.0f} seconds", no_answer=True)
    raise _Passing(reason, wait)


def _retry_after(value: str) -> float | None:
    """Seconds to wait, from a number of seconds or a date (RFC 9110, 10.2.3), else None."""
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def too_late(limits: Limits) -> str:
    """Why an image whose time is over cannot be had."""
    return f"not complete after {limits.total:g} seconds"


def _too_large(limits: Limits) -> str:
    return f"larger than {limits.size / 1e6:g} MB"
