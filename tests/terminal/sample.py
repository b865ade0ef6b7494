"""A small session with real scores: four classes, two groups, images that mislead one rule.

Tests of the screen name its figures, so its vectors were drawn once and are kept in a file.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from builder.edits.model import AddOption, Proposal, SetRule
from builder.review.findings import Measurements
from builder.review.view import Limit, View, look
from builder.scoring.evaluator import Evaluator, SplitData
from builder.session.records import ClassInfo, Drafted, Measured, Proposed, Record, Started
from builder.session.state import State, correct_bits, fold
from builder.system.file import SplitName
from builder.system.model import AttributeGroup, AttributeSystem, Scoring, make_system
from tests.chance import fixed_noise

Vectors = NDArray[np.float32]
NAMES = ("Absol G", "Houndour", "Mew", "Eevee")
_SIZE = 64
# The directions [t, 64] of the texts that tests give figures of, and the noise [3, 48, 64] on the
# images of each split.
with np.load(Path(__file__).with_name("sample.npz")) as _kept:
    _DIRECTIONS = dict(zip(_kept["texts"].tolist(), _kept["directions"], strict=True))
    _NOISE = _kept["noise"]


def encode(texts: Sequence[str]) -> Vectors:
    """A direction of its own for every text, the same in every run: [m, 64]."""
    return _unit(np.stack([_direction(text) for text in texts]))


def _direction(text: str) -> NDArray[np.floating]:
    kept = _DIRECTIONS.get(text)
    return fixed_noise(text, [_SIZE]) if kept is None else kept


def _unit(vectors: NDArray[np.floating]) -> Vectors:
    unit: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


def system(names: Sequence[str] = NAMES) -> AttributeSystem:
    """The third class has the wrong background: its images show a forest."""
    color = AttributeGroup(
        name="color", prompt="It is mainly {} in color.", options=("black", "white", "pink")
    )
    place = AttributeGroup(
        name="background", prompt="It stands in {}.", options=("a desert", "a forest", "space")
    )
    rules = {
        names[0]: {"color": "black", "background": "a desert"},
        names[1]: {"color": "black", "background": "a forest"},
        names[2]: {"color": "pink", "background": "a desert"},
        names[3]: {"color": "pink", "background": "space"},
    }
    return make_system("trading card", (color, place), rules)


@cache
def evaluator(names: Sequence[str] = NAMES) -> Evaluator:
    truth = dict(zip(names, (("black", "a desert"), ("black", "a forest"), ("pink", "a forest"),
                             ("pink", "space")), strict=True))  # fmt: skip
    per_class = _NOISE.shape[1] // len(truth)
    labels = tuple(name for name in truth for _ in range(per_class))
    looks = np.stack(
        [
            encode([f"It is mainly {color} in color.", f"It stands in {place}."]).sum(axis=0)
            for color, place in truth.values()
        ]
    ).repeat(per_class, axis=0)
    splits: dict[SplitName, SplitData] = {}
    names_of_splits: tuple[SplitName, ...] = ("review", "held_out", "final")
    for split, noise in zip(names_of_splits, _NOISE, strict=True):
        digests = tuple(f"{split}-{index}" for index in range(len(labels)))
        splits[split] = SplitData(digests, labels, _unit(looks + 0.22 * noise))
    return Evaluator(
        splits=splits, encode=encode, scoring=Scoring(), logit_scale=20.0, encoder="some-clip"
    )


def started(names: Sequence[str] = NAMES, llm: str | None = None) -> Started:
    return Started(
        cotbuild="0.1.0",
        domain="trading card",
        classes=tuple(ClassInfo(name=name) for name in names),
        images="/cards",
        encoder="some-clip",
        llm=llm,
    )


def proposals(names: Sequence[str] = NAMES) -> tuple[Proposal, ...]:
    """One that helps, one of two edits, one that breaks something."""
    return (
        Proposal(
            edits=(SetRule(class_name=names[2], group="background", options=("a forest",)),),
            source="data",
            reason="11 of 12 images see a forest",
        ),
        Proposal(
            edits=(
                AddOption(group="color", option="purple"),
                SetRule(class_name=names[3], group="color", options=("purple",)),
            ),
            source="llm",
            reason="Its fur is purple [bold]in truth[/bold]",
        ),
        Proposal(
            edits=(SetRule(class_name=names[0], group="color", options=("white",)),),
            source="llm",
        ),
    )


def measured(judge: Evaluator, attributes: AttributeSystem, version: int) -> Measured:
    return Measured(
        version=version,
        images=judge.images,
        review=correct_bits(judge.score(attributes, "review").correct),
        held_out=correct_bits(judge.score(attributes, "held_out").correct),
    )


def records(names: Sequence[str] = NAMES) -> list[Record]:
    """Started, drafted, measured, and three proposals on the table."""
    return [
        started(names),
        Drafted(system=system(names), source="some-model"),
        measured(evaluator(names), system(names), 1),
        Proposed(round=1, asked=True, proposals=proposals(names)),
    ]


def view(
    more: Sequence[Record] = (),
    *,
    names: Sequence[str] = NAMES,
    can_ask: bool = True,
    last_round: int | None = None,
) -> View:
    """The screen after `records` and `more`."""
    state = fold([*records(names), *more])
    measurements = Measurements(evaluator(names), state.started)
    return look(state, measurements, can_ask, Limit(2, last_round=last_round))


def view_without_images(*, names: Sequence[str] = NAMES) -> View:
    state = fold([entry for entry in records(names) if not isinstance(entry, Measured)])
    return look(state, None, can_ask=False, limit=Limit(2))


def view_without_review_images() -> View:
    """Each class has its only image held out."""
    judge = evaluator()
    review = judge.splits["review"]
    empty = SplitData((), (), review.vectors[:0])
    return _view_by(replace(judge, splits={**judge.splits, "review": empty}), system())


def view_of_uneven(more: Sequence[Record] = ()) -> View:
    """The last class has a quarter of the images that each of the others has."""
    judge, kept = evaluator(), 39
    splits: dict[SplitName, SplitData] = {
        split: SplitData(data.digests[:kept], data.labels[:kept], data.vectors[:kept])
        for split, data in judge.splits.items()
    }
    return _view_by(replace(judge, splits=splits), system(), more)


def view_of_many() -> View:
    """24 classes with two images each, half of which look as their class's rule says."""
    options = tuple(f"colour {index}" for index in range(24))
    group = AttributeGroup(name="color", prompt="It is {}.", options=options)
    attributes = make_system("card", [group], {f"Card {o[7:]}": {"color": o} for o in options})
    labels = tuple(name for name in attributes.classes for _ in range(2))
    seen = [f"It is colour {index // 2 + index % 2}." for index in range(48)]
    digests = tuple(map(str, range(48)))
    data = SplitData(digests, labels, encode(seen))
    splits: dict[SplitName, SplitData] = {"review": data, "held_out": data, "final": data}
    return _view_by(replace(evaluator(), splits=splits), attributes)


def _view_by(judge: Evaluator, attributes: AttributeSystem, more: Sequence[Record] = ()) -> View:
    drafted = Drafted(system=attributes, source="some-model")
    offers = Proposed(round=1, asked=True, proposals=proposals())
    first = [started(attributes.classes), drafted, measured(judge, attributes, 1), offers]
    state = fold([*first, *more])
    return look(state, Measurements(judge, state.started), can_ask=True, limit=Limit(2))


def all_measured(names: Sequence[str] = NAMES) -> Callable[[State], Measured]:
    """Measures the working system of a state as its next version."""

    def measure(state: State) -> Measured:
        assert state.system is not None
        return measured(evaluator(names), state.system, len(state.versions) + 1)

    return measure
