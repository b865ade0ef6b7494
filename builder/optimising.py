"""What every optimiser works with and answers: review images in, candidates out.

An optimiser sees review images only. What it finds is recorded by whoever runs it; held-out images
then say which of its candidates is best.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from builder.edits import Edit, Proposal
from builder.increments import Increments
from builder.locking import Lock
from builder.referee import Referee
from builder.rule_totals import RuleTotals
from builder.scoring import Floats, Scores, cosines
from builder.system import AttributeSystem


@dataclass(frozen=True, slots=True, eq=False)
class Review:
    """The review images of a referee, and all that may be asked about them."""

    _referee: Referee

    @property
    def labels(self) -> tuple[str, ...]:
        return self._referee.splits["review"].labels

    def score(self, system: AttributeSystem) -> Scores:
        return self._referee.score(system, "review")

    def right(self, system: AttributeSystem) -> int:
        """Review images classified correctly."""
        return int(np.count_nonzero(self.score(system).correct))

    def increments(self, system: AttributeSystem, scores: Scores) -> Increments:
        """For the effects of many changes to the system with these scores."""
        return self._referee.increments(system, scores)

    def totals(self, system: AttributeSystem) -> RuleTotals:
        """For the effects of very many changes of its rules."""
        scoring = self._referee.scoring_of(system)
        return RuleTotals(
            system,
            [self._cosines(group.phrases()) for group in system.groups],
            self.labels,
            scoring=scoring,
            logit_scale=self._referee.logit_scale,
            names=self._cosines(system.classes) if scoring.name_prior else None,
        )

    def _cosines(self, texts: Sequence[str]) -> Floats:
        """[K, n]"""
        vectors = self._referee.splits["review"].vectors
        return cosines(vectors, self._referee.encode(texts)).T


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A system to improve on review images; what is `locked` in it stays as it is."""

    start: AttributeSystem
    locked: Sequence[Lock]
    review: Review


@dataclass(frozen=True, slots=True)
class Tried:
    """So far `measured` changes were tried; the best system has `correct` review images right.

    restarts: how many are over, of this run and those before. edits: what leads from the last
    candidate (or the start) to that best system; none if it is that one. An optimiser may be left
    at any event: these are what would be lost.
    """

    measured: int
    correct: int
    restarts: int = 0
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A proposal on top of the last candidate (or the start) that has more review images right."""

    proposal: Proposal
    tried: Tried


class Optimiser(Protocol):
    """Tells what it tries and finds, as it happens; the same each time for the same task."""

    @property
    def name(self) -> str: ...

    def search(self, task: Task) -> Iterator[Tried | Candidate]: ...
