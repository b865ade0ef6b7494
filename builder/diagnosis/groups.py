"""What each group of a system contributes on labelled images, as measures and in a few plain words.

The verdict is a pure function of the measures. Its thresholds are conventions with a reason each,
stated here and under `?`; none is fitted to any data.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from builder.diagnosis.confusions import group_evidence
from builder.diagnosis.information import (
    Repeat,
    SeenBits,
    own_bits,
    redundancy,
    seen_bits,
    shuffled_orders,
)
from builder.diagnosis.permutation_test import SIGNIFICANT, NullTest, null_tests
from builder.edits.apply import apply
from builder.edits.model import DropGroup
from builder.scoring.effects import Increments
from builder.scoring.score import GroupRules, Scores
from builder.scoring.statistics import Change, Proportion, holm, mcnemar


class Kind(StrEnum):
    """What kind a group is of, in words."""

    CARRIES = "carries the system"
    MISLEADS = "misleads: better without it"
    DECORATION = "decoration"
    REPEATS = "repeats"
    FEW_IMAGES = "can't be told: too few images"
    FEW_CLASSES = "can't be told: too few classes"
    TELLS_FEW_APART = "tells few classes apart"
    MAY_HELP = "may help, or by chance"
    ADDS_NOTHING = "adds nothing to the others"
    HELPS_LITTLE = "helps little"


# A group of whose bits no more than a tenth are its own repeats what is known already.
REPEATS = 0.9
# The bits of a question that nine of ten classes answer alike.
FEW_BITS = 0.469


@dataclass(frozen=True, slots=True)
class Verdict:
    """What kind a group is of, and which group it repeats where the kind is "repeats"."""

    kind: Kind
    repeated: str = ""

    def words(self, spelled: Callable[[str], str] = str) -> str:
        """The verdict in words; `spelled`: how to write the name of a group."""
        return f"{self.kind} {spelled(self.repeated)}" if self.repeated else self.kind.value


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What changes if a group is left out, on the images that the system was scored on.

    p: exact McNemar, adjusted for the number of groups (Holm), since every group is tried. It is
    honest as far as these images had no part in choosing the groups: on review images it flatters
    what proposals brought in.
    can_tell: False where p could not be small even if each image changed for the worse.
    """

    change: Change
    p: float
    can_tell: bool

    @property
    def significant(self) -> bool:
        return self.p <= SIGNIFICANT


