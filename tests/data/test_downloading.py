"""Downloads from servers that behave, and from servers that don't."""

import io
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from builder.data.downloading import cached_path, download_images
from builder.data.fetching import Limits, fetch
from builder.data.images import Skipped
from builder.data.pictures import bombs_as_errors
from builder.errors import InputError

LIMITS = Limits(
    tries=2, backoff=0.01, retry_after=0.3, silence=0.25, total=0.4, size=30_000, patience=100
)


def png(shade: int = 0, side: int = 60) -> bytes:
    buffer = io.BytesIO()
    noise = Image.effect_noise((side, side), 90).point(lambda value: (value + shade) % 256)
    noise.save(buffer, "PNG")
    return buffer.getvalue()


PICTURE = png()
Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Site:
    """A server on this machine; `pages`: path -> what it does, one after the other, then the last.

    `asked`: (path, Range and If-Range or "") of each request; `at_once`: the most of them together.
    """

    url: str
    pages: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    running: int = 0
    at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def times(self) -> Counter[str]:
        return Counter(path for path, _ in self.asked)


class _Handler(BaseHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        site = self.site
        with site.lock:
            earlier = site.times()[self.path]
            part = [self.headers.get(name, "") for name in ("Range", "If-Range")]
            site.asked.append((self.path, " ".join(part).strip()))
            site.agents.add(self.headers.get("User-Agent", ""))
            site.running += 1
            site.at_once = max(site.at_once, site.running)
        pages = site.pages.get(self.path, [status(404)])
        try:
            pages[min(earlier, len(pages) - 1)](self)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client has had enough
        finally:
            with site.lock:
                site.running -= 1

    def log_message(self, format: str, *args: object) -> None:
        """No log on stderr."""


@pytest.fixture
def site() -> Iterator[Site]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        site = Site(f"http://127.0.0.1:{server.server_port}")
        server.RequestHandlerClass = type("Handler", (_Handler,), {"site": site})
        site.pages["/good.png"] = [whole(PICTURE)]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield site
        server.shutdown()
        thread.join()


def whole(body: bytes, code: int = 200, **headers: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(code)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def status(code: int, **headers: str) -> Answer:
    return whole(b"<html>no</html>", code, **headers)


def cut(body: bytes, sent: int, **headers: str) -> Answer:
    """Announces all of it, and closes the connection in the middle."""
    return whole(body[:sent], Content_Length=str(len(body)), **headers)


def ranged(body: bytes, **headers: str) -> Answer:
    """What a server that knows ranges answers: the rest if the version is the one it has."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        wanted = request.headers.get("Range", "").removeprefix("bytes=").removesuffix("-")
        same = request.headers.get("If-Range") in headers.values()
        if not wanted or not same:
            return whole(body, **headers)(request)
        start = int(wanted)
        span = f"bytes {start}-{len(body) - 1}/{len(body)}"
        return whole(body[start:], 206, Content_Range=span, **headers)(request)

    return answer


def endless(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(b"\xff" * 5000)


def drip(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(len(PICTURE)))
    request.end_headers()
    for byte in PICTURE:
        request.wfile.write(bytes([byte]))
        time.sleep(0.05)


def silent(request: BaseHTTPRequestHandler) -> None:
    request.rfile.read(1)  # until the client closes


def interrupt(*_: int) -> None:
    """Ctrl-C while the progress bar is drawn."""
    raise KeyboardInterrupt


def download(site: Site, folder: Path, path: str, limits: Limits = LIMITS) -> Path | Skipped:
    """What becomes of one image, beside another that comes without trouble."""
    url = site.url + path
    outcomes = download_images([site.url + "/good.png", url], folder, limits=limits)
    assert isinstance(outcomes[site.url + "/good.png"], Path)
    return outcomes[url]


def left_over(folder: Path) -> list[str]:
    """Suffixes of the files in the folder that are no whole images."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
    return sorted(path.suffix for path in files if path.suffix not in (".png", ""))


def test_what_came_is_kept_and_not_asked_for_again(site: Site, tmp_path: Path) -> None:
    pictures = {f"/{number}.png": png(number) for number in range(6)}
    site.pages |= {path: [whole(body)] for path, body in pictures.items()}
    urls = [site.url + path for path in pictures]
    told: list[tuple[int, int]] = []
    outcomes = download_images(
        [*urls, urls[0]], tmp_path, on_progress=lambda *counts: told.append(counts)
    )
    assert told == [(number, 6) for number in range(1, 7)]
    assert len(site.asked) == 6
    assert all(agent.startswith("cotbuild") for agent in site.agents)
    for path, body in pictures.items():
        found = outcomes[site.url + path]
        assert isinstance(found, Path)
        assert (found.read_bytes(), found.suffix) == (body, ".png")
    assert left_over(tmp_path) == []

    told.clear()
    again = download_images(urls, tmp_path, on_progress=lambda *counts: told.append(counts))
    assert (again, len(site.asked), told) == (outcomes, 6, [(6, 6)])


def test_at_most_four_are_asked_for_at_a_time(site: Site, tmp_path: Path) -> None:
    def slowly(request: BaseHTTPRequestHandler) -> None:
        time.sleep(0.03)
        whole(PICTURE)(request)

    urls = [f"{site.url}/{number}.png" for number in range(12)]
    site.pages |= {f"/{number}.png": [slowly] for number in range(12)}
    download_images(urls, tmp_path)
    assert site.at_once == 4


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
        (status(429, Retry_After=formatdate(time.time() + 3600)), "asks to wait 3[56]", 1),
        (endless, "larger than 0.03 MB", 1),
        (whole(b"x", Content_Length="30001"), "larger than 0.03 MB", 1),
        (drip, "not complete after 0.4 seconds", 1),
        (silent, "the server is silent", 2),
        (cut(PICTURE, 2000), "", 2),
        (status(302, Location="ftp://127.0.0.1/a.png"), "neither http:// nor https://", 1),
        (status(302, Location="/bad.png"), "redirects", 21),
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
     status(301, Location="/good.png")],
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
        ([status(503, Retry_After=formatdate(time.time() + 3600)), whole(PICTURE)], [3600]),
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
            Limits(retry_after=4000, total=4000),
            stop,
        )
    assert path.read_bytes() == PICTURE
    assert stop.waits == pytest.approx(waits, rel=0.05)


