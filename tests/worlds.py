"""Small systems and images with known answers, for tests of scoring, history and the loop."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from builder.review.findings import Findings, Measurements
from builder.scoring.effects import EncodeTexts
from builder.scoring.evaluator import Evaluator, SplitData
from builder.session.records import ClassInfo, Started
from builder.session.state import Step
from builder.system.file import SplitName
from builder.system.model import AttributeGroup, AttributeSystem, Scoring, make_system
from tests.chance import chance

COLOUR = AttributeGroup(name="colour", prompt="It is {}.", options=("red", "blue", "green"))
FORM = AttributeGroup(name="form", prompt="It looks like {}.", options=("a bird", "a fish"))
PLAIN = Scoring()
SPLITS: tuple[SplitName, ...] = ("review", "held_out", "final")
CLASSES = ("Absol [red]", "Beedrill δ", 'Celebi & "Co"')
TRUTH = {
    "Absol [red]": {"colour": "red", "form": "a bird"},
    "Beedrill δ": {"colour": "blue", "form": "a bird"},
    'Celebi & "Co"': {"colour": "blue", "form": "a fish"},
}
GOOD = make_system("creature", [COLOUR, FORM], TRUTH)
# One rule is wrong: Celebi looks like Beedrill.
DRAFT = make_system(
    "creature",
    [COLOUR, FORM],
    {**TRUTH, 'Celebi & "Co"': {"colour": "blue", "form": "a bird"}},
)
PHRASES = GOOD.phrases()
DIMENSION = 32


def encode(texts: Sequence[str]) -> NDArray[np.float32]:
    """Known phrases are orthogonal axes; any other text is a direction of its own, far off."""
    vectors = np.zeros((len(texts), DIMENSION), dtype=np.float32)
    for row, text in enumerate(texts):
        if text in PHRASES:
            vectors[row, PHRASES.index(text)] = 1
        else:
            seed = int.from_bytes(text.encode()[-8:].rjust(8), "big")
            noise = chance(seed).normal(size=DIMENSION - len(PHRASES))
            vectors[row, len(PHRASES) :] = noise / np.linalg.norm(noise)
    return vectors


def images(labels: Sequence[str], noise: float = 0.1, seed: int = 0) -> NDArray[np.float32]:
    """One image per label: the sum of its true phrases, and noise."""
    rng = chance(seed)
    rows = []
    for label in labels:
        truth = [group.phrase(TRUTH[label][group.name]) for group in (COLOUR, FORM)]
        vector = encode(truth).sum(axis=0) + rng.normal(scale=noise, size=DIMENSION)
        rows.append(vector / np.linalg.norm(vector))
    return np.array(rows, dtype=np.float32).reshape(len(labels), DIMENSION)


def split(name: str, per_class: int, seed: int) -> SplitData:
    labels = tuple(label for label in CLASSES for _ in range(per_class))
    digests = tuple(f"{name}-{index:03}" for index in range(len(labels)))
    return SplitData(digests, labels, images(labels, seed=seed))


def evaluator(per_class: int = 6, final: int = 3) -> Evaluator:
    """An evaluator whose images the good system gets right and the draft confuses."""
    return Evaluator(
        encoder="test encoder",
        splits={
            "review": split("review", per_class, 1),
            "held_out": split("held_out", per_class, 2),
            "final": split("final", final, 3),
        },
        encode=encode,
        scoring=Scoring(),
        logit_scale=20.0,
    )


def judge_of(
    vectors: NDArray[np.float32],
    labels: Sequence[str],
    encode: EncodeTexts,
    *,
    scoring: Scoring = PLAIN,
    logit_scale: float = 10.0,
) -> Evaluator:
    """An evaluator whose splits are all made of the same images [n, d] with these labels."""
    digests = tuple(f"{row:04}" for row in range(len(labels)))
    return Evaluator(
        encoder="test",
        splits=dict.fromkeys(SPLITS, SplitData(digests, tuple(labels), vectors)),
        encode=encode,
        scoring=scoring,
        logit_scale=logit_scale,
    )


def findings(
    system: AttributeSystem, similar: NDArray[np.float32], labels: Sequence[str]
) -> Findings:
    """The findings on review images whose cosines [n, Q] with the system's phrases are given."""
    # An axis a phrase: the vectors are the cosines.
    axes = np.eye(similar.shape[1], dtype=np.float32)
    phrases = system.phrases()
    judge = judge_of(similar, labels, lambda texts: axes[[phrases.index(text) for text in texts]])
    return Measurements(judge, started()).of(Step(system, None), None)


def started(**changes: object) -> Started:
    settings: dict[str, object] = {
        "cotbuild": "0",
        "domain": "creature",
        "classes": tuple(ClassInfo(name=name) for name in CLASSES),
        "images": "/images",
        "encoder": "test",
        "llm": None,
        **changes,
    }
    return Started.model_validate(settings)


def rule(system: AttributeSystem, class_name: str, group: str) -> str:
    """The only option of a rule."""
    (option,) = system.rules[class_name][group]
    return option
