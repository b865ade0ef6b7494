"""From vectors to class scores: every image against every phrase, then the rules.

Per group, p = softmax(scale * cosine) over its options. A class's total over the groups is

    sum          sum of weight * p of its option                    (one matrix product)
    log          sum of weight * log p of its option
    robust-log   sum of weight * log(0.9 p + 0.1/K) of its option

with the mean of the probabilities where a rule names several options, and the group's mean 1/K
where it names none. Naming all K options says as much as naming none: it is scored the same.
Centred, cosines are taken less the mean cosine of their text. With a name prior, the class names
are the options of one more group, of which every class has its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from builder.system.model import AttributeGroup, AttributeSystem, Choice, Scoring, scored_texts

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Indices = NDArray[np.intp]

# Class totals are made and ranked this many at a time, which bounds the memory beside the results.
_BLOCK = 1 << 22
# robust-log: the part of every probability that is taken to be an even guess.
_GUESS = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """The scores of n images by a system, or by the bare names.

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
        """Where the prediction is the label, [n]."""
        correct: NDArray[np.bool_] = self.predictions == self.labels
        return correct

    @property
    def accuracy(self) -> float:
        """Fraction of correct images, in [0, 1]; 0 when there are none."""
        return float(self.correct.mean()) if self.n else 0.0

    def among_best(self, k: int) -> NDArray[np.bool_]:
        """Where the label is among the k highest totals, [n]; ties go to class order."""
        known = np.flatnonzero(self.labels >= 0)
        labels = self.labels[known, None]
        totals = self.totals[known]
        own = np.take_along_axis(totals, labels, axis=1)
        first = np.arange(len(self.classes)) < labels
        found = np.zeros(self.n, bool)
        found[known] = ((totals > own) | ((totals == own) & first)).sum(axis=1) < k
        return found


def score(
    system: AttributeSystem,
    images: Floats,
    texts: Floats,
    labels: Sequence[str],
    *,
    scoring: Scoring,
    logit_scale: float,
) -> Scores:
    """Scores of L2-normalised images [n, d] against the vectors [T, d] of `scored_texts`.

    `logit_scale` is the encoder's own, used unless `scoring.scale` is set. Raises ValueError when
    shapes do not fit, vectors hold non-finite numbers, or a centred scoring lacks a text's mean.
    """
    similar = cosines(images, texts)
    return score_cosines(system, similar, labels, scoring=scoring, logit_scale=logit_scale)


def cosines(images: Floats, texts: Floats) -> Floats:
    """Cosines [n, T] of L2-normalised images [n, d] and texts [T, d]; equal for equal texts."""
    texts = np.asarray(texts, np.float32)
    # Texts come first in memory: the softmax then runs over whole rows of images.
    product = texts @ np.asarray(images, np.float32).T
    first, which = distinct_rows(texts)
    return np.asarray(product if len(first) == len(which) else product[first][which]).T


def score_cosines(
    system: AttributeSystem,
    similar: Floats,
    labels: Sequence[str],
    *,
    scoring: Scoring,
    logit_scale: float,
) -> Scores:
    """Scores from cosines [n, T], which stay the same when only rules change."""
    similar = np.asarray(similar, np.float32)
    texts = scored_texts(system, scoring)
    if similar.shape != (expected := (len(labels), len(texts))):
        raise ValueError(f"expected cosines of shape {expected}, got {similar.shape}")
    similar = centred(similar.T, texts, scoring)
    size = len(system.phrases())
    scale = scoring.scale or logit_scale
    bounds = group_slices(system)
    rules = group_rules(system)
    p, log_p = _softmax(similar[:size], scale, bounds, log=scoring.rule == "log")
    if scoring.rule == "sum":
        features = p
        rows = [rule.weights[rule.of_class] for rule in rules]
    else:
        options = log_p if scoring.rule == "log" else p
        features = np.stack(
            [
                choice_score(options[columns], np.flatnonzero(weights), scoring=scoring)
                for rule, columns in zip(rules, bounds, strict=True)
                for weights in rule.weights
            ]
        )
        rows = [np.eye(len(rule.weights), dtype=np.float32)[rule.of_class] for rule in rules]
    weights = np.hstack(
        [
            np.float32(group_weight(group, scoring)) * row
            for group, row in zip(system.groups, rows, strict=True)
        ]
    )
    prior = None
    if scoring.name_prior:
        prior = name_scores(similar[size:], scoring=scoring, logit_scale=logit_scale).T
    labelled = label_indices(system.classes, labels)
    probabilities = tuple(p[columns].T for columns in bounds)
    return Scores(system.classes, labelled, *_rank(features, weights, prior), probabilities)


def centred_on(images: Floats, texts: Sequence[str], vectors: Floats, scoring: Scoring) -> Scoring:
    """The scoring with the mean cosines of texts [T, d] with images [n, d] if it has none yet."""
    if scoring.means is None or not (len(images) and set(texts) - set(scoring.means)):
        return scoring
    means = np.asarray(vectors, np.float64) @ np.asarray(images, np.float64).mean(axis=0)
    return scoring.model_copy(update={"means": dict(zip(texts, means.tolist(), strict=True))})


