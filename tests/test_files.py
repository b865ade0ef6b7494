"""Files are written as a whole or not at all; commands that name them can be copied."""

import os
import shlex
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.files import command, replace_file


def test_text_and_bytes_replace_what_was_there_and_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.txt"
    replace_file(path, "é")
    assert path.read_bytes() == "é".encode()
    replace_file(path, b"\r\n")
    assert path.read_bytes() == b"\r\n"
    assert [found.name for found in path.parent.iterdir()] == ["b.txt"]


def test_nothing_is_left_of_what_could_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        replace_file(tmp_path / "folder", "in the way")
    with pytest.raises(UnicodeEncodeError):
        replace_file(tmp_path / "new", "\ud800")
    assert [found.name for found in tmp_path.iterdir()] == ["folder"]


@pytest.mark.skipif(os.name == "nt", reason="no permission bits")
def test_others_may_read_unless_it_is_private(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        replace_file(tmp_path / "own", "x", private=True)
        replace_file(tmp_path / "open", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "own").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "open").stat().st_mode) == 0o644


@given(st.lists(st.text()))
def test_a_shell_reads_a_command_as_it_was_meant(words: list[str]) -> None:
    assert shlex.split(command(*words)) == ["cotbuild", *words]


def test_a_path_is_written_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    assert command("log", here / "my [red] folder") == "cotbuild log 'my [red] folder'"
    assert command("log", here / "-x" / "y", "-o", "FILE") == "cotbuild log ./-x/y -o FILE"
    assert command("log", Path("-x")) == "cotbuild log ./-x"
    assert command("log", here) == "cotbuild log ."
    assert command("log", tmp_path) == f"cotbuild log {tmp_path}"


@pytest.mark.skipif(os.name == "nt", reason="the current folder can't be removed")
def test_a_path_is_written_whole_where_the_current_folder_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    here.rmdir()
    assert command("log", here / "s") == f"cotbuild log {here / 's'}"
