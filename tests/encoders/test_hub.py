"""Downloads, from a server on this machine that speaks what is needed of the hub's protocol."""

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from huggingface_hub import constants
from huggingface_hub.utils import logging as hub_logging

from builder.encoders.hub import bytes_to_download, fetch_checkpoint
from builder.errors import EncoderError

COMMIT = "c0ffee" + "0" * 34
CLIP = {
    "config.json": b'{"model_type": "clip"}',
    "preprocessor_config.json": b"{ }",
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
    "org/slow-clip": CLIP,
}
# What runs in a process of its own.
FETCH = """
import signal, sys
from builder.encoders.hub import fetch_checkpoint
from builder.errors import EncoderError

signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    print(*fetch_checkpoint(sys.argv[1], None))
except EncoderError as error:
    print(error.message)
"""


class _Hub(BaseHTTPRequestHandler):
    served: "list[str]"
    # The weights of org/slow-clip stop half-way until they are released.
    half_sent: threading.Event
    released: threading.Event
    # Every answer but of files, once it is set; how long it asks to wait, if so.
    status: "int | None" = None
    wait: str = ""

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
        if self.status is not None:
            self._refuse(self.status, "")
        elif repository == "org/gated":
            self._refuse(403, "GatedRepo")
        elif files is None:
            self._refuse(404, "RepoNotFound")
        elif revision not in ("main", "v1", COMMIT):
            self._refuse(404, "RevisionNotFound")
        elif action == "revision":
            names = [{"rfilename": name, "size": len(data)} for name, data in files.items()]
            self._send(json.dumps({"id": repository, "sha": COMMIT, "siblings": names}).encode())
        elif (name := "/".join(parts[4:])) not in files:
            self._refuse(404, "EntryNotFound")
        else:
            if with_body:
                self.served.append(name)
            slow = repository == "org/slow-clip" and name == "model.safetensors"
            self._send(files[name], with_body, slow)

    def _send(self, body: bytes, with_body: bool = True, slow: bool = False) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if not with_body:
            return
        half = len(body) // 2 if slow else 0
        self.wfile.write(body[:half])
        if slow:
            self.half_sent.set()
            self.released.wait(60)
        self.wfile.write(body[half:])

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        if self.wait:
            self.send_header("Retry-After", self.wait)
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


@contextmanager
def running() -> Iterator[tuple[int, type[_Hub]]]:
    """A hub of its own: its port, and its handler, whose attributes tell and set what it does."""
    events = {"half_sent": threading.Event(), "released": threading.Event()}
    handler = type("Handler", (_Hub,), {"served": [], **events})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server.server_port, handler
        finally:
            handler.released.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[type[_Hub]]:
    with running() as (port, handler):
        _use(monkeypatch, port, tmp_path)
        yield handler


@pytest.fixture
def served(hub: type[_Hub]) -> list[str]:
    """Names of the files that the hub has sent so far."""
    return hub.served


def fetching(repository: str, port: int, home: Path) -> "subprocess.Popen[str]":
    """A process that fetches a checkpoint, and nothing else."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": f"http://127.0.0.1:{port}",
        "HF_HUB_OFFLINE": "0",
        "HF_HOME": str(home),
    }
    return subprocess.Popen(
        [sys.executable, "-c", FETCH, repository],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def unused_port() -> Iterator[int]:
    """Bound, so that nobody else gets it, but nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield unused.getsockname()[1]


