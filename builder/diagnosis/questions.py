"""Twenty questions: groups asked one after another, and how few are enough.

Each question is chosen by the answers so far. Of class c and group g with K options, the rules give
weights w (1/k on each of the k options that the rule names, on all K if it names none). One answer
in ten is taken for noise:

    P(k | c) = 0.9 w_k + 0.1 / K                        what an image of c would answer
    L(c) = sum of p_k P(k | c) = 0.9 (w . p) + 0.1 / K  how the soft answer p speaks for c
    P(c | answers) ~ product of L(c) over the groups asked; before, all classes are equally likely

The soft answer is Pearl's virtual evidence (1988); answers are independent once the class is known.
The next question is the one with the greatest expected information gain (Lindley 1956; MacKay 1992,
"Information-based objective functions for active data selection"): the mutual information of its
answer and the class, H(q) - sum of P(c) H(P(. | c)) with q = sum of P(c) P(. | c). It is exact for
an answer that is one option; never below 0, and never above the entropy of either.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from builder.edits.apply import apply
from builder.edits.model import DropGroup, Proposal
from builder.scoring.score import (
    Doubles,
    Floats,
    GroupRules,
    Indices,
    Scores,
    group_rules,
    score_cosines,
)
from builder.scoring.statistics import Correct, Proportion
from builder.system.model import AttributeSystem, Scoring, scored_texts

NOISE = 0.1
# Logs of likelihoods are whole multiples of this: their sums are exact, so the order of questions
# can't change a posterior, and classes that are equally likely tie.
_STEP = 2.0**-30
# Posteriors are made for this many pairs of image and class at a time.
_BLOCK = 1 << 21
# Enough for a mean within a point: each image takes several random orders where images are few.
_RANDOM_ORDERS = 5_000


@dataclass(frozen=True, slots=True, eq=False)
class Questionnaire:
    """The rules of G groups over C classes: U distinct choices and Q options in all.

    columns: [G, C] which of the U choices each class makes in each group.
    members: [C, U] 1 where a class makes a choice, else 0. options: [U, Q] P(option | choice).
    entropies: [U] bits of the answer of a class that makes the choice.
    choice_starts, option_starts: [G] where each group's columns begin.
    """

    rules: tuple[GroupRules, ...]
    columns: Indices
    members: Floats
    options: Floats
    entropies: Floats
    choice_starts: Indices
    option_starts: Indices


def questionnaire(system: AttributeSystem) -> Questionnaire:
    """The questionnaire of a system: what its groups ask, and what its classes would answer."""
    rules = group_rules(system)
    choices, sizes = zip(*(rule.weights.shape for rule in rules), strict=True)
    choice_starts = np.cumsum([0, *choices[:-1]])
    option_starts = np.cumsum([0, *sizes[:-1]])
    columns = np.stack([rule.of_class for rule in rules]) + choice_starts[:, None]
    options = np.zeros((sum(choices), sum(sizes)), np.float32)
    for rule, row, column in zip(rules, choice_starts, option_starts, strict=True):
        used, size = rule.weights.shape
        options[row : row + used, column : column + size] = _noisy(rule.weights, size)
    members = np.zeros((columns.shape[1], sum(choices)), np.float32)
    np.put_along_axis(members, columns.T, 1, axis=1)
    entropies = _surprise(options).sum(axis=1)
    return Questionnaire(rules, columns, members, options, entropies, choice_starts, option_starts)


def log_likelihoods(asked: Questionnaire, answers: Sequence[Floats]) -> Doubles:
    """Log-likelihoods [n, U] of each distinct choice, from the groups' soft answers [n, K]."""
    likelihoods = (
        _noisy(p.astype(np.float64) @ rule.weights.T, p.shape[1])
        for rule, p in zip(asked.rules, answers, strict=True)
    )
    return np.hstack([np.rint(np.log(each) / _STEP) * _STEP for each in likelihoods])


def posterior(logs: Doubles | Floats) -> Floats:
    """The classes' probabilities [n, C] from unnormalised logs [n, C]."""
    found: Floats = (logs - logs.max(axis=1, keepdims=True)).astype(np.float32)
    np.exp(found, out=found)
    found /= found.sum(axis=1, keepdims=True)
    return found


