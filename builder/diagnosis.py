"""What goes wrong and why: per class, per confused pair, per group and per rule.

Everything is read off the scores of one set of labelled images. Images of a class that the system
does not know count as wrong, and appear nowhere else.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import log2

import numpy as np
from numpy.typing import NDArray

from builder.scoring import (
    GroupRules,
    Scores,
    cosines,
    group_rules,
    group_slices,
    score_cosines,
)
from builder.statistics import Change, Interval, Proportion, compare, wilson
from builder.system import AttributeSystem, Choice, Scoring

# --- Classes ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClassReport:
    """One class on its n images.

    mistaken_for: (class, number of its images), most first.
    misleading_groups: (group, on how many of the wrong images it speaks for the class predicted
    rather than the true one), most first; () where no system is at hand.
    """

    name: str
    n: int
    correct: int
    mistaken_for: tuple[tuple[str, int], ...]
    misleading_groups: tuple[tuple[str, int], ...] = ()

    @property
    def accuracy(self) -> float:
        """In [0, 1]; 0 for a class without images."""
        return self.correct / self.n if self.n else 0.0

    @property
    def interval(self) -> Interval:
        """Wilson's 95 % interval; (0, 1) for a class without images."""
        return wilson(self.correct, self.n)


def per_class(scores: Scores, system: AttributeSystem | None = None) -> tuple[ClassReport, ...]:
    """One report per class, in class order. With `system`, says which groups misled."""
    size = len(scores.classes)
    wrong = _wrong(scores)
    true, predicted = scores.labels[wrong], scores.predictions[wrong]
    mistaken = [Counter[str]() for _ in range(size)]
    for label, prediction in zip(true.tolist(), predicted.tolist(), strict=True):
        mistaken[label][scores.classes[prediction]] += 1
    misled = [Counter[str]() for _ in range(size)]
    for name, p, rule in group_evidence(scores, system) if system else ():
        against = _preference(p[wrong], rule, predicted, true) > 0
        for label, count in enumerate(np.bincount(true[against], minlength=size).tolist()):
            misled[label].update({name: count})
    n = np.bincount(scores.labels[scores.labels >= 0], minlength=size).tolist()
    correct = np.bincount(scores.labels[scores.correct], minlength=size).tolist()
    order = {name: index for index, name in enumerate(scores.classes)}
    return tuple(
        ClassReport(
            name=name,
            n=n[index],
            correct=correct[index],
            mistaken_for=tuple(
                sorted(mistaken[index].items(), key=lambda item: (-item[1], order[item[0]]))
            ),
            misleading_groups=tuple(item for item in misled[index].most_common() if item[1]),
        )
        for index, name in enumerate(scores.classes)
    )


# --- Pairs ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConfusedPair:
    """Two classes of which images of one go to the other.

    separating_groups: (group, how well it tells the two apart), best first, of the groups whose
    rules differ for them. The figure is the mean over the two classes of the fraction of its images
    on which the group speaks more for it than for the other, half for no difference: 0.5 is a coin.
    """

    first: str
    second: str
    count_first_as_second: int
    count_second_as_first: int
    separating_groups: tuple[tuple[str, float], ...]

    @property
    def count(self) -> int:
        return self.count_first_as_second + self.count_second_as_first

    @property
    def identical(self) -> bool:
        """Whether their rules are the same, so that nothing can tell them apart."""
        return not self.separating_groups

    def words(self) -> str:
        """The report as a sentence."""
        counts = (
            f'"{self.first}" taken for "{self.second}" {self.count_first_as_second} times, '
            f"the other way {self.count_second_as_first} times"
        )
        if self.identical:
            return f"{counts}; their rules are identical, nothing can tell them apart"
        groups = ", ".join(f"{name} ({part:.0%})" for name, part in self.separating_groups)
        return f"{counts}; groups whose rules differ, and how well each tells them apart: {groups}"


