"""Many images: kept, asked for once, a few at a time, and never waited for without end."""

import dataclasses
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from builder.data import downloading
from builder.data.downloading import Limits, cached_path, download_images
from builder.data.images import Skipped
from builder.errors import InputError
from tests.data.site import (
    PICTURE,
    Site,
    drip,
    endless_headers,
    png,
    serve_site,
    silent,
    status,
    whole,
)


@pytest.fixture
def site() -> Iterator[Site]:
    with serve_site() as site:
        yield site


def interrupt(*_: int) -> None:
    """Ctrl-C while the progress bar is drawn."""
    raise KeyboardInterrupt


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
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert set(files) == set(outcomes.values())

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


def test_an_interrupted_run_ends_at_once_and_keeps_what_came(site: Site, tmp_path: Path) -> None:
    site.pages |= {f"/{number}": [silent] for number in range(8)}
    urls = [site.url + "/good.png", *(f"{site.url}/{number}" for number in range(8))]

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        download_images(urls, tmp_path, limits=Limits(silence=2.0), on_progress=interrupt)
    assert time.monotonic() - began < 1.5
    assert cached_path(urls[0], tmp_path).read_bytes() == PICTURE
    assert list(download_images(urls[:1], tmp_path)) == urls[:1]
    assert site.times()["/good.png"] == 1


def test_a_silent_server_does_not_keep_the_process_from_ending(site: Site, tmp_path: Path) -> None:
    site.pages["/silent.png"] = [silent]
    program = f"""
from pathlib import Path
from builder.data.downloading import download_images
from builder.data.downloading import Limits

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


def test_what_never_ends_does_not_keep_the_rest_waiting(site: Site, tmp_path: Path) -> None:
    """Each keeps a thread for itself, which is replaced."""
    site.pages |= {"/0": [endless_headers], "/1": [endless_headers]}
    urls = [site.url + path for path in ("/0", "/1", "/good.png")]
    limits = Limits(at_a_time=1, silence=0.4, total=0.2)
    outcomes = download_images(urls, tmp_path, limits=limits)
    assert [isinstance(outcomes[url], Path) for url in urls] == [False, False, True]
    # A server that does so each time is left alone.
    limits = dataclasses.replace(limits, patience=1)
    with pytest.raises(InputError, match=r"not complete after 0\.2 seconds"):
        download_images(urls[:2], tmp_path / "other", limits=limits)
    assert (site.times()["/0"], site.times()["/1"]) == (2, 1)


def test_a_thread_that_dies_takes_only_its_own_image_along(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = [site.url + "/dies.png", site.url + "/good.png"]
    died: list[type[BaseException]] = []
    monkeypatch.setattr(threading, "excepthook", lambda about: died.append(about.exc_type))
    real = downloading.cached_path

    def fails(url: str, folder: Path) -> Path:
        if url == urls[0] and threading.current_thread() is not threading.main_thread():
            raise ZeroDivisionError
        return real(url, folder)

    monkeypatch.setattr(downloading, "cached_path", fails)
    outcomes = download_images(urls, tmp_path, limits=Limits(at_a_time=1))
    assert outcomes[urls[0]] == Skipped(urls[0], "its download ended unexpectedly")
    assert isinstance(outcomes[urls[1]], Path)
    assert died == [ZeroDivisionError]


def in_a_process(urls: list[str], folder: Path) -> subprocess.Popen[str]:
    program = f"""
from pathlib import Path
from builder.data.downloading import download_images

print("begins", flush=True)
print(sum(isinstance(o, Path) for o in download_images({urls!r}, Path({str(folder)!r})).values()))
"""
    command = [sys.executable, "-c", program]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )


def test_several_processes_share_a_folder_and_ask_once(site: Site, tmp_path: Path) -> None:
    def slowly(request: BaseHTTPRequestHandler) -> None:
        time.sleep(0.2)
        whole(PICTURE)(request)

    site.pages |= {f"/{number}.png": [slowly] for number in range(8)}
    urls = [f"{site.url}/{number}.png" for number in range(8)]
    running = [in_a_process(urls, tmp_path), in_a_process(urls[::-1], tmp_path)]
    assert [process.communicate(timeout=60) for process in running] == [("begins\n8\n", "")] * 2
    assert site.times() == Counter(f"/{number}.png" for number in range(8))


def test_waiting_for_another_process_has_an_end(site: Site, tmp_path: Path) -> None:
    url = site.url + "/good.png"
    kept = cached_path(url, tmp_path)
    kept.parent.mkdir(parents=True)
    with FileLock(kept.with_name(kept.name + ".lock")):
        with pytest.raises(InputError, match="an earlier download of it has not ended"):
            download_images([url], tmp_path, limits=Limits(total=0.2))
        waiting = in_a_process([url], tmp_path)
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == "begins\n"
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(timeout=0.3)
        waiting.send_signal(signal.SIGINT)
        assert waiting.communicate(timeout=10)[1].rstrip().endswith("KeyboardInterrupt")
    assert site.asked == []
    assert download_images([url], tmp_path) == {url: kept}


@pytest.mark.parametrize(
    ("variable", "value"),
    [("ALL_PROXY", "nonsense://x"), ("HTTPS_PROXY", "http://a:b")],
)
def test_network_settings_that_are_of_no_use_have_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InputError, match="network settings") as caught:
        download_images(["http://127.0.0.1:1/a.png"], tmp_path)
    assert variable in caught.value.hint


@given(st.text(max_size=20))
def test_any_text_has_a_place_inside_the_folder(text: str) -> None:
    path = cached_path(f"https://{text}", Path("folder"))
    assert path.parent.parent == Path("folder")
    assert ".." not in path.parts