@pytest.mark.parametrize("version", [{"ETag": '"v1"'}, {"Last_Modified": formatdate(0)}])
@pytest.mark.parametrize("tries", [1, 2])
def test_a_download_goes_on_where_it_was_broken_off(
    site: Site, tmp_path: Path, version: dict[str, str], tries: int
) -> None:
    """Within a run, and in the next one."""
    site.pages["/long.png"] = [cut(PICTURE, 1000, **version), ranged(PICTURE, **version)]
    limits = Limits(tries=tries, backoff=0.01, silence=1.0)
    outcome = download(site, tmp_path, "/long.png", limits)
    if tries == 1:
        assert isinstance(outcome, Skipped)
        assert left_over(tmp_path) == [".part", ".version"]
        outcome = download(site, tmp_path, "/long.png", limits)
    assert isinstance(outcome, Path)
    assert outcome.read_bytes() == PICTURE
    assert [span for path, span in site.asked if path == "/long.png"] == [
        "",
        f"bytes=1000- {next(iter(version.values()))}",
    ]
    assert left_over(tmp_path) == []


OTHER = png(77, side=70)


@pytest.mark.parametrize(
    ("first", "second", "spans"),
    [
        # Nothing, or nothing reliable, names the version.
        (cut(PICTURE, 1000), whole(OTHER), ["", ""]),
        (cut(PICTURE, 1000, ETag='W/"v1"'), whole(OTHER), ["", ""]),
        (cut(PICTURE, 1000, ETag='"v1"', Content_Encoding="br"), whole(OTHER), ["", ""]),
        # It has another version now.
        (cut(PICTURE, 1000, ETag='"v1"'), ranged(OTHER, ETag='"v2"'), ["", 'bytes=1000- "v1"']),
        # It does not know ranges.
        (cut(PICTURE, 1000, ETag='"v1"'), whole(OTHER), ["", 'bytes=1000- "v1"']),
    ],
)
def test_without_a_version_it_begins_again(
    site: Site, tmp_path: Path, first: Answer, second: Answer, spans: list[str]
) -> None:
    site.pages["/long.png"] = [first, second]
    outcome = download(site, tmp_path, "/long.png")
    if isinstance(outcome, Skipped):  # an encoding that is not understood is no passing problem
        outcome = download(site, tmp_path, "/long.png")
    assert isinstance(outcome, Path)
    assert outcome.read_bytes() == OTHER
    assert [span for path, span in site.asked if path == "/long.png"] == spans


