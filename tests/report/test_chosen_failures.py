"""The choice of wrong images: some of each cell, the worst first, within bounds."""

import numpy as np
import pytest

from builder.report import chosen_failures as module
from builder.report.chosen_failures import PER_CELL, Failures, failures
from builder.scoring.score import Scores
from tests.report.sample import World, system_of

WORLD = World(system_of(("a", "b", "c"), 3, 3), 200, 1.2)


def found(world: World = WORLD) -> tuple[Failures, Scores]:
    scores = world.evaluator.score(world.system, "review")
    return failures(scores, world.system), scores


def test_every_wrong_image_is_in_the_cell_of_its_classes() -> None:
    chosen, scores = found()
    assert chosen.count == int((~scores.correct).sum()) > 0
    for cell in chosen.cells:
        there = (scores.labels == cell.row) & (scores.predictions == cell.column)
        assert cell.count == there.sum()
        assert all(there[case.index] for case in cell.cases)
        margins = [case.margin for case in cell.cases]
        assert margins == sorted(margins, reverse=True)
    assert [c.count for c in chosen.cells] == sorted((c.count for c in chosen.cells), reverse=True)
    assert sum(cell.count for cell in chosen.cells) == chosen.count


def test_of_each_cell_a_few_are_shown_and_the_worst_come_first() -> None:
    chosen, _ = found()
    assert any(cell.count > PER_CELL for cell in chosen.cells)
    assert all(len(cell.cases) == min(PER_CELL, cell.count) for cell in chosen.cells)
    margins = [case.margin for _, case in chosen.worst]
    assert margins == sorted(margins, reverse=True)
    assert len(margins) == chosen.shown < chosen.count


def test_a_page_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CASES", PER_CELL + 1)
    chosen, _ = found()
    assert [len(cell.cases) for cell in chosen.cells[:3]] == [PER_CELL, 1, 0]
    assert chosen.shown == PER_CELL + 1


def test_images_of_classes_that_are_not_there_are_only_counted() -> None:
    scores = WORLD.evaluator.score(WORLD.system, "review")
    labels = np.where(scores.labels == 0, -1, scores.labels)
    strangers = Scores(
        scores.classes, labels, scores.totals, scores.predictions, 0, scores.probabilities
    )
    chosen = failures(strangers, WORLD.system)
    assert chosen.unknown == int((labels < 0).sum())
    assert all(cell.row for cell in chosen.cells)