def confused_pairs(
    scores: Scores, system: AttributeSystem, limit: int = 10
) -> tuple[ConfusedPair, ...]:
    """The pairs with the most images mistaken for each other, at most `limit`, most first."""
    wrong = _wrong(scores)
    true, predicted = scores.labels[wrong].tolist(), scores.predictions[wrong].tolist()
    directed = Counter(zip(true, predicted, strict=True))
    pairs = Counter[tuple[int, int]]()
    for (label, prediction), count in directed.items():
        pairs[min(label, prediction), max(label, prediction)] += count
    chosen = sorted(pairs, key=lambda pair: (-pairs[pair], pair))[:limit]
    evidence = group_evidence(scores, system)
    return tuple(
        ConfusedPair(
            first=scores.classes[a],
            second=scores.classes[b],
            count_first_as_second=directed[a, b],
            count_second_as_first=directed[b, a],
            separating_groups=_separating(scores, evidence, a, b),
        )
        for a, b in chosen
    )


def _separating(
    scores: Scores, evidence: Sequence["GroupEvidence"], a: int, b: int
) -> tuple[tuple[str, float], ...]:
    of_a, of_b = (np.flatnonzero(scores.labels == index) for index in (a, b))
    found = []
    for name, p, rule in evidence:
        if rule.of_class[a] == rule.of_class[b]:
            continue
        sides = [
            (1 + np.sign(_preference(p[images], rule, own, other))).mean() / 2
            for images, own, other in ((of_a, a, b), (of_b, b, a))
            if len(images)
        ]
        found.append((name, float(np.mean(sides))))
    return tuple(sorted(found, key=lambda item: -item[1]))


# --- Groups -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GroupReport:
    """What one group of so many options contributes.

    alone: images that this group by itself gets right; where its best option belongs to m classes,
    the image counts 1/m, the expected value of a random pick among them.
    without: the change if the group is left out; None for the only group.
    agreement: of the images whose class has a rule here, those whose likeliest option it names.
    bits: entropy of the rules' choice when all classes are equally likely, at most log2 of their
    number. bits_given_others: what is left of it once all other groups are known. Both exact,
    from the rules alone; several options, and none, count as a choice of their own.
    """

    name: str
    options: int
    alone: Proportion
    without: Change | None
    agreement: Proportion
    bits: float
    bits_given_others: float

    @property
    def weak(self) -> bool:
        """Whether no fewer images would be correct without it."""
        return self.without is not None and self.without.n > 0 and self.without.points >= 0

    def words(self) -> str:
        """The report as a sentence."""
        parts = [
            f"alone it gets {self.alone.fraction:.0%} of {self.alone.n} images right",
            f"{self.agreement.fraction:.0%} of images look as its rules say",
            f"{self.bits:.1f} bits, {self.bits_given_others:.1f} of them in no other group",
        ]
        if self.without is not None:
            change = f"{self.without.fixed} fixed, {self.without.broken} broken"
            parts.insert(1, f"without it {self.without.points:+.1f} points ({change})")
        return f"{self.name}: {'; '.join(parts)}"


def per_group(
    system: AttributeSystem,
    images: NDArray[np.float32],
    phrases: NDArray[np.float32],
    labels: Sequence[str],
    *,
    scoring: Scoring,
    logit_scale: float,
) -> tuple[GroupReport, ...]:
    """One report per group, in order; the arguments are those of `scoring.score`."""
    similar = cosines(images, phrases)
    full = score_cosines(system, similar, labels, scoring=scoring, logit_scale=logit_scale)
    codes = [rule.of_class.tolist() for rule in group_rules(system)]
    all_bits = _entropy(zip(*codes, strict=True))
    reports = []
    for index, (name, p, rule) in enumerate(group_evidence(full, system)):
        others = [column for position, column in enumerate(codes) if position != index]
        without = None
        if others:
            columns = group_slices(system)[index]
            rest = score_cosines(
                _without(system, name),
                np.delete(similar, columns, axis=1),
                labels,
                scoring=scoring,
                logit_scale=logit_scale,
            )
            without = compare(full.correct, rest.correct)
        others_bits = _entropy(zip(*others, strict=True)) if others else 0.0
        reports.append(
            GroupReport(
                name=name,
                options=p.shape[1],
                alone=_alone(full, p, rule),
                without=without,
                agreement=_agreement(full, p, rule),
                bits=_entropy(codes[index]),
                bits_given_others=max(0.0, all_bits - others_bits),
            )
        )
    return tuple(reports)


def _without(system: AttributeSystem, group: str) -> AttributeSystem:
    return AttributeSystem(
        domain=system.domain,
        groups=tuple(kept for kept in system.groups if kept.name != group),
        rules={
            name: {key: chosen for key, chosen in choices.items() if key != group}
            for name, choices in system.rules.items()
        },
    )


