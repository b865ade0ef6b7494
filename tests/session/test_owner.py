"""Who has a session: told in full where it is known, else not at all."""

import getpass
import json
import os
from pathlib import Path

import pytest

from builder.session.journal import owner_words, sign


def changed(path: Path, **fields: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **fields}), "utf-8")


def test_process_user_host_and_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "ann")
    monkeypatch.setattr("socket.gethostname", lambda: "desk")
    path = tmp_path / "owner"
    sign(path)
    words = owner_words(path)
    assert words.startswith(f"process {os.getpid()} of ann on desk, since ")
    assert len(words.rsplit(" ", 1)[1]) == len("14:05")
    changed(path, since="2020-02-29T14:05:00+00:00")
    assert "since 2020-0" in owner_words(path)


def test_a_user_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr(getpass, "getuser", nobody)
    sign(tmp_path / "owner")
    assert "of user " in owner_words(tmp_path / "owner")


@pytest.mark.parametrize(
    "text", ["", "process 123", "{", "[]", '{"process": "x"}', "\x00", '{"process": 1e400}']
)
def test_what_can_not_be_read_misleads_nobody(tmp_path: Path, text: str) -> None:
    path = tmp_path / "owner"
    assert owner_words(path) == "another process"
    path.write_text(text, encoding="utf-8")
    assert owner_words(path) == "another process"
