"""Scores against a slow reference that goes image by image, as the source article does."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from builder.scoring import score as scoring
from builder.scoring.score import (
    Scores,
    centred_on,
    cosines,
    group_slices,
    label_indices,
    score,
    score_cosines,
    score_names,
)
from builder.system.model import (
    AttributeGroup,
    AttributeSystem,
    Fitted,
    Scoring,
    make_system,
    scored_texts,
)
from tests.chance import chance

Rule = Literal["sum", "log", "robust-log"]
RULES: tuple[Rule, ...] = ("sum", "log", "robust-log")
Vectors = NDArray[np.float32]

examples = settings(derandomize=True, deadline=None, max_examples=40)


@st.composite
def systems(draw: st.DrawFn, *, single: bool = False) -> AttributeSystem:
    """Up to 4 groups, 5 options and 7 classes; rules of one option, or of any number."""
    groups = tuple(
        AttributeGroup(
            name=f"group {g}",
            prompt=f"{g}: {{}}.",
            options=tuple(f"option {k}" for k in range(draw(st.integers(2, 5)))),
        )
        for g in range(draw(st.integers(1, 4)))
    )

    def choice(group: AttributeGroup) -> Sequence[str]:
        option = st.sampled_from(group.options)
        if single:
            return [draw(option)]
        return draw(st.one_of(option.map(lambda o: [o]), st.lists(option, unique=True)))

    rules = {
        f"class {c}": {group.name: choice(group) for group in groups}
        for c in range(draw(st.integers(2, 7)))
    }
    return make_system("test", groups, rules)


def unit_vectors(seed: int, count: int, size: int = 16) -> Vectors:
    vectors = chance(seed).normal(size=(count, size))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32)


seeds = st.integers(0, 2**32 - 1)
scales = st.sampled_from([1.0, 14.3, 100.0, 1e4])


def reference(
    system: AttributeSystem, image: Vectors, phrases: Vectors, rule: Rule, scale: float
) -> dict[str, float]:
    """One image's class scores, written like the article's loop, in double precision."""
    log_p: dict[str, dict[str, float]] = {}
    position = 0
    for group in system.groups:
        logits = {}
        for option in group.options:
            product = image.astype(np.float64) @ phrases[position].astype(np.float64)
            logits[option] = scale * float(product)
            position += 1
        top = max(logits.values())
        normaliser = top + math.log(sum(math.exp(z - top) for z in logits.values()))
        log_p[group.name] = {option: z - normaliser for option, z in logits.items()}
    scores = {}
    for name, choices in system.rules.items():
        scores[name] = 0.0
        for group_name, chosen in choices.items():
            logs = [log_p[group_name][option] for option in chosen or log_p[group_name]]
            top = max(logs)
            log_mean = top + math.log(sum(math.exp(z - top) for z in logs) / len(logs))
            p = math.exp(log_mean)
            robust = math.log(0.9 * p + 0.1 / len(log_p[group_name]))
            scores[name] += {"sum": p, "log": log_mean, "robust-log": robust}[rule]
    return scores


def tolerance(rule: Rule, scale: float) -> float:
    # What single precision leaves of a cosine, in units of the score.
    return {"sum": 5e-7, "log": 1e-6, "robust-log": 2e-5}[rule] * max(scale, 10)


@examples
@given(systems(), seeds, st.sampled_from(RULES), scales)
def test_scores_equal_the_per_image_loop(
    system: AttributeSystem, seed: int, rule: Rule, scale: float
) -> None:
    images, phrases = unit_vectors(seed, 6), unit_vectors(seed + 1, len(system.phrases()))
    labels = [system.classes[index % len(system.classes)] for index in range(6)]
    result = score(
        system, images, phrases, labels, scoring=Scoring(rule=rule, scale=scale), logit_scale=3.0
    )
    slack = tolerance(rule, scale)
    for row, image in enumerate(images):
        expected = reference(system, image, phrases, rule, scale)
        assert result.totals[row] == pytest.approx([*expected.values()], abs=slack, rel=1e-6)
        predicted = system.classes[result.predictions[row]]
        assert expected[predicted] >= max(expected.values()) - 2 * slack
        assert result.correct[row] == (predicted == labels[row])
    for group, probabilities in zip(system.groups, result.probabilities, strict=True):
        assert probabilities.shape == (6, len(group.options))
        assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)


@examples
@given(systems(single=True), seeds, scales)
def test_log_ranks_single_options_like_the_sum_of_cosines(
    system: AttributeSystem, seed: int, scale: float
) -> None:
    images, phrases = unit_vectors(seed, 8), unit_vectors(seed + 1, len(system.phrases()))
    column = {phrase: index for index, phrase in enumerate(system.phrases())}
    rows = [
        [column[group.phrase(choices[group.name][0])] for group in system.groups]
        for choices in system.rules.values()
    ]
    sums = (images.astype(np.float64) @ phrases.astype(np.float64).T)[:, rows].sum(axis=2)
    result = score(
        system,
        images,
        phrases,
        [system.classes[0]] * 8,
        scoring=Scoring(rule="log"),
        logit_scale=scale,
    )
    won = sums[np.arange(8), result.predictions]
    assert (won >= sums.max(axis=1) - 5e-6).all()
    # The totals are the sums but for a constant per image.
    constant = result.totals / scale - sums
    assert np.ptp(constant, axis=1) == pytest.approx(0, abs=5e-6)


@examples
@given(systems(), seeds, st.sampled_from(RULES), st.randoms(use_true_random=False))
def test_permuting_the_system_permutes_the_scores(
    system: AttributeSystem, seed: int, rule: Rule, random: Any
) -> None:
    images = unit_vectors(seed, 6)
    vector = dict(zip(system.phrases(), unit_vectors(seed + 1, len(system.phrases())), strict=True))

    def shuffled(things: Sequence[Any]) -> list[Any]:
        copy = list(things)
        random.shuffle(copy)
        return copy

    groups = [
        AttributeGroup(name=g.name, prompt=g.prompt, options=tuple(shuffled(g.options)))
        for g in shuffled(system.groups)
    ]
    rules = {name: system.rules[name] for name in shuffled(system.classes)}
    permuted = make_system("test", groups, rules)

    def scores(which: AttributeSystem) -> Scores:
        phrases = np.stack([vector[phrase] for phrase in which.phrases()])
        return score(
            which, images, phrases, ["class 0"] * 6, scoring=Scoring(rule=rule), logit_scale=20.0
        )

    before, after = scores(system), scores(permuted)
    back = [permuted.classes.index(name) for name in system.classes]
    np.testing.assert_allclose(after.totals[:, back], before.totals, atol=2e-5)
    np.testing.assert_array_equal(
        before.totals[np.arange(6), before.predictions], before.totals.max(axis=1)
    )
    for row, prediction in enumerate(after.predictions):
        name = permuted.classes[prediction]
        best = before.totals[row].max()
        assert before.totals[row, system.classes.index(name)] >= best - 4e-5
    for group, probabilities in zip(permuted.groups, after.probabilities, strict=True):
        original = system.group(group.name)
        columns = [original.options.index(option) for option in group.options]
        index = system.groups.index(original)
        np.testing.assert_allclose(
            probabilities, before.probabilities[index][:, columns], atol=1e-5
        )


def wide_system(classes: int, distinct: int) -> AttributeSystem:
    """`classes` classes that share `distinct` different sets of rules in a random order."""
    random = chance(7)
    groups = tuple(
        AttributeGroup(name=f"group {g}", prompt=f"{g}: {{}}", options=tuple("abcdefghijk"))
        for g in range(6)
    )
    kinds = [[g.options[random.integers(11)] for g in groups] for _ in range(distinct)]
    rules = {
        f"class {c}": dict(
            zip((g.name for g in groups), kinds[random.integers(distinct)], strict=True)
        )
        for c in range(classes)
    }
    return make_system("test", groups, rules)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("n", [1, 3, 64])
def test_classes_with_identical_rules_tie_exactly(rule: Rule, n: int) -> None:
    system = wide_system(classes=83, distinct=19)
    images, phrases = unit_vectors(1, n, 48), unit_vectors(2, len(system.phrases()), 48)
    result = score(
        system, images, phrases, ["class 0"] * n, scoring=Scoring(rule=rule), logit_scale=9.0
    )
    twins = [[*choices.values()] for choices in system.rules.values()]
    first = [twins.index(choices) for choices in twins]
    np.testing.assert_array_equal(result.totals, result.totals[:, first])
    assert set(result.predictions.tolist()) <= set(first)
    shared = [row for row in result.totals if np.count_nonzero(row == row.max()) > 1]
    assert result.ties == len(shared)
    assert n < 64 or result.ties > 0


def test_naming_every_option_ties_with_naming_none() -> None:
    groups = [AttributeGroup(name="g", prompt="{}", options=("a", "b", "c"))]
    system = make_system("test", groups, {"all": {"g": ["a", "b", "c"]}, "none": {"g": None}})
    for rule in RULES:
        result = score_cosines(
            system,
            np.array([[0.9, 0.1, 0.2]], np.float32),
            ["none"],
            scoring=Scoring(rule=rule),
            logit_scale=10.0,
        )
        assert (result.ties, result.predictions.tolist(), result.accuracy) == (1, [0], 0.0)
        expected = 1 / 3 if rule == "sum" else math.log(1 / 3)
        assert result.totals[0] == pytest.approx([expected] * 2)


@pytest.mark.parametrize("rule", RULES)
def test_different_rules_may_tie_by_chance(rule: Rule) -> None:
    groups = [AttributeGroup(name="g", prompt="{}", options=("a", "b", "c"))]
    system = make_system("test", groups, {"c": {"g": "c"}, "b": {"g": "b"}, "a": {"g": "a"}})
    similar = np.array([[0.5, 0.5, 0.1], [0.5, 0.2, 0.5], [0.1, 0.1, 0.5]], np.float32)
    result = score_cosines(
        system, similar, ["a", "a", "a"], scoring=Scoring(rule=rule), logit_scale=10.0
    )
    assert (result.ties, result.predictions.tolist()) == (2, [1, 0, 0])


def test_one_several_and_no_options_by_hand() -> None:
    groups = [
        AttributeGroup(name="colour", prompt="{}", options=("red", "blue")),
        AttributeGroup(name="shape", prompt="a {}", options=("ball", "cube", "cone", "ring")),
    ]
    rules: dict[str, dict[str, Any]] = {
        "one": {"colour": "red", "shape": "ball"},
        "several": {"colour": "blue", "shape": ["cube", "ring"]},
        "none": {"colour": "red", "shape": None},
    }
    system = make_system("test", groups, rules)
    # Softmax: 3/4, 1/4 and 1/2, 1/4, 1/8, 1/8.
    similar = np.log(np.array([[3, 1, 4, 2, 1, 1]], np.float32))

    def totals(rule: Rule) -> Any:
        made = score_cosines(
            system, similar, ["none"], scoring=Scoring(rule=rule, scale=1.0), logit_scale=99.0
        )
        return made.totals[0]

    p = [(3 / 4, 1 / 2), (1 / 4, (1 / 4 + 1 / 8) / 2), (3 / 4, 1 / 4)]
    assert totals("sum") == pytest.approx([a + b for a, b in p])
    assert totals("log") == pytest.approx([math.log(a) + math.log(b) for a, b in p])
    guessed = [math.log(0.9 * a + 0.05) + math.log(0.9 * b + 0.025) for a, b in p]
    assert totals("robust-log") == pytest.approx(guessed)


def test_without_its_own_scale_the_encoders_is_used() -> None:
    system = wide_system(5, 5)
    similar = cosines(unit_vectors(1, 4), unit_vectors(2, 66))
    labels = ["class 0"] * 4
    own = score_cosines(system, similar, labels, scoring=Scoring(), logit_scale=30.0)
    told = score_cosines(system, similar, labels, scoring=Scoring(scale=30.0), logit_scale=1.0)
    soft = score_cosines(system, similar, labels, scoring=Scoring(scale=1.0), logit_scale=30.0)
    np.testing.assert_array_equal(own.totals, told.totals)
    # At scale 1 cosines barely move the probabilities away from 1/K.
    assert np.ptp(soft.totals) < 0.5 < np.ptp(own.totals)


@pytest.mark.parametrize("rule", RULES)
def test_huge_scales_stay_finite_and_sharp(rule: Rule) -> None:
    groups = [AttributeGroup(name="g", prompt="{}", options=("a", "b", "c", "d"))]
    rules: dict[str, Any] = {
        "a": {"g": "a"},
        "b": {"g": "b"},
        "cd": {"g": ["c", "d"]},
        "none": {"g": None},
    }
    system = make_system("test", groups, rules)
    similar = np.array([[1, -1, -0.5, -0.25], [-1, 1, 1, -1], [-1, 1, -1, -1]], np.float32)
    result = score_cosines(
        system, similar, ["a", "b", "b"], scoring=Scoring(rule=rule), logit_scale=1e4
    )
    assert np.isfinite(result.totals).all()
    assert np.isfinite(np.hstack(result.probabilities)).all()
    assert result.predictions.tolist() == [0, 1, 1]
    if rule == "log":
        # -7500 beats -15000 although both probabilities underflow to 0; halved, as two are named.
        assert result.totals[0, 2] == pytest.approx(-12500 - math.log(2), rel=1e-6)
        assert result.totals[0, 1] == pytest.approx(-20000, rel=1e-6)


@pytest.mark.parametrize("rule", RULES)
def test_blocks_change_nothing(rule: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    images, phrases = unit_vectors(3, 57), unit_vectors(4, 66)
    for system in (wide_system(40, 40), wide_system(40, 9)):
        labels = [system.classes[index % 40] for index in range(57)]
        results = []
        for block in (1 << 20, 100):
            monkeypatch.setattr(scoring, "_BLOCK", block)
            results.append(
                score(system, images, phrases, labels, scoring=Scoring(rule=rule), logit_scale=50.0)
            )
        whole, parts = results
        np.testing.assert_allclose(parts.totals, whole.totals, rtol=1e-5)
        np.testing.assert_array_equal(parts.predictions, whole.predictions)
        assert parts.ties == whole.ties


def by_system(images: Vectors, texts: Vectors, labels: Sequence[str]) -> Scores:
    groups = [AttributeGroup(name="g", prompt="{}", options=("a", "b"))]
    system = make_system("test", groups, {"a": {"g": "a"}, "b": {"g": "b"}})
    return score(system, images, texts, labels, scoring=Scoring(), logit_scale=5.0)


def by_names(images: Vectors, texts: Vectors, labels: Sequence[str]) -> Scores:
    return score_names(("a", "b"), images, texts, labels)


@pytest.mark.parametrize("scorer", [by_system, by_names])
def test_odd_inputs(scorer: Callable[[Vectors, Vectors, Sequence[str]], Scores]) -> None:
    texts = np.eye(2, dtype=np.float32)
    empty = scorer(np.empty((0, 2), np.float32), texts, [])
    assert (empty.n, empty.accuracy, empty.ties, empty.totals.shape) == (0, 0.0, 0, (0, 2))
    assert [p.shape for p in empty.probabilities] in ([], [(0, 2)])

    unknown = scorer(texts, texts, ["a", "something else"])
    assert unknown.labels.tolist() == [0, -1]
    assert unknown.correct.tolist() == [True, False]
    assert unknown.accuracy == 0.5

    with pytest.raises(ValueError, match="finite"):
        scorer(np.array([[np.nan, 1.0]], np.float32), texts, ["a"])
    with pytest.raises(ValueError, match="3"):
        scorer(texts, np.ones((3, 2), np.float32), ["a", "b"])
    with pytest.raises(ValueError, match="1"):
        scorer(texts, texts, ["a"])


def test_names_go_to_the_highest_cosine() -> None:
    images, different = unit_vectors(5, 64, 48), unit_vectors(6, 19, 48)
    # 83 names of which many read the same to the encoder.
    same = chance(8).integers(19, size=83)
    classes = tuple(f"class {index}" for index in range(83))
    result = score_names(classes, images, different[same], ["class 0"] * 64)
    best = (images.astype(np.float64) @ different.astype(np.float64).T)[:, same].argmax(axis=1)
    np.testing.assert_array_equal(result.predictions, best)
    first = [same.tolist().index(code) for code in same]
    np.testing.assert_array_equal(result.totals, result.totals[:, first])
    assert result.ties == sum(np.count_nonzero(same == same[index]) > 1 for index in best) > 0
    assert result.probabilities == ()


def test_label_indices() -> None:
    assert label_indices(("x", "y"), ["y", "z", "x", "y"]).tolist() == [1, -1, 0, 1]
    assert label_indices(("x", "y"), []).dtype == np.intp


# --- Weights, means and a name prior ----------------------------------------------------------


@st.composite
def worlds(draw: st.DrawFn) -> tuple[AttributeSystem, Vectors, list[str]]:
    """A system, cosines [8, Q + C] with its phrases and then its class names, and labels."""
    system = draw(systems())
    texts = (*system.phrases(), *system.classes)
    seed = draw(seeds)
    similar = cosines(unit_vectors(seed, 8), unit_vectors(seed + 1, len(texts)))
    return system, similar, [system.classes[row % len(system.classes)] for row in range(8)]


def scored(world: tuple[AttributeSystem, Vectors, list[str]], scoring: Scoring) -> Scores:
    system, similar, labels = world
    used = similar[:, : len(scored_texts(system, scoring))]
    return score_cosines(system, used, labels, scoring=scoring, logit_scale=20.0)


@examples
@given(worlds(), st.sampled_from(RULES))
def test_weights_of_one_and_no_prior_are_the_articles(
    world: tuple[AttributeSystem, Vectors, list[str]], rule: Rule
) -> None:
    ones = {group.prompt: 1.0 for group in world[0].groups}
    plain = scored(world, Scoring(rule=rule))
    same = scored(world, Scoring(rule=rule, weights=ones, name_prior=0))
    np.testing.assert_array_equal(same.totals, plain.totals)
    np.testing.assert_array_equal(same.predictions, plain.predictions)
    assert same.ties == plain.ties


@examples
@given(worlds(), st.sampled_from(RULES), st.lists(st.sampled_from([0, 0.5, 1, 3]), min_size=4))
def test_totals_are_weighted_sums_over_groups_and_the_name(
    world: tuple[AttributeSystem, Vectors, list[str]], rule: Rule, drawn: list[float]
) -> None:
    system, similar, labels = world
    weights = {g.prompt: w for g, w in zip(system.groups, drawn, strict=False)}
    expected = np.zeros((8, len(system.classes)))
    for group, columns in zip(system.groups, group_slices(system), strict=True):
        rows = {name: {group.name: row[group.name]} for name, row in system.rules.items()}
        alone = make_system("test", [group], rows)
        part = scored((alone, similar[:, columns], labels), Scoring(rule=rule))
        expected += weights[group.prompt] * part.totals.astype(float)
    names = AttributeGroup(name="name", prompt="{}", options=system.classes)
    own = make_system("test", [names], {name: {"name": name} for name in system.classes})
    named = similar[:, len(system.phrases()) :]
    expected += 1.5 * scored((own, named, labels), Scoring(rule=rule)).totals
    made = scored(world, Scoring(rule=rule, weights=weights, name_prior=1.5))
    np.testing.assert_allclose(made.totals, expected, rtol=1e-5, atol=1e-4)
    best = expected[np.arange(8), made.predictions]
    assert (best >= expected.max(axis=1) - 1e-3).all()


@examples
@given(worlds(), st.sampled_from(RULES), seeds)
def test_a_texts_own_bias_changes_nothing_once_centred(
    world: tuple[AttributeSystem, Vectors, list[str]], rule: Rule, seed: int
) -> None:
    system, similar, labels = world
    bias = chance(seed).normal(scale=0.3, size=similar.shape[1])

    def totals(cosines_: Vectors) -> Vectors:
        # An axis a text: the vectors are the cosines.
        scoring = Scoring(rule=rule, means={}, name_prior=0.5)
        texts, axes = scored_texts(system, scoring), np.eye(similar.shape[1], dtype=np.float32)
        scoring = centred_on(cosines_, texts, axes, scoring)
        return scored((system, cosines_, labels), scoring).totals

    biased = (similar + bias).astype(np.float32)
    np.testing.assert_allclose(totals(biased), totals(similar), atol=2e-4)


def test_a_centred_scoring_needs_the_mean_of_every_text() -> None:
    system = wide_system(3, 3)
    some = Scoring(means=dict.fromkeys(system.phrases()[1:], 0.1))
    with pytest.raises(ValueError, match="has no mean for '0: a'"):
        score_cosines(
            system, np.zeros((1, 66), np.float32), ["class 0"], scoring=some, logit_scale=1.0
        )


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("n", [2, 3, 64])
def test_a_prior_parts_twins_unless_their_names_read_the_same(rule: Rule, n: int) -> None:
    system = wide_system(classes=17, distinct=3)
    texts = unit_vectors(2, 66 + 17, 48)
    # The encoder knows only the first 10 names, and the others all look alike to it.
    texts[76:] = texts[76]
    images = unit_vectors(1, n, 48)
    scoring = Scoring(rule=rule, name_prior=1)
    made = score(system, images, texts, ["class 0"] * n, scoring=scoring, logit_scale=9.0)
    twins = [[*choices.values()] for choices in system.rules.values()]
    keys = [(twins.index(row), min(c, 10)) for c, row in enumerate(twins)]
    first = [keys.index(key) for key in keys]
    np.testing.assert_array_equal(made.totals, made.totals[:, first])
    assert len(np.unique(made.totals[0])) == len(set(first)) > 5
    np.testing.assert_array_equal(made.predictions, made.totals.argmax(axis=1))
    tied = [row for row in made.totals if np.count_nonzero(row == row.max()) > 1]
    assert made.ties == len(tied)
    assert n < 64 or made.ties > 0


@pytest.mark.parametrize("n", [1, 3, 64])
def test_classes_that_differ_where_nothing_counts_tie_exactly(n: int) -> None:
    system = wide_system(classes=83, distinct=83)
    weights = {group.prompt: 0.0 for group in system.groups[2:]}
    images, phrases = unit_vectors(1, n, 48), unit_vectors(2, 66, 48)
    for rule in RULES:
        scoring = Scoring(rule=rule, weights=weights)
        made = score(system, images, phrases, ["class 0"] * n, scoring=scoring, logit_scale=9.0)
        kinds = [[*choices.values()][:2] for choices in system.rules.values()]
        first = [kinds.index(kind) for kind in kinds]
        assert len(set(first)) < 83
        np.testing.assert_array_equal(made.totals, made.totals[:, first])


def test_robust_log_bounds_what_one_group_can_do() -> None:
    """Where p underflows to 0, log p grows with the scale; the robust one stays at log(0.1/K)."""
    group = AttributeGroup(name="g", prompt="{}", options=("a", "b", "c", "d"))
    system = make_system("test", [group], {"a": {"g": "a"}, "b": {"g": "b"}})
    similar = np.array([[1, -1, -1, -1]], np.float32)
    scoring = Scoring(rule="robust-log")
    made = score_cosines(system, similar, ["a"], scoring=scoring, logit_scale=1e4)
    assert made.totals[0] == pytest.approx([math.log(0.925), math.log(0.025)])


def test_what_was_fitted_stays_with_its_encoder() -> None:
    fitted = Fitted(parts=("scale", "means"), encoder="one", images=9)
    scoring = Scoring(scale=7, means={"a": 0.1}, weights={"{}": 2.0}, fitted=fitted)
    assert scoring.for_encoder("one") == scoring
    assert scoring.for_encoder("other") == Scoring(weights={"{}": 2.0})


def test_scorings_of_before_are_written_as_before() -> None:
    assert Scoring().model_dump_json() == '{"rule":"sum","scale":null}'
    assert list(Scoring(means={}).model_dump()) == ["rule", "scale", "means"]


@examples
@given(st.integers(1, 7), st.integers(0, 2**32 - 1))
def test_among_the_k_best_is_where_sorting_puts_the_label(classes: int, seed: int) -> None:
    rng = chance(seed)
    # Few values: ties are many, and go to class order as predictions do.
    totals = rng.integers(0, 3, size=(20, classes)).astype(np.float32)
    labels = rng.integers(-1, classes, size=20)
    names = tuple(str(each) for each in range(classes))
    found = Scores(names, labels, totals, totals.argmax(axis=1), 0, ())
    order = np.argsort(-totals, axis=1, kind="stable")
    for k in range(1, classes + 1):
        expected = [label in row[:k] for label, row in zip(labels, order, strict=True)]
        assert found.among_best(k).tolist() == expected
    assert (found.among_best(1) == found.correct).all()
