"""Folders of images: every file is used or accounted for, and never ends a run."""

import os
import unicodedata
from pathlib import Path

import pytest
from PIL import Image

from builder.data.folders import class_folder_name, read_images
from builder.data.images import file_digest
from builder.data.matching import Matched, Mismatch
from builder.errors import InputError


def draw(path: Path, shade: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (shade, 255 - shade, shade // 2)).save(path)
    return path


def test_images_are_listed_by_class_then_path_with_their_digests(tmp_path: Path) -> None:
    paths = [draw(tmp_path / name, i) for i, name in enumerate(["b/2.png", "b/1.jpg", "a/x/y.PNG"])]
    found = read_images(tmp_path, ["b", "a"])
    assert [(image.path, image.label) for image in found.images] == [
        (paths[1], "b"), (paths[0], "b"), (paths[2], "a")]  # fmt: skip
    assert all(image.digest == file_digest(image.path) for image in found.images)
    assert (found.skipped, found.empty_classes, found.unknown_folders) == ((), (), ())
    assert found.conflicting == ()


@pytest.mark.parametrize(
    "name", ["Beedrill δ", "[red]", '"x"', "Celebi & Venusaur-GX", "a/b", "Flabébé", "100%", ".net"]
)
def test_a_folder_is_found_by_the_exact_name_of_its_class(tmp_path: Path, name: str) -> None:
    folder = class_folder_name(name)
    draw(tmp_path / unicodedata.normalize("NFD", folder) / "1.png", 1)
    draw(tmp_path / "other" / "1.png", 2)
    found = read_images(tmp_path, ["other", name])
    assert [image.label for image in found.images] == ["other", name]


def test_every_mismatch_is_listed_with_the_nearest_names(tmp_path: Path) -> None:
    for folder in ("Venusaur", "bulbasaurus", "Celebi_Venusaur", "zzz", ".thumbnails"):
        draw(tmp_path / folder / "1.png", 1)
    found = read_images(tmp_path, ["Venusaur", "Bulbasaur", "Celebi/Venusaur-GX", "Mew"])
    assert found.unknown_folders == (
        Mismatch("Celebi_Venusaur", ("Celebi/Venusaur-GX", "Venusaur")),
        Mismatch("bulbasaurus", ("Bulbasaur",)),
        Mismatch("zzz", ()),
    )
    assert found.empty_classes == ("Bulbasaur", "Celebi/Venusaur-GX", "Mew")


def test_a_folder_that_can_mean_only_one_class_is_used_and_listed(tmp_path: Path) -> None:
    for number, folder in enumerate(("blaine’s  moltres", "ABSOL", "Mew", "mew", "Absol g")):
        draw(tmp_path / folder / "1.png", number)
    found = read_images(tmp_path, ["Blaine's Moltres", "Absol", "Mew"])
    assert found.matched == (
        Matched("ABSOL", "Absol", 1),
        Matched("blaine’s  moltres", "Blaine's Moltres", 1),
    )
    assert [m.name for m in found.unknown_folders] == ["Absol g", "mew"]
    assert [image.label for image in found.images] == ["Blaine's Moltres", "Absol", "Mew"]


def test_unusable_files_are_skipped_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5000)
    folder = tmp_path / "a"
    whole = draw(folder / "whole.jpg", 1)
    (folder / "cut.jpg").write_bytes(whole.read_bytes()[:-10])
    (folder / "empty.png").touch()
    (folder / "notes.txt").write_text("not an image")
    Image.new("RGB", (80, 80)).save(folder / "large.png")
    Image.new("RGB", (800, 800)).save(folder / "bomb.png")
    (folder / "broken.png").symlink_to("nowhere.png")
    os.mkfifo(folder / "pipe.png")
    (folder / ".hidden.png").touch()
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "x.png").touch()
    draw(tmp_path / "stray.png", 2)
    (tmp_path / "classes.txt").touch()
    found = read_images(tmp_path, ["a", "b"])
    assert [image.path.name for image in found.images] == ["whole.jpg"]
    reasons = {Path(skipped.where).name: skipped.reason for skipped in found.skipped}
    assert reasons.pop("cut.jpg").startswith("image file is truncated")
    assert reasons.pop("empty.png") == reasons.pop("notes.txt")
    assert reasons == {
        "large.png": "more than 0 million pixels, which may be a decompression bomb",
        "bomb.png": "more than 0 million pixels, which may be a decompression bomb",
        "broken.png": "not a regular file",
        "pipe.png": "not a regular file",
        "stray.png": "not inside a class's sub-folder",
    }
    assert found.empty_classes == ("b",)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read_is_skipped(tmp_path: Path) -> None:
    draw(tmp_path / "a" / "1.png", 1)
    draw(tmp_path / "a" / "2.png", 2).chmod(0)
    [skipped] = read_images(tmp_path, ["a", "b"]).skipped
    assert skipped.reason == "Permission denied"


