"""One image from its URL to a file: tried again, resumed, limited, checked before it is kept."""

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

    Connection errors, 408, 429 and 5xx are tried again. What came of an image that was broken off
    stays beside `path` if the server told by what (ETag, Last-Modified) the rest can be asked for.
    Of several processes one downloads the image, and the others wait for it. For threads, so the
    caller wraps all calls in `bombs_as_errors`; soon after `stop` is set nothing is written any
    more. Raises Unavailable, and OSError if it cannot be written.
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

    part = _Part(path)
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
        part.keep(path)
    finally:
        part.drop_unless_resumable()


class _Part:
    """What has come of an image so far, with what its server calls that version of it."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(path.name + ".part")
        self._version = path.with_name(path.name + ".version")

    def resumable(self) -> tuple[int, str]:
        """(bytes that are there, the server's name of the version), or (0, "")."""
        try:
            version = self._version.read_text(encoding="ascii")
            # A crash of the machine may leave a file empty or full of zeros.
            return (self.path.stat().st_size, version) if _sendable(version) else (0, "")
        except (FileNotFoundError, UnicodeDecodeError):
            return 0, ""

    def begin(self, version: str) -> None:
        """Forgets what has come. The version is written last: it vouches for the bytes."""
        self._version.unlink(missing_ok=True)
        self.path.write_bytes(b"")
        if version:
            self._version.write_text(version, encoding="ascii")

    def drop(self) -> None:
        self._version.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)

    def drop_unless_resumable(self) -> None:
        if not self._version.exists():
            self.path.unlink(missing_ok=True)

    def keep(self, path: Path) -> None:
        """Moves a whole image to its place; raises Unavailable if it is none."""
        try:
            check_image(self.path)
        except ImageUnreadable as error:
            self.drop()
            raise Unavailable(f"what came cannot be read as an image: {error.reason}") from error
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        self._version.unlink(missing_ok=True)
        self.path.replace(path)


def _transfer(
    client: httpx.Client,
    url: str,
    part: _Part,
    limits: Limits,
    go_on: Callable[[], None],
) -> None:
    """The body of one answer into `part`, all of it; raises _Passing, Unavailable."""
    have, version = part.resumable()
    headers = {"Range": f"bytes={have}-", "If-Range": version} if have else {}
    with _translated(), _answer(client, url, headers, go_on) as response:
        if response.status_code == 416 or (
            response.status_code == 206 and not _goes_on(response, have)
        ):
            part.drop()
            raise _Passing("the server sent another part than was asked for", wait=0.0)
        _require_success(response, limits)
        if response.status_code != 206:
            part.begin(_version_of(response))
            have = 0
        announced = response.headers.get("Content-Length", "")
        if announced.isdecimal() and have + int(announced) > limits.size:
            part.drop()
            raise Unavailable(_too_large(limits))
        with part.path.open("ab") as file:
            for chunk in response.iter_bytes():
                go_on()
                have += len(chunk)
                if have > limits.size:
                    part.drop()
                    raise Unavailable(_too_large(limits))
                file.write(chunk)


@contextlib.contextmanager
def _answer(
    client: httpx.Client, url: str, headers: dict[str, str], go_on: Callable[[], None]
) -> Iterator[httpx.Response]:
    """The answer that redirects lead to.

    Followed by hand, because httpx reads the body of each redirect, which may have no end.
    """
    request = client.build_request("GET", url, headers=headers)
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
    if status in (200, 206):
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


def _version_of(response: httpx.Response) -> str:
    """What If-Range may be sent with: a strong ETag, else a date (RFC 9110, 13.1.5); "" if none."""
    # Ranges count encoded bytes, but what is kept is decoded.
    if response.headers.get("Content-Encoding", "identity") != "identity":
        return ""
    tag: str = response.headers.get("ETag", "")
    if tag.startswith('"') and _sendable(tag):
        return tag
    date: str = response.headers.get("Last-Modified", "")
    return date if _sendable(date) else ""


def _sendable(version: str) -> bool:
    """Whether it may stand in a header."""
    return version != "" and version.isascii() and version.isprintable()


def _goes_on(response: httpx.Response, have: int) -> bool:
    """Whether a partial answer begins where it was asked to."""
    return have > 0 and response.headers.get("Content-Range", "").startswith(f"bytes {have}-")


def too_late(limits: Limits) -> str:
    """Why an image whose time is over cannot be had."""
    return f"not complete after {limits.total:g} seconds"


def _too_large(limits: Limits) -> str:
    return f"larger than {limits.size / 1e6:g} MB"
