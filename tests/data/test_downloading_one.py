"""One image from servers that behave, and from servers that don't."""

import re
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import httpx
import pytest

from builder.data.downloading import Limits, cached_path, download_images, fetch
from builder.data.images import Skipped
from builder.data.pictures import bombs_as_errors
from tests.data.site import (
    PICTURE,
    Answer,
    Site,
    cut,
    drip,
    endless,
    endless_headers,
    endless_redirect,
    png,
    serve_site,
    silent,
    status,
    whole,
)

DAY = 86_400
# So far off that the minutes until a test's turn comes don't count.
IN_A_DAY = formatdate(time.time() + DAY)
LIMITS = Limits(
    tries=2, backoff=0.01, retry_after=0.3, silence=0.25, total=1.0, size=30_000, patience=100
)


@pytest.fixture
def site() -> Iterator[Site]:
    with serve_site() as site:
        yield site


def download(site: Site, folder: Path, path: str, limits: Limits = LIMITS) -> Path | Skipped:
    """What becomes of one image, beside another that comes without trouble."""
    url = site.url + path
    outcomes = download_images([site.url + "/good.png", url], folder, limits=limits)
    assert isinstance(outcomes[site.url + "/good.png"], Path)
    return outcomes[url]


def left_over(folder: Path) -> list[str]:
    """Suffixes of the files in the folder that are no whole images, but for empty lock files."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    locks = [path for path in files if path.suffix == ".lock"]
    assert all(path.stat().st_size == 0 for path in locks)
    return sorted(path.suffix for path in files if path.suffix not in (".png", "", ".lock"))


@pytest.mark.parametrize(
    ("answer", "says", "asked"),
    [
        (status(404), "the server answers 404 Not Found", 1),
        (status(403), "403", 1),
        (whole(b"<html>not a picture</html>"), "cannot be read as an image: not an image", 1),
        (whole(PICTURE[:-40]), "cannot be read as an image", 1),
        (whole(b""), "cannot be read as an image", 1),
        (status(503), "503", 2),
        (status(429, Retry_After="3600"), "429 .* asks to wait 3600 seconds", 1),
        (status(429, Retry_After=IN_A_DAY), "asks to wait 8[56]", 1),
        (endless, "larger than 0.03 MB", 1),
        (whole(b"x", Content_Length="30001"), "larger than 0.03 MB", 1),
        (drip, "not complete after 1 seconds", 1),
        (silent, "the server is silent", 2),
        (cut(PICTURE, 2000), "", 2),
        (status(302, Location="ftp://127.0.0.1/a.png"), "neither http:// nor https://", 1),
        (status(302, Location="/bad.png"), "more than 10 redirects", 11),
        (status(302, Location="http://xn--/"), "", 1),
        (endless_headers, "not complete after 1 seconds", 1),
        (whole(b"x", Content_Encoding="gzip"), "", 1),
    ],
)
def test_what_cannot_be_had_is_skipped_with_the_reason(
    site: Site, tmp_path: Path, answer: Answer, says: str, asked: int
) -> None:
    site.pages["/bad.png"] = [answer]
    outcome = download(site, tmp_path, "/bad.png")
    assert isinstance(outcome, Skipped)
    assert outcome.where == site.url + "/bad.png"
    assert outcome.reason
    assert re.search(says, outcome.reason)
    assert site.times()["/bad.png"] == asked
    assert left_over(tmp_path) == []


@pytest.mark.parametrize(
    "first",
    [status(500), status(408), status(429, Retry_After="0"), cut(PICTURE, 1000), silent,
     status(429, Retry_After=formatdate(0)), status(503, Retry_After="soon"),
     status(301, Location="/good.png"), endless_redirect],
)  # fmt: skip
def test_what_may_pass_is_tried_again_and_redirects_are_followed(
    site: Site, tmp_path: Path, first: Answer
) -> None:
    site.pages["/late.png"] = [first, whole(PICTURE)]
    outcome = download(site, tmp_path, "/late.png")
    assert isinstance(outcome, Path), outcome
    assert outcome.read_bytes() == PICTURE


class _Clockless(threading.Event):
    """Notes how long it is waited for, and does not wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        return False


@pytest.mark.parametrize(
    ("answers", "waits"),
    [
        ([status(500), status(502), status(504), whole(PICTURE)], [0.5, 1.0, 2.0]),
        ([status(429, Retry_After="7"), status(500), whole(PICTURE)], [7.0, 1.0]),
        ([status(503, Retry_After=IN_A_DAY), whole(PICTURE)], [DAY]),
    ],
)
def test_it_waits_longer_each_time_or_as_long_as_it_is_asked_to(
    site: Site, tmp_path: Path, answers: list[Answer], waits: list[float]
) -> None:
    site.pages["/busy.png"] = answers
    stop = _Clockless()
    with httpx.Client() as client, bombs_as_errors():
        path = fetch(
            client,
            site.url + "/busy.png",
            tmp_path / "kept.png",
            Limits(retry_after=2 * DAY, total=2 * DAY),
            stop,
        )
    assert path.read_bytes() == PICTURE
    assert stop.waits == pytest.approx(waits, rel=0.05)


def test_a_download_that_was_broken_off_begins_anew(site: Site, tmp_path: Path) -> None:
    """Within a run, in the next one, and where a process that was killed left a part."""
    other = png(77, side=70)
    site.pages["/long.png"] = [cut(PICTURE, 1000), whole(other)]
    kept = cached_path(site.url + "/long.png", tmp_path)
    limits = Limits(tries=1, silence=1.0)
    assert isinstance(download(site, tmp_path, "/long.png", limits), Skipped)
    assert left_over(tmp_path) == []
    kept.with_name(kept.name + ".part").write_bytes(PICTURE[:1000])
    assert download(site, tmp_path, "/long.png", limits) == kept
    assert kept.read_bytes() == other
    assert left_over(tmp_path) == []


@pytest.mark.parametrize(
    "url",
    ["http://[bad", "http://", "https://a b\x00", "ftp://x/y.png", "http://\ud800/", "x", "",
     "http://xn--/", f"http://{'a' * 64}.example/a.png", '"http://127.0.0.1:1/a.png"',
     "http://127.0.0.1:1/\ud800.png", "http://127.0.0.1:1/\udcff?\udcff", "http://a:99999/",
     "http://127.0.0.1:x/", "http://\u2488.com/", "http://127.0.0.1:1/" + "a" * 70_000],
)  # fmt: skip
def test_a_bad_address_is_skipped(site: Site, tmp_path: Path, url: str) -> None:
    good = site.url + "/good.png"
    outcomes = download_images([*[url] * 5, good], tmp_path, limits=LIMITS)
    assert isinstance(outcomes[good], Path)
    outcome = outcomes[url]
    assert isinstance(outcome, Skipped)
    assert outcome.reason
    assert "unexpectedly" not in outcome.reason
