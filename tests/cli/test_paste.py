"""A whole session through a chat window: every answer is carried by hand, no key, no network."""

import json
import sys

import pytest

from builder.session.journal import TRANSCRIPT, read_state
from tests.cli.conftest import CLASSES, GROUPS, RULES, Job, cotbuild, failed, lines_of
from tests.cli.test_terminal import Terminal

SYSTEM = {
    "classification_groups": {group["name"]: group for group in GROUPS["groups"]},
    "creature_rules": RULES,
}
EDIT = {"kind": "rename_option", "group": "form", "option": "a wolf", "to": "a white wolf"}
PROPOSALS = {"proposals": [{"reason": "its coat", "edits": [EDIT]}]}


def paste(terminal: Terminal, answer: str) -> None:
    terminal.sees("Answer to")
    terminal.sees("in the editor")
    terminal.types("p")
    terminal.sees("ends it")
    terminal.types(f"\x1b[200~{answer}\n\x1b[201~.\r")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_draft_correction_review_and_resume(job: Job) -> None:
    terminal = Terminal("new", *job.flags(), "--llm", "paste")
    paste(terminal, "Sure! Which classes do you mean?")
    terminal.sees("That answer cannot be used as it stands")
    terminal.sees("There is no JSON and no Python dictionary in it")
    paste(terminal, f"Here:\n```python\nsystem = {SYSTEM!r}\n```")
    # The proposals of round 1.
    paste(terminal, json.dumps(PROPOSALS, indent=2))
    terminal.sees("Round 1")
    terminal.sees("quit")
    terminal.types("q")
    terminal.sees("cotbuild resume")
    assert terminal.ends() == 0

    state = read_state(job.session)
    assert state.system is not None and state.system.classes == CLASSES
    prompt = (job.session / "prompt.txt").read_text(encoding="utf-8")
    assert "Propose at most" in prompt
    kept = [line["purpose"] for line in lines_of(job.session / TRANSCRIPT)]
    assert kept == ["draft system"] * 2 + ["draft groups", "draft rules 1/1", "revise"]

    replay = ["--llm", f"replay:{job.session / TRANSCRIPT}"]
    others = [*job.flags(), "--out", job.folder / "second", *replay, "--auto", "--rounds", 1]
    result = cotbuild("new", *others)
    assert result.exit_code == 0, result.output
    assert read_state(job.folder / "second").steps[0] == state.steps[0]


def test_nobody_is_there_to_carry_prompts(job: Job) -> None:
    failed(cotbuild("new", *job.flags(), "--llm", "paste", "--auto"), 2, "terminal", "--llm")
    assert not job.session.exists()
