"""What is taken for what: the counts, the order of the classes, and the tables below the map."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from builder.diagnosis.confusions import ClassReport, ConfusedPair
from builder.report.ordering import similar_side_by_side
from builder.report.tables import Column
from builder.scoring.score import Scores, group_rules
from builder.scoring.wording import accuracy_interval, percent
from builder.system.model import AttributeSystem

# A larger map can't be read, and makes the page slow.
LARGEST = 120
_LISTED = 3


def worst_first(reports: Sequence[ClassReport]) -> list[ClassReport]:
    """Classes by accuracy; of equals those with more images first, those without any last."""
    return sorted(reports, key=lambda report: (not report.n, report.accuracy, -report.n))


def confusion_counts(scores: Scores) -> NDArray[np.intp]:
    """[C, C] images of the row's class that went to the column's."""
    size = len(scores.classes)
    known = scores.labels >= 0
    pairs = scores.labels[known] * size + scores.predictions[known]
    return np.bincount(pairs, minlength=size * size).reshape(size, size)


def shown_classes(counts: NDArray[np.intp], system: AttributeSystem) -> tuple[int, ...]:
    """The classes of the map, similar ones side by side: what is confused, or ruled alike.

    Of very many classes those with the most confusions.
    """
    errors = counts + counts.T
    np.fill_diagonal(errors, 0)
    chosen = np.sort(np.argsort(-errors.sum(axis=1), kind="stable")[:LARGEST])
    alike = np.mean(
        [rule.of_class[chosen][:, None] == rule.of_class[chosen] for rule in group_rules(system)],
        axis=0,
    )
    between = errors[np.ix_(chosen, chosen)]
    sizes = np.maximum(1, counts.sum(axis=1)[chosen])
    confused = between / np.minimum(sizes[:, None], sizes)
    order = similar_side_by_side(confused + alike)
    return tuple(int(chosen[place]) for place in order)


def percentage(p: float) -> int:
    """A probability as it is shown."""
    return round(100 * p)


def _counts(items: Sequence[tuple[str, int]]) -> str:
    shown = ", ".join(f"{name} {count}" for name, count in items[:_LISTED])
    return f"{shown}, …" if len(items) > _LISTED else shown


def _correct(report: ClassReport) -> str:
    return f"{report.correct} of {report.n}" if report.n else "no images"


PAIRS: tuple[Column[ConfusedPair], ...] = (
    Column("classes", lambda pair: f"{pair.first} ↔ {pair.second}"),
    Column("images", lambda pair: str(pair.count), number=True),
    Column("what tells them apart (50 % is a coin)", ConfusedPair.verdict),
)
CLASSES: tuple[Column[ClassReport], ...] = (
    Column("class", lambda each: each.name),
    Column("correct", _correct, number=True),
    Column("accuracy", lambda each: percent(each.correct, each.n), number=True),
    Column("95 % interval", lambda each: accuracy_interval(each.correct, each.n), number=True),
    Column("taken for", lambda each: _counts(each.mistaken_for)),
    Column(
        "misled by", lambda each: _counts([(m.group, m.images) for m in each.misleading_groups])
    ),
)
