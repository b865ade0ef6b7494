"""Reading ahead: in order, bounded, stopped at once; decoding once for several encoders."""

import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from queue import Queue

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from builder.data.images import LabelledImage, file_digest
from builder.data.pictures import Crop
from builder.encoders import reading
from builder.encoders.protocol import Pixels
from builder.encoders.reading import Spool, decoded_once, read_ahead, read_pixels
from builder.errors import InputError
from tests.chance import chance

read_as_they_come = partial(read_ahead, full=False)


@given(st.lists(st.integers()), st.integers(1, 7))
def test_batches_are_full_and_in_order(items: list[int], batch_size: int) -> None:
    batches = list(read_ahead(items, lambda item: -item, batch_size))
    assert [-item for batch in batches for item in batch] == items
    assert all(len(batch) == batch_size for batch in batches[:-1])
    assert all(batches)


def test_no_more_than_two_batches_are_read_ahead() -> None:
    read: list[int] = []
    handed_out = 0
    for batch in read_ahead(range(60), lambda item: read.append(item) or item, 4):
        handed_out += len(batch)
        time.sleep(0.002)
        assert len(read) <= handed_out + 8
    assert sorted(read) == list(range(60))


def test_reading_goes_on_while_a_batch_is_in_use() -> None:
    first_is_in_use = threading.Event()

    def read(item: int) -> int:
        # The second batch is only read once the first is out, and the first never waits for it.
        return item if item < 2 else (first_is_in_use.wait(10) and item)

    batches = read_ahead(range(4), read, 2)
    assert next(batches) == [0, 1]
    first_is_in_use.set()
    assert next(batches) == [2, 3]


def test_an_error_comes_out_and_stops_the_rest() -> None:
    read: list[int] = []

    def fail(item: int) -> int:
        read.append(item)
        if item == 5:
            raise InputError("broken")
        return item

    with pytest.raises(InputError, match="broken"):
        list(read_ahead(range(10_000), fail, 2))
    assert len(read) < 20


def some_image(folder: Path, name: str = "a.png", size: tuple[int, int] = (6, 4)) -> LabelledImage:
    path = folder / name
    random = chance(list(name.encode()))
    noise = random.integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    return LabelledImage(path, "any", file_digest(path))


def whole(image: Image.Image) -> Pixels:
    return {"whole": np.asarray(image)}


def corner(image: Image.Image) -> Pixels:
    return {"corner": np.asarray(image)[:2, :2].astype(np.float32), "size": np.array(image.size)}


def test_a_file_that_changed_is_not_taken_for_what_it_was(tmp_path: Path) -> None:
    image = some_image(tmp_path)
    assert read_pixels(image, crop=None, preprocess=whole)["whole"].shape == (4, 6, 3)
    Image.new("RGB", (6, 4)).save(image.path)
    with pytest.raises(InputError, match="has changed"):
        read_pixels(image, crop=None, preprocess=whole)


def test_each_file_is_decoded_once_for_all_encoders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = [some_image(tmp_path, f"{n}.png", (6 + n, 4)) for n in range(5)]
    crop = Crop(0, 0, 0.5, 1)
    expected = [
        [read_pixels(image, crop=crop, preprocess=each) for image in images]
        for each in (whole, corner, whole)
    ]
    decoded: Counter[Path] = Counter()

    def counting(path: Path, crop: Crop | None) -> Image.Image:
        decoded[path] += 1
        return reading_image(path, crop)

    reading_image = reading.decode_image
    monkeypatch.setattr(reading, "decode_image", counting)
    with closing(decoded_once([whole, corner, whole], crop=crop)) as readers:
        for read, wanted in zip(readers, expected, strict=False):
            # The first encoder had vectors of one image already: the second must decode that one.
            for image, pixels in list(zip(images, wanted, strict=True))[decoded.total() == 0 :]:
                found = read(image)
                assert found.keys() == pixels.keys()
                for name, array in pixels.items():
                    assert found[name].dtype == array.dtype
                    assert np.array_equal(found[name], array)
    assert set(decoded.values()) == {1}
    assert len(decoded) == 5


def test_one_encoder_needs_no_disk(tmp_path: Path) -> None:
    images = [some_image(tmp_path)]
    with closing(decoded_once([whole], crop=None, folder=tmp_path / "new")) as readers:
        (read,) = readers
        assert read(images[0])["whole"].shape == (4, 6, 3)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("made", [True, False])
