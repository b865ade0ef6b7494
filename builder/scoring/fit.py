"""The scoring rules by name: fitted on labelled images, and compared with each other.

Each fit maximises one thing, the log-likelihood of the images' classes under softmax(t * total)
over the classes. The temperature t is the likeliest for each candidate: only how totals differ
among classes counts, not how large they are. As in Platt (1999), each class is aimed at with a
little less than certainty, (n + 1)/(n + 2), so that t is finite where all images are right.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from builder.scoring.evaluator import Evaluator
from builder.scoring.score import (
    Doubles,
    Floats,
    Indices,
    choice_score,
    cosines,
    group_rules,
    group_slices,
    label_indices,
    option_scores,
    score_cosines,
)
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
    """The rule of that name, fitted on the review images if need be, means and all."""
    review = evaluator.splits["review"]
    texts = evaluator.encode((*system.phrases(), *system.classes))
    scoring = scoring_by_name(
        name,
        system,
        cosines(review.vectors, texts),
        review.labels,
        logit_scale=evaluator.logit_scale,
        encoder=evaluator.encoder,
    )
    return replace(evaluator, scoring=scoring).scoring_of(system)


def scoring_by_name(
    name: RuleName,
    system: AttributeSystem,
    similar: Floats,
    labels: Sequence[str],
    *,
    logit_scale: float,
    encoder: str,
) -> Scoring:
    """The rule of that name for an encoder (its fingerprint), fitted on these images if need be.

    similar: cosines [n, Q + C] with the phrases and then the class names. What is fitted changes
    the rule `sum` at the encoder's own scale. `centred` comes without its means, which
    `scoring.centred_on` takes. Raises ValueError where a fit finds no image of a known class.
    """
    match name:
        case "sum-at-1":
            return Scoring(scale=1.0)
        case "fitted-scale":
            found: object = fit_scale(system, similar, labels, logit_scale=logit_scale)
        case "centred":
            found = {}
        case "weighted":
            found = fit_weights(system, similar, labels, logit_scale=logit_scale)
        case "name-prior":
            found = fit_name_prior(system, similar, labels, logit_scale=logit_scale)
        case _:
            return Scoring(rule=name)
    part = FITTED_PART[name]
    # Labels play no part in means.
    images = len(similar) if part == "means" else len(_known(system, similar, labels)[1])
    fitted = Fitted(parts=(part,), encoder=encoder, images=images)
    return Scoring.model_validate({part: found, "fitted": fitted})


def fit_scale(
    system: AttributeSystem, similar: Floats, labels: Sequence[str], *, logit_scale: float
) -> float:
    """The likeliest of `SCALES` and the encoder's own scale, from cosines [n, Q + C]."""
    candidates = {scale: Scoring(scale=scale) for scale in (logit_scale, *SCALES)}
    return _likeliest(candidates, system, similar, labels, logit_scale)


def fit_name_prior(
    system: AttributeSystem, similar: Floats, labels: Sequence[str], *, logit_scale: float
) -> float:
    """The likeliest of `NAME_PRIORS`, of equals the smallest, from cosines [n, Q + C]."""
    candidates = {prior: Scoring(name_prior=prior) for prior in NAME_PRIORS}
    return _likeliest(candidates, system, similar, labels, logit_scale)


def _likeliest(
    candidates: Mapping[float, Scoring],
    system: AttributeSystem,
    similar: Floats,
    labels: Sequence[str],
    logit_scale: float,
) -> float:
    """The number by whose scoring the labels are likeliest; of equals the first."""
    similar, labels = _known(system, similar, labels)
    indices = label_indices(system.classes, labels)

    def likelihood(number: float) -> float:
        totals = _totals(system, similar, labels, candidates[number], logit_scale)
        return _log_likelihood(totals, indices)

    return max(candidates, key=likelihood)


