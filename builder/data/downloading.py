"""Downloading images: a few at a time, kept by URL, so that no image is asked for twice.

An image is tried again where that may help, limited in time and size, and checked before it is
kept.
"""

import contextlib
import hashlib
import os
import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from filelock import FileLock, Timeout

from builder.data.images import IMAGE_SUFFIXES, Progress, Skipped
from builder.data.pictures import ImageUnreadable, bombs_as_errors, check_image
from builder.errors import InputError
from builder.waiting import retry_after

_HEADERS = {
    "User-Agent": f"cotbuild (python-httpx/{httpx.__version__})",
    "Accept": "image/*,*/*;q=0.1",
    # Images are compressed already.
    "Accept-Encoding": "identity",
}
_LEFT_ALONE = "not tried, because its server did not answer for those before"
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


@dataclass(eq=False)
class Unavailable(Exception):
    """An image that cannot be had, and why; `no_answer`: its server may be down altogether."""

    reason: str
    no_answer: bool = False


@dataclass(eq=False)
class _Passing(Exception):
    """A failure that may pass; `wait`: seconds that the server asked for."""

    reason: str
    wait: float | None = None


def download_images(
    urls: Sequence[str],
    folder: Path,
    *,
    limits: Limits = Limits(),
    on_progress: Progress | None = None,
) -> dict[str, Path | Skipped]:
    """Downloads images: URL -> file below `folder`, or why there is none.

    What is there already is not asked for again. `on_progress(done, total)` counts distinct URLs.
    A run that is interrupted (Ctrl-C) ends at once, and the next one downloads what is missing.
    Several processes may download into one folder.
    Raises InputError if nothing could be had, or if the network settings are of no use.
    """
    distinct = tuple(dict.fromkeys(urls))
    outcomes: dict[str, Path | Skipped] = {
        url: path for url in distinct if (path := cached_path(url, folder)).is_file()
    }
    missing = [url for url in distinct if url not in outcomes]
    if on_progress is not None and outcomes:
        on_progress(len(outcomes), len(distinct))
    if missing:
        with bombs_as_errors(), _client(limits) as client:
            for url, outcome in _fetched(client, missing, folder, limits):
                outcomes[url] = outcome
                if on_progress is not None:
                    on_progress(len(outcomes), len(distinct))
    failures = [found for url in distinct if isinstance(found := outcomes[url], Skipped)]
    if failures and len(failures) == len(distinct):
        first = "; ".join(f"{failed.where}: {failed.reason}" for failed in failures[:3])
        raise InputError(
            f"None of {len(failures)} images could be downloaded. {first}.",
            hint="Check that this machine is online and may reach that server, then run the "
            "command again.",
        )
    return outcomes


def cached_path(url: str, folder: Path) -> Path:
    """Where the image of a URL is kept; the suffix is for people who look into the folder."""
    name = url.partition("?")[0].partition("#")[0]
    return content_path(url.encode("utf-8", "surrogatepass"), name, folder)


def content_path(content: bytes, name: str, folder: Path) -> Path:
    """Where what is known by its content, and called `name`, is kept below a folder."""
    digest, suffix = hashlib.sha256(content).hexdigest(), Path(name).suffix.lower()
    return folder / digest[:2] / (digest + (suffix if suffix in IMAGE_SUFFIXES else ""))


def is_url(text: str) -> bool:
    """Whether it is an address that can be downloaded from."""
    return text.lower().startswith(("http://", "https://"))


def _fetched(
    client: httpx.Client, urls: Sequence[str], folder: Path, limits: Limits
) -> Iterator[tuple[str, Path | Skipped]]:
    """(URL, outcome) of every URL as they come; what is still under way at the end is left behind.

    A server that does not answer is left alone after a while.
    """
    waiting = deque(urls)
    # URL, what came of it, and whether its server did not answer.
    done: queue.SimpleQueue[tuple[str, Path | Skipped, bool]] = queue.SimpleQueue()
    # URL -> what stops it, and until when it may take; the one that began first comes first.
    busy: dict[str, tuple[threading.Event, float]] = {}
    unanswered: Counter[str] = Counter()

    def work(url: str, stop: threading.Event) -> None:
        outcome: Path | Skipped = Skipped(url, "its download ended unexpectedly")
        silent = False
        try:
            outcome = fetch(client, url, cached_path(url, folder), limits, stop)
        except Unavailable as error:
            outcome, silent = Skipped(url, error.reason), error.no_answer
        except OSError as error:
            outcome = Skipped(url, f"it cannot be kept: {error.strerror or error}")
        finally:
            done.put((url, outcome, silent))

    try:
        while waiting or busy:
            if waiting and len(busy) < limits.at_a_time:
                url, stop = waiting.popleft(), threading.Event()
                if unanswered[_server(url)] >= limits.patience:
                    yield url, Skipped(url, _LEFT_ALONE)
                    continue
                busy[url] = stop, time.monotonic() + limits.total + limits.silence
                # A pool's threads would be waited for, although their server may be silent.
                threading.Thread(target=work, args=(url, stop), daemon=True).start()
                continue
            slowest, (stop, until) = next(iter(busy.items()))
            try:
                url, outcome, silent = done.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                # Its server may keep it for ever by sending a byte now and then.
                stop.set()
                url, outcome, silent = slowest, Skipped(slowest, _too_late(limits)), True
            # Else it was too late before.
            if busy.pop(url, None) is not None:
                unanswered[_server(url)] = unanswered[_server(url)] + 1 if silent else 0
                yield url, outcome
    finally:
        for stop, _ in busy.values():
            stop.set()


