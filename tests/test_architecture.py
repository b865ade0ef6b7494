"""Which part may import which: the pure core knows no shell, and no shell knows another."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "builder"

# A room is a file or a folder of the package. A new one must be listed, with what it may import.
CORE = {
    "errors": "",
    "system": "",
    "statistics": "",
    "calibration": "system_file",
    "strict_json": "system",
    "system_json": "strict_json system",
    "article": "errors strict_json system system_json",
    "system_text": "errors strict_json system system_json",
    "system_file": "article errors strict_json system system_json",
    "group_library": "strict_json system system_file system_json",
    "components": "errors strict_json system system_json",
    "checks": "system",
    "edits": "system",
    "applying": "edits errors system",
    "differing": "applying edits system",
    "renaming": "applying differing edits system",
    "describing": "applying edits errors system",
    "rebasing": "applying describing edits system",
    "proposal_json": "edits errors strict_json system",
    "records": "edits locking statistics system system_file",
    "figures": "statistics system",
    "scoring": "system",
    "predicting": "calibration scoring system system_file",
    "fitting": "scoring system",
    "diagnosis": "scoring statistics system",
    "null_test": "diagnosis scoring system",
    "information": "scoring system",
    "leaving_out": "scoring statistics system",
    "group_report": "information null_test statistics",
    "group_measures": "diagnosis group_report information leaving_out null_test scoring "
    "statistics system",
    "idle": "diagnosis edits group_report null_test scoring system",
    "suggestions": "diagnosis edits idle scoring statistics system",
    "cases": "scoring system",
    "changes": "scoring system",
    "increments": "changes scoring statistics system",
    "questions": "scoring system",
    "smallest_set": "applying edits scoring statistics system",
    "locking": "edits system",
    "state": "edits locking records system system_file",
    "acts": "applying edits locking records state system",
    "history": "acts records state",
    "stopping": "state",
    "progress": "lineage records state statistics",
    "lineage": "applying differing edits errors state system",
    "chronicle": "edits history lineage locking records state system",
    "requests": "diagnosis edits system",
    "referee": "errors increments scoring system system_file",
    "controls": "scoring system",
    "near_duplicates": "referee system_file",
    "exporting": "calibration ladder records referee state statistics system system_file",
    "findings": "acts applying diagnosis edits group_measures group_report increments records referee scoring "
    "scoring_rules state statistics system",
    "ladder": "figures state statistics",
    "reviewing": "applying edits findings locking records scoring scoring_rules state statistics "
    "stopping system",
    "rule_totals": "scoring system",
    "optimising": "edits increments locking records referee rule_totals scoring system",
    "greedy": "applying differing edits locking optimising records rule_totals scoring system",
    "first_rules": "greedy optimising scoring system",
    "shuffled_labels": "applying locking optimising records referee system",
    "scoring_rules": "fitting referee scoring statistics system",
    "targeting": "describing diagnosis findings records requests state system",
    "loop": "applying edits errors exporting findings history idle locking records referee "
    "requests reviewing state statistics stopping suggestions system targeting",
}
SHELLS = {
    "resources": "errors system system_file",
    "prompting": "errors resources",
    "gepa_search": "differing edits errors optimising requests system",
    "evolved_groups": "components gepa_search locking optimising",
    "evolved_prompt": "errors gepa_search optimising system",
    "llm": "applying diagnosis edits errors prompting requests system",
    # The vector cache opens the images that it lacks.
    "encoders": "data errors",
    "data": "errors",
    "owner": "",
    "session": "chronicle errors history owner records state",
    "terminal": " ".join(CORE),
    "report": " ".join(CORE),
    "demo": "encoders errors resources system",
}
WIRING = {
    "api": " ".join([*CORE, *SHELLS]).replace("terminal", ""),
    "cli": " ".join([*CORE, *SHELLS]) + " api __init__",
    # The public names, imported when they are used.
    "__init__": "api",
    "__main__": "cli",
}
ROOMS = {room: frozenset(allowed.split()) for room, allowed in (CORE | SHELLS | WIRING).items()}
CORE_LIBRARIES = frozenset({"pydantic", "numpy", "yaml"})
# The only places in which a library is imported at all.
PLACES = {
    "yaml": ("system_text.py",),
    "gepa": ("gepa_search.py",),
    "questionary": ("terminal/ask.py", "terminal/ask_lists.py"),
    "prompt_toolkit": ("terminal/ask.py", "terminal/ask_lists.py"),
    "rich": ("terminal/", "cli/screen.py"),
    "rich_pixels": ("terminal/pictures.py",),
    "textual_image": ("terminal/pictures.py",),
    "typer": ("cli/",),
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
    if room in CORE:
        found += [f"{room} -> {library}" for library in sorted(libraries - CORE_LIBRARIES)]
    for library in sorted(libraries & set(PLACES)):
        if not source.startswith(PLACES[library]):
            found.append(f"{source} -> {library}")
    return found


def test_every_room_is_listed() -> None:
    assert {room_of(source) for source in SOURCES} <= set(ROOMS)


@pytest.mark.parametrize("source", SOURCES)
def test_no_arrow_runs_back(source: str) -> None:
    assert violations((PACKAGE / source).read_text(encoding="utf-8"), source) == []


def test_the_core_is_free_of_circles() -> None:
    placed: set[str] = set()
    while ready := {room for room in CORE if room not in placed and ROOMS[room] <= placed}:
        placed |= ready
    assert placed == set(CORE)


@pytest.mark.parametrize(
    ("source", "text", "found"),
    [
        ("edits.py", "from builder.system import Name\nimport json", []),
        ("edits.py", "import builder.scoring", ["edits -> scoring"]),
        ("edits.py", "from builder import scoring", ["edits -> scoring"]),
        ("edits.py", "from . import scoring", ["edits -> scoring"]),
        ("edits.py", "from builder import __version__", ["edits -> __init__"]),
        ("edits.py", "import builder", ["edits -> __init__"]),
        ("edits.py", "def f():\n    import PIL.Image", ["edits -> PIL"]),
        ("encoders/a.py", "from ..terminal import ask", ["encoders -> terminal"]),
        ("encoders/a.py", "from .protocol import Encoder\nimport torch", []),
        ("llm/a.py", "from builder.cli import main", ["llm -> cli"]),
        ("system_file.py", "import yaml", ["system_file.py -> yaml"]),
        ("terminal/menu.py", "from questionary import Style", ["terminal/menu.py -> questionary"]),
        ("demo/deck.py", "import torch.nn", ["demo/deck.py -> torch"]),
    ],
)
def test_the_test_finds_each_kind_of_import(source: str, text: str, found: list[str]) -> None:
    assert violations(text, source) == found
