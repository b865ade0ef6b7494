"""The vector cache: encodes nothing twice, believes nothing damaged, never ends a run."""

import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from builder.data.images import LabelledImage, file_digest
from builder.data.pictures import Crop
from builder.encoders.cache_folder import default_cache_folder
from builder.encoders.protocol import Pixels, Vectors
from builder.encoders.vector_cache import VectorCache, encode_image_files, encode_phrases
from builder.errors import EncoderError, InputError
from tests.chance import chance

DIMENSION = 5


class CountingEncoder:
    """Vectors follow from the input alone; keeps all it was asked to encode."""

    name, revision, fingerprint, logit_scale = "counting", "1", "counting-1", 1.0

    def __init__(self, batch_size: int = 64) -> None:
        self.batch_size = batch_size
        self.images: list[bytes] = []
        self.texts: list[str] = []

    def preprocess(self, image: Image.Image) -> Pixels:
        return {"pixels": np.asarray(image)}

    def encode_pixels(self, batch: Sequence[Pixels]) -> Vectors:
        assert len(batch) <= self.batch_size
        contents = [pixels["pixels"].tobytes() for pixels in batch]
        self.images += contents
        return self._vectors(contents)

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        return self.encode_pixels([self.preprocess(image) for image in images])

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        self.texts += texts
        return self._vectors([text.encode() for text in texts])

    def unknown_words(self, texts: Sequence[str]) -> list[tuple[str, ...]]:
        return [() for _ in texts]

    def _vectors(self, contents: Sequence[bytes]) -> Vectors:
        rows = [chance(list(content)).normal(size=DIMENSION) for content in contents]
        return np.array(rows, dtype=np.float32).reshape(len(rows), DIMENSION)


class BrokenEncoder(CountingEncoder):
    """Gives NaN for the text `bad` and for images that are black."""

    def _vectors(self, contents: Sequence[bytes]) -> Vectors:
        vectors = super()._vectors(contents)
        for row, content in zip(vectors, contents, strict=True):
            if content == b"bad" or not any(content):
                row[1] = np.nan
        return vectors


class Warnings(list[str]):
    def __call__(self, message: str) -> None:
        self.append(message)


@pytest.fixture
def warned() -> Warnings:
    return Warnings()


@pytest.fixture
def cache(tmp_path: Path, warned: Warnings) -> VectorCache:
    return VectorCache(tmp_path / "cache", "fingerprint", on_warning=warned)


