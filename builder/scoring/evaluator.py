"""The evaluator: scores any system on the images of a split, from vectors encoded once."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from builder.edits.renames import Renames
from builder.errors import InputError
from builder.scoring.effects import EncodeTexts, Increments
from builder.scoring.score import Scores, centred_on, score, score_names
from builder.system.file import SplitName
from builder.system.model import AttributeSystem, Scoring, scored_texts

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class SplitData:
    """The images of one split: digests and class names [n], vectors [n, d], in digest order."""

    digests: tuple[str, ...]
    labels: tuple[str, ...]
    vectors: Vectors

    def of(self, classes: Collection[str]) -> "SplitData":
        """The images of these classes alone."""
        rows = [row for row, label in enumerate(self.labels) if label in classes]
        if len(rows) == len(self.labels):
            return self
        digests = tuple(self.digests[row] for row in rows)
        return SplitData(digests, tuple(self.labels[row] for row in rows), self.vectors[rows])


class Named(Protocol):
    """A session's system, whose classes may have other names than the images' labels."""

    @property
    def system(self) -> AttributeSystem: ...

    @property
    def names(self) -> Renames:
        """What became of the class names that the session began with."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Evaluator:
    """Scores systems. `encode` turns texts into vectors [m, d] (cached by the caller).

    `encoder` is the fingerprint of the encoder behind all vectors. Where the scoring is centred,
    means are taken on the review images, whatever split is scored. A step of a session is scored
    by what `for_step` gives: `labelled` has all images there, by the labels that they came with.
    """

    encoder: str
    splits: Mapping[SplitName, SplitData]
    encode: EncodeTexts
    scoring: Scoring
    logit_scale: float
    labelled: Mapping[SplitName, SplitData] | None = None

    @property
    def images(self) -> str:
        """A hash of what versions are compared on: images, labels, splits, encoder, scoring.

        The images are the same whatever their classes are called by now.
        """
        return self._identity("review", "held_out")

    @property
    def final_images(self) -> str:
        """A fingerprint of what a final estimate is made on."""
        return self._identity("final")

    @property
    def held_out_images(self) -> str:
        """A fingerprint of the held-out images, whatever they are scored by."""
        return replace(self, scoring=Scoring())._identity("held_out")

    def _identity(self, *splits: SplitName) -> str:
        lines = [self.encoder, self.scoring.model_dump_json()]
        for split in splits:
            labels = self._first_labels(split)
            lines += [f"{split} {each} {labels[each]}" for each in self.splits[split].digests]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]

    def _first_labels(self, split: SplitName) -> dict[str, str]:
        data = (self.labelled or self.splits)[split]
        return dict(zip(data.digests, data.labels, strict=True))

    def for_step(self, step: Named, rescored: Scoring | None) -> "Evaluator":
        """The evaluator for a session's step: its class names, and images of its classes alone.

        So the images of a class that was dropped, or is yet to be added, count for neither side,
        and versions with other classes are not on the same `images`.
        rescored: what was chosen in the review; None for how the session began.
        """
        every = self.labelled or self.splits
        renamed = replace(self, splits=every).renamed(step.names)
        known = frozenset(step.system.classes)
        splits: dict[SplitName, SplitData] = {
            split: data.of(known) for split, data in renamed.splits.items()
        }
        return replace(renamed, splits=splits, scoring=rescored or self.scoring)

    def renamed(self, names: Renames) -> "Evaluator":
        """The evaluator with the same images, whose classes have the names after the renames."""
        splits: dict[SplitName, SplitData] = {}
        for split, data in self.splits.items():
            first = self._first_labels(split)
            labels = names.labels(first[digest] for digest in data.digests)
            splits[split] = replace(data, labels=labels)
        return replace(self, splits=splits, labelled=self.labelled or self.splits)

    def score(self, system: AttributeSystem, split: SplitName) -> Scores:
        """The system's scores on one split."""
        data = self.splits[split]
        scoring = self.scoring_of(system)
        return score(
            system,
            data.vectors,
            self.encode(scored_texts(system, scoring)),
            data.labels,
            scoring=scoring,
            logit_scale=self.logit_scale,
        )

    def scoring_of(self, system: AttributeSystem) -> Scoring:
        """The scoring with all means that this system needs, as a file must hold it.

        Raises InputError where means are missing and there is no review image to take them on.
        """
        if self.scoring.means is None:
            return self.scoring
        texts = scored_texts(system, self.scoring)
        images = self.splits["review"].vectors
        if not len(images) and set(texts) - set(self.scoring.means):
            raise InputError(
                "the scoring is centred on review images, and no review image is at hand",
                hint="put the session's images back where they were",
            )
        return centred_on(images, texts, self.encode(texts), self.scoring)

    def baselines(
        self, domain: str, descriptions: Mapping[str, str], split: SplitName
    ) -> dict[str, Scores]:
        """The scores of matching images to names, spelled in each usual way: baseline -> scores.

        Of the images those count that came with one of these names as their label.
        """
        data = (self.labelled or self.splits)[split].of(descriptions)
        classes = tuple(descriptions)
        return {
            name: score_names(classes, data.vectors, self.encode(texts), data.labels)
            for name, texts in baseline_texts(domain, descriptions).items()
        }

    def increments(self, system: AttributeSystem, review: Scores) -> Increments:
        """Measures the effects of many changes to a system with these review scores."""
        data = self.splits["review"]
        vectors, scale = data.vectors, self.logit_scale
        return Increments(system, review, vectors, data.labels, self.encode, self.scoring, scale)


def baseline_texts(domain: str, descriptions: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The texts per class of each baseline; the last one needs a description of every class."""
    texts = {
        "name": tuple(descriptions),
        "a photo of {name}": tuple(f"a photo of {name}" for name in descriptions),
        f"{domain}: {{name}}": tuple(f"{domain}: {name}" for name in descriptions),
    }
    if all(descriptions.values()):
        texts["name + description"] = tuple(
            f"{name}, {description}" for name, description in descriptions.items()
        )
    return texts
