"""A server on this machine that does what it is told to, and what it may do wrong."""

import io
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from PIL import Image


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

    `asked`: the path of each request; `at_once`: the most of them together.
    """

    url: str
    pages: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    running: int = 0
    at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def times(self) -> Counter[str]:
        return Counter(self.asked)


class _Handler(BaseHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        site = self.site
        with site.lock:
            earlier = site.times()[self.path]
            site.asked.append(self.path)
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


@contextmanager
def serve_site() -> Iterator[Site]:
    """A server that has /good.png."""
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


def endless_redirect(request: BaseHTTPRequestHandler) -> None:
    request.send_response(302)
    request.send_header("Location", "/good.png")
    request.end_headers()
    for _ in range(300):  # six seconds
        request.wfile.write(b"x")
        time.sleep(0.02)


def endless_headers(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    for _ in range(300):
        request.wfile.write(b"x")
        time.sleep(0.02)


def silent(request: BaseHTTPRequestHandler) -> None:
    request.rfile.read(1)  # until the client closes
