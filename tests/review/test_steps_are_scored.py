"""Whatever scores a step of a session asks the evaluator for that step first."""

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import builder
from builder.edits.apply import apply
from builder.edits.model import RenameClass
from builder.edits.renames import Renames
from builder.review.view import AcceptHelpful, Decide, EndRound, Export, Rescore, TryRules
from builder.scoring.evaluator import Evaluator
from builder.session.export import calibration_of, export_file, exported
from builder.session.records import Exported
from builder.session.state import Step
from builder.system.model import Scoring
from tests.review.test_loop import (
    CELEBI,
    DRAFTED,
    HARM,
    REPAIR,
    Proposal,
    Quit,
    ScriptedDrafter,
    ScriptedReviewer,
    events,
    final_state,
    records,
)
from tests.worlds import DRAFT, evaluator

RENAME = Proposal(edits=(RenameClass(class_name=CELEBI, to="Celebi"),), source="person")
LOG = Scoring(rule="log", name_prior=0.5)


def only_for_a_step(method: Callable[..., Any]) -> Callable[..., Any]:
    def checked(self: Evaluator, *args: Any) -> Any:
        assert self.labelled is not None, f"{method.__name__} without for_step"
        return method(self, *args)

    return checked


def test_nothing_is_scored_but_for_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("score", "increments", "scoring_of"):
        monkeypatch.setattr(Evaluator, name, only_for_a_step(getattr(Evaluator, name)))
    with pytest.raises(AssertionError, match="without for_step"):
        evaluator().score(DRAFT, "review")

    renamed = [Decide(RENAME, "accepted"), Rescore(LOG), AcceptHelpful(), EndRound()]
    reviewer = ScriptedReviewer([*renamed, TryRules(7), Export(), Quit()])
    found = events(reviewer, ScriptedDrafter([(HARM, REPAIR)]), evaluator(), before=[DRAFTED])
    state = final_state(found)
    for view in reviewer.views:
        assert view.findings
        assert view.findings.groups
    assert calibration_of(state, evaluator()) is None  # too few images
    assert exported(state, evaluator(), "out.json").final
    file = export_file(
        state,
        created="2026-01-01T00:00:00Z",
        cotbuild="0",
        encoder=None,
        labels={},
        calibration=None,
        baselines={},
        final=None,
        evaluator=evaluator(),
    )
    assert file.scoring == LOG
    assert any(isinstance(record, Exported) and record.final for record in records(found))


def test_images_are_identified_by_their_own_labels_and_a_step_can_follow_a_step() -> None:
    judge = evaluator()
    one = judge.for_step(called("Celebi"), None)
    other = one.for_step(called("Other"), LOG)
    assert (one.images, one.final_images) == (judge.images, judge.final_images)
    assert other.images != judge.images
    assert "Celebi" in one.splits["review"].labels
    assert {"Other"} == set(other.splits["final"].labels) - set(judge.splits["final"].labels)


def called(name: str) -> Step:
    edits = (RenameClass(class_name=CELEBI, to=name),)
    return Step(apply(DRAFT, edits), None, Renames().after(edits))


def test_a_system_that_was_never_measured_is_exported_under_its_names() -> None:
    renamed = events(
        ScriptedReviewer([Decide(REPAIR, "accepted"), Decide(RENAME, "accepted"), Quit()]),
        before=[DRAFTED],
    )
    record = exported(final_state(renamed), evaluator(), "out.json")
    assert (record.version, record.final) == (0, "1" * 9)


# What may be asked of a session's evaluator that is for no step; a draft has no names yet.
STEPLESS = {"for_step", "baselines", "splits", "held_out_images"}
DRAFTS = {"first_draft.py"}
SCORED = {"Review", "measure", "try_rules", "shuffled_null"}
PACKAGE = Path(builder.__file__).parent


@pytest.mark.parametrize(
    "path",
    [path for room in ("cli", "review", "search") for path in (PACKAGE / room).glob("*.py")],
)
def test_a_sessions_evaluator_is_asked_for_a_step_first(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and is_sessions(node.value):
            assert node.attr in STEPLESS, node.lineno
        scored = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if scored and node.func.id in SCORED and path.name not in DRAFTS:
            assert not any(map(is_sessions, node.args)), node.lineno


def is_sessions(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "evaluator"