@dataclass(frozen=True, slots=True)
class GroupReport:
    """What one group contributes to a system.

    alone: images that this group by itself gets right; where its best option belongs to m classes,
    the image counts 1/m, the expected value of a random pick among them.
    left_out: None for the only group.
    agreement: of the images whose class has a rule here, those whose likeliest option it names.
    bits: entropy of the rules' choice when all classes are equally likely, at most log2 of their
    number. bits_given_others: what is left of it once all other groups are known. Both exact,
    from the rules alone; several options, and none, count as a choice of their own.
    repeats: the other group whose rules tell most of these bits; None where there are no bits or
    no other group.
    seen: what the images' answers tell about the class.
    shuffled: whether the rules fit the images better than shuffled ones.
    """

    name: str
    options: int
    alone: Proportion
    left_out: LeftOut | None
    agreement: Proportion
    bits: float
    bits_given_others: float
    repeats: Repeat | None
    seen: SeenBits
    shuffled: NullTest

    @property
    def without(self) -> Change | None:
        """How the correct images change without the group; None for the only group."""
        return self.left_out.change if self.left_out else None

    @property
    def weak(self) -> bool:
        """Whether as many images or more would be correct without it."""
        return self.without is not None and self.without.n > 0 and self.without.points >= 0

    @property
    def verdict(self) -> Verdict:
        """The verdict that holds first, from the strongest evidence to the weakest.

        carries, misleads: without it significantly fewer, or more, images are right. decoration:
        it has no bits, or its rules fit no better than shuffled ones. repeats: another group tells
        nine tenths of its bits beyond chance. few images, few classes: too few for the tests above
        to find anything. tells few apart: fewer bits than a question that nine of ten classes
        answer alike. may help: without it fewer are right, but by chance as easily. adds nothing:
        no fewer are, and the others together tell nine tenths of its bits. helps little: the rest.
        """
        if self.bits == 0:
            return Verdict(Kind.DECORATION)
        if self.left_out is None:
            return self._of_the_only_group()
        if self.left_out.significant:
            return Verdict(Kind.CARRIES if self.left_out.change.points < 0 else Kind.MISLEADS)
        enough = self.left_out.can_tell
        if enough and self.shuffled.can_tell and not self.shuffled.beats:
            return Verdict(Kind.DECORATION)
        if self.repeats and self.repeats.beyond_chance >= REPEATS:
            return Verdict(Kind.REPEATS, self.repeats.group)
        if not enough:
            return Verdict(Kind.FEW_IMAGES)
        if not self.shuffled.can_tell:
            return Verdict(Kind.FEW_CLASSES)
        if self.bits < FEW_BITS:
            return Verdict(Kind.TELLS_FEW_APART)
        if not self.weak:
            return Verdict(Kind.MAY_HELP)
        own = self.bits_given_others / self.bits
        return Verdict(Kind.ADDS_NOTHING if own <= 1 - REPEATS else Kind.HELPS_LITTLE)

    def _of_the_only_group(self) -> Verdict:
        if not self.alone.n:
            return Verdict(Kind.FEW_IMAGES)
        if not self.shuffled.can_tell:
            return Verdict(Kind.FEW_CLASSES)
        return Verdict(Kind.CARRIES if self.shuffled.beats else Kind.DECORATION)

    def words(self) -> str:
        """The report as a sentence."""
        parts = [
            self.verdict.words(),
            f"alone it gets {self.alone.fraction:.0%} of {self.alone.n} images right",
            f"{self.agreement.fraction:.0%} of images look as its rules say",
            f"{self.bits:.1f} bits, {self.bits_given_others:.1f} of them in no other group",
        ]
        if self.without is not None:
            change = f"{self.without.fixed} fixed, {self.without.broken} broken"
            parts.insert(2, f"without it {self.without.points:+.1f} points ({change})")
        return f"{self.name}: {'; '.join(parts)}"


def per_group(increments: Increments, *, seed: int = 0) -> tuple[GroupReport, ...]:
    """One report per group, in order; `seed` is of the shuffles.

    Raises ValueError unless the scores of the increments are their system's.
    """
    system, scores = increments.system, increments.scores
    evidence = group_evidence(scores, system)
    shared = redundancy(system)
    measured = zip(
        evidence,
        _left_out(increments),
        own_bits(system),
        _seen(scores, seed),
        null_tests(scores, system, seed=seed),
        strict=True,
    )
    return tuple(
        GroupReport(
            name=name,
            options=p.shape[1],
            alone=_alone(scores, p, rule),
            left_out=left_out,
            agreement=_agreement(scores, p, rule),
            bits=shared.bits[index],
            bits_given_others=own,
            repeats=shared.most_repeated(index),
            seen=seen,
            shuffled=shuffled,
        )
        for index, ((name, p, rule), left_out, own, seen, shuffled) in enumerate(measured)
    )


def _left_out(increments: Increments) -> Sequence[LeftOut | None]:
    """What leaving each group out changes; None for the only group."""
    system, scores = increments.system, increments.scores
    if len(system.groups) < 2:
        return [None]
    drops = [apply(system, [DropGroup(group=group.name)]) for group in system.groups]
    changes = list(increments.effects(drops))
    # Holm asks most of the smallest p: what it could be if each image were lost.
    can_tell = len(changes) * mcnemar(0, scores.n) <= SIGNIFICANT
    adjusted = holm([change.p for change in changes])
    return [LeftOut(change, p, can_tell) for change, p in zip(changes, adjusted, strict=True)]


def _seen(scores: Scores, seed: int) -> list[SeenBits]:
    known = np.flatnonzero(scores.labels >= 0)
    labels = scores.labels[known]
    orders = shuffled_orders(len(known), seed=seed)
    return [
        seen_bits(p[known].argmax(axis=1), labels, p.shape[1], orders) for p in scores.probabilities
    ]


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
