"""Posteriors and expected gains against slow references; orders, curves and stopping."""

from collections.abc import Sequence
from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from builder.diagnosis import questions
from builder.diagnosis.questions import (
    NOISE,
    Asked,
    ask,
    best_order,
    expected_gains,
    log_likelihoods,
    posterior,
    questionnaire,
    random_accuracy,
    stopped,
)
from builder.scoring.score import Scores, label_indices
from builder.system.model import AttributeGroup, AttributeSystem, make_system
from tests.chance import chance
from tests.strategies import QUICK, THOROUGH, systems

Answers = tuple[NDArray[np.float32], ...]


def scores_of(system: AttributeSystem, answers: Answers, labels: Sequence[str]) -> Scores:
    """Scores with those answers; the totals and predictions play no part in questions."""
    n = len(labels)
    return Scores(
        classes=system.classes,
        labels=label_indices(system.classes, labels),
        totals=np.zeros((n, len(system.classes)), np.float32),
        predictions=np.zeros(n, np.intp),
        ties=0,
        probabilities=answers,
    )


@st.composite
def answered(draw: st.DrawFn, images: int = 6) -> tuple[AttributeSystem, Scores]:
    """A system, and images that answer softly or with one option; one has an unknown class."""
    system = draw(systems())
    rng = chance(draw(st.integers(0, 2**32 - 1)))
    sharpness = draw(st.sampled_from([0.02, 1.0, 20.0]))
    answers = tuple(
        rng.dirichlet(np.full(len(g.options), 1 / sharpness), images).astype(np.float32)
        for g in system.groups
    )
    labels = [system.classes[index % len(system.classes)] for index in range(images - 1)]
    return system, scores_of(system, answers, [*labels, "\0 unknown"])


def given_class(system: AttributeSystem, name: str, group: AttributeGroup) -> list[float]:
    """P(option | class), as the module's docstring has it."""
    chosen = system.rules[name][group.name] or group.options
    size = len(group.options)
    return [(1 - NOISE) * (o in chosen) / len(chosen) + NOISE / size for o in group.options]


def reference_posterior(
    system: AttributeSystem, scores: Scores, image: int, groups: Sequence[int]
) -> list[float]:
    chances = []
    for name in system.classes:
        chance = 1.0
        for index in groups:
            likely = given_class(system, name, system.groups[index])
            chance *= float(np.dot(scores.probabilities[index][image], likely))
        chances.append(chance)
    return [chance / sum(chances) for chance in chances]


def entropy(p: Sequence[float]) -> float:
    return -sum(part * log2(part) for part in p if part > 0)


@THOROUGH
@given(answered(), st.data())
def test_posterior_and_gains_are_those_of_the_formulas(
    case: tuple[AttributeSystem, Scores], data: st.DataObject
) -> None:
    system, scores = case
    asked = questionnaire(system)
    groups = data.draw(st.lists(st.sampled_from(range(len(system.groups))), unique=True))
    likelihoods = log_likelihoods(asked, scores.probabilities)
    logs = np.zeros((scores.n, len(system.classes)))
    for group in groups:
        logs += likelihoods[:, asked.columns[group]]
    found = posterior(logs)
    assert found.sum(axis=1) == pytest.approx(1, abs=1e-5)
    gains = expected_gains(asked, found)
    for image in range(scores.n):
        expected = reference_posterior(system, scores, image, groups)
        assert found[image] == pytest.approx(expected, abs=1e-5)
        for gain, group in zip(gains[image].tolist(), system.groups, strict=True):
            table = [given_class(system, name, group) for name in system.classes]
            answer = np.dot(expected, table).tolist()
            known = sum(p * entropy(row) for p, row in zip(expected, table, strict=True))
            assert gain == pytest.approx(entropy(answer) - known, abs=1e-4)
            assert 0 <= gain <= min(entropy(expected), entropy(answer)) + 1e-4


