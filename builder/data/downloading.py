"""Downloading images: a few at a time, kept by URL, so that no image is asked for twice."""

import functools
import hashlib
import queue
import ssl
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx

from builder.data.fetching import Limits, Unavailable, fetch, too_late
from builder.data.images import IMAGE_SUFFIXES, Skipped
from builder.data.pictures import bombs_as_errors
from builder.errors import InputError

_HEADERS = {
    "User-Agent": f"cotbuild (python-httpx/{httpx.__version__})",
    "Accept": "image/*,*/*;q=0.1",
    # Images are compressed already.
    "Accept-Encoding": "identity",
}
_LEFT_ALONE = "not tried, because its server did not answer for those before"


def download_images(
    urls: Sequence[str],
    folder: Path,
    *,
    limits: Limits | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, Path | Skipped]:
    """URL -> file below `folder` that is an image, or why there is none.

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
        with bombs_as_errors():
            for url, outcome in _Workers(missing, folder, limits or Limits()).run():
                outcomes[url] = outcome
                if on_progress is not None:
                    on_progress(len(outcomes), len(distinct))
    failures = [found for url in distinct if isinstance(found := outcomes[url], Skipped)]
    if failures and len(failures) == len(distinct):
        raise _nothing_came(failures)
    return outcomes


def cached_path(url: str, folder: Path) -> Path:
    """Where the image of a URL is kept; the suffix is for people who look into the folder."""
    name = hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()
    suffix = Path(url.partition("?")[0].partition("#")[0]).suffix.lower()
    return folder / name[:2] / (name + (suffix if suffix in IMAGE_SUFFIXES else ""))


def is_url(text: str) -> bool:
    """Whether it is an address that can be downloaded from."""
    return text.lower().startswith(("http://", "https://"))


class _Workers:
    """Threads that fetch URLs; a server that does not answer is left alone after a while."""

    def __init__(self, urls: Sequence[str], folder: Path, limits: Limits) -> None:
        self._folder = folder
        self._limits = limits
        self._waiting = deque(urls)
        self._idle: list[_Worker] = []
        # Worker -> its URL, and until when it may take; the one that began first comes first.
        self._busy: dict[_Worker, tuple[str, float]] = {}
        self._done: _Done = queue.SimpleQueue()
        self._unanswered: Counter[str] = Counter()

    def run(self) -> Iterator[tuple[str, Path | Skipped]]:
        """(URL, outcome) of every URL as they come; the threads stop when the caller does."""
        try:
            while self._waiting or self._busy:
                if self._waiting and len(self._busy) < self._limits.at_a_time:
                    url = self._waiting.popleft()
                    if self._unanswered[_server(url)] >= self._limits.patience:
                        yield url, Skipped(url, _LEFT_ALONE)
                    else:
                        self._begin(url)
                elif (ended := self._next()) is not None:
                    url, outcome = ended
                    if isinstance(outcome, Unavailable):
                        yield url, Skipped(url, outcome.reason)
                    else:
                        yield url, outcome
        finally:
            for worker in (*self._idle, *self._busy):
                worker.dismiss()

    def _begin(self, url: str) -> None:
        worker = self._idle.pop() if self._idle else _Worker(self._folder, self._limits, self._done)
        worker.urls.put(url)
        until = time.monotonic() + self._limits.total + self._limits.silence
        self._busy[worker] = url, until

    def _next(self) -> tuple[str, Path | Unavailable] | None:
        """Waits for the next URL that is done with or late; None: it has been late before."""
        slowest, (_, until) = next(iter(self._busy.items()))
        try:
            worker, outcome = self._done.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            # Its server may keep it for ever by sending a byte now and then.
            slowest.dismiss()
            worker, outcome = slowest, Unavailable(too_late(self._limits), no_answer=True)
        else:
            if worker not in self._busy:
                return None
            if outcome is not None:
                self._idle.append(worker)
        url, _ = self._busy.pop(worker)
        outcome = outcome or Unavailable("its download ended unexpectedly")
        silent = isinstance(outcome, Unavailable) and outcome.no_answer
        server = _server(url)
        self._unanswered[server] = self._unanswered[server] + 1 if silent else 0
        return url, outcome


class _Worker:
    """A thread with connections of its own that fetches one of `urls` after the other."""

    def __init__(self, folder: Path, limits: Limits, done: "_Done") -> None:
        self.urls: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._folder = folder
        self._limits = limits
        self._done = done
        self._stop = threading.Event()
        # A pool's threads would be waited for at the end, although their server may be silent.
        threading.Thread(target=self._work, args=(_client(limits),), daemon=True).start()

    def dismiss(self) -> None:
        """Nothing is waited for: the thread ends when its server lets it."""
        self._stop.set()
        self.urls.put(None)

    def _work(self, client: httpx.Client) -> None:
        try:
            with client:
                while (url := self.urls.get()) is not None:
                    self._done.put((self, self._fetch(client, url)))
        finally:
            self._done.put((self, None))

    def _fetch(self, client: httpx.Client, url: str) -> Path | Unavailable:
        try:
            path = cached_path(url, self._folder)
            return fetch(client, url, path, self._limits, self._stop)
        except Unavailable as error:
            return error
        except OSError as error:
            return Unavailable(f"it cannot be kept: {error.strerror or error}")


# A worker, and what came of its URL; None: its thread has ended.
_Done = queue.SimpleQueue[tuple[_Worker, Path | Unavailable | None]]


def _server(url: str) -> str:
    return "/".join(url.split("/")[:3])


def _client(limits: Limits) -> httpx.Client:
    try:
        return httpx.Client(headers=_HEADERS, timeout=limits.silence, verify=_certificates())
    # OSError: the certificates. ImportError: a SOCKS proxy, which needs another package.
    except (ValueError, httpx.InvalidURL, ImportError, OSError) as error:
        raise InputError(
            f"Images cannot be downloaded with the network settings of this machine: {error}",
            hint="Check the variables HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and "
            "SSL_CERT_DIR.",
        ) from error


@functools.cache
def _certificates() -> ssl.SSLContext:
    """Whom https trusts: read once, because that takes longer than an image."""
    return httpx.create_ssl_context()


def _nothing_came(failures: Sequence[Skipped]) -> InputError:
    first = "; ".join(f"{failed.where}: {failed.reason}" for failed in failures[:3])
    return InputError(
        f"None of {len(failures)} images could be downloaded. {first}.",
        hint="Check that this machine is online and may reach that server, then run the command "
        "again.",
    )
