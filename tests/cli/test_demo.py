"""The demo from end to end on a small deck, with its real encoder and recorded replies."""

from pathlib import Path

import pytest

from builder.demo.recorded import RECORDING
from builder.llm.replay import ReplayDrafter
from builder.session import read_state
from builder.system_file import load_system_file
from tests.cli.conftest import cotbuild, failed


@pytest.fixture(autouse=True)
def small_deck(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.demo.cards.CARDS_PER_CLASS", 4)


def test_the_demo_runs_to_an_exported_system(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    result = cotbuild("demo", "--auto", "--out", out)
    assert result.exit_code == 0, result.output
    file = load_system_file(out / "session" / "export.json")
    assert file.provenance is not None
    assert file.provenance.encoder is not None
    assert file.provenance.encoder.name == "miniature"
    held_out = file.provenance.accuracy["held_out"]
    names = file.provenance.baselines["name"]["held_out"]
    assert held_out.correct > names.correct
    assert "toy encoder" in result.stderr
    assert "recorded" in result.stderr
    assert "Round 1" in result.stdout
    state = read_state(out / "session")
    assert state.started.llm == f"replay:{RECORDING}"
    failed(cotbuild("demo", "--auto", "--out", out), 5, "already holds", "cotbuild resume")


def test_the_recording_says_where_it_comes_from() -> None:
    drafter = ReplayDrafter(RECORDING, print)
    assert drafter.label in ("recorded", "scripted")
    assert drafter.about