def centred(similar: Floats, texts: Sequence[str], scoring: Scoring) -> Floats:
    """Cosines [T, n] less the texts' means, if there are any. Raises ValueError if one lacks."""
    if scoring.means is None:
        return similar
    if missing := [text for text in texts if text not in scoring.means]:
        raise ValueError(f"the scoring is centred and has no mean for {missing[0]!r}")
    means = np.array([scoring.means[text] for text in texts], np.float32)
    return np.asarray(similar - means[:, None])


def group_weight(group: AttributeGroup, scoring: Scoring) -> float:
    """The factor that the group's score is multiplied by."""
    return scoring.weights.get(group.prompt, 1.0)


def option_scores(similar: Floats, *, scoring: Scoring, logit_scale: float) -> Floats:
    """p (rule "log": log p) of one group's options [K, n], from their centred cosines [K, n]."""
    log = scoring.rule == "log"
    p, log_p = _softmax(similar, scoring.scale or logit_scale, [slice(None)], log=log)
    return log_p if log else p


def choice_score(options: Floats, chosen: Indices, *, scoring: Scoring) -> Floats:
    """What a choice adds to a class's total [n] at weight 1, from option scores [K, n].

    `chosen` [k] are the positions of its options: all of them where the choice names none.
    """
    if scoring.rule == "log":
        # The log of the mean probability.
        total = np.logaddexp.reduce(options[chosen], axis=0)
        return np.asarray(total - np.float32(np.log(len(chosen))))
    p = np.asarray(options[chosen[0]] if len(chosen) == 1 else options[chosen].mean(axis=0))
    return p if scoring.rule == "sum" else _robust_log(p, len(options))


def name_scores(similar: Floats, *, scoring: Scoring, logit_scale: float) -> Floats:
    """What the name adds to each class's total [C, n], from centred cosines [C, n]."""
    scores = option_scores(similar, scoring=scoring, logit_scale=logit_scale)
    if scoring.rule == "robust-log":
        scores = _robust_log(scores, len(scores))
    return np.float32(scoring.name_prior) * scores


def score_names(
    classes: Sequence[str], images: Floats, names: Floats, labels: Sequence[str]
) -> Scores:
    """The baseline's scores: the image [n, d] goes to the class name [C, d] of highest cosine.

    Raises ValueError when shapes do not fit or vectors hold non-finite numbers.
    """
    images, names = np.asarray(images, np.float32), np.asarray(names, np.float32)
    if len(names) != len(classes) or len(images) != len(labels):
        raise ValueError(
            f"{len(names)} name vectors for {len(classes)} classes, "
            f"{len(images)} image vectors for {len(labels)} labels"
        )
    labelled = label_indices(classes, labels)
    return Scores(tuple(classes), labelled, *_rank(images.T, names), probabilities=())


def label_indices(classes: Sequence[str], labels: Sequence[str]) -> Indices:
    """The position [n] of each label in `classes`; -1 where it is not among them."""
    index = {name: position for position, name in enumerate(classes)}
    return np.array([index.get(label, -1) for label in labels], dtype=np.intp)


def group_slices(system: AttributeSystem) -> tuple[slice, ...]:
    """The columns of each group among the Q phrases of the system."""
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
    """The distinct choices of each group's rules as weights, in order of first appearance."""
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
    """Per group softmax p [Q, n] over its options, from cosines [Q, n]; with `log` its logs.

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


def _robust_log(p: Floats, size: int) -> Floats:
    """log(0.9 p + 0.1/K), never below log(0.1/K)."""
    return np.asarray(np.log(np.float32(1 - _GUESS) * p + np.float32(_GUESS / size)))


def distinct_rows(rows: NDArray[np.generic]) -> tuple[Indices, Indices]:
    """The first position of each distinct row, in order, and the number [C] of each row's."""
    codes: dict[bytes, int] = {}
    which = [codes.setdefault(row.tobytes(), len(codes)) for row in rows]
    _, first = np.unique(which, return_index=True)
    return first, np.array(which, np.intp)


def _rank(
    features: Floats, weights: Floats, prior: Floats | None = None
) -> tuple[Floats, Indices, int]:
    """Totals [n, C], predictions [n] and number of ties, from features [F, n] @ weights [C, F].

    Weights that several classes share are scored once, because equal columns of one product may
    differ in their last bit. A prior [n, C] is added to that, and may part such classes.
    """
    first, which = distinct_rows(weights)
    n, size = features.shape[1], len(which)
    totals = np.empty((n, size), np.float32)
    predictions = np.empty(n, np.intp)
    ties = 0
    step = max(1, _BLOCK // size)
    for block in (slice(start, start + step) for start in range(0, n, step)):
        scored = totals[block]
        if len(first) == size:
            np.matmul(features[:, block].T, weights.T, out=scored)
        else:
            scored[:] = (features[:, block].T @ weights[first].T)[:, which]
        if prior is not None:
            scored += prior[block]
        predictions[block] = best = scored.argmax(axis=1)
        rows = np.arange(len(best))
        highest = scored[rows, best]
        if not np.isfinite(highest).all():
            raise ValueError("the vectors hold numbers that are not finite")
        scored[rows, best] = -np.inf
        ties += int(np.count_nonzero(scored.max(axis=1) == highest))
        scored[rows, best] = highest
    return totals, predictions, ties
