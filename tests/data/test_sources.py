"""Data sets from a hub on this machine, through the library that everybody uses for them."""

import io
import socket
from collections.abc import Iterator
from pathlib import Path

import datasets
import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, Image, Value
from huggingface_hub import HfFileSystem, constants
from PIL import Image as Pillow

from builder.data.images import ImageSet, file_digest
from builder.data.matching import Matched, Mismatch
from builder.data.sources import ImageSource, known_crop, read_source
from builder.errors import InputError
from tests.chance import chance
from tests.data_hub import CARDS, COMMIT, TOKEN, Hub, serve_hub

CLASSES = ("Absol", "Absol G", "Beedrill δ", "Blaine's Moltres", "Celebi & Venusaur-GX")


def picture(seed: int) -> Pillow.Image:
    noise = chance(seed).integers(0, 256, (12, 9, 3), dtype=np.uint8)
    return Pillow.fromarray(noise, "RGB")


def file_of(seed: int, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    picture(seed).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def running() -> Iterator[Hub]:
    with serve_hub() as hub:
        yield hub


@pytest.fixture
def hub(running: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Hub:
    _use(monkeypatch, running.url, tmp_path / "cache")
    running.repositories.clear()
    running.pictures.clear()
    running.requests.clear()
    running.gated.clear()
    running.private.clear()
    running.refusing = None
    return running


def _use(monkeypatch: pytest.MonkeyPatch, url: str, cache: Path) -> None:
    """What HF_ENDPOINT, HF_HOME and HF_HUB_OFFLINE=0 do before the libraries are imported."""
    template = url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache / "hub"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(cache / "token"))
    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", url)
    _go_offline(monkeypatch, False)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(cache / "datasets"))
    monkeypatch.setattr(datasets.config, "DOWNLOADED_DATASETS_PATH", str(cache / "downloads"))
    # It keeps its instances, with the address that they were made for.
    HfFileSystem.clear_instance_cache()


def _go_offline(monkeypatch: pytest.MonkeyPatch, offline: bool = True) -> None:
    for place in (constants, datasets.config):
        monkeypatch.setattr(place, "HF_HUB_OFFLINE", offline)


def read(
    tmp_path: Path, location: str, classes: tuple[str, ...] = CLASSES, **more: str
) -> ImageSet:
    return read_source(ImageSource(location, **more), classes, downloads=tmp_path / "downloads")


def parquet(features: dict[str, object], **columns: list[object]) -> bytes:
    buffer = io.BytesIO()
    Dataset.from_dict(columns, features=Features(features)).to_parquet(buffer)
    return buffer.getvalue()


