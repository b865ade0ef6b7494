import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from builder.encoders.cache_folder import cached_in
from tests.cli.conftest import Job, cotbuild, failed
from tests.openai_server import OpenAIServer


@pytest.fixture
def filled(job: Job, model: OpenAIServer) -> Path:
    """The cache after a session that encoded something."""
    result = cotbuild("new", *job.flags(), "--llm", "m", "--llm-url", model.url, "--auto")
    assert result.exit_code == 0, result.output
    return job.folder / "cache"


def test_info_and_clear(filled: Path) -> None:
    (file,) = cached_in(filled).files
    assert file.vectors is not None and file.vectors > 24
    result = cotbuild("cache", "info", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["folder"] == str(filled)
    assert told["files"] == [{"name": file.name, "vectors": file.vectors, "size": file.size}]
    shown = cotbuild("cache", "info").stdout
    assert file.name in shown and str(file.vectors) in shown

    # Nobody is there to agree.
    failed(cotbuild("cache", "clear"), 2, "nobody has agreed", "--yes")
    assert cached_in(filled).files == (file,)

    result = cotbuild("cache", "clear", "--yes")
    assert result.exit_code == 0, result.output
    assert "removed" in result.stderr and not result.stdout
    assert cached_in(filled).size == 0
    assert "It is empty." in cotbuild("cache", "info").stdout
    # Nothing is left to agree to.
    result = cotbuild("cache", "clear", "--json")
    assert result.exit_code == 0 and json.loads(result.stdout)["removed"]["size"] == 0


def test_a_cache_in_use_is_not_cleared(filled: Path) -> None:
    (file,) = cached_in(filled).files
    with closing(sqlite3.connect(filled / file.name)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        failed(cotbuild("cache", "clear", "--yes"), 3, "locked", "another process")
    assert cached_in(filled).files == (file,)


def test_a_cache_at_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COTBUILD_CACHE", "here")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / f"vectors-{'a' * 32}.sqlite3").write_bytes(b"")
    result = cotbuild("cache", "info")
    assert result.exit_code == 0, result.output
    assert "unknown" in result.stdout
