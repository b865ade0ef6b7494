"""Help is quick: it loads none of the heavy libraries."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "transformers", "datasets", "openai", "instructor", "questionary")
REPORT = """
import atexit, sys

def report():
    loaded = sorted({name.split(".")[0] for name in sys.modules})
    print("LOADED", *loaded, file=sys.stderr)

atexit.register(report)
"""
AS_MODULE = 'import runpy; runpy.run_module("builder", run_name="__main__", alter_sys=True)'
AS_COMMAND = "from builder.cli import main; sys.exit(main())"


def loaded_by(code: str, *arguments: str) -> tuple[str, set[str]]:
    """What a fresh interpreter prints, and the packages it has loaded at its end."""
    done = subprocess.run(
        [sys.executable, "-c", f"{REPORT}\n{code}", *arguments],
        capture_output=True,
        encoding="utf-8",
        cwd=Path(__file__).resolve().parent.parent,
        timeout=60,
        check=True,
    )
    return done.stdout, set(done.stderr.split("LOADED")[-1].split())


@pytest.mark.parametrize("code", [AS_MODULE, AS_COMMAND])
def test_help_loads_no_heavy_library(code: str) -> None:
    printed, loaded = loaded_by(code, "--help")
    assert "Usage" in printed
    assert "builder" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_importing_the_package_loads_nothing() -> None:
    _, loaded = loaded_by("import builder")
    assert "builder" in loaded
    assert loaded.isdisjoint({*HEAVY, "numpy", "pydantic", "rich"})


def test_the_test_would_see_a_heavy_library() -> None:
    _, loaded = loaded_by("import questionary")
    assert "questionary" in loaded