def make_images(folder: Path, shades: Sequence[int], size: int = 2) -> list[LabelledImage]:
    folder.mkdir(exist_ok=True)
    images = []
    for number, shade in enumerate(shades):
        path = folder / f"{number}-{shade}.png"
        Image.new("RGB", (size, size), (shade, shade // 2, 7)).save(path)
        images.append(LabelledImage(path, "any", file_digest(path)))
    return images


def alter(cache: VectorCache, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(cache.path)) as connection, connection:
        connection.execute(statement, values)


def test_a_second_run_encodes_nothing(tmp_path: Path, cache: VectorCache, warned: Warnings) -> None:
    images, texts = make_images(tmp_path / "images", range(9)), ["red", "", "blü", "x" * 9999]
    first = CountingEncoder(batch_size=4)
    vectors = encode_image_files(first, cache, images, crop=None)
    phrases = encode_phrases(first, cache, texts)
    assert vectors.shape == (9, DIMENSION)
    assert phrases.shape == (4, DIMENSION)
    assert vectors.dtype == phrases.dtype == np.float32

    again, reopened = CountingEncoder(), VectorCache(tmp_path / "cache", "fingerprint")
    cached = encode_image_files(again, reopened, images, crop=None)
    assert np.array_equal(cached, vectors)
    assert np.array_equal(encode_phrases(again, reopened, texts), phrases)
    assert (again.images, again.texts) == ([], [])
    assert (cache.damaged, warned) == (0, [])


def test_only_what_is_new_is_encoded(tmp_path: Path, cache: VectorCache) -> None:
    images = make_images(tmp_path / "images", range(60))
    encode_image_files(CountingEncoder(), cache, images[:50], crop=None)
    encoder = CountingEncoder()
    encode_image_files(encoder, cache, images[::-1], crop=None)
    assert len(encoder.images) == 10

    encode_phrases(encoder, cache, ["a", "b", "c"])
    encoder.texts.clear()
    encode_phrases(encoder, cache, ["c", "new", "a"])
    assert encoder.texts == ["new"]


@pytest.mark.parametrize("with_cache", [True, False])
def test_rows_keep_the_order_of_the_inputs_and_equal_ones_are_encoded_once(
    tmp_path: Path, cache: VectorCache, with_cache: bool
) -> None:
    used = cache if with_cache else None
    encoder = CountingEncoder(batch_size=2)
    images = make_images(tmp_path / "images", [5, 3, 5, 9, 3])
    vectors = encode_image_files(encoder, used, images, crop=None)
    assert len(encoder.images) == 3
    expected = CountingEncoder().encode_images([Image.open(image.path) for image in images])
    assert np.array_equal(vectors, expected)

    texts = ["b", "a", "b", "c"]
    vectors = encode_phrases(encoder, used, texts)
    assert encoder.texts == ["b", "a", "c"]
    assert np.array_equal(vectors, CountingEncoder().encode_texts(texts))


def test_nothing_to_encode_gives_no_rows(cache: VectorCache) -> None:
    encoder = CountingEncoder()
    assert encode_phrases(encoder, cache, []).shape == (0, DIMENSION)
    assert encode_image_files(encoder, cache, [], crop=None).shape == (0, DIMENSION)


def test_a_crop_has_vectors_of_its_own(tmp_path: Path, cache: VectorCache) -> None:
    images, encoder = make_images(tmp_path / "images", [5], size=10), CountingEncoder()
    whole = encode_image_files(encoder, cache, images, crop=None)
    part = encode_image_files(encoder, cache, images, crop=Crop(0, 0, 0.5, 0.5))
    other = encode_image_files(encoder, cache, images, crop=Crop(0, 0, 0.5, 0.6))
    assert [len(pixels) for pixels in encoder.images] == [300, 75, 90]
    assert len({row.tobytes() for row in (whole, part, other)}) == 3


def test_encoders_do_not_share_vectors(tmp_path: Path, cache: VectorCache) -> None:
    encode_phrases(CountingEncoder(), cache, ["a"])
    encoder = CountingEncoder()
    other = VectorCache(tmp_path / "cache", "../other: fingerprint")
    encode_phrases(encoder, other, ["a"])
    assert encoder.texts == ["a"]
    assert other.path.parent == cache.path.parent


def test_a_text_and_an_image_never_share_a_key(tmp_path: Path, cache: VectorCache) -> None:
    [image] = make_images(tmp_path / "images", [5])
    encode_image_files(CountingEncoder(), cache, [image], crop=None)
    encoder = CountingEncoder()
    encode_phrases(encoder, cache, [image.digest, f"{image.digest}\0None"])
    assert len(encoder.texts) == 2


def test_progress_counts_what_has_to_be_encoded(tmp_path: Path, cache: VectorCache) -> None:
    images = make_images(tmp_path / "images", range(12))
    calls: list[tuple[int, int]] = []

    def count(done: int, total: int) -> None:
        calls.append((done, total))

    encode_image_files(CountingEncoder(), cache, images[:2], crop=None)
    encode_image_files(CountingEncoder(4), cache, images, crop=None, on_progress=count)
    assert calls == [(4, 10), (8, 10), (10, 10)]


def test_what_was_encoded_before_an_interruption_is_kept(
    tmp_path: Path, cache: VectorCache
) -> None:
    images = make_images(tmp_path / "images", range(10))

    def interrupt(done: int, total: int) -> None:
        if done >= 8 and total == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode_image_files(CountingEncoder(4), cache, images, crop=None, on_progress=interrupt)
    encoder = CountingEncoder()
    encode_image_files(encoder, cache, images, crop=None)
    assert len(encoder.images) == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE vectors SET vector = zeroblob(20) WHERE rowid = 2",
        "UPDATE vectors SET vector = substr(vector, 1, 16) WHERE rowid = 2",
        "UPDATE vectors SET vector = (SELECT vector FROM vectors WHERE rowid = 1) WHERE rowid = 2",
        "UPDATE vectors SET vector = NULL WHERE rowid = 2",
        "UPDATE vectors SET vector = 'words' WHERE rowid = 2",
        "UPDATE vectors SET vector = CAST(x'ff80' AS TEXT) WHERE rowid = 2",
        "UPDATE vectors SET checksum = checksum + 1 WHERE rowid = 2",
        "UPDATE vectors SET checksum = NULL WHERE rowid = 2",
    ],
)
def test_a_damaged_entry_is_never_believed(
    cache: VectorCache, warned: Warnings, statement: str
) -> None:
    texts = ["a", "b", "c"]
    good = encode_phrases(CountingEncoder(), cache, texts)
    alter(cache, statement)
    encoder = CountingEncoder()
    assert np.array_equal(encode_phrases(encoder, cache, texts), good)
    assert "b" in encoder.texts
    assert cache.damaged == 1
    assert len(warned) == 1
    assert "was damaged" in warned[0]

    encoder.texts.clear()
    assert np.array_equal(encode_phrases(encoder, cache, texts), good)
    assert (encoder.texts, cache.damaged) == ([], 1)