def fit_weights(
    system: AttributeSystem, similar: Floats, labels: Sequence[str], *, logit_scale: float
) -> dict[str, float]:
    """The likeliest weight of each prompt, at least 0, from cosines [n, Q + C].

    Minimises  -log likelihood(w) + sum over prompts (w - 1)^2 / (2 * 0.5^2),  w >= 0,  with the
    temperature that suits weights of 1: multinomial logistic regression with a ridge around 1,
    which is strictly convex. It is a maximum a posteriori estimate: with few images weights stay
    near 1. Solved by spectral projected gradients (Birgin, Martínez and Raydan, 2000).
    """
    similar, labels = _known(system, similar, labels)
    prompts = tuple(dict.fromkeys(group.prompt for group in system.groups))
    adds = np.zeros((len(prompts), len(labels), len(system.classes)))
    groups = zip(system.groups, group_rules(system), group_slices(system), strict=True)
    for group, rule, columns in groups:
        scoring = Scoring()
        options = option_scores(similar.T[columns], scoring=scoring, logit_scale=logit_scale)
        chosen = [np.flatnonzero(row) for row in rule.weights]
        choices = np.stack([choice_score(options, each, scoring=scoring) for each in chosen])
        adds[prompts.index(group.prompt)] += choices[rule.of_class].T
    aims = _aims(label_indices(system.classes, labels), len(system.classes))
    adds *= _temperature(adds.sum(axis=0), aims)
    weights = _minimum(adds, aims)
    return dict(zip(prompts, np.round(weights, 3).tolist(), strict=True))


def _known(
    system: AttributeSystem, similar: Floats, labels: Sequence[str]
) -> tuple[Floats, list[str]]:
    """The images of known classes; if they are very many, an evenly spread part."""
    known = np.flatnonzero(label_indices(system.classes, labels) >= 0)
    if not len(known):
        raise ValueError("a scoring is fitted on images of the system's classes, there are none")
    if len(known) > _MOST_IMAGES:
        known = known[np.linspace(0, len(known) - 1, _MOST_IMAGES).astype(np.intp)]
    return np.asarray(similar)[known], [labels[row] for row in known.tolist()]


def _totals(
    system: AttributeSystem,
    similar: Floats,
    labels: Sequence[str],
    scoring: Scoring,
    logit_scale: float,
) -> Doubles:
    """The system's totals [n, C] by the scoring, from cosines [n, Q + C]."""
    size = similar.shape[1] if scoring.name_prior else len(system.phrases())
    scores = score_cosines(
        system, similar[:, :size], labels, scoring=scoring, logit_scale=logit_scale
    )
    return scores.totals.astype(np.float64)


def _aims(labels: Indices, classes: int) -> Doubles:
    """The targets of softmax, [n, C]: nearly 1 for the label, the rest shared by the others."""
    certain = (len(labels) + 1) / (len(labels) + 2)
    aims = np.full((len(labels), classes), (1 - certain) / (classes - 1))
    aims[np.arange(len(labels)), labels] = certain
    return aims


def _log_likelihood(totals: Doubles, labels: Indices) -> float:
    """The log likelihood of labels [n] at the likeliest temperature of totals [n, C]."""
    aims = _aims(labels, totals.shape[1])
    return -_loss(_temperature(totals, aims) * totals, aims)[0]


def _loss(logits: Doubles, aims: Doubles) -> tuple[float, Doubles]:
    """Cross entropy of softmax(logits) [n, C] with the targets, summed over images; and softmax."""
    logits = logits - logits.max(axis=1, keepdims=True)
    p = np.exp(logits)
    normaliser = p.sum(axis=1, keepdims=True)
    p /= normaliser
    return float((np.log(normaliser).sum()) - (aims * logits).sum()), p


def _temperature(totals: Doubles, aims: Doubles) -> float:
    """The t >= 0 with the smallest loss of t * totals [n, C]: Newton's method in a bracket.

    The loss is convex in t. 0 where the totals say nothing, or the wrong thing.
    """
    # Only differences within an image count: equal totals are then 0, and not rounding.
    totals = totals - totals.max(axis=1, keepdims=True)
    low, high, t = 0.0, np.inf, 1.0 / max(float(totals.std()), 1e-12)
    if _slopes(0.0, totals, aims)[0] >= 0:
        return 0.0
    for _ in range(_STEPS):
        slope, curvature = _slopes(t, totals, aims)
        low, high = (t, high) if slope < 0 else (low, t)
        step = t - slope / curvature if curvature > 0 else np.inf
        if not low < step < high:
            step = 2 * t if np.isinf(high) else (low + high) / 2
        if abs(step - t) <= 1e-9 * t:
            break
        t = step
    return t


def _slopes(t: float, totals: Doubles, aims: Doubles) -> tuple[float, float]:
    """The first and second derivative by t of the loss of t * totals."""
    p = _loss(t * totals, aims)[1]
    mean = (p * totals).sum(axis=1)
    slope = float(mean.sum() - (aims * totals).sum())
    return slope, float((p * totals**2).sum() - (mean**2).sum())


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
