"""The demo from end to end on a small deck, with its real encoder and recorded replies."""

import re
import shutil
from pathlib import Path

import pytest

from builder.demo.recorded import RECORDING
from builder.llm import transcript
from builder.llm.replay import ReplayDrafter
from builder.llm.revising import REVISE, RevisionReply
from builder.llm.schemas import CLASS_NAME, GROUP_NAME, OPTION_NAME
from builder.llm.strict_schemas import with_names
from builder.resources import resource_folder
from builder.session.journal import read_state
from builder.system.file import load_system_file
from tests.cli.conftest import cotbuild, failed

DIFFERS = "this request differs from the one that was recorded"


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
    # The draft does not hang on the images. Where it differs, a prompt, a schema or a class has
    # changed: record the demo's replies again.
    said = " ".join(result.stderr.split())
    assert "draft groups: recorded reply" in said
    assert "draft rules 1/1: recorded reply" in said
    # The revisions do, and these are fewer than the recorded ones.
    assert f"revise: {DIFFERS}" in said
    assert "Round 1" in result.stdout
    state = read_state(out / "session")
    assert state.started.llm == f"replay:{RECORDING}"
    failed(cotbuild("demo", "--auto", "--out", out), 5, "already holds", "cotbuild resume")


def test_a_changed_template_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prompts = tmp_path / "prompts"
    shutil.copytree(resource_folder("prompts"), prompts)
    with (prompts / "rules.en.md").open("a", encoding="utf-8") as template:
        template.write("Take your time.\n")
    monkeypatch.setattr("builder.llm.prompts.resource_folder", lambda _: prompts)
    result = cotbuild("demo", "--auto", "--out", tmp_path / "demo")
    assert result.exit_code == 0, result.output
    said = " ".join(result.stderr.split())
    assert "draft groups: recorded reply" in said
    assert f"draft rules 1/1: {DIFFERS}" in said
    assert "draft rules 1/1: recorded reply" not in said


def test_the_recording_says_where_it_comes_from() -> None:
    drafter = ReplayDrafter(RECORDING, print)
    assert drafter.label in ("recorded", "scripted")
    assert drafter.about


def test_the_revisions_were_asked_for_with_this_template_and_schema() -> None:
    """The figures in them may differ on another processor; all that stands around them may not."""
    template = (resource_folder("prompts") / "revise.en.md").read_text(encoding="utf-8")
    around = [part.strip() for part in re.split(r"\{\{.*?\}\}", template)]
    exchanges = transcript.read(RECORDING).exchanges
    asked = [exchange for exchange in exchanges if exchange.purpose == REVISE]
    assert asked
    for exchange in asked:
        (message,) = exchange.messages
        assert [part for part in around if part not in message["content"]] == []
        # But for the names in it: those of the system as it was then.
        defined = exchange.reply_schema["$defs"]
        names = {title: defined[title]["enum"] for title in (GROUP_NAME, CLASS_NAME, OPTION_NAME)}
        assert exchange.reply_schema == with_names(RevisionReply.model_json_schema(), names)
