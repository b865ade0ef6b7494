"""From vectors to class scores: every image against every phrase, then the rules.

Per group, p = softmax(scale * cosine) over its options. A class's total over the groups is

    sum   sum of p of its option                  (one matrix product)
    log   sum of log p of its option

with the mean of the probabilities where a rule names several options, and the group's mean 1/K
where it names none. Naming all K options says as much as naming none: it is scored the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from builder.system import AttributeSystem, Choice, Scoring

Floats = NDArray[np.float32]
Indices = NDArray[np.intp]

# Class totals are made and ranked this many at a time, which bounds the memory beside the results.
_BLOCK = 1 << 22


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What a system, or the bare names, make of n images.

    classes: C names, in the order of the system's rules.
    labels: [n] index into `classes`; -1 for a class that isn't scored (counts as wrong).
    totals: [n, C], the higher the better. predictions: [n], the best total; ties go to class order.
    ties: number of images whose best total is shared by two or more classes.
    probabilities: per group [n, K], rows sum to 1; () for a baseline of names.
    """

    classes: tuple[str, ...]
    labels: Indices
    totals: Floats
    predictions: Indices
    ties: int
    probabilities: tuple[Floats, ...]

    @property
    def n(self) -> int:
        return len(self.labels)

    @property
    def correct(self) -> NDArray[np.bool_]:
        """[n], True where the prediction is the label."""
        correct: NDArray[np.bool_] = self.predictions == self.labels
        return correct

    @property
    def accuracy(self) -> float:
        """Fraction of correct images, in [0, 1]; 0 when there are none."""
        return float(self.correct.mean()) if self.n else 0.0


def score(
    system: AttributeSystem,
    images: Floats,
    phrases: Floats,
    labels: Sequence[str],
    *,
    scoring: Scoring,
    logit_scale: float,
) -> Scores:
    """Scores of L2-normalised images [n, d] against the vectors [Q, d] of `system.phrases()`.

    `logit_scale` is the encoder's own, used unless `scoring.scale` is set. Raises ValueError when
    shapes do not fit or vectors hold non-finite numbers.
    """
    similar = cosines(images, phrases)
    return score_cosines(system, similar, labels, scoring=scoring, logit_scale=logit_scale)


def cosines(images: Floats, phrases: Floats) -> Floats:
    """Cosines [n, Q] of L2-normalised images [n, d] and phrases [Q, d]."""
    # Phrases come first in memory: the softmax then runs over whole rows of images.
    product = np.asarray(phrases, np.float32) @ np.asarray(images, np.float32).T
    return np.asarray(product).T


def score_cosines(
    system: AttributeSystem,
    similar: Floats,
    labels: Sequence[str],
    *,
    scoring: Scoring,
    logit_scale: float,
) -> Scores:
    """`score` from cosines [n, Q], which stay the same when only rules or class names change."""
    similar = np.asarray(similar, np.float32)
    expected = (len(labels), sum(len(group.options) for group in system.groups))
    if similar.shape != expected:
        raise ValueError(f"expected cosines of shape {expected}, got {similar.shape}")
    scale = _scale(scoring, logit_scale)
    bounds = group_slices(system)
    rules = group_rules(system)
    p, log_p = _softmax(similar.T, scale, bounds, log=scoring.rule == "log")
    first, which = _distinct(np.stack([rule.of_class for rule in rules], axis=1))
    if scoring.rule == "sum":
        features = p
        weights = np.hstack([rule.weights[rule.of_class[first]] for rule in rules])
    else:
        features = _log_means(log_p, rules, bounds)
        weights = np.hstack([_one_hot(rule.of_class[first], len(rule.weights)) for rule in rules])
    totals, predictions, ties = _rank(features, weights, first, which)
    return Scores(
        classes=system.classes,
        labels=label_indices(system.classes, labels),
        totals=totals,
        predictions=predictions,
        ties=ties,
        probabilities=tuple(p[columns].T for columns in bounds),
    )


def option_scores(similar: Floats, *, scoring: Scoring, logit_scale: float) -> Floats:
    """p (rule "log": log p) of one group's options [K, n] from their cosines [K, n]."""
    log = scoring.rule == "log"
    p, log_p = _softmax(similar, _scale(scoring, logit_scale), [slice(None)], log=log)
    return log_p if log else p


def choice_score(options: Floats, chosen: Indices, *, scoring: Scoring) -> Floats:
    """What a choice adds to a class's total [n], from `option_scores` [K, n] of its group.

    `chosen` [k] are the positions of its options: all of them where the choice names none.
    """
    if scoring.rule == "log":
        return _log_mean(options, chosen)
    return np.asarray(options[chosen[0]] if len(chosen) == 1 else options[chosen].mean(axis=0))


def score_names(
    classes: Sequence[str], images: Floats, names: Floats, labels: Sequence[str]
) -> Scores:
    """The baseline: each image [n, d] goes to the class whose name [C, d] has the highest cosine.

    Raises ValueError when shapes do not fit or vectors hold non-finite numbers.
    """
    images, names = np.asarray(images, np.float32), np.asarray(names, np.float32)
    if len(names) != len(classes) or len(images) != len(labels):
        raise ValueError(
            f"{len(names)} name vectors for {len(classes)} classes, "
            f"{len(images)} image vectors for {len(labels)} labels"
        )
    first, which = _distinct(names)
    totals, predictions, ties = _rank(images.T, names[first], first, which)
    return Scores(
        classes=tuple(classes),
        labels=label_indices(classes, labels),
        totals=totals,
        predictions=predictions,
        ties=ties,
        probabilities=(),
    )