def test_only_what_is_needed_is_downloaded_and_only_once(
    served: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder, commit = fetch_checkpoint("org/clip", None)
    assert commit == COMMIT
    # The weights last: what a download that ended early lacks.
    assert served == [
        "config.json",
        "preprocessor_config.json",
        "tokenizer.json",
        "model.safetensors",
    ]
    assert (folder / "model.safetensors").read_bytes() == b"weights"
    assert fetch_checkpoint("org/clip", "v1") == (folder, COMMIT)
    assert len(served) == 4
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


@pytest.fixture
def never_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library would wait between its attempts, half a minute in all."""

    def sleep(_: float) -> None:
        raise AssertionError("another attempt")

    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", sleep)


@pytest.mark.usefixtures("never_again")
def test_without_a_network_the_message_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with unused_port() as port:
        _use(monkeypatch, port, tmp_path)
        for ask in (fetch_checkpoint, bytes_to_download):
            with pytest.raises(EncoderError, match="cannot be reached") as caught:
                ask("org/clip", None)
    assert "hf download org/clip config.json" in caught.value.hint
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(EncoderError, match="HF_HUB_OFFLINE is set"):
        fetch_checkpoint("org/clip", None)


@pytest.mark.usefixtures("never_again")
@pytest.mark.parametrize(
    ("status", "wait", "says", "advises"),
    [
        (429, "300", r"limits requests \(429\) and asks to wait 5 min 0 s\.", "in 5 min 0 s; who"),
        (429, "", r"limits requests \(429\)\.", "Try again later; who is logged in"),
        (503, "7", r"limits requests \(503\) and asks to wait 7 s\.", "Try again in 7 s"),
        (500, "", r"has trouble of its own \(500\)\.", "Try again later."),
    ],
)
def test_a_hub_that_answers_not_now_is_not_out_of_reach(
    hub: type[_Hub], status: int, wait: str, says: str, advises: str
) -> None:
    hub.status, hub.wait = status, wait
    for ask in (fetch_checkpoint, bytes_to_download):
        with pytest.raises(EncoderError, match=says) as caught:
            ask("org/clip", None)
        assert advises in caught.value.hint and "online" not in caught.value.hint


@pytest.mark.usefixtures("never_again")
@pytest.mark.parametrize("revision", [None, "v1", COMMIT])
def test_what_is_here_needs_no_network(
    hub: type[_Hub], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, revision: str | None
) -> None:
    found = fetch_checkpoint("org/clip", revision)
    hub.status = 503
    assert fetch_checkpoint("org/clip", revision) == found
    with unused_port() as port:
        _use(monkeypatch, port, tmp_path)
        assert fetch_checkpoint("org/clip", revision) == found
        assert bytes_to_download("org/clip", revision) == 0


def test_a_commit_that_is_whole_is_not_even_asked_for(
    hub: type[_Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = CLIP | {"tokenizer_config.json": b"{}  "}
    monkeypatch.setitem(REPOSITORIES, "org/whole", files)
    folder, _ = fetch_checkpoint("org/whole", COMMIT)
    # Any answer would be an error now.
    hub.status = 404
    assert fetch_checkpoint("org/whole", COMMIT) == (folder, COMMIT)
    hub.status = None
    (folder / "tokenizer_config.json").unlink()
    assert bytes_to_download("org/whole", COMMIT) == 4


def test_nothing_but_the_message_is_said_of_a_hub_out_of_reach(tmp_path: Path) -> None:
    with unused_port() as port, fetching("org/clip", port, tmp_path) as process:
        said, remarks = process.communicate(timeout=60)
    assert said == (
        "org/clip is not on this machine and could not be downloaded: the Hugging Face hub "
        "cannot be reached.\n"
    )
    assert remarks == ""


def test_the_library_may_speak_again_afterwards(served: list[str]) -> None:
    before = hub_logging.get_verbosity()
    fetch_checkpoint("org/clip", None)
    assert served
    assert hub_logging.get_verbosity() == before


@pytest.mark.parametrize(
    "missing", ["model.safetensors", "tokenizer.json", "preprocessor_config.json"]
)
@pytest.mark.parametrize("revision", [None, COMMIT])
def test_half_a_checkpoint_is_not_on_this_machine(
    hub: type[_Hub], monkeypatch: pytest.MonkeyPatch, missing: str, revision: str | None
) -> None:
    folder, _ = fetch_checkpoint("org/clip", revision)
    (folder / missing).unlink()
    shutil.rmtree(folder.parent.parent / "blobs")
    for name in {*CLIP} & {path.name for path in folder.iterdir()}:
        (folder / name).unlink()
        (folder / name).write_bytes(CLIP[name])
    with monkeypatch.context() as offline:
        offline.setattr(constants, "HF_HUB_OFFLINE", True)
        for ask in (fetch_checkpoint, bytes_to_download):
            with pytest.raises(EncoderError, match="org/clip is not on this machine") as caught:
                ask("org/clip", revision)
            assert "hf download org/clip" in caught.value.hint
    hub.served.clear()
    assert bytes_to_download("org/clip", revision) == len(CLIP[missing])
    assert fetch_checkpoint("org/clip", revision) == (folder, COMMIT)
    assert hub.served == [missing]


def test_one_ctrl_c_ends_a_download_which_then_goes_on_where_it_was(tmp_path: Path) -> None:
    with running() as (port, hub):
        with fetching("org/slow-clip", port, tmp_path) as process:
            try:
                assert hub.half_sent.wait(60)
                process.send_signal(signal.SIGINT)
                # The rest of the weights is not sent before this has ended.
                _, remarks = process.communicate(timeout=30)
            finally:
                process.kill()
        assert process.returncode != 0
        assert remarks.rstrip().endswith("KeyboardInterrupt")
        assert hub.served[-1] == "model.safetensors"
        before = len(hub.served)

        hub.released.set()
        with fetching("org/slow-clip", port, tmp_path) as process:
            said, remarks = process.communicate(timeout=60)
        assert process.returncode == 0, remarks
        folder = Path(said.split()[0])
        assert (folder / "model.safetensors").read_bytes() == CLIP["model.safetensors"]
        assert hub.served[before:] == ["model.safetensors"]


def test_the_size_of_a_download_is_known_before_it(served: list[str]) -> None:
    names = ("preprocessor_config.json", "tokenizer.json", "model.safetensors")
    needed = [len(CLIP[name]) for name in names]
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