@pytest.mark.parametrize("values", [[np.nan] * DIMENSION, [1.0] * (DIMENSION + 1)])
def test_entries_with_impossible_values_are_dropped(
    cache: VectorCache, warned: Warnings, values: list[float]
) -> None:
    encode_phrases(CountingEncoder(), cache, ["a"])
    with closing(sqlite3.connect(cache.path)) as connection:
        [(key,)] = connection.execute("SELECT key FROM vectors").fetchall()
    cache.put({key: np.array(values, dtype=np.float32)})
    assert cache.get([key], DIMENSION) == {}
    assert cache.damaged == 1
    assert "1 entry" in warned[0]


@pytest.mark.parametrize(
    "content", [b"no database at all" * 9, b"SQLite format 3\0" + b"\xff" * 999]
)
def test_a_file_that_is_no_cache_is_moved_aside(
    cache: VectorCache, warned: Warnings, content: bytes
) -> None:
    cache.path.parent.mkdir()
    cache.path.write_bytes(content)
    encoder = CountingEncoder()
    vectors = encode_phrases(encoder, cache, ["a", "b"])
    assert np.array_equal(encode_phrases(encoder, cache, ["a", "b"]), vectors)
    assert encoder.texts == ["a", "b"]
    assert (cache.damaged, len(warned)) == (1, 1)
    assert cache.path.with_suffix(".damaged").read_bytes() == content


def test_a_file_of_another_layout_is_moved_aside(cache: VectorCache, warned: Warnings) -> None:
    cache.path.parent.mkdir()
    alter(cache, "CREATE TABLE vectors (something INTEGER)")
    encode_phrases(CountingEncoder(), cache, ["a"])
    encoder = CountingEncoder()
    encode_phrases(encoder, cache, ["a"])
    assert encoder.texts == []
    assert len(warned) == 1


def test_damage_anywhere_in_the_file_never_changes_a_vector(
    tmp_path: Path, warned: Warnings
) -> None:
    """Overwrites a random stretch of the file; the vectors must come out right each time."""
    texts = [f"text {number}" for number in range(400)]
    good = encode_phrases(CountingEncoder(), None, texts)
    random = chance(0)
    pristine = VectorCache(tmp_path / "pristine", "f", on_warning=warned)
    encode_phrases(CountingEncoder(), pristine, texts)
    content = pristine.path.read_bytes()
    noticed = 0
    for trial in range(60):
        cache = VectorCache(tmp_path / str(trial), "f", on_warning=warned)
        cache.path.parent.mkdir()
        damaged = bytearray(content)
        start, length = int(random.integers(len(content))), int(random.choice([1, 40, 4000]))
        noise = random.integers(0, 256, min(length, len(content) - start), dtype=np.uint8)
        damaged[start : start + length] = noise.tobytes()
        cache.path.write_bytes(damaged[: -1000 if trial % 10 == 9 else None])
        for _ in range(2):
            assert np.array_equal(encode_phrases(CountingEncoder(), cache, texts), good)
        noticed += cache.damaged > 0
    assert noticed >= 20