def label_indices(classes: Sequence[str], labels: Sequence[str]) -> Indices:
    """[n] position of each label in `classes`; -1 where it is not among them."""
    index = {name: position for position, name in enumerate(classes)}
    return np.array([index.get(label, -1) for label in labels], dtype=np.intp)


def group_slices(system: AttributeSystem) -> tuple[slice, ...]:
    """Per group, its columns among the Q phrases of the system."""
    ends = np.cumsum([len(group.options) for group in system.groups]).tolist()
    return tuple(slice(start, end) for start, end in zip([0, *ends], ends, strict=False))


@dataclass(frozen=True, slots=True, eq=False)
class GroupRules:
    """One group's part of the rules: U distinct choices among its K options, and who makes which.

    weights: [U, K], rows sum to 1: 1/k on each of the k options chosen (on all K if none is).
    of_class: [C] row of `weights` of each class.
    """

    weights: Floats
    of_class: Indices


def group_rules(system: AttributeSystem) -> tuple[GroupRules, ...]:
    """Per group, the distinct choices of the rules as weights, in order of first appearance."""
    rules = []
    columns = zip(*(choices.values() for choices in system.rules.values()), strict=True)
    for group, choices in zip(system.groups, columns, strict=True):
        codes: dict[Choice, int] = {}
        of_class = [codes.setdefault(chosen or group.options, len(codes)) for chosen in choices]
        weights = np.zeros((len(codes), len(group.options)), np.float32)
        position = {option: index for index, option in enumerate(group.options)}
        for chosen, code in codes.items():
            weights[code, [position[option] for option in chosen]] = 1 / len(chosen)
        rules.append(GroupRules(weights, np.array(of_class, np.intp)))
    return tuple(rules)


def _softmax(
    similar: Floats, scale: float, bounds: Sequence[slice], *, log: bool
) -> tuple[Floats, Floats]:
    """p [Q, n] of each group's options, from cosines [Q, n], and with `log` their logs.

    Neither overflows, and no log is -inf: it never passes through a probability that underflowed.
    """
    p = similar * np.float32(scale)
    log_p = np.empty(p.shape if log else (0, p.shape[1]), np.float32)
    for columns in bounds:
        part = p[columns]
        part -= part.max(axis=0)
        if log:
            log_p[columns] = part
        np.exp(part, out=part)
        normaliser = part.sum(axis=0)
        part /= normaliser
        if log:
            log_p[columns] -= np.log(normaliser)
    return p, log_p


def _log_means(log_p: Floats, rules: Sequence[GroupRules], bounds: Sequence[slice]) -> Floats:
    """Log of the mean probability of every group's distinct choices, [sum of U, n]."""
    rows = []
    for rule, columns in zip(rules, bounds, strict=True):
        options = log_p[columns]
        rows += [_log_mean(options, np.flatnonzero(weights)) for weights in rule.weights]
    return np.stack(rows)


def _log_mean(log_p: Floats, chosen: Indices) -> Floats:
    """Log of the mean probability of the chosen options [n], from log p [K, n]."""
    if len(chosen) == 1:
        return np.asarray(log_p[chosen[0]])
    total = np.logaddexp.reduce(log_p[chosen], axis=0)
    return np.asarray(total - np.float32(np.log(len(chosen))))


def _scale(scoring: Scoring, logit_scale: float) -> float:
    return logit_scale if scoring.scale is None else scoring.scale


def _one_hot(positions: Indices, size: int) -> Floats:
    hot: NDArray[np.bool_] = positions[:, None] == np.arange(size)
    return hot.astype(np.float32)


def _distinct(rows: NDArray[np.generic]) -> tuple[Indices, Indices]:
    """The first position of each distinct row, in order, and [C] which of them each row equals."""
    codes: dict[bytes, int] = {}
    which = [codes.setdefault(row.tobytes(), len(codes)) for row in rows]
    _, first = np.unique(which, return_index=True)
    return first, np.array(which, np.intp)


def _rank(
    features: Floats, weights: Floats, first: Indices, which: Indices
) -> tuple[Floats, Indices, int]:
    """Totals [n, C], predictions [n] and the number of ties, of features [F, n] @ weights [D, F].

    The D distinct weights are scored once and copied to the C classes that share them, because
    equal columns of one product may differ in their last bit. `first` [D] and `which` [C] map
    between them.
    """
    n, size = features.shape[1], len(which)
    totals = np.empty((n, size), np.float32)
    predictions = np.empty(n, np.intp)
    shared = np.bincount(which, minlength=len(first)) > 1
    in_place = len(first) == size
    ties = 0
    for block in _blocks(n, size):
        scored = np.matmul(features[:, block].T, weights.T, out=totals[block] if in_place else None)
        best = scored.argmax(axis=1)
        rows = np.arange(len(best))
        highest = scored[rows, best]
        if not np.isfinite(highest).all():
            raise ValueError("the vectors hold numbers that are not finite")
        scored[rows, best] = -np.inf
        ties += int(np.count_nonzero(shared[best] | (scored.max(axis=1) == highest)))
        scored[rows, best] = highest
        if not in_place:
            np.take(scored, which, axis=1, out=totals[block])
        predictions[block] = first[best]
    return totals, predictions, ties


def _blocks(n: int, size: int) -> Iterator[slice]:
    step = max(1, _BLOCK // size)
    return (slice(start, start + step) for start in range(0, n, step))
