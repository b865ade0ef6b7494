"""Permutation test per group: do its rules fit the images better than shuffled ones?"""

from collections import Counter
from dataclasses import dataclass
from math import factorial, prod

import numpy as np
from numpy.typing import NDArray

from builder.diagnosis.confusions import GroupEvidence, group_evidence
from builder.diagnosis.information import shuffled_orders
from builder.scoring.score import Scores
from builder.system.model import AttributeSystem

PERMUTATIONS = 999
SIGNIFICANT = 0.05
# Of 40 arrangements the best alone has an expected p of 1/40, so far below 0.05 that 999 draws
# practically never miss it. With 21 to 39 the draws would decide, with 20 or fewer nothing can.
_FEWEST_ARRANGEMENTS = 40
# Far above the noise of adding up single precision, far below what one image may matter.
_NOISE = 1e-6


@dataclass(frozen=True, slots=True)
class NullTest:
    """How often one group's rules, shuffled over the classes, fit the images as well as unshuffled.

    p: (1 + shuffles that fit as well) / (1 + permutations), in (0, 1].
    can_tell: False where so few different shuffles exist that p could not be small (three classes
    have at most 6), so that p says nothing; but True where all classes agree: p is 1 then.
    """

    group: str
    p: float
    permutations: int
    can_tell: bool

    @property
    def beats(self) -> bool:
        """Whether the rules fit better than shuffled ones: p <= 0.05, where that can be told."""
        return self.can_tell and self.p <= SIGNIFICANT


def null_tests(scores: Scores, system: AttributeSystem, *, seed: int) -> tuple[NullTest, ...]:
    """One permutation test per group, in order; a group that doesn't win is decoration.

    The statistic is what the rule `sum` adds up: over all images of known class, the mean
    probability of the options of the image's class. The group's rules are permuted over the
    classes that have images, 999 times, the same for all groups; ties count against the group.
    (1 + b) / (1 + m) is Phipson and Smyth's p (2010), which is never too small.
    """
    present = np.unique(scores.labels[scores.labels >= 0])
    shuffles = shuffled_orders(len(present), seed=seed, shuffles=PERMUTATIONS)
    return tuple(
        _null_test(evidence, scores, present, shuffles)
        for evidence in group_evidence(scores, system)
    )


def _null_test(
    evidence: GroupEvidence,
    scores: Scores,
    present: NDArray[np.intp],
    shuffles: NDArray[np.intp],
) -> NullTest:
    name, p, rule = evidence
    choices = rule.of_class[present]
    # [classes with images, U]: what each class's images would add up to under each choice.
    sums = (_class_sums(scores, p) @ rule.weights.T.astype(np.float64))[present]
    rows = np.arange(len(present))
    own = sums[rows, choices].sum()
    shuffled = sums[rows, choices[shuffles]].sum(axis=1)
    as_good = int(np.count_nonzero(shuffled >= own * (1 - _NOISE)))
    all_agree = len(rule.weights) == 1
    return NullTest(
        group=name,
        p=(1 + as_good) / (1 + len(shuffles)),
        permutations=len(shuffles),
        can_tell=all_agree or _arrangements(choices) >= _FEWEST_ARRANGEMENTS,
    )


def _class_sums(scores: Scores, p: NDArray[np.float32]) -> NDArray[np.float64]:
    """The probabilities of a group's options, summed over each class's images, [C, K]."""
    known = scores.labels >= 0
    sums = np.zeros((len(scores.classes), p.shape[1]))
    np.add.at(sums, scores.labels[known], p[known])
    return sums


def _arrangements(choices: NDArray[np.intp]) -> int:
    """In how many different ways the choices can be assigned to the classes."""
    return factorial(len(choices)) // prod(map(factorial, Counter(choices.tolist()).values()))
