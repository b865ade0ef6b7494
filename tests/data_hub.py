"""A hub of data sets on this machine: what `datasets` asks of the Hugging Face hub, and images.

with serve_cards([("Absol", picture)]) as url:
    subprocess.run([...], env={**os.environ, "HF_ENDPOINT": url, "HF_HUB_OFFLINE": "0", ...})
"""

import csv
import hashlib
import io
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from PIL import Image

COMMIT = "c0ffee" + "0" * 34
TOKEN = "hf_loopback"
CARDS = "TheFusion21/PokemonCards"


@dataclass
class Hub:
    """What is served. `repositories`: name -> file name -> content; `pictures`: path -> content.

    `requests`: method and path of all that was asked for. `gated`: repositories whose files are
    given to nobody; `private`: those that are only there for who bears TOKEN. `refusing`: what
    everything is answered with, and the seconds to wait.
    """

    url: str
    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    gated: set[str] = field(default_factory=set)
    private: set[str] = field(default_factory=set)
    refusing: tuple[int, str] | None = None

    def asked_for_pictures(self) -> list[str]:
        """Paths of the pictures that were asked for, sorted."""
        return sorted(r.split()[1] for r in self.requests if r.startswith("GET /pictures/"))

    def add_cards(self, cards: Sequence[tuple[str, Image.Image]], name: str = CARDS) -> None:
        """A data set with the columns of TheFusion21/PokemonCards: addresses, no images."""
        table = io.StringIO(newline="")
        writer = csv.writer(table)
        writer.writerow(["id", "image_url", "caption", "name", "hp", "set_name"])
        for number, (label, image) in enumerate(cards):
            path = f"/pictures/{number}.png"
            buffer = io.BytesIO()
            image.save(buffer, "PNG")
            self.pictures[path] = buffer.getvalue()
            caption = f'A card of {label}, "Basic", with 60 HP'
            writer.writerow([f"set-{number}", self.url + path, caption, label, 60, "Base"])
        self.repositories[name] = {
            "README.md": b"---\nlicense: cc\n---\n# Cards\n",
            "train.csv": table.getvalue().encode(),
        }


@contextmanager
def serve_hub() -> Iterator[Hub]:
    """A hub without data sets, which can be added to it while it runs."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        hub = Hub(f"http://127.0.0.1:{server.server_port}")
        server.RequestHandlerClass = type("Handler", (_Handler,), {"hub": hub})
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def serve_cards(cards: Sequence[tuple[str, Image.Image]]) -> Iterator[str]:
    """Serves (name, picture) as the data set TheFusion21/PokemonCards; yields the base URL."""
    with serve_hub() as hub:
        hub.add_cards(cards)
        yield hub.url


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def log_message(self, format: str, *args: object) -> None:
        """No log on stderr."""

    def _answer(self, with_body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{self.command} {path}")
        parts = path.strip("/").split("/")
        stranger = self.headers.get("Authorization") != f"Bearer {TOKEN}"
        if self.hub.refusing is not None:
            self._refuse(self.hub.refusing[0], "")
        elif stranger and any(f"/{name}" in path for name in self.hub.private):
            self._refuse(401, "RepoNotFound")
        elif path in self.hub.pictures:
            self._send(self.hub.pictures[path], with_body)
        elif parts[:2] == ["api", "datasets"]:
            self._describe("/".join(parts[2:4]), parts[4:])
        elif parts[0] == "datasets":
            self._resolve("/".join(parts[1:3]), parts[4], "/".join(parts[5:]), with_body)
        else:
            self._refuse(404, "RepoNotFound")

    def _describe(self, repository: str, rest: list[str]) -> None:
        action, revision, *folder = *rest, *("revision", "main")[len(rest) :]
        files = self.hub.repositories.get(repository)
        if files is None:
            self._refuse(404, "RepoNotFound")
        elif revision not in ("main", "v1", COMMIT):
            self._refuse(404, "RevisionNotFound")
        elif action == "revision":
            names = [{"rfilename": name} for name in files]
            self._send(json.dumps({"id": repository, "sha": COMMIT, "siblings": names}).encode())
        elif action == "tree":
            recursive = "recursive=true" in urlsplit(self.path).query.lower()
            self._send(json.dumps(_listed(files, "/".join(folder), recursive)).encode())
        else:
            self._refuse(404, "EntryNotFound")

    def _resolve(self, repository: str, revision: str, name: str, with_body: bool) -> None:
        files = self.hub.repositories.get(repository)
        if repository in self.hub.gated:
            self._refuse(403, "GatedRepo")
        elif files is None:
            self._refuse(404, "RepoNotFound")
        elif name not in files or revision not in ("main", COMMIT):
            self._refuse(404, "EntryNotFound")
        else:
            self._send(files[name], with_body)

    def _send(self, body: bytes, with_body: bool = True) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        if self.hub.refusing is not None:
            self.send_header("Retry-After", self.hub.refusing[1])
        self.send_header("Content-Length", "0")
        self.end_headers()


def _listed(files: dict[str, bytes], folder: str, recursive: bool) -> list[dict[str, object]]:
    """The files and folders directly in a folder ("": the root), or all below it."""
    inside = {name: data for name, data in files.items() if not folder or folder in _above(name)}
    entries: list[dict[str, object]] = [
        {"type": "directory", "path": path, "oid": hashlib.sha1(path.encode()).hexdigest()}
        for path in sorted({above for name in inside for above in _above(name)} - _up_to(folder))
    ]
    for name, data in inside.items():
        oid = hashlib.sha1(name.encode() + data).hexdigest()
        entries.append({"type": "file", "path": name, "oid": oid, "size": len(data)})
    depth = folder.count("/") + 1 if folder else 0
    return [e for e in entries if recursive or str(e["path"]).count("/") == depth]


def _above(name: str) -> list[str]:
    """The folders that a file is in."""
    parts = name.split("/")[:-1]
    return ["/".join(parts[: end + 1]) for end in range(len(parts))]


def _up_to(folder: str) -> set[str]:
    return {folder, *_above(folder)}