@pytest.mark.parametrize(
    "wrong",
    [
        status(416),
        whole(PICTURE[5:], 206, Content_Range=f"bytes 5-{len(PICTURE) - 1}/{len(PICTURE)}"),
        whole(PICTURE, 206),
    ],
)
def test_a_part_that_was_not_asked_for_is_not_used(
    site: Site, tmp_path: Path, wrong: Answer
) -> None:
    site.pages["/long.png"] = [cut(PICTURE, 1000, ETag='"v1"'), wrong, whole(PICTURE)]
    limits = Limits(tries=3, backoff=0.01, silence=1.0)
    outcome = download(site, tmp_path, "/long.png", limits)
    assert isinstance(outcome, Path)
    assert outcome.read_bytes() == PICTURE


def test_an_interrupted_run_ends_at_once_and_keeps_what_came(site: Site, tmp_path: Path) -> None:
    site.pages |= {f"/{number}": [silent] for number in range(8)}
    urls = [site.url + "/good.png", *(f"{site.url}/{number}" for number in range(8))]

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        download_images(urls, tmp_path, limits=Limits(silence=2.0), on_progress=interrupt)
    assert time.monotonic() - began < 1.5
    assert cached_path(urls[0], tmp_path).read_bytes() == PICTURE
    asked = len(site.asked)
    outcomes = download_images(urls[:1], tmp_path)
    assert (len(outcomes), len(site.asked)) == (1, asked)


def test_a_silent_server_does_not_keep_the_process_from_ending(site: Site, tmp_path: Path) -> None:
    site.pages["/silent.png"] = [silent]
    program = f"""
from pathlib import Path
from builder.data.downloading import download_images
from builder.data.fetching import Limits

def interrupt(*_):
    raise KeyboardInterrupt

urls = [{site.url + "/good.png"!r}, {site.url + "/silent.png"!r}]
download_images(urls, Path({str(tmp_path)!r}), limits=Limits(silence=120), on_progress=interrupt)
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.stderr.rstrip().endswith("KeyboardInterrupt")


def test_nothing_is_written_once_a_run_has_ended(site: Site, tmp_path: Path) -> None:
    site.pages["/drip.png"] = [drip]
    urls = [site.url + "/good.png", site.url + "/drip.png"]

    with pytest.raises(KeyboardInterrupt):
        download_images(urls, tmp_path, on_progress=interrupt)
    deadline = time.monotonic() + 5
    while site.running and time.monotonic() < deadline:
        time.sleep(0.01)
    assert site.running == 0  # the client has closed the connection
    assert not cached_path(urls[1], tmp_path).exists()


def test_a_server_that_does_not_answer_is_left_alone(site: Site, tmp_path: Path) -> None:
    site.pages |= {f"/{number}": [status(503)] for number in range(30)}
    urls = [f"{site.url}/{number}" for number in range(30)]
    limits = Limits(at_a_time=1, tries=2, backoff=0.0, patience=3)
    with pytest.raises(InputError, match=r"None of 30 .*/0: the server answers 503") as caught:
        download_images(urls, tmp_path, limits=limits)
    assert "online" in caught.value.hint
    assert len(site.asked) == 6


def test_without_a_network_there_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"None of 20 .*http://127\.0\.0\.1:1/0\.png: .*refused"):
        download_images(
            [f"http://127.0.0.1:1/{number}.png" for number in range(20)],
            tmp_path,
            limits=Limits(tries=2, backoff=0.0),
        )


def test_two_processes_do_not_share_a_folder_at_a_time(site: Site, tmp_path: Path) -> None:
    urls = [site.url + "/good.png"]
    with FileLock(tmp_path / ".lock"), pytest.raises(InputError, match="Another cotbuild"):
        download_images(urls, tmp_path)
    outcomes = download_images(urls, tmp_path)
    with FileLock(tmp_path / ".lock"):
        assert download_images(urls, tmp_path) == outcomes


@given(st.text(max_size=20))
def test_any_text_has_a_place_inside_the_folder(text: str) -> None:
    path = cached_path(f"https://{text}", Path("folder"))
    assert path.parent.parent == Path("folder")
    assert ".." not in path.parts


@pytest.mark.parametrize(
    "url", ["http://[bad", "http://", "https://a b\x00", "ftp://x/y.png", "http://\ud800/", "x"]
)
def test_a_bad_address_is_skipped(site: Site, tmp_path: Path, url: str) -> None:
    outcomes = download_images([url, site.url + "/good.png"], tmp_path, limits=LIMITS)
    assert isinstance(outcomes[url], Skipped)
