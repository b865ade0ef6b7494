"""The evaluator: scores any system on the images of a split, from vectors encoded once."""

import hashlib
from collections.abc import Mapping
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


class Named(Protocol):
    """A session's system, whose classes may have other names than the images' labels."""

    @property
    def names(self) -> Renames:
        """What became of the class names that the session began with."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Evaluator:
    """Scores systems. `encode` turns texts into vectors [m, d] (cached by the caller).

    `encoder` is the fingerprint of the encoder behind all vectors. Where the scoring is centred,
    means are taken on the review images, whatever split is scored. A step of a session is scored
    by what `for_step` gives, whose images have the labels `labelled` where `splits` has others.
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
        labelled = self.labelled or self.splits
        lines += [
            f"{split} {digest} {label}"
            for split in splits
            for digest, label in zip(labelled[split].digests, labelled[split].labels, strict=True)
        ]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]

    def for_step(self, step: Named, rescored: Scoring | None) -> "Evaluator":
        """The evaluator for a session's step: with its class names and the chosen scoring.

        rescored: what was chosen in the review; None for how the session began.
        """
        labelled = self.labelled or self.splits
        splits: dict[SplitName, SplitData] = {
            split: replace(data, labels=step.names.labels(data.labels))
            for split, data in labelled.items()
        }
        scoring = rescored or self.scoring
        return replace(self, splits=splits, labelled=labelled, scoring=scoring)

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
        """The scores of matching images to names, spelled in each usual way: baseline -> scores."""
        data = self.splits[split]
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
