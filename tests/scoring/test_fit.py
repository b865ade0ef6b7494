"""What is fitted of a scoring: against brute force, and on data with a known answer."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from builder.scoring import fit as fitting
from builder.scoring.evaluator import Evaluator, SplitData
from builder.scoring.fit import FITTED_PART, RULE_NAMES, fit_weights, fitted_scoring
from builder.scoring.score import score_cosines
from builder.system.model import AttributeGroup, AttributeSystem, Scoring, make_system, scored_texts
from tests.chance import chance
from tests.strategies import QUICK
from tests.worlds import GOOD, evaluator, images

Cosines = NDArray[np.float32]
SCALE = 20.0
seeds = st.integers(0, 2**32 - 1)
COLOURS = ("red", "green", "blue", "gold")
TAILS = ("long", "short", "none")
GROUPS = (
    AttributeGroup(name="colour", prompt="It is {}.", options=COLOURS),
    AttributeGroup(name="tail", prompt="Its tail is {}.", options=TAILS),
)
SYSTEM = make_system(
    "creature",
    GROUPS,
    {f"{c} {t}": {"colour": c, "tail": t} for c in COLOURS for t in TAILS},
)


def noisy(
    seed: int, n: int, colour: float, tail: float, name: float = 0.0
) -> tuple[Cosines, list[str]]:
    """Cosines [n, Q + C] in which the right option, or name, is higher by so many deviations."""
    random = chance(seed)
    labels = [SYSTEM.classes[c] for c in random.integers(len(SYSTEM.classes), size=n)]
    texts = (*COLOURS, *TAILS, *SYSTEM.classes)
    similar = random.normal(size=(n, len(texts)))
    for row, label in enumerate(labels):
        c, t = label.split()
        similar[row, COLOURS.index(c)] += colour
        similar[row, len(COLOURS) + TAILS.index(t)] += tail
        similar[row, len(COLOURS) + len(TAILS) + SYSTEM.classes.index(label)] += name
    return (0.05 * similar).astype(np.float32), labels


def judge(similar: Cosines, labels: list[str], system: AttributeSystem = SYSTEM) -> Evaluator:
    """Images with these cosines: the vectors of the texts are axes, and an image is its cosines."""
    texts = (*system.phrases(), *system.classes)
    axes = np.eye(len(texts), dtype=np.float32)
    return Evaluator(
        encoder="e",
        splits={"review": SplitData(tuple(map(str, range(len(labels)))), tuple(labels), similar)},
        encode=lambda asked: axes[[texts.index(text) for text in asked]],
        scoring=Scoring(),
        logit_scale=SCALE,
    )


def fitted_scale(similar: Cosines, labels: list[str], system: AttributeSystem = SYSTEM) -> Any:
    return fitted_scoring(judge(similar, labels, system), system, "fitted-scale").scale


def fitted_prior(similar: Cosines, labels: list[str]) -> float:
    return fitted_scoring(judge(similar, labels), SYSTEM, "name-prior").name_prior


def accuracy(similar: Cosines, labels: list[str], scoring: Scoring) -> float:
    size = len(scored_texts(SYSTEM, scoring))
    made = score_cosines(SYSTEM, similar[:, :size], labels, scoring=scoring, logit_scale=SCALE)
    return made.accuracy


@QUICK
@given(seeds, st.integers(3, 40))
def test_weights_minimise_the_penalised_loss(seed: int, n: int) -> None:
    """No point nearby is better; the objective is convex, so none anywhere is."""
    similar, labels = noisy(seed, n, 1.5, 0.2)
    found = fit_weights(judge(similar, labels), SYSTEM)
    weights = np.array([found[group.prompt] for group in GROUPS])
    assert (weights >= 0).all()

    indices = np.array([SYSTEM.classes.index(label) for label in labels])
    parts = [
        score_cosines(
            SYSTEM,
            similar[:, :7],
            labels,
            scoring=Scoring(weights={other.prompt: 0.0}),
            logit_scale=SCALE,
        ).totals.astype(float)
        for other in reversed(GROUPS)
    ]
    aims = fitting._aims(indices, len(SYSTEM.classes))
    t = fitting._temperature(parts[0] + parts[1], aims)

    def objective(w: Any) -> float:
        logits = t * (w[0] * parts[0] + w[1] * parts[1])
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        return float(-(aims * np.log(p)).sum() + 2 * ((w - 1) ** 2).sum())

    least = objective(weights)
    for step in np.array([[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [-1, -1]]) * 0.02:
        if (weights + step >= 0).all():
            assert objective(weights + step) > least


def test_a_group_that_says_nothing_loses_weight_and_few_images_change_little() -> None:
    similar, labels = noisy(1, 1000, 1.5, 0.0)
    colour, tail = fit_weights(judge(similar, labels), SYSTEM).values()
    assert tail < 0.2 < 1 < colour
    few = fit_weights(judge(similar[:5], labels[:5]), SYSTEM)
    assert all(0.6 < weight < 1.4 for weight in few.values())


@QUICK
@given(seeds)
def test_the_fitted_scale_is_the_likeliest(seed: int) -> None:
    """Against another way to the same figure: a fine grid of temperatures."""
    similar, labels = noisy(seed, 60, 1.5, 1.0)
    indices = np.array([SYSTEM.classes.index(label) for label in labels])
    aims = fitting._aims(indices, len(SYSTEM.classes))

    def loss(scale: float) -> float:
        totals = score_cosines(
            SYSTEM, similar[:, :7], labels, scoring=Scoring(scale=scale), logit_scale=SCALE
        ).totals.astype(float)
        spread = totals - totals.max(axis=1, keepdims=True)
        temperatures = np.geomspace(0.01, 1e4, 600)[:, None]
        normaliser = np.log(np.exp(temperatures[..., None] * spread).sum(axis=-1))
        return float((normaliser - temperatures * (aims * spread).sum(axis=1)).sum(axis=1).min())

    found = fitted_scale(similar, labels)
    losses = {scale: loss(scale) for scale in (SCALE, *fitting.SCALES)}
    assert losses[found] <= min(losses.values()) + 0.01


def test_names_count_as_much_as_they_say() -> None:
    silent, labels = noisy(2, 300, 1.5, 1.5)
    assert fitted_prior(silent, labels) <= 0.25
    telling, labels = noisy(2, 300, 1.0, 1.0, name=3.0)
    prior = fitted_prior(telling, labels)
    assert prior >= 1
    with_names = accuracy(telling, labels, Scoring(name_prior=prior))
    assert with_names > accuracy(telling, labels, Scoring()) + 0.1


@pytest.mark.parametrize("name", RULE_NAMES)
def test_each_rule_by_name(name: fitting.RuleName) -> None:
    labels = [*GOOD.classes] * 8

    def made(labels: Sequence[str] = labels) -> Scoring:
        at = evaluator()
        review = SplitData(("",) * len(labels), tuple(labels), images([*GOOD.classes] * 8, 0.4))
        return fitted_scoring(replace(at, splits={"review": review}), GOOD, name)

    scoring = made()
    assert made() == scoring
    part = FITTED_PART.get(name)
    if part is None:
        assert scoring.fitted is None
        return
    assert scoring.fitted is not None
    assert (scoring.fitted.parts, scoring.fitted.encoder) == ((part,), "test encoder")
    assert scoring.fitted.images == 24
    stranger = made(["?", *labels[1:]])
    assert stranger.fitted is not None
    assert stranger.fitted.images == (24 if name == "centred" else 23)
    # Nothing but that part differs from the article's rule.
    assert scoring.for_encoder("other") == Scoring()


@given(seeds, st.integers(1, 40))
def test_rules_that_say_the_same_of_all_classes_fit_nothing(seed: int, n: int) -> None:
    """All totals of an image are equal: rounding must not be taken for evidence."""
    colours = {name: {"colour": COLOURS[:2], "tail": ()} for name in SYSTEM.classes}
    silent = make_system("creature", GROUPS, colours)
    similar, labels = noisy(seed, n, 1, 1)
    assert set(fit_weights(judge(similar, labels, silent), silent).values()) == {1.0}
    assert fitted_scale(similar, labels, silent) == SCALE


def test_images_of_unknown_classes_are_left_out() -> None:
    similar, labels = noisy(4, 40, 1.5, 0.5)
    more = np.vstack([similar, np.ones((3, similar.shape[1]), np.float32)])
    unknown = [*labels, "x", "y", "z"]
    for name in ("weighted", "fitted-scale", "name-prior"):
        known = fitted_scoring(judge(similar, labels), SYSTEM, name)
        assert fitted_scoring(judge(more, unknown), SYSTEM, name) == known
        with pytest.raises(ValueError, match="there are none"):
            fitted_scoring(judge(more[-3:], unknown[-3:]), SYSTEM, name)


def test_where_all_images_are_right_the_temperature_stays_finite() -> None:
    totals = np.eye(12)[np.arange(12)]
    t = fitting._temperature(totals, fitting._aims(np.arange(12), 12))
    # Where softmax is what it aims at: 13/14 for the label.
    assert np.exp(t) / (np.exp(t) + 11) == pytest.approx(13 / 14)
    assert fitting._temperature(-totals, fitting._aims(np.arange(12), 12)) == 0