@QUICK
@given(answered(), st.integers(0, 9))
def test_the_order_of_questions_changes_nothing_after_the_last(
    case: tuple[AttributeSystem, Scores], seed: int
) -> None:
    system, scores = case
    adaptive = ask(system, scores)
    shuffled = chance(seed).permutation(len(system.groups))
    fixed = ask(system, scores, shuffled)
    # Exactly: classes that tie in one order must tie in all.
    assert adaptive.confidence[:, -1].tolist() == fixed.confidence[:, -1].tolist()
    assert adaptive.credit[:, -1].tolist() == fixed.credit[:, -1].tolist()
    assert np.sort(adaptive.order, axis=1).tolist() == [list(range(len(shuffled)))] * scores.n
    assert fixed.order.tolist() == [shuffled.tolist()] * scores.n


def test_classes_that_tie_after_many_questions_tie_in_every_order() -> None:
    # Of certain answers, those classes tie that agree with equally many: in exact sums only.
    rng = chance(0)
    system = binary(["".join(row) for row in rng.choice(["0", "1"], size=(12, 30))])
    certain = tuple(np.eye(2, dtype=np.float32)[rng.integers(2, size=60)] for _ in range(12))
    scores = scores_of(system, certain, [f"c{index % 30}" for index in range(60)])
    found = [ask(system, scores, rng.permutation(12)) for _ in range(5)]
    assert len({tuple(each.credit[:, -1].tolist()) for each in found}) == 1
    assert set(found[0].credit[:, -1].tolist()) - {0.0, 1.0}


@QUICK
@given(answered())
def test_credit_is_shared_by_the_likeliest_classes(case: tuple[AttributeSystem, Scores]) -> None:
    system, scores = case
    found = ask(system, scores)
    for image, label in enumerate(scores.labels.tolist()):
        for step in range(len(system.groups)):
            groups = found.order[image, : step + 1].tolist()
            chances = reference_posterior(system, scores, image, groups)
            top = max(chances)
            if any(1 - 1e-6 < chance / top < 1 - 1e-12 for chance in chances):
                continue  # too near to call
            best = [c for c, chance in enumerate(chances) if chance > top * (1 - 1e-12)]
            expected = 1 / len(best) if label in best else 0
            assert found.credit[image, step] == pytest.approx(expected)
            assert found.confidence[image, step] == pytest.approx(top, abs=1e-5)
    assert found.credit[-1].max() == 0
    assert found.accuracy == pytest.approx(found.credit.mean(axis=0).tolist())


@QUICK
@given(answered())
def test_images_are_asked_in_blocks(case: tuple[AttributeSystem, Scores]) -> None:
    system, scores = case
    whole, order = ask(system, scores), best_order(system, scores)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(questions, "_BLOCK", 2 * len(system.classes))
        blocked = ask(system, scores)
        assert best_order(system, scores).tolist() == order.tolist()
    assert blocked.order.tolist() == whole.order.tolist()
    assert blocked.credit.tolist() == whole.credit.tolist()


YES_NO = ("no", "yes")


def binary(code: Sequence[str]) -> AttributeSystem:
    """Classes told by groups of two options: row g holds each class's answer, 0 or 1."""
    groups = [
        AttributeGroup(name=f"g{index}", prompt="{}", options=YES_NO) for index in range(len(code))
    ]
    rules = {
        f"c{column}": {
            group.name: YES_NO[int(row[column])] for group, row in zip(groups, code, strict=True)
        }
        for column in range(len(code[0]))
    }
    return make_system("number", groups, rules)


def truthful(system: AttributeSystem) -> Scores:
    """One image a class, which answers as the rules say and with certainty."""
    answers = tuple(
        np.array(
            [[float(o in row[g.name]) for o in g.options] for row in system.rules.values()],
            np.float32,
        )
        for g in system.groups
    )
    return scores_of(system, answers, system.classes)


def test_adaptive_questions_halve_the_classes() -> None:
    # Seven groups that ask for one class each come before the three that split in halves.
    singles = ["".join("1" if c == single else "0" for c in range(8)) for single in range(7)]
    system = binary([*singles, "00001111", "00110011", "01010101"])
    found = ask(system, truthful(system))
    assert found.order[:, :3].tolist() == [[7, 8, 9]] * 8
    assert found.accuracy[2] == 1.0
    # In the order of groups, three questions leave five classes that nothing tells apart.
    assert ask(system, truthful(system), np.arange(10)).accuracy[2] == pytest.approx(4 / 8)