def test_the_same_content_in_two_classes_is_a_conflict(tmp_path: Path) -> None:
    draw(tmp_path / "a" / "1.png", 1)
    draw(tmp_path / "b" / "2.png", 1)
    kept = [draw(tmp_path / "a" / "3.png", 3), draw(tmp_path / "a" / "4.png", 3)]
    found = read_images(tmp_path, ["a", "b"])
    assert [image.path for image in found.images] == kept
    assert [(Path(left.where).name, left.reason) for left in found.conflicting] == [
        ("1.png", f"same content as {tmp_path / 'b' / '2.png'}, which is labelled 'b'"),
        ("2.png", f"same content as {tmp_path / 'a' / '1.png'}, which is labelled 'a'"),
    ]
    assert found.empty_classes == ("b",)


def test_progress_counts_all_files(tmp_path: Path) -> None:
    for number in range(3):
        draw(tmp_path / "a" / f"{number}.png", number)
    (tmp_path / "a" / "x.txt").touch()
    calls: list[tuple[int, int]] = []
    read_images(tmp_path, ["a"], on_progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]


def _prepare(tmp_path: Path, kind: str) -> Path:
    folder = tmp_path / "images"
    if kind == "file":
        folder.touch()
    elif kind != "missing":
        folder.mkdir()
    if kind == "no match":
        for name in ("Bulbasuar", "zzz"):
            draw(folder / name / "1.png", 1)
    elif kind == "no folders":
        draw(folder / "1.png", 1)
    elif kind == "no files":
        (folder / "Bulbasaur").mkdir()
    elif kind == "no image":
        (folder / "Bulbasaur").mkdir()
        (folder / "Bulbasaur" / "1.png").write_bytes(b"broken")
    elif kind == "only conflicts":
        draw(folder / "Bulbasaur" / "1.png", 1)
        draw(folder / "Mew" / "2.png", 1)
    return folder


@pytest.mark.parametrize(
    ("kind", "says", "advises"),
    [
        ("missing", "cannot be read: No such file", "one sub-folder of images per class"),
        ("file", "cannot be read: Not a directory", "one sub-folder of images per class"),
        ("empty", "found no sub-folder", "exactly like its"),
        ("no match", r"found 'Bulbasuar' \(nearest: 'Bulbasaur'\), 'zzz'", "exactly like its"),
        ("no folders", "found no sub-folder", "one level up or down"),
        ("no files", "hold no files", "sub-folder of its name"),
        ("no image", r"left out: 1, .*1\.png: not an image", "JPEG"),
        ("only conflicts", "left out: 2, .*same content", "JPEG"),
    ],
)
def test_a_folder_without_usable_images_has_one_clear_message(
    tmp_path: Path, kind: str, says: str, advises: str
) -> None:
    folder = _prepare(tmp_path, kind)
    with pytest.raises(InputError, match=says) as caught:
        read_images(folder, ["Bulbasaur", "Mew"])
    assert str(folder) in caught.value.message
    assert advises in caught.value.hint
    assert caught.value.exit_code == 2


def test_classes_that_would_share_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'a/b' and 'a_b'") as caught:
        read_images(tmp_path, ["a/b", "a_b"])
    assert "Rename" in caught.value.hint
