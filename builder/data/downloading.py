"""Downloading images: a few at a time, kept by URL, so that no image is asked for twice."""

import functools
import hashlib
import queue
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
from filelock import FileLock, Timeout

from builder.data.fetching import Limits, Unavailable, fetch
from builder.data.images import IMAGE_SUFFIXES, Skipped
from builder.data.pictures import bombs_as_errors
from builder.errors import InputError

_HEADERS = {
    "User-Agent": f"cotbuild (python-httpx/{httpx.__version__})",
    "Accept": "image/*,*/*;q=0.1",
    # Images are compressed already, and an answer can only be resumed if it is sent as it is.
    "Accept-Encoding": "identity",
}


def download_images(
    urls: Sequence[str],
    folder: Path,
    *,
    limits: Limits | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, Path | Skipped]:
    """URL -> file below `folder` that is an image, or why there is none.

    What is there already is not asked for again. `on_progress(done, total)` counts distinct URLs.
    A run that is interrupted (Ctrl-C) ends at once, and the next one goes on where it was, in the
    middle of an image too if its server allows. Raises InputError if nothing could be had, or if
    another process downloads into the same folder.
    """
    distinct = tuple(dict.fromkeys(urls))
    outcomes: dict[str, Path | Skipped] = {
        url: path for url in distinct if (path := cached_path(url, folder)).is_file()
    }
    missing = [url for url in distinct if url not in outcomes]
    if on_progress is not None and outcomes:
        on_progress(len(outcomes), len(distinct))
    if missing:
        with _only_here(folder), bombs_as_errors():
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
        self._threads = min(limits.at_a_time, len(urls))
        self._waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
        for url in urls:
            self._waiting.put(url)
        # None: a thread has ended.
        self._done: queue.SimpleQueue[tuple[str, Path | Unavailable] | None] = queue.SimpleQueue()
        self._unanswered: Counter[str] = Counter()
        self._stop = threading.Event()

    def run(self) -> Iterator[tuple[str, Path | Skipped]]:
        """(URL, outcome) as they come; the threads stop when the caller does."""
        # A pool's threads would be waited for at the end, although their server may be silent.
        for _ in range(self._threads):
            threading.Thread(target=self._work, daemon=True).start()
        running = self._threads
        try:
            while running:
                done = self._done.get()
                if done is None:
                    running -= 1
                    continue
                url, outcome = done
                if isinstance(outcome, Unavailable):
                    yield url, Skipped(url, outcome.reason)
                else:
                    yield url, outcome
        finally:
            self._stop.set()

    def _work(self) -> None:
        try:
            # One for each thread, so that it is closed by whoever used it last.
            with httpx.Client(
                headers=_HEADERS,
                timeout=self._limits.silence,
                follow_redirects=True,
                verify=_certificates(),
            ) as client:
                while not self._stop.is_set():
                    url = self._waiting.get_nowait()
                    self._done.put((url, self._fetch(client, url)))
        except queue.Empty:
            pass
        finally:
            self._done.put(None)

    def _fetch(self, client: httpx.Client, url: str) -> Path | Unavailable:
        server = "/".join(url.split("/")[:3])
        if self._unanswered[server] >= self._limits.patience:
            return Unavailable("not tried, because its server did not answer for those before")
        try:
            path = cached_path(url, self._folder)
            fetch(client, url, path, self._limits, self._stop)
        except Unavailable as error:
            self._unanswered[server] = self._unanswered[server] + 1 if error.no_answer else 0
            return error
        except OSError as error:
            return Unavailable(f"it cannot be kept: {error.strerror or error}")
        self._unanswered[server] = 0
        return path


@functools.cache
def _certificates() -> ssl.SSLContext:
    """Whom https trusts: read once, because that takes longer than an image."""
    return httpx.create_ssl_context()


@contextmanager
def _only_here(folder: Path) -> Iterator[None]:
    """Two processes must not write to the same half of an image."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout as error:
        raise InputError(
            f"Another cotbuild is downloading images to {folder}.",
            hint="Wait until it has ended; what it downloads is used here too.",
        ) from error


def _nothing_came(failures: Sequence[Skipped]) -> InputError:
    first = "; ".join(f"{failed.where}: {failed.reason}" for failed in failures[:3])
    return InputError(
        f"None of {len(failures)} images could be downloaded. {first}.",
        hint="Check that this machine is online and may reach that server, then run the command "
        "again.",
    )