def test_what_is_asked_next_depends_on_the_answers() -> None:
    # The first splits in halves; the second tells within the one half, the third in the other.
    system = binary(["0011", "0100", "0001"])
    found = ask(system, truthful(system))
    assert found.order[:, 1].tolist() == [1, 1, 2, 2]
    assert found.accuracy[1] == 1.0


@QUICK
@given(answered(), st.booleans())
def test_a_group_on_which_all_classes_agree_tells_nothing(
    case: tuple[AttributeSystem, Scores], none: bool
) -> None:
    system, scores = case
    first = system.groups[0]
    same = () if none else first.options[:1]
    constant = system.with_rules(
        {name: {**row, first.name: same} for name, row in system.rules.items()}
    )
    classes = len(system.classes)
    even = np.full((1, classes), 1 / classes, np.float32)
    assert expected_gains(questionnaire(constant), even)[0, 0] == pytest.approx(0, abs=1e-5)
    alone = ask(constant, scores, np.arange(len(system.groups)))
    assert alone.confidence[:, 0] == pytest.approx(1 / classes)


def test_the_best_order_goes_by_what_answers_told_and_not_by_what_they_promise() -> None:
    # The rules of the first tell most, but its answers are of another class.
    system = binary(["0011", "0001", "0100"])
    honest = truthful(system)
    lying = (honest.probabilities[0][::-1].copy(), *honest.probabilities[1:])
    scores = scores_of(system, lying, [*system.classes])
    assert ask(system, scores).order[:, 0].tolist() == [0] * 4
    assert best_order(system, scores).tolist() == [1, 2, 0]
    # Images of unknown classes have no say.
    more = tuple(np.vstack([p, p, p]) for p in lying)
    strangers = scores_of(system, more, [*system.classes, *["stranger"] * 8])
    assert best_order(system, strangers).tolist() == [1, 2, 0]


def test_random_orders_are_seeded_and_end_where_all_end() -> None:
    system = binary(["00001111", "00110011", "01010101", "00000001"])
    scores = truthful(system)
    found = random_accuracy(system, scores, seed=1)
    assert found == random_accuracy(system, scores, seed=1)
    assert found != random_accuracy(system, scores, seed=2)
    assert found[-1] == pytest.approx(ask(system, scores).accuracy[-1])
    # Three of the four leave 1/4 of a right guess; the last leaves 1/7, or is sure of its class.
    assert found[0] == pytest.approx((3 * 0.25 + (7 / 7 + 1) / 8) / 4, abs=0.005)


@QUICK
@given(answered(), st.sampled_from([0.3, 0.5, 0.9, 0.999]))
def test_stopping_at_a_confidence(case: tuple[AttributeSystem, Scores], threshold: float) -> None:
    asked = ask(*case)
    n, groups = asked.confidence.shape
    steps = []
    for row in asked.confidence.tolist():
        sure = [step for step, confidence in enumerate(row) if confidence >= threshold]
        steps.append(sure[0] if sure else None)
    found = stopped(asked, threshold)
    last = [groups - 1 if step is None else step for step in steps]
    assert found.questions == pytest.approx(np.mean(last) + 1)
    assert found.unsure == pytest.approx(steps.count(None) / n)
    assert found.accuracy == pytest.approx(
        np.mean([asked.credit[image, step] for image, step in enumerate(last)])
    )


def test_without_images_there_is_nothing_to_ask() -> None:
    system = binary(["01"])
    empty = scores_of(system, (np.zeros((0, 2), np.float32),), [])
    asked: Asked = ask(system, empty)
    assert asked.accuracy == (0.0,)
    assert best_order(system, empty).tolist() == [0]
    assert random_accuracy(system, empty, seed=0) == (0.0,)
    assert stopped(asked, 0.9).questions == 0
