"""Measures every group of a system on labelled images: many, informative, orthogonal questions?"""

import numpy as np
from numpy.typing import NDArray

from builder.diagnosis import group_evidence
from builder.group_report import GroupReport, LeftOut
from builder.information import SeenBits, own_bits, redundancy, seen_bits, shuffled_orders
from builder.leaving_out import correct_without
from builder.null_test import SIGNIFICANT, null_tests
from builder.scoring import GroupRules, Scores, cosines
from builder.statistics import Proportion, compare, holm, mcnemar
from builder.system import AttributeSystem, Scoring


def per_group(
    scores: Scores,
    system: AttributeSystem,
    images: NDArray[np.float32],
    phrases: NDArray[np.float32],
    *,
    scoring: Scoring,
    logit_scale: float,
    seed: int = 0,
) -> tuple[GroupReport, ...]:
    """One report per group, in order, from the system's scores and what they were made from.

    That is, the other arguments are those of `scoring.score`; `seed` is of the shuffles. Raises
    ValueError unless the scores are the system's.
    """
    evidence = group_evidence(scores, system)
    left_out = _left_out(scores, system, cosines(images, phrases), scoring, logit_scale)
    shared = redundancy(system)
    own = own_bits(system)
    seen = _seen(scores, seed)
    tests = null_tests(scores, system, seed=seed)
    reports = []
    for index, (name, p, rule) in enumerate(evidence):
        reports.append(
            GroupReport(
                name=name,
                options=p.shape[1],
                alone=_alone(scores, p, rule),
                left_out=left_out[index] if left_out else None,
                agreement=_agreement(scores, p, rule),
                bits=shared.bits[index],
                bits_given_others=own[index],
                repeats=shared.most_repeated(index),
                seen=seen[index],
                shuffled=tests[index],
            )
        )
    return tuple(reports)


def _left_out(
    scores: Scores,
    system: AttributeSystem,
    similar: NDArray[np.float32],
    scoring: Scoring,
    logit_scale: float,
) -> list[LeftOut]:
    marks = correct_without(system, scores, similar, scoring=scoring, logit_scale=logit_scale)
    changes = [compare(scores.correct, without) for without in marks]
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
