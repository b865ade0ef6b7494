"""The confusion matrix, its order, and the evidence behind a cell."""

import re

import numpy as np
import pytest

from builder.diagnosis.confusions import ClassReport
from builder.report import confusions as module
from builder.report.confusions import confusion_counts, shown_classes, worst_first
from builder.report.page import drawn
from builder.system.model import AttributeGroup, make_system
from tests.report.sample import World, small_world, system_of
from tests.report.test_templates import Reader


def test_the_counts_are_those_of_the_images() -> None:
    world = World(system_of(("a", "b", "c"), 3, 3), 60, 1.2)
    scores = world.evaluator.score(world.system, "review")
    counts = confusion_counts(scores)
    assert counts.sum() == scores.n
    assert np.trace(counts) == scores.correct.sum()
    for row in range(3):
        for column in range(3):
            there = (scores.labels == row) & (scores.predictions == column)
            assert counts[row, column] == there.sum()


def test_a_class_without_images_is_not_the_worst() -> None:
    counts = {"none": (0, 0), "all": (4, 4), "few": (5, 1), "fewer": (3, 0), "no": (6, 0)}
    reports = [ClassReport(name, n, right, ()) for name, (n, right) in counts.items()]
    assert [each.name for each in worst_first(reports)] == ["no", "fewer", "few", "all", "none"]


def alternating() -> World:
    """Classes of two kinds, in turn; between the kinds nothing is alike."""
    group = AttributeGroup(name="kind", prompt="A {}.", options=("one", "other"))
    rules = {f"c{n}": {"kind": group.options[n % 2]} for n in range(6)}
    return World(make_system("thing", [group], rules), 10, 0.1)


def test_similar_classes_stand_side_by_side() -> None:
    world = alternating()
    counts = confusion_counts(world.evaluator.score(world.system, "review"))
    order = shown_classes(counts, world.system)
    assert sorted(order) == list(range(6))
    assert np.count_nonzero(np.diff([place % 2 for place in order])) == 1


def test_of_very_many_classes_the_most_confused_are_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LARGEST", 2)
    counts = np.array([[5, 0, 0], [0, 3, 2], [0, 1, 4]])
    assert sorted(shown_classes(counts, system_of(("a", "b", "c"), 2, 2))) == [1, 2]


def test_a_cell_leads_to_its_images_and_their_evidence() -> None:
    contents = small_world().contents()
    assert contents.measured
    made = drawn("confusions", measured=contents.measured)
    cell = contents.measured.failures.cells[0]
    names = contents.system.classes
    assert f'<a href="#{cell.id}">{cell.count}</a>' in made
    panel = re.findall(rf'<section id="{cell.id}".*?</section>', made, flags=re.S)
    panel = panel or re.findall(rf'<section [^>]*id="{cell.id}".*?</section>', made, flags=re.S)
    text = Reader(panel[0]).text
    assert f"{names[cell.row]} taken for {names[cell.column]}" in text
    seen = cell.cases[0].groups[0]
    assert f"{seen.seen} {100 * seen.p_seen:.0f}\u00a0%" in text
    assert panel[0].count("<img ") == len(cell.cases)
    assert panel[0].count('<tr class="misled">') == text.count(" misled")
