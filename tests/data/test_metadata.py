"""Folders with metadata.csv or metadata.jsonl: each line is used or accounted for."""

import json
from pathlib import Path

import pytest
from PIL import Image

from builder.data.matching import Matched, Mismatch
from builder.data.sources import ImageSource, read_source
from builder.errors import InputError

CLASSES = ["Absol", "Beedrill δ"]


def draw(path: Path, shade: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (shade, 255 - shade, shade // 2)).save(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(("1.png", "2.png", "deep/3.png")):
        draw(tmp_path / "images" / name, number)
    return tmp_path / "images"


def read(folder: Path, class_names: list[str] = CLASSES, **columns: str):
    source = ImageSource(str(folder), **columns)
    return read_source(source, class_names, downloads=folder.parent / "downloads")


def as_csv(rows: list[dict[str, str]]) -> bytes:
    names = list(rows[0])
    lines = [",".join(names), *(",".join(f'"{row[name]}"' for name in names) for row in rows)]
    return "\r\n".join(lines).encode()


def as_json_lines(rows: list[dict[str, str]]) -> bytes:
    return "\n\n".join(json.dumps(row) for row in rows).encode()


@pytest.mark.parametrize(
    ("name", "written"), [("metadata.csv", as_csv), ("metadata.jsonl", as_json_lines)]
)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_lines_label_files(folder: Path, name: str, written, mark: bytes) -> None:
    rows = [
        {"file_name": "2.png", "label": "Beedrill δ", "text": "a, b"},
        {"file_name": "deep/3.png", "label": "absol", "text": ""},
        {"file_name": "./1.png", "label": "Beedrill δ", "text": ""},
    ]
    (folder / name).write_bytes(mark + written(rows))
    draw(folder / "Absol" / "4.png", 9)  # the file decides, not the folders
    told: list[tuple[int, int]] = []
    found = read_source(
        ImageSource(str(folder)),
        CLASSES,
        downloads=folder.parent / "downloads",
        on_progress=lambda *counts: told.append(counts),
    )
    assert [(image.path, image.label) for image in found.images] == [
        (folder / "deep" / "3.png", "Absol"),
        (folder / "2.png", "Beedrill δ"),
        (folder / "1.png", "Beedrill δ"),
    ]
    assert found.matched == (Matched("absol", "Absol", 1),)
    assert (found.skipped, found.conflicting, found.empty_classes) == ((), (), ())
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert not (folder.parent / "downloads" / "images").exists()


def test_columns_may_be_named(folder: Path) -> None:
    lines = [{"path": "1.png", "kind": 7}, {"path": "2.png", "kind": 8}]
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    found = read(folder, ["7", "8"], image_column="path", label_column="kind")
    assert [image.label for image in found.images] == ["7", "8"]


def test_lines_that_cannot_be_used_are_skipped_with_the_reason(folder: Path) -> None:
    outside = draw(folder.parent / "outside.png", 50)
    (folder / "broken.png").write_bytes(b"no image")
    draw(folder / "twin.png", 1)  # the same content as 2.png
    (folder / "metadata.csv").write_text(
        "file_name,label\n1.png,Absol\n1.png,Absol\n./1.png,Absol\nabsent.png,Absol\n"
        f"../outside.png,Absol\n{outside},Absol\ndeep/../../outside.png,Absol\n,Absol\n"
        "broken.png,Absol\n2.png,Absol\ntwin.png,Beedrill δ\ndeep,Absol\n"
        "deep/3.png,\nno.png,Mew\nno.png,Mewtwo\nno.png,Mew\ndeep/3.png\n"
    )
    found = read(folder)
    assert [image.path for image in found.images] == [folder / "1.png"]
    where = f"{folder / 'metadata.csv'}, line "
    reasons = {skipped.where.removeprefix(where): skipped.reason for skipped in found.skipped}
    assert reasons == {
        "3": "the same image as on line 2",
        "4": "the same image as on line 2",
        "5": "there is no file 'absent.png'",
        "6": "'../outside.png' is not inside the folder",
        "7": f"'{outside}' is not inside the folder",
        "8": "'deep/../../outside.png' is not inside the folder",
        "9": "no file is named",
        str(folder / "broken.png"): "not an image, or of a format that is not supported",
        "13": "there is no file 'deep'",
    }
    assert [conflict.where for conflict in found.conflicting] == [
        str(folder / "2.png"),
        str(folder / "twin.png"),
    ]
    assert (found.other_labels, found.other_rows) == (2, 5)
    assert found.empty_classes == ("Beedrill δ",)
    assert found.nearest_labels == ()


def test_one_file_with_two_labels_is_a_conflict(folder: Path) -> None:
    (folder / "metadata.csv").write_text(
        "file_name,label\n1.png,Absol\n1.png,Beedrill δ\n2.png,Absol\n"
    )
    found = read(folder)
    assert [image.path.name for image in found.images] == ["2.png"]
    assert [conflict.reason for conflict in found.conflicting] == [
        "also labelled 'Beedrill δ'",
        "also labelled 'Absol'",
    ]
    assert found.revision == ""


@pytest.mark.parametrize("name", ["a" * 300 + ".png", "a/" * 3000 + "1.png", "1.png/x", "\ud800"])
def test_a_name_that_no_file_can_have_is_skipped(folder: Path, name: str) -> None:
    rows = [{"file_name": name, "label": "Absol"}, {"file_name": "1.png", "label": "Absol"}]
    (folder / "metadata.jsonl").write_bytes(as_json_lines(rows))
    found = read(folder)
    assert [image.path.name for image in found.images] == ["1.png"]
    assert [skipped.where for skipped in found.skipped] == [f"{folder / 'metadata.jsonl'}, line 1"]
    assert 0 < len(found.skipped[0].reason) < 100


def test_columns_without_a_name_are_no_matter(folder: Path) -> None:
    (folder / "metadata.csv").write_text("file_name,label,,\n1.png,Absol,,\n")
    assert len(read(folder).images) == 1


def test_spellings_that_contradict_each_other_are_told(folder: Path) -> None:
    (folder / "metadata.csv").write_text(
        "file_name,label\n1.png,ABSOL\n2.png,absol\ndeep/3.png,Beedrill δ\n"
        "2.png,BEEDRILL δ\n2.png,Beedrill\n"
    )
    found = read(folder)
    assert [image.label for image in found.images] == ["Beedrill δ"]
    assert found.empty_classes == ("Absol",)
    assert found.nearest_labels == (
        Mismatch("Absol", ("ABSOL", "absol")),
        Mismatch("Beedrill δ", ("BEEDRILL δ",)),
    )
    assert (found.other_labels, found.other_rows) == (4, 4)


def test_a_class_without_a_label_is_told_what_is_near(folder: Path) -> None:
    (folder / "metadata.csv").write_text(
        "file_name,label\n1.png,Absol\n2.png,Beedrill\n2.png,Beedrill d\nx.png,zzz\n"
    )
    found = read(folder)
    assert found.nearest_labels == (Mismatch("Beedrill δ", ("Beedrill d", "Beedrill")),)
    assert (found.other_labels, found.other_rows) == (3, 3)


@pytest.mark.parametrize(
    ("name", "content", "says", "advises"),
    [
        ("metadata.csv", b"", "names no image", "file_name"),
        ("metadata.csv", b"file_name,label\n", "names no image", "file_name"),
        ("metadata.csv", b"file,label\n1.png,Absol", "no column 'file_name', only 'file', 'label'",
         "--image-column"),
        ("metadata.csv", b"file_name,label,label\n1.png,Absol,Mew", "two columns .* 'label'",
         "rename"),
        ("metadata.jsonl", b'{"file_name": "1.png", "label": "Absol", "label": "Mew"}',
         "line 1 has two values of the name 'label'", "rename"),
        ("metadata.jsonl", b"{}", "names no image", "file_name"),
        ("metadata.csv", b"file_name,kind\n1.png,Absol", "no column 'label'", "--label-column"),
        ("metadata.csv", b'file_name,label\n1.png,"Absol\n', "line 2: ", "quotes"),
        ("metadata.csv", b"file_name,label\n1.png,M\xe9w\n", "byte 0xe9 on line 2", "UTF-8"),
        ("metadata.csv", b"file_name,label\n1.png,Absool\n", "none of its 1 labels .*'Absool'",
         "--label-column"),
        ("metadata.csv", b"file_name,label\n1.png,zzz\n", "The most frequent: 'zzz'", "--label"),
        ("metadata.csv", b"file_name,label\n1.png,\n", "labels no image", "--label-column"),
        ("metadata.csv", b"file_name,label\nno.png,Absol\n", "no usable image; .*line 2: there",
         "JPEG"),
        ("metadata.jsonl", b"", "names no image", "file_name"),
        ("metadata.jsonl", b'{"file_name": "1.png", "label": "Absol"}\n\n{"a"\n',
         "line 3 is not JSON", "file_name"),
        ("metadata.jsonl", b"[" * 100_000, "line 1 is not JSON", "file_name"),
        ("metadata.jsonl", b"[1]\n", "line 1 holds no JSON object", "label"),
        ("metadata.jsonl", b'{"file_name": ["1.png"], "label": "Absol"}', "no file is named", ""),
        ("metadata.jsonl", b'{"file_name": "1.png", "label": {}}', "labels no image", "--label"),
    ],
)  # fmt: skip
def test_a_bad_file_has_one_clear_message(
    folder: Path, name: str, content: bytes, says: str, advises: str
) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(InputError, match=says) as caught:
        read(folder)
    assert str(folder / name) in caught.value.message
    assert advises in caught.value.hint


def test_flags_that_mean_nothing_here_are_refused(folder: Path) -> None:
    (folder / "metadata.csv").write_text("file_name,label\n1.png,Absol\n")
    with pytest.raises(InputError, match="only data sets have splits"):
        read(folder, data_split="train")
    (folder / "metadata.jsonl").write_text("{}")
    with pytest.raises(InputError, match=r"both metadata\.csv and metadata\.jsonl"):
        read(folder)
    (folder / "metadata.csv").unlink()
    (folder / "metadata.jsonl").unlink()
    with pytest.raises(InputError, match=r"no metadata\.csv or metadata\.jsonl"):
        read(folder, label_column="kind")


def test_a_folder_without_such_a_file_is_read_by_its_sub_folders(tmp_path: Path) -> None:
    draw(tmp_path / "images" / "Absol" / "1.png", 1)
    found = read(tmp_path / "images")
    assert [image.label for image in found.images] == ["Absol"]