def test_a_cache_that_cannot_be_made_is_said_once_and_done_without(
    tmp_path: Path, warned: Warnings
) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = VectorCache(tmp_path / "file", "f", on_warning=warned)
    vectors = encode_phrases(CountingEncoder(), cache, ["a"])
    assert np.array_equal(encode_phrases(CountingEncoder(), cache, ["a"]), vectors)
    assert len(warned) == 1
    assert "cannot be used" in warned[0]
    assert "COTBUILD_CACHE" in warned[0]


@pytest.fixture
def no_space() -> Iterator[None]:
    """No file can grow beyond 100 kB, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("no_space")
def test_a_full_disk_is_said_and_done_without(cache: VectorCache, warned: Warnings) -> None:
    texts = [f"text {number}" for number in range(4000)]
    vectors = encode_phrases(CountingEncoder(), cache, texts)
    assert np.array_equal(vectors, CountingEncoder().encode_texts(texts))
    assert len(warned) == 1
    assert "cannot be used" in warned[0]


def test_a_cache_held_by_another_is_said_and_done_without(
    cache: VectorCache, warned: Warnings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.encoders.vector_cache._LOCK_TIMEOUT_S", 0.05)
    encode_phrases(CountingEncoder(), cache, ["a"])
    with closing(sqlite3.connect(cache.path)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        vectors = encode_phrases(CountingEncoder(), cache, ["a", "b"])
    assert vectors.shape == (2, DIMENSION)
    assert len(warned) == 1
    assert "locked" in warned[0]
    assert cache.damaged == 0


_WRITER = """
import sys
import numpy as np
from pathlib import Path
from builder.encoders.vector_cache import VectorCache
cache = VectorCache(Path(sys.argv[1]), "f")
for number in range(150):
    key = f"{sys.argv[2]}-{number}".encode()
    cache.put({key: np.full(5, number, dtype=np.float32)})
    if number == 149 and sys.argv[2] == "killed":
        import os
        os._exit(9)
"""


def test_two_processes_share_a_cache(tmp_path: Path, warned: Warnings) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", _WRITER, str(tmp_path), name])
        for name in ("one", "killed")
    ]
    assert [writer.wait(60) for writer in writers] == [0, 9]
    cache = VectorCache(tmp_path, "f", on_warning=warned)
    keys = [f"{name}-{number}".encode() for name in ("one", "killed") for number in range(150)]
    found = cache.get(keys, 5)
    assert sorted(found) == sorted(keys)
    assert found[b"one-149"].tolist() == [149] * 5
    assert warned == []


def test_values_that_are_not_finite_name_their_input_and_are_not_kept(
    tmp_path: Path, cache: VectorCache
) -> None:
    with pytest.raises(EncoderError, match="not finite for 'bad'"):
        encode_phrases(BrokenEncoder(), cache, ["good", "bad"])
    path = tmp_path / "black.png"
    Image.new("RGB", (2, 2)).save(path)
    image = LabelledImage(path, "any", file_digest(path))
    with pytest.raises(EncoderError, match=r"not finite for .*black\.png"):
        encode_image_files(BrokenEncoder(), cache, [image], crop=None)
    encoder = CountingEncoder()
    encode_phrases(encoder, cache, ["bad"])
    assert encoder.texts == ["bad"]


def test_a_file_that_changed_is_an_error_not_a_wrong_vector(
    tmp_path: Path, cache: VectorCache
) -> None:
    [image] = make_images(tmp_path / "images", [5])
    Image.new("RGB", (2, 2), (99, 99, 99)).save(image.path)
    with pytest.raises(InputError, match="has changed") as caught:
        encode_image_files(CountingEncoder(), cache, [image], crop=None)
    assert caught.value.hint


def test_the_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COTBUILD_CACHE", "~/elsewhere")
    assert default_cache_folder() == Path.home() / "elsewhere"
    monkeypatch.delenv("COTBUILD_CACHE")
    assert default_cache_folder().name == "cotbuild"