def test_the_spool_lies_where_it_is_told_and_leaves_nothing(
    tmp_path: Path, made: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No other place would do.
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    folder = tmp_path / "cache" / "cotbuild"
    if made:
        folder.mkdir(parents=True)
    image = some_image(tmp_path)
    with closing(decoded_once([whole, whole], crop=None, folder=folder)) as readers:
        next(readers)(image)
        image.path.unlink()
        assert next(readers)(image)["whole"].shape == (4, 6, 3)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("folder", ["file/below", None])
def test_without_a_folder_for_it_files_are_decoded_again(
    tmp_path: Path, folder: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    image = some_image(tmp_path)
    place = tmp_path / folder if folder else None
    with closing(decoded_once([whole, corner], crop=None, folder=place)) as readers:
        assert next(readers)(image)["whole"].shape == (4, 6, 3)
        assert next(readers)(image)["corner"].shape == (2, 2, 3)


def test_a_spool_keeps_what_fits(tmp_path: Path) -> None:
    with closing(Spool(tmp_path, limit=100)) as spool:
        spool.put(1, "a", {"x": np.arange(10, dtype=np.float32), "n": np.array(7)})
        spool.put(1, "too large", {"x": np.zeros(60, dtype=np.uint8)})
        spool.put(1, "b", {"x": np.arange(5, dtype=np.uint8)})
        found = spool.get(1, "a")
        assert found is not None
        assert np.array_equal(found["x"], np.arange(10))
        assert found["n"] == 7
        assert spool.get(1, "too large") is None
        again = spool.get(1, "b")
        assert again is not None
        assert again["x"].tolist() == [0, 1, 2, 3, 4]


def test_encoders_share_the_room_but_not_the_pixels(tmp_path: Path) -> None:
    with closing(Spool(tmp_path, limit=100)) as spool:
        spool.put(1, "a", {"x": np.zeros(60, dtype=np.uint8)})
        spool.put(2, "a", {"x": np.zeros(60, dtype=np.uint8)})
        assert spool.get(1, "a") is not None
        assert spool.get(2, "a") is None
        spool.put(2, "a", {"x": np.ones((2, 5), dtype=np.int64)[:, :2]})
        kept = spool.get(2, "a")
        assert kept is not None
        assert kept["x"].tolist() == [[1, 1], [1, 1]]


def test_a_full_disk_only_costs_time(tmp_path: Path) -> None:
    # In a process of its own, whose files may not grow beyond 4 kB.
    code = """
import resource, signal, sys
from pathlib import Path
from queue import Queue
import numpy as np
from builder.encoders.reading import Spool
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
spool = Spool(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
spool.put(1, "a", {"x": np.arange(300)})
spool.put(1, "b", {"x": np.arange(300)})
spool.put(1, "c", {"x": np.arange(3)})
assert spool.get(1, "a")["x"].tolist() == list(range(300))
assert spool.get(1, "b") is None
assert spool.get(1, "c") is None
spool.close()
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=120)


@given(st.lists(st.integers()), st.integers(1, 7))
def test_what_comes_is_read_in_order(items: list[int], batch_size: int) -> None:
    batches = list(read_as_they_come(iter(items), lambda item: -item, batch_size))
    assert [-item for batch in batches for item in batch] == items
    assert all(1 <= len(batch) <= batch_size for batch in batches)


def test_no_item_waits_for_the_next() -> None:
    given_out: Queue[int | None] = Queue()
    batches = read_as_they_come(iter(given_out.get, None), lambda item: item, 8)
    for number in range(3):
        given_out.put(number)
        assert next(batches) == [number]
    given_out.put(None)
    assert list(batches) == []


def test_of_many_items_no_more_than_two_batches_are_taken_ahead() -> None:
    taken = handed_out = 0

    def items() -> Iterator[int]:
        nonlocal taken
        while taken < 100:
            taken += 1
            yield taken

    for batch in read_as_they_come(items(), lambda item: item, 4):
        handed_out += len(batch)
        time.sleep(0.002)
        # Two batches wait, and one item for room.
        assert taken <= handed_out + 8 + 2
    assert handed_out == 100


def test_an_error_of_the_source_or_of_reading_comes_out_in_its_place() -> None:
    def items() -> Iterator[int]:
        yield from range(3)
        raise InputError("no more")

    found: list[int] = []
    with pytest.raises(InputError, match="no more"):
        for batch in read_as_they_come(items(), lambda item: item, 1):
            found += batch
    assert found == [0, 1, 2]
    with pytest.raises(ZeroDivisionError):
        list(read_as_they_come(iter([1, 0]), lambda item: 1 // item, 4))


def test_a_source_that_is_given_up_is_let_go() -> None:
    before = threading.active_count()
    batches = read_as_they_come(iter(int, 1), lambda item: item, 2)
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    for _ in range(500):
        if threading.active_count() <= before:
            break
        time.sleep(0.01)
    assert threading.active_count() <= before
