"""Which part may import which: the pure core knows no shell, and no shell knows another."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "builder"

_ROW = re.compile(r"^\| `(\w+)` \| [^|]+ \| ([^|]*)\|$", re.MULTILINE)
# The map that people read: room -> the rooms that it may import.
MAP = dict(_ROW.findall((PACKAGE / "README.md").read_text(encoding="utf-8")))
PURE = list(MAP)[: list(MAP).index("search") + 1]
# The public names, imported when they are used, and `python -m builder`.
ROOMS = {
    room: frozenset(MAP) | {"__init__"} if "everything" in allowed else frozenset(allowed.split())
    for room, allowed in MAP.items()
} | {"__init__": frozenset({"api"}), "__main__": frozenset({"cli"})}
# What touches the disk, or a library of its own, within a pure room.
SHELLS = frozenset({"session/journal.py", "search/gepa.py"})
CORE_LIBRARIES = frozenset({"pydantic", "numpy", "yaml"})
# The only places in which a library is imported at all.
PLACES = {
    "yaml": ("system/yaml_text.py",),
    "gepa": ("search/gepa.py",),
    "questionary": ("terminal/ask.py", "terminal/ask_lists.py"),
    "prompt_toolkit": ("terminal/ask.py", "terminal/ask_lists.py"),
    "rich": ("terminal/", "cli/screen.py"),
    "rich_pixels": ("terminal/pictures.py",),
    "textual_image": ("terminal/pictures.py",),
    "typer": ("cli/",),
    "jinja2": ("report/page.py",),
    "openai": ("llm/",),
    "instructor": ("llm/",),
    "torch": ("encoders/", "demo/train.py"),
    "transformers": ("encoders/", "demo/train.py"),
}
SOURCES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


def room_of(source: str) -> str:
    return source.split("/")[0].removesuffix(".py")


def imported(text: str, source: str) -> Iterator[str]:
    """Dotted names of all modules that a file imports, inside functions too."""
    package = ["builder", *source.split("/")[:-1]]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            module = ".".join([*above, *(node.module or "").split(".")]).strip(".")
            # `from builder import scoring` names a room only in its second half.
            yield from (f"{module}.{alias.name}" for alias in node.names)


def rooms_and_libraries(text: str, source: str) -> tuple[set[str], set[str]]:
    """The other rooms of the package, and the libraries beyond Python's own, that it imports."""
    rooms, libraries = set(), set()
    for name in imported(text, source):
        first, _, rest = name.partition(".")
        if first == "builder":
            room = rest.split(".")[0]
            rooms.add(room if room in {*ROOMS, *map(room_of, SOURCES)} else "__init__")
        elif first not in sys.stdlib_module_names:
            libraries.add(first)
    return rooms - {room_of(source)}, libraries


def violations(text: str, source: str) -> list[str]:
    room = room_of(source)
    rooms, libraries = rooms_and_libraries(text, source)
    found = [f"{room} -> {other}" for other in sorted(rooms - ROOMS[room])]
    if room in PURE and source not in SHELLS:
        found += [f"{room} -> {library}" for library in sorted(libraries - CORE_LIBRARIES)]
    for library in sorted(libraries & set(PLACES)):
        if not source.startswith(PLACES[library]):
            found.append(f"{source} -> {library}")
    return found


def test_the_map_lists_every_room_and_no_other() -> None:
    assert {room_of(source) for source in SOURCES} == set(ROOMS)


def test_what_the_map_says_to_open_is_there() -> None:
    named = re.findall(r"`((?:\w+/)+\w+\.py)`", (PACKAGE / "README.md").read_text("utf-8"))
    assert len(named) > 20
    assert [path for path in named if path not in SOURCES] == []


@pytest.mark.parametrize("source", SOURCES)
def test_no_arrow_runs_back(source: str) -> None:
    assert violations((PACKAGE / source).read_text(encoding="utf-8"), source) == []


def test_the_rooms_are_free_of_circles_and_listed_from_the_ground_up() -> None:
    order = list(MAP)
    for room, allowed in MAP.items():
        if allowed.strip() != "everything":
            assert all(order.index(other) < order.index(room) for other in allowed.split()), room


@pytest.mark.parametrize(
    ("source", "text", "found"),
    [
        ("edits/a.py", "from builder.system.model import Name\nimport json", []),
        ("edits/a.py", "import builder.scoring.score", ["edits -> scoring"]),
        ("edits/a.py", "from builder import scoring", ["edits -> scoring"]),
        ("edits/a.py", "from .. import scoring", ["edits -> scoring"]),
        ("edits/a.py", "from builder import __version__", ["edits -> __init__"]),
        ("edits/a.py", "import builder", ["edits -> __init__"]),
        ("edits/a.py", "def f():\n    import PIL.Image", ["edits -> PIL"]),
        ("encoders/a.py", "from ..terminal import ask", ["encoders -> terminal"]),
        ("encoders/a.py", "from .protocol import Encoder\nimport torch", []),
        ("llm/a.py", "from builder.cli import main", ["llm -> cli"]),
        ("system/file.py", "import yaml", ["system/file.py -> yaml"]),
        ("terminal/menu.py", "from questionary import Style", ["terminal/menu.py -> questionary"]),
        ("demo/deck.py", "import torch.nn", ["demo/deck.py -> torch"]),
    ],
)
def test_the_test_finds_each_kind_of_import(source: str, text: str, found: list[str]) -> None:
    assert violations(text, source) == found


def test_no_file_imports_itself_by_way_of_others() -> None:
    modules = {source.removesuffix(".py").replace("/", ".") for source in SOURCES}
    waiting = {
        source.removesuffix(".py").replace("/", "."): {
            part
            for name in imported((PACKAGE / source).read_text(encoding="utf-8"), source)
            for part in (
                name.removeprefix("builder."),
                name.removeprefix("builder.").rpartition(".")[0],
            )
            if part in modules
        }
        for source in SOURCES
    }
    while ready := {name for name, others in waiting.items() if not others & set(waiting)}:
        waiting = {name: others for name, others in waiting.items() if name not in ready}
    assert sorted(waiting) == []
