"""What goes wrong and why: per class, per confused pair and per rule.

Everything is read off the scores of one set of labelled images. Images of a class that the system
does not know count as wrong, and appear nowhere else.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from builder.scoring.score import GroupRules, Scores, group_rules
from builder.scoring.statistics import Interval, wilson
from builder.system.model import AttributeSystem, Choice

# Nearer to a coin (0.5) than to certainty (1): a group that does worse tells two classes apart on
# fewer than three images of four.
TELLS_APART = 0.75

# --- Classes ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Misleading:
    """A group that speaks for the class predicted rather than the true one, on wrong images.

    images: on how many of them. lead: by how much on these, the mean difference of what its
    probabilities give the two classes, in (0, 1].
    """

    group: str
    images: int
    lead: float


@dataclass(frozen=True, slots=True)
class ClassReport:
    """One class on its n images.

    mistaken_for: (class, number of its images), most first.
    misleading_groups: those that speak for a wrong class on any image, the most misleading first
    (by their leads, added up over the images); () where no system is at hand.
    """

    name: str
    n: int
    correct: int
    mistaken_for: tuple[tuple[str, int], ...]
    misleading_groups: tuple[Misleading, ...] = ()

    @property
    def wrong(self) -> int:
        return self.n - self.correct

    @property
    def accuracy(self) -> float:
        """The fraction of the class's images that are correct, in [0, 1]; 0 without images."""
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
    mistaken: list[list[tuple[str, int]]] = [[] for _ in range(size)]
    for (label, prediction), count in _taken(scores).most_common():
        mistaken[label].append((scores.classes[prediction], count))
    misled: list[list[Misleading]] = [[] for _ in range(size)]
    for name, p, rule in group_evidence(scores, system) if system else ():
        leads = np.maximum(_preference(p[wrong], rule, predicted, true), 0)
        against = np.bincount(true[leads > 0], minlength=size).tolist()
        total = np.bincount(true, weights=leads, minlength=size).tolist()
        for groups, images, added in zip(misled, against, total, strict=True):
            if images:
                groups.append(Misleading(name, images, added / images))
    n = np.bincount(scores.labels[scores.labels >= 0], minlength=size).tolist()
    correct = np.bincount(scores.labels[scores.correct], minlength=size).tolist()
    return tuple(
        ClassReport(
            name=name,
            n=n[index],
            correct=correct[index],
            mistaken_for=tuple(mistaken[index]),
            misleading_groups=tuple(sorted(misled[index], key=lambda m: -m.images * m.lead)),
        )
        for index, name in enumerate(scores.classes)
    )


# --- Pairs ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConfusedPair:
    """Two classes that are confused: images of one are taken for the other.

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
        """Whether their rules are the same, so that no group can tell them apart."""
        return not self.separating_groups

    def verdict(self, spelled: Callable[[str], str] = str) -> str:
        """Which group should tell the two apart, how well it does, and what is missing.

        `spelled`: how the name of a group is written.
        """
        if self.identical:
            return "identical rules: no group can tell them apart"
        named = [(spelled(n), part, f"{100 * part:.0f} %") for n, part in self.separating_groups]
        best, part, percent = named[0]
        if part < TELLS_APART and len(named) == 1:
            shown = f"the images don't show it ({percent})"
            return f"only {best} differs, and {shown}: reword it or add a group"
        if part < TELLS_APART:
            shown = f"the images hardly show it (the best, {best}, {percent})"
            return f"{len(named)} groups differ, but {shown}: reword them or add a group"
        told = f"{best} should tell them apart and does in {percent}"
        if len(named) == 1:
            return f"{told}; nothing else differs: add a group"
        worst, part, percent = named[-1]
        if part < 0.5:
            return f"{told}; {worst} misleads ({percent}): reword it or change its rules"
        if part < TELLS_APART:
            return f"{told}; {worst} hardly does ({percent}): reword it or add a group"
        return f"{told}; the others do in {percent} or more: add a group for the rest"

    def words(self) -> str:
        """The report as a sentence."""
        counts = (
            f'"{self.first}" taken for "{self.second}" {self.count_first_as_second} times, '
            f"the other way {self.count_second_as_first} times"
        )
        if self.identical:
            return f"{counts}; their rules are identical, no group can tell them apart"
        groups = ", ".join(f"{name} ({part:.0%})" for name, part in self.separating_groups)
        return f"{counts}; groups whose rules differ, and how well each tells them apart: {groups}"


def confused_pairs(
    scores: Scores, system: AttributeSystem, limit: int = 10
) -> tuple[ConfusedPair, ...]:
    """The pairs with the most images mistaken for each other, at most `limit`, most first."""
    directed = _taken(scores)
    both = Counter(sorted((min(pair), max(pair)) for pair in directed.elements()))
    evidence = group_evidence(scores, system)
    return tuple(
        ConfusedPair(
            first=scores.classes[a],
            second=scores.classes[b],
            count_first_as_second=directed[a, b],
            count_second_as_first=directed[b, a],
            separating_groups=_separating(scores, evidence, a, b),
        )
        for (a, b), _ in both.most_common(limit)
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


# --- Rules ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RuleEvidence:
    """What n images of a class choose in a group (their likeliest option), and the rule there.

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
    """Per group: name, probabilities, rules. Raises ValueError for another system's scores."""
    shapes = [p.shape[1] for p in scores.probabilities]
    if scores.classes != system.classes or shapes != [len(g.options) for g in system.groups]:
        raise ValueError("these are not the scores of this system")
    names = [group.name for group in system.groups]
    return tuple(zip(names, scores.probabilities, group_rules(system), strict=True))


def _wrong(scores: Scores) -> NDArray[np.intp]:
    """Positions of the images of known classes that were classified wrongly."""
    return np.flatnonzero(~scores.correct & (scores.labels >= 0))


def _taken(scores: Scores) -> Counter[tuple[int, int]]:
    """How often images of the first class were taken for the second, in class order."""
    wrong = _wrong(scores)
    pairs = zip(scores.labels[wrong].tolist(), scores.predictions[wrong].tolist(), strict=True)
    return Counter(sorted(pairs))


def _preference(
    p: NDArray[np.float32],
    rule: GroupRules,
    ours: NDArray[np.intp] | int,
    theirs: NDArray[np.intp] | int,
) -> NDArray[np.float32]:
    """By how much [n] the group, with p [n, K], speaks more for class `ours` than for `theirs`.

    Exactly 0 where both classes make the same choice.
    """
    difference = rule.weights[rule.of_class[ours]] - rule.weights[rule.of_class[theirs]]
    product: NDArray[np.float32] = (p * difference).sum(axis=-1)
    return product
