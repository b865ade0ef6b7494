"""Looking at the cache folder, emptying it, and two processes that fill it at once."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from builder.data.downloading import cached_path
from builder.encoders.cache_folder import cached_in, clear
from builder.encoders.vector_cache import VectorCache
from builder.errors import EncoderError


def keep(folder: Path, fingerprint: str, count: int) -> VectorCache:
    cache = VectorCache(folder, fingerprint)
    cache.put({b"%d" % i: np.full(4, i, dtype=np.float32) for i in range(count)})
    return cache


def image(folder: Path, url: str, content: bytes) -> Path:
    path = cached_path(url, folder / "images")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def strangers(folder: Path) -> list[Path]:
    """Files of somebody else's in the folder, some with names that are nearly the cache's own."""
    paths = [
        folder / "verified.json",
        folder / "vectors-mine.sqlite3",
        folder / "thesis.damaged",
        folder / ("vectors-" + "a" * 32 + ".sqlite3.bak"),
        folder / "images" / "holiday.png",
        folder / "images" / "ab" / "wedding.png",
        folder / "images" / "album" / ("a" * 64 + ".png"),
    ]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("precious", encoding="utf-8")
    return paths


def test_what_a_cache_holds(tmp_path: Path) -> None:
    one, two = keep(tmp_path, "one", 3), keep(tmp_path, "two", 5)
    image(tmp_path, "https://example.org/a.png", b"12345")
    image(tmp_path, "https://example.org/b.png", b"1").rename(
        tmp_path / "images" / cached_path("https://example.org/b.png", Path()).with_suffix(".part")
    )
    two.path.with_suffix(".damaged").write_bytes(b"123")
    strangers(tmp_path)
    found = cached_in(tmp_path)
    assert {file.name: file.vectors for file in found.files} == {one.path.name: 3, two.path.name: 5}
    assert all(file.size == (tmp_path / file.name).stat().st_size for file in found.files)
    assert (found.damaged, found.damaged_size) == (1, 3)
    assert (found.images, found.images_size) == (2, 6)
    assert found.size == 9 + sum(file.size for file in found.files)


def test_looking_makes_nothing(tmp_path: Path) -> None:
    assert cached_in(tmp_path / "none").size == 0
    (tmp_path / ("vectors-" + "a" * 32 + ".sqlite3")).write_bytes(b"no database")
    assert [file.vectors for file in cached_in(tmp_path).files] == [None]
    assert len(list(tmp_path.iterdir())) == 1


def test_only_the_caches_own_files_are_removed(tmp_path: Path) -> None:
    cache = keep(tmp_path, "one", 3)
    cache.path.with_suffix(".damaged").write_bytes(b"123")
    cache.path.with_name(f"{cache.path.name}-journal").write_bytes(b"")
    picture = image(tmp_path, "https://example.org/a.png", b"12345")
    theirs = strangers(tmp_path)
    clear(tmp_path)
    assert all(path.read_text(encoding="utf-8") == "precious" for path in theirs)
    left = {path for path in tmp_path.rglob("*") if path.is_file()} - set(theirs)
    assert left <= {tmp_path / "images" / ".lock"}
    assert not picture.parent.exists()
    assert cached_in(tmp_path).size == 0
    # Whoever had it open goes on with a new one.
    assert cache.get([b"1"], 4) == {}
    cache.put({b"1": np.ones(4, dtype=np.float32)})
    assert cached_in(tmp_path).files[0].vectors == 1
    clear(tmp_path / "none")


def test_what_another_process_uses_is_not_removed(tmp_path: Path) -> None:
    first, second = keep(tmp_path, "one", 3), keep(tmp_path, "two", 3)
    with closing(sqlite3.connect(second.path)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(EncoderError, match="locked: another process is using it") as caught:
            clear(tmp_path)
    assert "Nothing was removed" in caught.value.hint
    picture = image(tmp_path, "https://example.org/a.png", b"12345")
    with (
        FileLock(picture.with_name(f"{picture.name}.lock")),
        pytest.raises(EncoderError, match="locked: another process downloads"),
    ):
        clear(tmp_path)
    assert picture.exists() and first.path.exists() and second.path.exists()


def test_what_a_link_leads_to_is_not_the_caches(tmp_path: Path) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "cache"
    picture = image(elsewhere, "https://example.org/a.png", b"12345")
    folder.mkdir()
    (folder / "images").symlink_to(elsewhere / "images")
    assert cached_in(folder).images == 0
    clear(folder)
    (folder / "images").unlink()
    (folder / "images").mkdir()
    (folder / "images" / picture.parent.name).symlink_to(picture.parent)
    clear(folder)
    assert picture.read_bytes() == b"12345"


def test_the_forms_of_answer_are_forgotten_too(tmp_path: Path) -> None:
    (tmp_path / "modes.json").write_text("{}")
    clear(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_cache(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EncoderError, match="is a file"):
        cached_in(tmp_path / "file")


ENCODING = """
import sys, time
from pathlib import Path
import numpy as np
from builder.encoders.vector_cache import VectorCache, encode_phrases
from tests.chance import chance

class Encoder:
    name, revision, fingerprint, logit_scale, batch_size = "counting", "1", "shared", 1.0, 8
    def encode_texts(self, texts):
        rows = [chance(list(text.encode())).normal(size=6) for text in texts]
        return np.array(rows, dtype=np.float32).reshape(len(rows), 6)

folder, start = Path(sys.argv[1]), int(sys.argv[2])
cache = VectorCache(folder / "cache", Encoder.fingerprint)
(folder / f"ready{start}").touch()
while not (folder / "go").exists():
    time.sleep(0.001)
texts = [f"text {number}" for number in range(start, start + 300)]
for at in range(0, 300, 5):
    part = texts[at:] if start else texts[: at + 5]
    vectors = encode_phrases(Encoder(), cache, part)
    assert np.array_equal(vectors, Encoder().encode_texts(part))
"""


def test_two_processes_encode_overlapping_texts_at_once(tmp_path: Path) -> None:
    workers = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", ENCODING, str(tmp_path), start],
            stderr=subprocess.PIPE,
            text=True,
        )
        for start in ("0", "150")
    ]
    while not all((tmp_path / f"ready{start}").exists() for start in (0, 150)):
        assert all(worker.poll() is None for worker in workers)
    (tmp_path / "go").touch()
    said = [worker.communicate(timeout=60)[1] for worker in workers]
    assert (said, [worker.returncode for worker in workers]) == (["", ""], [0, 0])
    (file,) = cached_in(tmp_path / "cache").files
    assert file.vectors == 450
    warned: list[str] = []
    cache = VectorCache(tmp_path / "cache", "shared", on_warning=warned.append)
    with closing(sqlite3.connect(cache.path)) as connection:
        keys = [key for (key,) in connection.execute("SELECT key FROM vectors")]
    assert len(cache.get(keys, 6)) == 450
    assert warned == []