def test_cards_are_found_by_their_names_and_downloaded_once(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    names = ["Celebi & Venusaur-GX", "Mew", "Absol G", "Blaine’s Moltres", "Beedrill", "Absol",
             "Beedrill δ", "Absol", "Pikachu"]  # fmt: skip
    hub.add_cards([(name, picture(seed)) for seed, name in enumerate(names)])
    told: list[tuple[int, int]] = []
    # Makes the libraries draw their bars although there is no terminal.
    monkeypatch.setenv("TQDM_POSITION", "-1")
    found = read_source(
        ImageSource(CARDS),
        CLASSES,
        downloads=tmp_path / "downloads",
        on_progress=lambda *counts: told.append(counts),
    )
    assert [image.label for image in found.images] == [
        "Absol", "Absol", "Absol G", "Beedrill δ", "Blaine's Moltres", "Celebi & Venusaur-GX",
    ]  # fmt: skip
    assert [image.path.read_bytes() for image in found.images] == [
        file_of(seed) for seed in (5, 7, 2, 6, 3, 0)
    ]
    assert all(image.digest == file_digest(image.path) for image in found.images)
    assert found.matched == (Matched("Blaine’s Moltres", "Blaine's Moltres", 1),)
    assert (found.other_labels, found.other_rows, found.empty_classes) == (3, 3, ())
    assert told == [(number, 6) for number in range(1, 7)]
    assert found.revision == COMMIT
    pictures = [f"/pictures/{number}.png" for number in (0, 2, 3, 5, 6, 7)]
    assert hub.asked_for_pictures() == pictures

    assert read(tmp_path, CARDS) == found
    assert read(tmp_path, f"{CARDS}@v1") == found
    asked = len(hub.requests)
    _go_offline(monkeypatch)
    assert read(tmp_path, CARDS) == found
    assert read(tmp_path, f"{CARDS}@{COMMIT}") == found
    with pytest.raises(InputError, match=f"'v1' .* is commit {COMMIT}"):
        read(tmp_path, f"{CARDS}@v1")
    assert hub.asked_for_pictures() == pictures
    assert len(hub.requests) == asked
    assert capfd.readouterr() == ("", "")


def test_images_in_the_table_are_kept_as_the_files_they_were(hub: Hub, tmp_path: Path) -> None:
    files = [file_of(1, "JPEG"), file_of(2), file_of(2), file_of(3, "WEBP"), b"no image", None]
    cells = [{"bytes": data, "path": f"{n}.jpg"} if data else None for n, data in enumerate(files)]
    hub.repositories["org/embedded"] = {
        "data/test-00000-of-00001.parquet": parquet(
            {"image": Image(), "label": ClassLabel(names=["Mew", "absol"])},
            image=cells,
            label=[1, 1, 1, 0, 1, 1],
        )
    }
    found = read(tmp_path, "org/embedded", ("Absol", "Golem"), data_split="test")
    assert [image.path.read_bytes() for image in found.images] == files[:3]
    assert found.images[1] == found.images[2]
    assert found.matched == (Matched("absol", "Absol", 3),)  # of five that are asked for
    assert [(skipped.where, skipped.reason[:12]) for skipped in found.skipped] == [
        ("org/embedded, row 4", "not an image"),
        ("org/embedded, row 5", "the data set"),
    ]
    assert (found.other_labels, found.other_rows) == (1, 1)
    assert found.nearest_labels == (Mismatch("Golem", ()),)
    kept = sorted(path for path in (tmp_path / "downloads").rglob("*") if path.is_file())
    assert len(kept) == 3  # row 1 = row 2, and nothing of other classes
    before = [path.stat().st_mtime_ns for path in kept]
    assert read(tmp_path, "org/embedded", ("Absol", "Golem"), data_split="test") == found
    assert [path.stat().st_mtime_ns for path in kept] == before


@pytest.mark.parametrize(
    "feature", [Value("binary"), {"bytes": Value("binary"), "path": Value("string")}]
)
def test_bytes_need_not_be_declared_as_images(hub: Hub, tmp_path: Path, feature: object) -> None:
    data = file_of(1)
    cell = data if isinstance(feature, Value) else {"bytes": data, "path": None}
    table = parquet({"image": feature, "label": Value("int64")}, image=[cell], label=[7])
    hub.repositories["org/plain"] = {"train.parquet": table}
    [image] = read(tmp_path, "org/plain", ("7", "8")).images
    assert image.path.read_bytes() == data


def test_addresses_may_be_declared_as_images(hub: Hub, tmp_path: Path) -> None:
    hub.pictures["/pictures/a.png"] = file_of(4)
    outside = tmp_path / "mine.png"
    outside.write_bytes(file_of(5))
    table = parquet(
        {"image": Image(decode=False), "label": Value("string")},
        image=[
            {"bytes": None, "path": f"{hub.url}/pictures/a.png"},
            {"bytes": file_of(6), "path": "https://127.0.0.1:1/is-in-the-table.png"},
            {"bytes": b"", "path": "x.png"},
        ],
        label=["Absol", "Absol", "Absol"],
    )
    hub.repositories["org/links"] = {"train.parquet": table}
    found = read(tmp_path, "org/links")
    assert [image.path.read_bytes() for image in found.images] == [file_of(4), file_of(6)]
    assert [skipped.where for skipped in found.skipped] == ["org/links, row 2"]


def test_a_table_cannot_name_files_of_this_machine(hub: Hub, tmp_path: Path) -> None:
    mine = tmp_path / "mine.png"
    mine.write_bytes(file_of(5))
    cache = Path(str(datasets.config.HF_DATASETS_CACHE))
    rows = f"image,label\n{mine},Absol\n{cache}/../../mine.png,Absol\nfile://{mine},Absol\n"
    hub.repositories["org/curious"] = {"train.csv": rows.encode()}
    with pytest.raises(InputError, match=r"left out: 3, .*neither an address nor a file of the"):
        read(tmp_path, "org/curious")


def test_a_repository_of_image_files_is_read(hub: Hub, tmp_path: Path) -> None:
    hub.repositories["org/folders"] = {
        "train/Absol/1.png": file_of(1),
        "train/Beedrill δ/2.png": file_of(2),
    }
    found = read(tmp_path, "org/folders")
    assert {image.label: image.path.read_bytes() for image in found.images} == {
        "Absol": file_of(1),
        "Beedrill δ": file_of(2),
    }

    assert found.revision == COMMIT


def test_a_conflict_names_the_rows_of_the_table(hub: Hub, tmp_path: Path) -> None:
    hub.repositories["org/folders"] = {
        "train/Absol/1.png": file_of(1),
        "train/Absol/2.png": file_of(2),
        "train/Absol/3.png": b"no image",
        "train/Beedrill δ/4.png": file_of(2),
    }
    found = read(tmp_path, "org/folders")
    assert [image.label for image in found.images] == ["Absol"]
    assert [(skipped.where, skipped.reason) for skipped in found.conflicting] == [
        (
            "org/folders, row 1",
            "same content as org/folders, row 3, which is labelled 'Beedrill δ'",
        ),
        ("org/folders, row 3", "same content as org/folders, row 1, which is labelled 'Absol'"),
    ]
    assert [skipped.where for skipped in found.skipped] == ["org/folders, row 2"]


def test_a_conflict_names_the_addresses(hub: Hub, tmp_path: Path) -> None:
    hub.add_cards([("Absol", picture(1)), ("Absol G", picture(1)), ("Absol", picture(2))])
    found = read(tmp_path, CARDS)
    urls = [f"{hub.url}/pictures/{number}.png" for number in range(2)]
    assert [(skipped.where, skipped.reason) for skipped in found.conflicting] == [
        (urls[0], f"same content as {urls[1]}, which is labelled 'Absol G'"),
        (urls[1], f"same content as {urls[0]}, which is labelled 'Absol'"),
    ]


def test_what_cannot_be_downloaded_is_not_counted(hub: Hub, tmp_path: Path) -> None:
    hub.add_cards([("ABSOL", picture(1)), ("ABSOL", picture(2)), ("absol g", picture(3)),
                   ("Beedrill δ", picture(4))])  # fmt: skip
    for number in (0, 2):
        del hub.pictures[f"/pictures/{number}.png"]
    found = read(tmp_path, CARDS)
    assert found.matched == (Matched("ABSOL", "Absol", 1), Matched("absol g", "Absol G", 0))


def test_columns_may_be_named_and_rows_may_lack_a_label(hub: Hub, tmp_path: Path) -> None:
    features = {
        "front": Image(),
        "back": Image(),
        "name": Value("string"),
        "kind": ClassLabel(names=["Absol", "Absol G"]),
    }
    cell = [{"bytes": file_of(seed), "path": None} for seed in range(3)]
    table = parquet(
        features, front=cell, back=cell[::-1], name=["Absol", None, "x"], kind=[1, -1, None]
    )
    hub.repositories["org/two"] = {"train.parquet": table}
    with pytest.raises(InputError, match="can't be told") as caught:
        read(tmp_path, "org/two")
    assert "front (Image), back (Image), name (string), kind (ClassLabel with 2 names)" in (
        caught.value.message
    )
    assert "--image-column" in caught.value.hint
    found = read(tmp_path, "org/two", image_column="back")
    assert [(i.label, i.path.read_bytes()) for i in found.images] == [("Absol G", file_of(2))]
    assert (found.other_labels, found.other_rows) == (0, 2)
    found = read(tmp_path, "org/two", image_column="front", label_column="name")
    assert [(i.label, i.path.read_bytes()) for i in found.images] == [("Absol", file_of(0))]


@pytest.mark.parametrize(
    ("columns", "says", "advises"),
    [
        ({"image_column": "picture"}, "has no column 'picture'", "--image-column"),
        ({"label_column": "kind"}, "has no column 'kind'", "--label-column"),
        ({"image_column": "hp"}, "'hp' of .* holds no images", "--image-column"),
        ({"label_column": "weight"}, "'weight' of .* holds no labels", "--label-column"),
        ({}, "which column of .* holds the labels", "--label-column"),
        ({"data_split": "test"}, "no split 'test', only train", "--data-split"),
        ({"label_column": "hp"}, "none of its 1 labels is the name of a class.*'60'", "--label"),
        ({"label_column": "empty"}, "'empty' of .* holds no labels", "--label-column"),
    ],
)
def test_what_is_asked_of_a_table_in_vain_is_explained(
    hub: Hub, tmp_path: Path, columns: dict[str, str], says: str, advises: str
) -> None:
    table = "image,name,hp,weight,empty\nhttp://127.0.0.1:1/x.png,Absol,60,1.5,\n"
    hub.repositories["org/odd"] = {"train.csv": table.encode()}
    with pytest.raises(InputError, match=says) as caught:
        read(tmp_path, "org/odd", **columns)
    assert "org/odd" in caught.value.message
    assert advises in caught.value.hint


@pytest.mark.parametrize(
    ("location", "says", "advises"),
    [
        ("org/missing", "no folder org/missing, and the Hugging Face hub has no", "hf auth login"),
        ("org/gated", "only to those who accepted its terms", "datasets/org/gated"),
        ("org/odd@v9", "no revision 'v9'", "Leave out"),
        ("org/script", "consists of a program, which is not run", "@refs/convert/parquet"),
        ("org/words", "cannot be loaded", "Parquet"),
        ("org/torn", "cannot be loaded", "Parquet"),
        ("org/several", "cannot be loaded", "Parquet"),
        ("org/a--b", "cannot be loaded: .*--", "Parquet"),
        ("org/-bad", "There is no folder org/-bad", "org/name"),
        ("nowhere", "There is no folder nowhere", "org/name"),
        ("a/b/c", "There is no folder a/b/c", "org/name"),
        ("./a/b", "There is no folder a/b", "org/name"),
        ("x" * 5000, "There is no folder", "org/name"),
        ("org/odd@", "There is no folder", "org/name@revision"),
    ],
)
def test_each_refusal_has_its_message(
    hub: Hub, tmp_path: Path, location: str, says: str, advises: str
) -> None:
    table = b"image,label\nhttp://127.0.0.1:1/x.png,Absol\n"
    configurations = b"---\nconfigs:\n- config_name: a\n  data_files: a.csv\n- config_name: b\n"
    hub.repositories |= {
        "org/odd": {"train.csv": table},
        "org/gated": {"README.md": b"# words", "train.csv": table},
        "org/script": {"script.py": b"import os; os._exit(3)"},
        "org/words": {"README.md": b"# words"},
        "org/torn": {"train.parquet": b"PAR1 and no more"},
        "org/several": {
            "README.md": configurations + b"  data_files: b.csv\n---\n",
            "a.csv": table,
            "b.csv": table,
        },
    }
    hub.gated.add("org/gated")
    with pytest.raises(InputError, match=says) as caught:
        read(tmp_path, location)
    assert advises in caught.value.hint
    assert caught.value.exit_code == 2


def test_without_a_network_the_message_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        _use(monkeypatch, f"http://127.0.0.1:{unused.getsockname()[1]}", tmp_path / "cache")
        # The library would try again for half a minute.
        monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", pytest.fail)
        with pytest.raises(
            InputError, match="not on this machine: the Hugging Face hub cannot be reached"
        ):
            read(tmp_path, "org/name")
    _go_offline(monkeypatch)
    with pytest.raises(InputError, match="not on this machine: HF_HUB_OFFLINE is set"):
        read(tmp_path, "org/name")


@pytest.mark.parametrize("status", [429, 503])
def test_a_hub_that_limits_requests_leaves_what_is_here(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    # The library would try again for half a minute.
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", pytest.fail)
    columns = {"image_column": "image_url", "label_column": "name"}
    hub.add_cards([("Absol", picture(1))], "org/here")
    read(tmp_path, "org/here", **columns)
    hub.refusing = status, "300"
    assert len(read(tmp_path, "org/here", **columns).images) == 1
    with pytest.raises(
        InputError, match=rf"limits requests \({status}\) and asks to wait 5 min 0 s\."
    ) as caught:
        read(tmp_path, "org/elsewhere")
    assert "Try again in 5 min 0 s" in caught.value.hint and "online" not in caught.value.hint


def test_a_private_data_set_is_read_with_a_token(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add_cards([("Absol", picture(1))], "org/private")
    hub.private.add("org/private")
    columns = {"image_column": "image_url", "label_column": "name"}
    with pytest.raises(InputError, match="no public data set"):
        read(tmp_path, "org/private", **columns)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert [image.label for image in read(tmp_path, "org/private", **columns).images] == ["Absol"]


def test_a_folder_wins_over_a_data_set_of_its_name(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / CARDS / "Absol"
    folder.mkdir(parents=True)
    picture(1).save(folder / "1.png")
    monkeypatch.chdir(tmp_path)
    assert [image.label for image in read(tmp_path, CARDS).images] == ["Absol"]
    assert hub.requests == []
    assert known_crop(CARDS) is None
    monkeypatch.chdir("/")
    assert known_crop(CARDS) == known_crop(f"{CARDS.lower()}@v1") == "pokemon-card"
    assert known_crop("org/other") is None
    assert known_crop("cards") is None
