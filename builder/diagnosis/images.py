"""The images behind a number: what each group saw in them, against what the rules say.

Everything is read off scores; nothing is scored again. All functions raise ValueError for scores
that are not the system's, and for the name of a class that it does not know.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from builder.diagnosis.confusions import group_evidence
from builder.scoring.score import Floats, GroupRules, Indices, Scores
from builder.system.model import AttributeSystem, Choice


@dataclass(frozen=True, slots=True)
class Seen:
    """What one group of K options says of one image. Probabilities are in [0, 1].

    ruled: what the rule of the image's class says; () for nothing. p_ruled: the mean probability of
    those options, which is what the group adds to the class's total; 1/K where the rule says
    nothing, None where the class has no rules. seen: the likeliest option. of_predicted,
    p_predicted: as `ruled` and `p_ruled`, of the predicted class.
    """

    group: str
    ruled: Choice
    p_ruled: float | None
    seen: str
    p_seen: float
    of_predicted: Choice
    p_predicted: float

    @property
    def misled(self) -> bool:
        """Whether the group speaks more for the predicted class than for the true one."""
        return self.p_ruled is not None and self.p_predicted > self.p_ruled


@dataclass(frozen=True, slots=True)
class Case:
    """One image: `index` is its row of the scores.

    label: its class, None if that has no rules. margin: how far the best total of another class is
    above that of its own, at most 0 if it is classified correctly; None without a label.
    """

    index: int
    label: str | None
    predicted: str
    margin: float | None
    groups: tuple[Seen, ...]

    @property
    def correct(self) -> bool:
        return self.label == self.predicted


@dataclass(frozen=True, slots=True)
class Changed:
    """Images that a change makes right, as they were before it, and wrong, as they are after."""

    fixed: tuple[Case, ...]
    broken: tuple[Case, ...]


def wrong_cases(
    scores: Scores, system: AttributeSystem, limit: int | None = None
) -> tuple[Case, ...]:
    """At most `limit` wrongly classified images: the worst first, those without a label last."""
    return _cases(scores, system, ~scores.correct, limit)


def pair_cases(
    scores: Scores, system: AttributeSystem, first: str, second: str
) -> tuple[Case, ...]:
    """The images of either class that are taken for the other, the worst first."""
    a, b = (scores.classes.index(name) for name in (first, second))
    there = (scores.labels == a) & (scores.predictions == b)
    back = (scores.labels == b) & (scores.predictions == a)
    return _cases(scores, system, there | back)


def class_cases(scores: Scores, system: AttributeSystem, name: str) -> tuple[Case, ...]:
    """All images of one class, the worst first, the safest last."""
    return _cases(scores, system, scores.labels == scores.classes.index(name))


def changed_cases(
    before: Scores, system: AttributeSystem, after: Scores, changed: AttributeSystem
) -> Changed:
    """The images that `changed` makes right or wrong, scored on the same images as `system`."""
    if before.n != after.n:
        raise ValueError(f"{before.n} images before, {after.n} after: not the same images")
    return Changed(
        fixed=_cases(before, system, after.correct & ~before.correct),
        broken=_cases(after, changed, before.correct & ~after.correct),
    )


def _cases(
    scores: Scores, system: AttributeSystem, which: NDArray[np.bool_], limit: int | None = None
) -> tuple[Case, ...]:
    """The images where `which` [n] is True, the largest margin first; equal ones stay in order."""
    evidence = group_evidence(scores, system)
    images = np.flatnonzero(which)
    margins = _margins(scores, images)
    order = np.argsort(-margins, kind="stable")[:limit]
    images, margins = images[order], margins[order]
    labels, predictions = scores.labels[images], scores.predictions[images]
    # Per group, what it saw in each image; turned into what each image's groups saw.
    seen = zip(
        *(_seen(system, name, p[images], rule, labels, predictions) for name, p, rule in evidence),
        strict=True,
    )
    return tuple(
        Case(
            index=index,
            label=None if label < 0 else scores.classes[label],
            predicted=scores.classes[prediction],
            margin=None if label < 0 else margin,
            groups=groups,
        )
        for index, label, prediction, margin, groups in zip(
            images.tolist(), labels.tolist(), predictions.tolist(), margins.tolist(), seen,
            strict=True,
        )
    )  # fmt: skip


def _margins(scores: Scores, images: Indices) -> Floats:
    """The best total of another class minus that of the label's [m]; -inf without a label."""
    labels, rows = scores.labels[images], np.arange(len(images))
    totals = scores.totals[images]
    own = totals[rows, labels]
    totals[rows, labels] = -np.inf
    margins: Floats = np.where(labels >= 0, totals.max(axis=1) - own, np.float32(-np.inf))
    return margins


def _seen(
    system: AttributeSystem,
    name: str,
    p: Floats,
    rule: GroupRules,
    labels: Indices,
    predictions: Indices,
) -> list[Seen]:
    """What the group of that name, with probabilities [m, K], says of each of m images."""
    options = system.group(name).options
    choices = [rules[name] for rules in system.rules.values()]
    ruled, predicted = (
        (p * rule.weights[rule.of_class[classes]]).sum(axis=1) for classes in (labels, predictions)
    )
    likeliest = p.argmax(axis=1)
    return [
        Seen(
            group=name,
            ruled=choices[label] if label >= 0 else (),
            p_ruled=p_ruled if label >= 0 else None,
            seen=options[option],
            p_seen=p_seen,
            of_predicted=choices[prediction],
            p_predicted=p_predicted,
        )
        for label, p_ruled, option, p_seen, prediction, p_predicted in zip(
            labels.tolist(), ruled.tolist(), likeliest.tolist(), p.max(axis=1).tolist(),
            predictions.tolist(), predicted.tolist(), strict=True,
        )
    ]  # fmt: skip
