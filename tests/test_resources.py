"""The shipped folders."""

import json
from pathlib import Path

import pytest

from builder import resources
from builder.errors import CotbuildError
from builder.resources import resource_folder
from builder.system.file import GENERAL, load_system_file, write_system_file


def test_a_checkout_s_folders_are_found() -> None:
    root = Path(__file__).resolve().parent.parent
    assert resource_folder("prompts") == root / "prompts"
    assert resource_folder("systems") == root / "systems"


def test_every_shipped_system_is_sound_and_in_its_written_form() -> None:
    folder = resource_folder("systems")
    files = [path for path in folder.glob("*.json") if ".schema" not in path.name]
    shipped = [path for path in files if path.name != GENERAL]
    assert [path.name for path in shipped] == ["pokemon.json"]
    for path in shipped:
        assert write_system_file(load_system_file(path)) == path.read_text(encoding="utf-8")


def test_the_examples_in_the_page_on_system_files_are_sound(tmp_path: Path) -> None:
    page = (resource_folder("systems") / "README.md").read_text(encoding="utf-8")
    blocks = [block for block in page.split("\n\n") if block.startswith("    {")]
    assert len(blocks) == 2
    for block in blocks:
        path = tmp_path / "example.json"
        path.write_text(json.dumps(json.loads(block)), encoding="utf-8")
        assert load_system_file(path).system.classes == ("Arvo", "Brill")


def test_a_stranger_s_folder_beside_the_package_is_not_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "prompts").mkdir()
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "builder")
    with pytest.raises(CotbuildError, match="missing from this installation"):
        resource_folder("prompts")
