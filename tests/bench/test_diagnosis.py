"""The full diagnosis of a large system as a multiple of one scoring pass.

    python -m pytest -n 0 -s tests/bench/test_diagnosis.py

prints medians of interleaved runs. Images mostly show what their class's rules say.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from builder.diagnosis.confusions import confused_pairs, per_class, rule_evidence
from builder.diagnosis.groups import per_group
from builder.diagnosis.information import redundancy
from builder.diagnosis.permutation_test import null_tests
from builder.scoring.effects import Increments
from builder.scoring.score import Scores, group_rules, score
from builder.system.model import Scoring
from tests.bench.test_scoring import SCALE, Case, Vectors, make_case, medians


def seeing(case: Case, strength: float = 0.04) -> Case:
    """The same case with images that lean towards the phrases of their class."""
    rows = np.hstack([rule.weights[rule.of_class] for rule in group_rules(case.system)])
    position = {name: index for index, name in enumerate(case.system.classes)}
    truth = rows[[position[label] for label in case.labels]] @ case.phrases
    images = case.images + np.float32(strength) * truth
    return replace(case, images=images / np.linalg.norm(images, axis=1, keepdims=True))


@pytest.mark.parametrize("rule", ["sum", "log"])
def test_full_diagnosis(rule: str) -> None:
    case = seeing(make_case(1000, 20, 10, 50_000, 512))
    scoring = Scoring.model_validate({"rule": rule})

    def scored() -> Scores:
        return score(
            case.system,
            case.images,
            case.phrases,
            case.labels,
            scoring=scoring,
            logit_scale=SCALE,
        )

    scores = scored()
    row = {phrase: index for index, phrase in enumerate(case.system.phrases())}

    def encode(texts: Sequence[str]) -> Vectors:
        return case.phrases[[row[text] for text in texts]]

    def groups() -> object:
        # It pays for all that increments keep.
        return per_group(
            Increments(case.system, scores, case.images, case.labels, encode, scoring, SCALE)
        )

    def everything() -> object:
        return (
            per_class(scores, case.system),
            confused_pairs(scores, case.system),
            groups(),
            redundancy(case.system),
            rule_evidence(scores, case.system),
        )

    taken = medians(
        {
            "one scoring pass": scored,
            "full diagnosis": everything,
            "classes": lambda: per_class(scores, case.system),
            "pairs": lambda: confused_pairs(scores, case.system),
            "rules": lambda: rule_evidence(scores, case.system),
            "groups": groups,
            "  null tests": lambda: null_tests(scores, case.system, seed=0),
            "  redundancy": lambda: redundancy(case.system),
        },
        5,
    )
    print(f"\n{rule}: 1000 classes x 20 groups x 50000 images, accuracy {scores.accuracy:.2f}")
    for name, seconds in taken.items():
        multiple = seconds / taken["one scoring pass"]
        print(f"  {name:20} {1000 * seconds:10.1f} ms  {multiple:6.2f} passes")
    # Leaving each of 20 groups out by scoring again would be 20 by itself.
    assert taken["full diagnosis"] < 10 * taken["one scoring pass"]
