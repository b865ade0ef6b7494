"""Which files a name on the command line stands for."""

import os
from pathlib import Path

import pytest

from builder.data.folders import files_named
from builder.data.images import Skipped

FILES = (
    "b.png",
    "a.PNG",
    "notes.txt",
    "[red].png",
    "r.png",
    ".hidden.png",
    "two/δ 1.jpg",
    "two/deep/x.webp",
    "two/deep/read me.md",
    ".git/y.png",
    "one/z.gif",
    "empty/notes.txt",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


ALL = ["[red].png", "a.PNG", "b.png", "r.png", "one/z.gif", "two/δ 1.jpg", "two/deep/x.webp"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("b.png", ["b.png"]),
        ("./b.png", ["./b.png"]),
        ("notes.txt", ["notes.txt"]),
        ("missing.png", ["missing.png"]),
        (".hidden.png", [".hidden.png"]),
        (".", ALL),
        ("two", ["two/δ 1.jpg", "two/deep/x.webp"]),
        ("two/", ["two/δ 1.jpg", "two/deep/x.webp"]),
        ("*.png", ["[red].png", "b.png", "r.png"]),
        ("?.png", ["b.png", "r.png"]),
        # A name that exists is no pattern, though r.png would match it.
        ("[red].png", ["[red].png"]),
        ("[r].png", ["r.png"]),
        ("[[]red].png", ["[red].png"]),
        ("t*", ["two/deep/x.webp", "two/δ 1.jpg"]),
        ("*/*.jpg", ["two/δ 1.jpg"]),
        ("two/**/*", ["two/deep/x.webp", "two/δ 1.jpg"]),
        ("**", sorted(ALL)),
        ("**/*.gif", ["one/z.gif"]),
        ("x" * 5000, ["x" * 5000]),
        ("nul\0.png", ["nul\0.png"]),
        ("", [""]),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_a_name_stands_for(name: str, found: list[str]) -> None:
    assert list(files_named(name)) == found


@pytest.mark.parametrize("name", ["empty", "*.tif", "no/such/**", "*" + "x" * 5000])
@pytest.mark.usefixtures("folder")
def test_a_name_that_stands_for_nothing_is_said(name: str) -> None:
    (found,) = files_named(name)
    assert isinstance(found, Skipped)
    assert found.where == name
    assert found.reason


def test_whole_paths_work(folder: Path) -> None:
    assert list(files_named(str(folder / "o*"))) == [str(folder / "one" / "z.gif")]
    assert list(files_named(str(folder / "one"))) == [str(folder / "one" / "z.gif")]


def test_a_name_that_is_no_unicode(folder: Path) -> None:
    name = os.fsdecode(b"two/caf\xe9.png")
    (folder / name).touch()
    assert name in list(files_named("two"))