def _alone(scores: Scores, p: NDArray[np.float32], rule: GroupRules) -> Proportion:
    known = np.flatnonzero(scores.labels >= 0)
    choices = p[known] @ rule.weights.T
    best = choices == choices.max(axis=1, keepdims=True)
    winners = best @ np.bincount(rule.of_class, minlength=len(rule.weights))
    right = best[np.arange(len(known)), rule.of_class[scores.labels[known]]]
    return Proportion(float((right / winners).sum()), scores.n)


def _agreement(scores: Scores, p: NDArray[np.float32], rule: GroupRules) -> Proportion:
    named = (rule.weights > 0) & ~(rule.weights > 0).all(axis=1, keepdims=True)
    own = named[rule.of_class[scores.labels]]
    ruled = (scores.labels >= 0) & own.any(axis=1)
    agrees = own[np.arange(scores.n), p.argmax(axis=1)] & ruled
    return Proportion(int(agrees.sum()), int(ruled.sum()))


def _entropy(symbols: Iterable[Hashable]) -> float:
    """Bits of a symbol drawn at random from `symbols`."""
    counts = Counter(symbols).values()
    total = sum(counts)
    return sum(count / total * log2(total / count) for count in counts)


# --- Rules ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RuleEvidence:
    """What the n images of one class choose in one group (their likeliest option), and the rule.

    chosen: (option, number of images), most first, without options that no image chooses.
    """

    class_name: str
    group: str
    n: int
    chosen: tuple[tuple[str, int], ...]
    rule: Choice


def rule_evidence(scores: Scores, system: AttributeSystem) -> tuple[RuleEvidence, ...]:
    """The evidence on every rule whose class has images; by class, then by group."""
    counts = option_counts(scores, system)
    n = np.bincount(scores.labels[scores.labels >= 0], minlength=len(scores.classes)).tolist()
    return tuple(
        RuleEvidence(
            class_name=name,
            group=group.name,
            n=n[index],
            chosen=tuple(
                (group.options[option], int(row[index, option]))
                for option in np.argsort(-row[index], kind="stable").tolist()
                if row[index, option]
            ),
            rule=choices[group.name],
        )
        for index, (name, choices) in enumerate(system.rules.items())
        if n[index]
        for group, row in zip(system.groups, counts, strict=True)
    )


def option_counts(scores: Scores, system: AttributeSystem) -> tuple[NDArray[np.intp], ...]:
    """Per group [C, K]: how many images of each class have each option as their likeliest."""
    known = scores.labels >= 0
    size = len(scores.classes)
    return tuple(
        np.bincount(
            scores.labels[known] * p.shape[1] + p[known].argmax(axis=1),
            minlength=size * p.shape[1],
        ).reshape(size, p.shape[1])
        for _, p, _ in group_evidence(scores, system)
    )


# --- Shared -----------------------------------------------------------------------------------

# A group's name, its probabilities [n, K], and its rules.
GroupEvidence = tuple[str, NDArray[np.float32], GroupRules]


def group_evidence(scores: Scores, system: AttributeSystem) -> tuple[GroupEvidence, ...]:
    """In the order of groups. Raises ValueError unless the scores are the system's."""
    shapes = [p.shape[1] for p in scores.probabilities]
    if scores.classes != system.classes or shapes != [len(g.options) for g in system.groups]:
        raise ValueError("these are not the scores of this system")
    names = [group.name for group in system.groups]
    return tuple(zip(names, scores.probabilities, group_rules(system), strict=True))


def _wrong(scores: Scores) -> NDArray[np.intp]:
    """Positions of the images of known classes that went to another one."""
    return np.flatnonzero(~scores.correct & (scores.labels >= 0))


def _preference(
    p: NDArray[np.float32],
    rule: GroupRules,
    ours: NDArray[np.intp] | int,
    theirs: NDArray[np.intp] | int,
) -> NDArray[np.float32]:
    """[n] by how much the group's probabilities [n, K] speak more for class `ours` than `theirs`.

    Exactly 0 where both classes make the same choice.
    """
    difference = rule.weights[rule.of_class[ours]] - rule.weights[rule.of_class[theirs]]
    product: NDArray[np.float32] = (p * difference).sum(axis=-1)
    return product
