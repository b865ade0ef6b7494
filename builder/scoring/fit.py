"""The scoring rules by name: fitted on labelled images, and compared with each other.

Each fit maximises one thing, the log-likelihood of the images' classes under softmax(t * total)
over the classes. The temperature t is the likeliest for each candidate: only how totals differ
among classes counts, not how large they are. As in Platt (1999), each class is aimed at with a
little less than certainty, (n + 1)/(n + 2), so that t is finite where all images are right.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from builder.scoring.evaluator import Evaluator, SplitData
from builder.scoring.predict import below_best, likeliest_inverse
from builder.scoring.score import Doubles, Indices, label_indices
from builder.scoring.statistics import Change, Correct, compare
from builder.system.model import AttributeSystem, Fitted, FittedRule, PlainRule, Scoring

RuleName = Literal["sum-at-1", PlainRule, FittedRule]
RULE_NAMES: tuple[RuleName, ...] = get_args(RuleName)
# What is fitted of a rule; the others need no images.
Part = Literal["scale", "means", "weights", "name_prior"]
FITTED_PART: dict[FittedRule, Part] = {
    "fitted-scale": "scale",
    "centred": "means",
    "weighted": "weights",
    "name-prior": "name_prior",
}
# 1 is the article's, 100 is where CLIP's training ends.
SCALES = tuple(float(f"{scale:.3g}") for scale in np.geomspace(1, 1000, 31))
NAME_PRIORS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
# Weights are believed to be normally distributed around 1 with this standard deviation.
_SPREAD = 0.5
# More images would not move a few numbers, and their totals all lie in memory.
_MOST_IMAGES = 2000
_STEPS = 200


@dataclass(frozen=True, slots=True, eq=False)
class RuleTrial:
    """One rule's trial of a system: which held-out images are right [n].

    name: None for a scoring that was given. change: from how the system is scored so far to this.
    """

    name: RuleName | None
    scoring: Scoring
    correct: Correct
    change: Change


def try_rules(
    evaluator: Evaluator,
    system: AttributeSystem,
    names: Iterable[RuleName] = RULE_NAMES,
    others: Iterable[Scoring] = (),
) -> tuple[RuleTrial, ...]:
    """Trials of the evaluator's own scoring, then of rules by name, then of `others`.

    Without a review image of a known class, rules that are fitted are left out.
    """
    fits = bool(set(evaluator.splits["review"].labels) & set(system.classes))
    named = [
        (name, fitted_scoring(evaluator, system, name))
        for name in names
        if fits or name not in FITTED_PART
    ]
    own = evaluator.score(system, "held_out").correct
    trials = [RuleTrial(None, evaluator.scoring_of(system), own, compare(own, own))]
    for name, scoring in (*named, *((None, other) for other in others)):
        correct = replace(evaluator, scoring=scoring).score(system, "held_out").correct
        trials.append(RuleTrial(name, scoring, correct, compare(own, correct)))
    return tuple(trials)


def fitted_scoring(evaluator: Evaluator, system: AttributeSystem, name: RuleName) -> Scoring:
    """The rule of that name, fitted on the review images if need be, means and all.

    What is fitted changes the rule `sum` at the encoder's own scale. Raises ValueError where a fit
    finds no image of a known class.
    """
    found: object = {}
    match name:
        case "sum-at-1":
            return Scoring(scale=1.0)
        case "fitted-scale":
            found = _likeliest(evaluator, system, "scale", (evaluator.logit_scale, *SCALES))
        case "centred":
            pass
        case "weighted":
            found = fit_weights(evaluator, system)
        case "name-prior":
            found = _likeliest(evaluator, system, "name_prior", NAME_PRIORS)
        case _:
            return Scoring(rule=name)
    part = FITTED_PART[name]
    # Labels play no part in means.
    fitted_on = evaluator if part == "means" else _of_known(evaluator, system)
    images = len(fitted_on.splits["review"].labels)
    fitted = Fitted(parts=(part,), encoder=evaluator.encoder, images=images)
    scoring = Scoring.model_validate({part: found, "fitted": fitted})
    return replace(evaluator, scoring=scoring).scoring_of(system)


def _likeliest(
    evaluator: Evaluator, system: AttributeSystem, part: Part, numbers: Iterable[float]
) -> float:
    """The number of the scoring by which the labels are likeliest; of equals the first."""

    def likelihood(number: float) -> float:
        totals, aims = _totals_and_aims(evaluator, system, {part: number})
        return -_loss(_temperature(totals, aims) * totals, aims)[0]

    return max(numbers, key=likelihood)


def fit_weights(evaluator: Evaluator, system: AttributeSystem) -> dict[str, float]:
    """The likeliest weight of each prompt, at least 0.

    Minimises  -log likelihood(w) + sum over prompts (w - 1)^2 / (2 * 0.5^2),  w >= 0,  with the
    temperature that suits weights of 1: multinomial logistic regression with a ridge around 1,
    which is strictly convex. It is a maximum a posteriori estimate: with few images weights stay
    near 1. Solved by spectral projected gradients (Birgin, Martínez and Raydan, 2000).
    """
    prompts = tuple(dict.fromkeys(group.prompt for group in system.groups))
    totals = []
    for prompt in prompts:
        alone: dict[Part, object] = {
            "weights": {other: float(other == prompt) for other in prompts}
        }
        added, aims = _totals_and_aims(evaluator, system, alone)
        totals.append(added)
    adds = np.stack(totals)
    adds *= _temperature(adds.sum(axis=0), aims)
    return dict(zip(prompts, np.round(_minimum(adds, aims), 3).tolist(), strict=True))


def _of_known(evaluator: Evaluator, system: AttributeSystem) -> Evaluator:
    """With the review images of known classes only; if they are very many, an even part."""
    review = evaluator.splits["review"]
    known = np.flatnonzero(label_indices(system.classes, review.labels) >= 0)
    if not len(known):
        raise ValueError("a scoring is fitted on images of the system's classes, there are none")
    if len(known) > _MOST_IMAGES:
        known = known[np.linspace(0, len(known) - 1, _MOST_IMAGES).astype(np.intp)]
    digests, labels = zip(*((review.digests[i], review.labels[i]) for i in known), strict=True)
    some = SplitData(digests, labels, review.vectors[known])
    return replace(evaluator, splits={**evaluator.splits, "review": some})


def _totals_and_aims(
    evaluator: Evaluator, system: AttributeSystem, parts: Mapping[Part, object]
) -> tuple[Doubles, Doubles]:
    """The system's totals [n, C] of images of known classes by this scoring, and their targets."""
    judge = replace(_of_known(evaluator, system), scoring=Scoring.model_validate(parts))
    scores = judge.score(system, "review")
    return scores.totals.astype(np.float64), _aims(scores.labels, len(system.classes))