def _server(url: str) -> str:
    return "/".join(url.split("/")[:3])


def _client(limits: Limits) -> httpx.Client:
    try:
        # Downloads that are left behind must not take the place of others.
        unlimited = httpx.Limits(max_connections=None)
        return httpx.Client(headers=_HEADERS, timeout=limits.silence, limits=unlimited)
    # OSError: the certificates. ImportError: a SOCKS proxy, which needs another package.
    except (ValueError, httpx.InvalidURL, ImportError, OSError) as error:
        raise InputError(
            f"Images cannot be downloaded with the network settings of this machine: {error}",
            hint="Check the variables HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and "
            "SSL_CERT_DIR.",
        ) from error


# --- One image ------------------------------------------------------------------------------------


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

    def go_on() -> None:
        if stop.is_set():
            raise Unavailable("interrupted")
        if time.monotonic() > deadline:
            raise Unavailable(_too_late(limits))

    def transfer(part: Path) -> None:
        for attempt in range(limits.tries):
            try:
                _transfer(client, url, part, limits, go_on)
                return
            except _Passing as problem:
                wait = limits.backoff * 2**attempt if problem.wait is None else problem.wait
                last = attempt + 1 == limits.tries or time.monotonic() + wait > deadline
                if last or stop.wait(wait):
                    raise Unavailable(problem.reason, no_answer=True) from problem

    path.parent.mkdir(parents=True, exist_ok=True)
    part, lock = (path.with_name(path.name + suffix) for suffix in (".part", ".lock"))
    try:
        with FileLock(lock, timeout=limits.total):
            if not path.is_file():
                try:
                    transfer(part)
                    _keep(part, path)
                finally:
                    part.unlink(missing_ok=True)
    except Timeout as error:
        raise Unavailable("an earlier download of it has not ended") from error
    # Whoever still waits for the lock will find the image, and so write nothing.
    with contextlib.suppress(OSError):
        lock.unlink(missing_ok=True)
    return path


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
    client: httpx.Client, url: str, part: Path, limits: Limits, go_on: Callable[[], None]
) -> None:
    """Writes the whole body of one answer to `part`. Raises _Passing, Unavailable."""
    with _translated(), _answer(client, url, go_on) as response:
        _require_success(response, limits)
        announced, size = response.headers.get("Content-Length", ""), 0
        too_large = Unavailable(f"larger than {limits.size / 1e6:g} MB")
        if announced.isdecimal() and int(announced) > limits.size:
            raise too_large
        with part.open("wb") as file:
            for chunk in response.iter_bytes():
                go_on()
                size += len(chunk)
                if size > limits.size:
                    raise too_large
                file.write(chunk)


@contextlib.contextmanager
def _answer(client: httpx.Client, url: str, go_on: Callable[[], None]) -> Iterator[httpx.Response]:
    """The answer to a request, after redirects.

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
    """Raises httpx's errors as Unavailable or _Passing."""
    try:
        yield
    except httpx.UnsupportedProtocol as error:
        raise Unavailable("it leads to an address that is neither http:// nor https://") from error
    except httpx.TimeoutException as error:
        raise _Passing("the server is silent") from error
    except httpx.TransportError as error:
        raise _Passing(_said(error)) from error
    # ValueError, with UnicodeError below it: what else an odd address or header makes it raise.
    # RuntimeError: the client was closed meanwhile.
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, RuntimeError) as error:
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
    wait = retry_after(response.headers, now=time.time())
    if wait is not None and wait > limits.retry_after:
        raise Unavailable(f"{reason} and asks to wait {wait:.0f} seconds", no_answer=True)
    raise _Passing(reason, wait)


def _too_late(limits: Limits) -> str:
    """Why an image whose time is over cannot be had."""
    return f"not complete after {limits.total:g} seconds"