def expected_gains(asked: Questionnaire, probabilities: Floats) -> Floats:
    """The bits [n, G] that each group's answer is expected to tell, given the class chances.

    probabilities: [n, C], rows sum to 1.
    """
    mass: Floats = probabilities @ asked.members
    predicted: Floats = mass @ asked.options
    answer = np.add.reduceat(_surprise(predicted), asked.option_starts, axis=1)
    known = np.add.reduceat(mass * asked.entropies, asked.choice_starts, axis=1)
    gains: Floats = np.maximum(answer - known, 0)
    return gains


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """The result of putting all G questions to n images, in some order.

    order: [n, G] the group asked at each step.
    credit: [n, G] after each step, 1 where the true class is the likeliest, 1/m where m classes
    are equally likely and it is one of them, else 0.
    confidence: [n, G] the posterior of the likeliest class.
    """

    order: Indices
    credit: Floats
    confidence: Floats

    @property
    def accuracy(self) -> tuple[float, ...]:
        """Accuracy after each of the G questions, in [0, 1]; 0 without images."""
        return tuple((self.credit.sum(axis=0) / max(1, len(self.credit))).tolist())

    @property
    def places(self) -> Indices:
        """When each group is asked of each image [n, G]: 1 for the first."""
        places: Indices = self.order.argsort(axis=1) + 1
        return places


def ask(system: AttributeSystem, scores: Scores, order: Indices | None = None) -> Asked:
    """Every group of `system` asked of every image of `scores`, one after the other.

    order: [G] or [n, G] groups; None chooses the next question by its expected gain, image by
    image; equal gains go to the order of groups.
    """
    asked = questionnaire(system)
    shape = (scores.n, len(system.groups))
    found = Asked(np.empty(shape, np.intp), *(np.empty(shape, np.float32) for _ in range(2)))
    given = None if order is None else np.broadcast_to(order, shape)
    for block in _blocks(scores.n, len(scores.classes)):
        likelihoods = log_likelihoods(asked, [p[block] for p in scores.probabilities])
        logs = np.zeros((len(likelihoods), len(scores.classes)))
        open_ = np.ones((len(likelihoods), shape[1]), bool)
        for step in range(shape[1]):
            group = given[block, step] if given is not None else _next(asked, logs, open_)
            np.put_along_axis(open_, group[:, None], False, axis=1)
            logs += np.take_along_axis(likelihoods, asked.columns[group], axis=1)
            found.order[block, step] = group
            found.credit[block, step], found.confidence[block, step] = _outcome(
                logs, scores.labels[block]
            )
    return found