def _aims(labels: Indices, classes: int) -> Doubles:
    """The targets of softmax, [n, C]: nearly 1 for the label, the rest shared by the others."""
    certain = (len(labels) + 1) / (len(labels) + 2)
    aims = np.full((len(labels), classes), (1 - certain) / (classes - 1))
    aims[np.arange(len(labels)), labels] = certain
    return aims


def _loss(logits: Doubles, aims: Doubles) -> tuple[float, Doubles]:
    """Cross entropy of softmax(logits) [n, C] with the targets, summed over images; and softmax."""
    logits = logits - logits.max(axis=1, keepdims=True)
    p = np.exp(logits)
    normaliser = p.sum(axis=1, keepdims=True)
    p /= normaliser
    return float((np.log(normaliser).sum()) - (aims * logits).sum()), p


def _temperature(totals: Doubles, aims: Doubles) -> float:
    """The t >= 0 with the smallest loss of t * totals [n, C].

    0 where the totals say nothing, or the wrong thing.
    """
    # Only differences within an image count: equal totals are then 0, and not rounding.
    gaps = below_best(totals)
    target = float((aims * gaps).sum(axis=1).mean())
    return likeliest_inverse(gaps, target) if gaps.mean() < target else 0.0


def _minimum(adds: Doubles, aims: Doubles) -> Doubles:
    """The weights [G] >= 0 of least penalised loss, from what groups add [G, n, C]."""

    def objective(weights: Doubles) -> tuple[float, Doubles]:
        loss, p = _loss(np.tensordot(weights, adds, 1), aims)
        ridge = (weights - 1) / _SPREAD**2
        slope = np.tensordot(adds, p - aims, ((1, 2), (0, 1))) + ridge
        return loss + float(ridge @ (weights - 1)) / 2, slope

    weights = np.ones(len(adds))
    value, slope = objective(weights)
    length = 1.0 / max(float(np.abs(slope).max()), 1e-12)
    for _ in range(_STEPS):
        direction = np.maximum(weights - length * slope, 0) - weights
        if np.abs(np.maximum(weights - slope, 0) - weights).max() < 1e-6:
            break
        part = 1.0
        while True:
            there = weights + part * direction
            new_value, new_slope = objective(there)
            if new_value <= value + 1e-4 * part * float(slope @ direction):
                break
            part /= 2
            if part < 1e-12:
                # No step is better by more than rounding.
                return weights
        moved, turned = there - weights, new_slope - slope
        # The inverse of the curvature along the last step.
        bend = float(moved @ turned)
        length = float(moved @ moved) / bend if bend > 0 else 1.0
        weights, value, slope = there, new_value, new_slope
    return weights
