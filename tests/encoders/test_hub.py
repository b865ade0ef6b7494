"""Downloads, from a server on this machine that speaks what is needed of the hub's protocol."""

import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from huggingface_hub import constants

from builder.encoders.hub import bytes_to_download, fetch_checkpoint
from builder.errors import EncoderError

COMMIT = "c0ffee" + "0" * 34
CLIP = {
    "config.json": b'{"model_type": "clip"}',
    "tokenizer.json": b"{}",
    "model.safetensors": b"weights",
    "onnx/model.onnx": b"something else",
    "open_clip_model.safetensors": b"something else",
    "README.md": b"# words",
}
REPOSITORIES = {
    "org/clip": CLIP,
    "org/old-clip": {
        "config.json": CLIP["config.json"],
        "pytorch_model.bin": b"weights",
        "tf_model.h5": b"something else",
    },
    "org/bert": {"config.json": b'{"model_type": "bert"}', "model.safetensors": b"weights"},
    "org/diffusers": {"model_index.json": b"{}"},
}


class _Hub(BaseHTTPRequestHandler):
    served: "list[str]"

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def log_message(self, format: str, *args: object) -> None:
        """No log on stderr."""

    def _answer(self, with_body: bool) -> None:
        parts = urlsplit(self.path).path.strip("/").split("/")
        if len(parts) < 4:
            self._refuse(404, "NotFound")
            return
        if parts[0] == "api":
            repository, action, revision = "/".join(parts[2:4]), parts[4], parts[5]
        else:
            repository, action, revision = "/".join(parts[:2]), parts[2], parts[3]
        files = REPOSITORIES.get(repository)
        if repository == "org/gated":
            self._refuse(403, "GatedRepo")
        elif files is None:
            self._refuse(404, "RepoNotFound")
        elif revision not in ("main", "v1", COMMIT):
            self._refuse(404, "RevisionNotFound")
        elif action == "revision":
            names = [{"rfilename": name} for name in files]
            self._send(json.dumps({"id": repository, "sha": COMMIT, "siblings": names}).encode())
        elif action == "tree":
            entries = [
                {"type": "file", "path": name, "size": len(data), "oid": name}
                for name, data in files.items()
            ]
            self._send(json.dumps(entries).encode())
        elif (name := "/".join(parts[4:])) not in files:
            self._refuse(404, "EntryNotFound")
        else:
            if with_body:
                self.served.append(name)
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
        self.send_header("Content-Length", "0")
        self.end_headers()


def _use(monkeypatch: pytest.MonkeyPatch, port: int, cache: Path) -> None:
    endpoint = f"http://127.0.0.1:{port}"
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(cache / "token"))


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    """Names of the files that the hub has sent so far."""
    names: list[str] = []
    handler = type("Handler", (_Hub,), {"served": names})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        _use(monkeypatch, server.server_port, tmp_path)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield names
        server.shutdown()
        thread.join()


def test_only_what_is_needed_is_downloaded_and_only_once(
    served: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder, commit = fetch_checkpoint("org/clip", None)
    assert commit == COMMIT
    assert sorted(served) == ["config.json", "model.safetensors", "tokenizer.json"]
    assert (folder / "model.safetensors").read_bytes() == b"weights"
    assert fetch_checkpoint("org/clip", "v1") == (folder, COMMIT)
    assert len(served) == 3
    assert capfd.readouterr().out == ""

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert fetch_checkpoint("org/clip", None) == (folder, COMMIT)
    assert fetch_checkpoint("org/clip", COMMIT) == (folder, COMMIT)


def test_older_weights_are_taken_where_there_are_no_others(served: list[str]) -> None:
    folder, _ = fetch_checkpoint("org/old-clip", None)
    assert sorted(served) == ["config.json", "pytorch_model.bin"]
    assert (folder / "pytorch_model.bin").read_bytes() == b"weights"


def test_the_weights_of_another_kind_of_model_are_not_downloaded(served: list[str]) -> None:
    with pytest.raises(EncoderError, match=r"org/bert .*'bert'"):
        fetch_checkpoint("org/bert", None)
    assert served == ["config.json"]


@pytest.mark.parametrize(
    ("repository", "revision", "says", "advises"),
    [
        ("org/missing", None, "no public model 'org/missing'", "org/name"),
        ("org/gated", None, "accepted its terms", "hf auth login"),
        ("org/clip", "v9", "no revision 'v9'", "Leave out"),
        ("org/diffusers", None, "no config.json", "transformers format"),
        ("org/-bad-", None, "could not be downloaded", "give its path"),
    ],
)
@pytest.mark.usefixtures("served")
def test_each_refusal_has_its_message(
    repository: str, revision: str | None, says: str, advises: str
) -> None:
    with pytest.raises(EncoderError, match=says) as caught:
        fetch_checkpoint(repository, revision)
    assert advises in caught.value.hint


def test_without_a_network_the_message_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        _use(monkeypatch, unused.getsockname()[1], tmp_path)
        # The library tries again for 23 seconds.
        monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
        with pytest.raises(EncoderError, match="cannot be reached") as caught:
            fetch_checkpoint("org/clip", None)
    assert "hf download org/clip config.json" in caught.value.hint
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(EncoderError, match="HF_HUB_OFFLINE is set"):
        fetch_checkpoint("org/clip", None)


def test_the_size_of_a_download_is_known_before_it(served: list[str]) -> None:
    needed = [len(CLIP[name]) for name in ("tokenizer.json", "model.safetensors")]
    assert bytes_to_download("org/clip", None) == sum(needed)
    assert bytes_to_download("org/old-clip", None) == len(b"weights")
    assert served == ["config.json", "config.json"]
    fetch_checkpoint("org/clip", None)
    assert bytes_to_download("org/clip", None) == bytes_to_download("org/clip", COMMIT) == 0


def test_the_size_of_what_does_not_exist_is_an_error(served: list[str]) -> None:
    with pytest.raises(EncoderError, match="no public model"):
        bytes_to_download("org/missing", None)
    with pytest.raises(EncoderError, match="'bert'"):
        bytes_to_download("org/bert", None)
    assert served == ["config.json"]