def random_accuracy(system: AttributeSystem, scores: Scores, *, seed: int) -> tuple[float, ...]:
    """Accuracy [G] after each question in random order, the mean of 5,000 orders or more."""
    rng = np.random.default_rng(seed)
    groups = np.tile(np.arange(len(system.groups)), (scores.n, 1))
    repeats = -(-_RANDOM_ORDERS // max(1, scores.n))
    found = [ask(system, scores, rng.permuted(groups, axis=1)).accuracy for _ in range(repeats)]
    return tuple(np.mean(found, axis=0).tolist())


def best_order(system: AttributeSystem, scores: Scores) -> Indices:
    """The best fixed order of the groups [G] that a greedy search finds on these images.

    Each step takes the question after which the log posterior of the true class is highest on
    average: the one whose answers told most. Images of unknown classes are left out.
    """
    asked = questionnaire(system)
    known = np.flatnonzero(scores.labels >= 0)
    truth = scores.labels[known]
    likelihoods = log_likelihoods(asked, [p[known] for p in scores.probabilities])
    of_truth = np.take_along_axis(likelihoods, asked.columns.T[truth], axis=1)
    logs = np.zeros((len(known), len(scores.classes)), np.float32)
    order: list[int] = []
    for _ in system.groups:
        told = np.zeros(len(system.groups))
        for block in _blocks(len(known), len(scores.classes)):
            mass = posterior(logs[block]) @ asked.members
            mean = np.add.reduceat(np.exp(likelihoods[block]) * mass, asked.choice_starts, axis=1)
            told += (of_truth[block] - np.log(mean)).sum(axis=0)
        # Rounded: what differs by the order of a sum only is equal, and goes to the first group.
        told = np.round(told / max(1, len(known)), 6)
        told[order] = -np.inf
        group = int(told.argmax())
        order.append(group)
        for block in _blocks(len(known), len(scores.classes)):
            logs[block] += likelihoods[block][:, asked.columns[group]]
    return np.array(order, np.intp)


@dataclass(frozen=True, slots=True)
class Stopped:
    """What comes of asking only until one class is sure: its posterior at or above `threshold`.

    questions: mean number asked, at least one and at most all. accuracy: of the likeliest class
    then. unsure: fraction of images on which no class is that sure after the last question.
    """

    threshold: float
    questions: float
    accuracy: float
    unsure: float


def stopped(asked: Asked, threshold: float) -> Stopped:
    """What comes of asking each image until its likeliest class is that sure; 0 without images."""
    n, groups = asked.confidence.shape
    if n == 0:
        return Stopped(threshold, 0.0, 0.0, 0.0)
    sure = asked.confidence >= threshold
    reached = sure.any(axis=1)
    last = np.where(reached, sure.argmax(axis=1), groups - 1)
    return Stopped(
        threshold=threshold,
        questions=float(1 + last.mean()),
        accuracy=float(asked.credit[np.arange(n), last].mean()),
        unsure=float(1 - reached.mean()),
    )


@dataclass(frozen=True, slots=True)
class SmallestSet:
    """The groups kept and dropped, in order, and the images right with all and with few.

    Both counts are of the images that the set was chosen on: the second flatters.
    """

    kept: tuple[str, ...]
    dropped: tuple[str, ...]
    full: Proportion
    reduced: Proportion


def smallest_set(
    system: AttributeSystem,
    similar: Floats,
    labels: Sequence[str],
    *,
    scoring: Scoring,
    logit_scale: float,
) -> SmallestSet:
    """The fewest groups with an accuracy not below the lower end of the full system's interval.

    Backward elimination: of the groups left, the one goes without which most images are right (of
    equals the last), until the accuracy would fall below. The set need not be the smallest of all,
    whose search would take 2^G scores; this one takes at most G^2 / 2. The interval is Wilson's
    95 %. Arguments as for `scoring.score_cosines`.
    """

    def right(without: Collection[str]) -> Proportion:
        correct = correct_without_groups(
            without, system, similar, labels, scoring=scoring, logit_scale=logit_scale
        )
        return Proportion(int(correct.sum()), len(correct))

    names = [group.name for group in system.groups]
    full = reduced = right(())
    gone: tuple[str, ...] = ()
    for _ in names[1:]:
        counts = {name: right((*gone, name)) for name in reversed(names) if name not in gone}
        name = max(counts, key=lambda name: counts[name].count)
        if counts[name].fraction < full.interval.low:
            break
        gone, reduced = (*gone, name), counts[name]
    return SmallestSet(
        kept=tuple(name for name in names if name not in gone),
        dropped=tuple(name for name in names if name in gone),
        full=full,
        reduced=reduced,
    )


def correct_without_groups(
    dropped: Collection[str],
    system: AttributeSystem,
    similar: Floats,
    labels: Sequence[str],
    *,
    scoring: Scoring,
    logit_scale: float,
) -> Correct:
    """Where the system without those groups is right, [n]; `similar` has all groups' cosines."""
    less = apply(system, [DropGroup(group=name) for name in dropped])
    columns = {text: column for column, text in enumerate(scored_texts(system, scoring))}
    kept = [columns[text] for text in scored_texts(less, scoring)]
    found = score_cosines(less, similar[:, kept], labels, scoring=scoring, logit_scale=logit_scale)
    return found.correct


def drop_proposal(found: SmallestSet) -> Proposal | None:
    """One proposal that drops the groups; None if none can go."""
    if not found.dropped:
        return None
    full, reduced = found.full, found.reduced
    groups = len(found.kept) + len(found.dropped)
    return Proposal(
        edits=tuple(DropGroup(group=name) for name in found.dropped),
        source="data",
        reason=f"{len(found.kept)} of {groups} groups get {reduced.count:.0f} of {reduced.n} "
        f"images right, all get {full.count:.0f}: within its 95 % interval, on the images that "
        "the set was chosen on",
    )


def _noisy(weights: NDArray[np.floating], options: int) -> NDArray[np.floating]:
    return (1 - NOISE) * weights + NOISE / options


def _surprise(p: Floats) -> Floats:
    """-p log2 p, the bits that each probability adds to an entropy, with 0 for 0."""
    bits: Floats = -p * np.log2(p, where=p > 0, out=np.zeros_like(p))
    return bits


def _next(asked: Questionnaire, logs: Doubles, open_: NDArray[np.bool_]) -> Indices:
    # Rounded for the same reason as in `best_order`.
    gains = np.round(expected_gains(asked, posterior(logs)), 4)
    chosen: Indices = np.where(open_, gains, -1).argmax(axis=1)
    return chosen


def _outcome(logs: Doubles, labels: Indices) -> tuple[Floats, Floats]:
    """Credit and confidence [n] of unnormalised log posteriors [n, C]."""
    highest = logs.max(axis=1, keepdims=True)
    likeliest = logs == highest
    right = likeliest[np.arange(len(labels)), labels] & (labels >= 0)
    total = np.exp((logs - highest).astype(np.float32)).sum(axis=1)
    return right / likeliest.sum(axis=1), 1 / total


def _blocks(n: int, classes: int) -> Iterator[slice]:
    step = max(1, _BLOCK // classes)
    return (slice(start, start + step) for start in range(0, n, step))
