"""The wheel: it carries its resources, and works where there is no checkout."""

import json
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# In a file's place: the target comes first, so that the installed checkout is not what is found.
FIND_RESOURCES = """
import json, sys
sys.path.insert(0, sys.argv[1])
import builder
from builder.resources import resource_folder
from builder.system.file import load_system_file
pokemon = load_system_file(resource_folder("systems") / "pokemon.json").system
print(json.dumps({
    "package": builder.__file__,
    "prompts": sorted(path.name for path in resource_folder("prompts").iterdir()),
    "systems": sorted(path.name for path in resource_folder("systems").iterdir()),
    "at": str(resource_folder("systems")),
    "classes": {"pokemon": pokemon.classes},
}))
"""


def run(*arguments: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run("-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


def shipped(folder: Path, *suffixes: str) -> set[str]:
    """Files under a folder of the checkout, from that folder on."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix in suffixes
    }


def test_the_wheel_holds_the_package_its_data_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    package = shipped(
        ROOT / "builder",
        *(".py", ".typed", ".safetensors", ".jsonl", ".json", ".txt", ".png", ".jpg"),
        *(".npz", ".md"),
        *(".css", ".js", ".j2"),
    )
    resources = {
        f"_resources/{folder}/{name}"
        for folder in ("prompts", "systems")
        for name in shipped(ROOT / folder, ".md", ".json")
    }
    expected = {
        "__main__.py",
        "py.typed",
        "report/style.css",
        "report/page.html.j2",
        "_resources/systems/pokemon.json",
    }
    assert expected <= package | resources
    assert names == {f"builder/{name}" for name in package | resources}


def test_its_metadata(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (info,) = {name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name}
        metadata = Parser().parsestr(archive.read(f"{info}/METADATA").decode())
        assert "cotbuild = builder.cli:main" in archive.read(f"{info}/entry_points.txt").decode()
        assert b"Apache License" in archive.read(f"{info}/licenses/LICENSE")
    assert (metadata["Name"], metadata["License-Expression"]) == ("cotbuild", "Apache-2.0")
    assert metadata["Requires-Python"] == ">=3.11"


def test_an_installed_wheel_finds_its_resources(wheel: Path, tmp_path: Path) -> None:
    target, elsewhere = tmp_path / "installed", tmp_path / "elsewhere"
    elsewhere.mkdir()
    pip = ("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile")
    run(*pip, "--target", target, wheel, cwd=elsewhere)
    found = json.loads(run("-I", "-c", FIND_RESOURCES, target, cwd=elsewhere))
    assert found["package"] == str(target / "builder" / "__init__.py")
    assert found["at"] == str(target / "builder" / "_resources" / "systems")
    assert set(found["prompts"]) == shipped(ROOT / "prompts", ".md")
    assert set(found["systems"]) == shipped(ROOT / "systems", ".md", ".json")
    assert len(found["classes"]["pokemon"]) == 16
