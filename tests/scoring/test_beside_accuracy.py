import numpy as np
import pytest

from builder.scoring.beside_accuracy import beside_accuracy, worth_telling
from builder.scoring.score import Scores
from builder.scoring.statistics import class_mean
from builder.scoring.wording import beside
from tests.chance import chance


def scored(labels: list[str]) -> Scores:
    """Scores by chance of images of these classes."""
    names = tuple(dict.fromkeys(labels))
    totals = chance(5).normal(size=(len(labels), len(names))).astype(np.float32)
    known = np.array([names.index(label) for label in labels])
    return Scores(names, known, totals, totals.argmax(axis=1), 0, ())


@pytest.mark.parametrize(
    ("images", "names"),
    [
        ([2] * 20, []),
        ([2, *[4] * 19], []),
        ([2] * 21, ["mean over classes", "among the best five"]),
        ([2, *[5] * 10], ["mean over classes", "among the best five"]),
        ([2, *[5] * 9], ["mean over classes"]),
    ],
    ids=["even", "twice as many", "many", "uneven", "few"],
)
def test_more_is_told_where_classes_are_uneven_or_many(images: list[int], names: list[str]) -> None:
    labels = [f"class {index}" for index, n in enumerate(images) for _ in range(n)]
    scores = scored(labels)
    found = beside_accuracy(scores.correct, labels, scores)
    assert list(found) == names
    for name, part in found.items():
        best = float(scores.among_best(5).mean())
        assert part == (best if "best" in name else class_mean(scores.correct, labels))
    # Which images are right, as a journal has it, tells nothing of second places.
    assert list(beside_accuracy(scores.correct, labels)) == names[:1]


def test_without_images_there_is_nothing_to_tell() -> None:
    assert beside_accuracy(np.zeros(0, bool), ()) == {}


def test_they_are_told_in_one_line() -> None:
    found = {"mean over classes": 0.4814, "among the best five": 1.0}
    assert beside(found) == "mean over classes 48.1 %, among the best five 100.0 %"
    assert beside({}) == ""


def test_more_than_an_accuracy_is_worth_telling_where_classes_are_uneven_or_many() -> None:
    assert worth_telling([], 30) == ()
    assert worth_telling([*map(str, range(20))] * 2, 30) == ()
    assert worth_telling([*map(str, range(21))], 21) == ("class_mean", "among_best_5")
    assert worth_telling([*"aaab"], 11) == ("class_mean", "among_best_5")
    # Of ten, half are among the best five whatever they are.
    assert worth_telling([*"aaab"], 10) == ("class_mean",)
