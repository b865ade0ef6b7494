"""What every search works with and answers: review images in, candidates out.

An optimiser sees review images only. What it finds is recorded by whoever runs it; held-out images
then say which of its candidates is best.

Many rules are tried fast: another choice of one class moves that class's totals only, and an
image's best class is then either that class or the best of the others. So all choices of a rule are
tried in O(n) each. What choices add is rounded to multiples of 2^-24, about the rounding of single
precision: sums in double precision are then exact in any order, and classes with identical rules
tie exactly.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from builder.edits.locks import Lock
from builder.edits.model import Edit, Proposal
from builder.scoring.effects import Increments
from builder.scoring.evaluator import Evaluator
from builder.scoring.score import (
    Doubles,
    Floats,
    Indices,
    Scores,
    centred,
    choice_score,
    cosines,
    group_weight,
    label_indices,
    name_scores,
    option_scores,
)
from builder.system.model import AttributeGroup, AttributeSystem, Choice, Scoring

_QUANTUM = 2.0**-24
# Images are ranked so many at a time, which bounds the memory.
_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Tried:
    """Progress: `measured` changes were tried; the best system has `correct` review images right.

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
    """A proposal on the last candidate or the start that has more review images right."""

    proposal: Proposal
    tried: Tried


@dataclass(frozen=True, slots=True, eq=False)
class _Rivals:
    """The images whose result a class's totals decide; the first `own` are of that class.

    bar: what the class's total has to reach there to be the best.
    """

    images: Indices
    own: int
    bar: Doubles

    def right(self, wins: NDArray[np.bool_]) -> Indices:
        """The number of own images won [..., n], less the others' that are lost."""
        own, others = wins[..., : self.own], wins[..., self.own :]
        return np.asarray(np.count_nonzero(own, axis=-1) - np.count_nonzero(others, axis=-1))


@dataclass(frozen=True, slots=True, eq=False)
class _Adds:
    """What each choice of one group adds to a total.

    choices: each option, then none. rows: [K + 1, n], one for each of them.
    """

    choices: tuple[Choice, ...]
    rows: Doubles
    _several: dict[Choice, Doubles]

    @classmethod
    def of(
        cls,
        group: AttributeGroup,
        similar: Floats,
        scoring: Scoring,
        logit_scale: float,
        rules: Iterable[Choice],
    ) -> Self:
        options, weight = group.options, group_weight(group, scoring)
        scores = option_scores(
            centred(similar, group.phrases(), scoring), scoring=scoring, logit_scale=logit_scale
        )

        def row(choice: Choice) -> Doubles:
            chosen = [options.index(option) for option in choice or options]
            added = choice_score(scores, np.array(chosen, np.intp), scoring=scoring)
            return _rounded(weight * added.astype(np.float64))

        choices = (*((option,) for option in options), ())
        several = {choice: row(choice) for choice in set(rules) if len(choice) > 1}
        return cls(choices, np.stack([row(choice) for choice in choices]), several)

    def of_choice(self, choice: Choice) -> Doubles:
        """What this choice adds to the total on each of n images."""
        if len(choice) > 1:
            return self._several[choice]
        return np.asarray(self.rows[self.choices.index(choice)])


class RuleTotals:
    """Totals of C classes on n images for changing rules, from cosines [K, n] of each group.

    `names` are the cosines [C, n] of the class names, where the scoring counts them. Choices of a
    group are numbered: its K options, then "does not apply".
    """

    def __init__(
        self,
        system: AttributeSystem,
        similar: Sequence[Floats],
        labels: Sequence[str],
        *,
        scoring: Scoring,
        logit_scale: float,
        names: Floats | None = None,
    ) -> None:
        self._choices = [list(row.values()) for row in system.rules.values()]
        self._labels = label_indices(system.classes, labels)
        self._groups = [
            _Adds.of(group, found, scoring, logit_scale, rules)
            for group, found, rules in zip(
                system.groups, similar, zip(*self._choices, strict=True), strict=True
            )
        ]
        n = len(labels)
        self._totals = np.zeros((len(self._choices), n))
        if names is not None and scoring.name_prior:
            similar_names = centred(names, system.classes, scoring)
            prior = name_scores(similar_names, scoring=scoring, logit_scale=logit_scale)
            self._totals += _rounded(prior.astype(np.float64))
        for place, adds in enumerate(self._groups):
            numbers: dict[Choice, int] = {}
            column = (row[place] for row in self._choices)
            codes = [numbers.setdefault(choice, len(numbers)) for choice in column]
            self._totals += np.stack([adds.of_choice(choice) for choice in numbers])[codes]
        self._lead, self._next_lead = (np.zeros(n, np.intp) for _ in range(2))
        self._best, self._next_best = (np.zeros(n) for _ in range(2))
        self._rank(np.arange(n))
        self._known: tuple[int, _Rivals] | None = None

    @property
    def correct(self) -> int:
        """Images classified correctly; as in `score`, but for rounding."""
        return int(np.count_nonzero(self._lead == self._labels))

    def choice(self, index: int, group: int) -> Choice:
        """The choice of the class at `index` in the group at that place."""
        return self._choices[index][group]

    def choices(self, group: int) -> tuple[Choice, ...]:
        """The choices of the group at that place, by their numbers."""
        return self._groups[group].choices

    def gains(self, index: int, group: int) -> Indices:
        """How many more images each of [K + 1] choices would have right than the present one."""
        rivals, adds = self._rivals(index), self._groups[group]
        totals = self._totals[index, rivals.images]
        rest = totals - adds.of_choice(self.choice(index, group))[rivals.images]
        right = rivals.right(adds.rows[:, rivals.images] >= rivals.bar - rest)
        return np.asarray(right - rivals.right(totals >= rivals.bar))

    def evidence(self, index: int, group: int) -> Doubles:
        """The mean [K + 1] that each choice adds to the class on its own images."""
        own = self._groups[group].rows[:, self._labels == index]
        return np.asarray(own.mean(axis=1))

    def change(self, index: int, group: int, number: int) -> Choice:
        """Changes the class's rule in the group to that number; returns the choice."""
        adds = self._groups[group]
        choice = adds.choices[number]
        totals = self._totals[index]
        totals += adds.rows[number] - adds.of_choice(self.choice(index, group))
        self._choices[index][group] = choice
        was_ahead = (self._lead == index) | (self._next_lead == index)
        self._rank(np.flatnonzero(was_ahead | (totals >= self._next_best)))
        self._known = None
        return choice

    def _rivals(self, index: int) -> _Rivals:
        if self._known is None or self._known[0] != index:
            leads = self._lead == index
            rival = np.where(leads, self._next_lead, self._lead)
            best = np.where(leads, self._next_best, self._best)
            own = np.flatnonzero(self._labels == index)
            # Elsewhere the class can only do harm, and only where another one is right.
            others = np.flatnonzero((rival == self._labels) & (self._labels != index))
            images = np.concatenate([own, others])
            # Ties go to class order.
            bar = best[images] + _QUANTUM * (rival[images] < index)
            self._known = index, _Rivals(images, len(own), bar)
        return self._known[1]

    def _rank(self, images: Indices) -> None:
        """Finds the best and the next best class of these images; ties go to class order."""
        for start in range(0, len(images), _BLOCK):
            some = images[start : start + _BLOCK]
            totals, columns = self._totals[:, some], np.arange(len(some))
            for lead, best in (
                (self._lead, self._best),
                (self._next_lead, self._next_best),
            ):
                lead[some] = totals.argmax(axis=0)
                best[some] = totals[lead[some], columns]
                totals[lead[some], columns] = -np.inf


@dataclass(frozen=True, slots=True, eq=False)
class Review:
    """The review images of an evaluator, and the questions that may be asked of them."""

    _evaluator: Evaluator

    @property
    def labels(self) -> tuple[str, ...]:
        return self._evaluator.splits["review"].labels

    def score(self, system: AttributeSystem) -> Scores:
        return self._evaluator.score(system, "review")

    def right(self, system: AttributeSystem) -> int:
        """How many review images the system has right."""
        return int(np.count_nonzero(self.score(system).correct))

    def increments(self, system: AttributeSystem, scores: Scores) -> Increments:
        """Measures the effects of many changes to the system with these scores."""
        return self._evaluator.increments(system, scores)

    def totals(self, system: AttributeSystem) -> RuleTotals:
        """Measures very many changes of the system's rules."""
        scoring = self._evaluator.scoring_of(system)
        return RuleTotals(
            system,
            [self._cosines(group.phrases()) for group in system.groups],
            self.labels,
            scoring=scoring,
            logit_scale=self._evaluator.logit_scale,
            names=self._cosines(system.classes) if scoring.name_prior else None,
        )

    def _cosines(self, texts: Sequence[str]) -> Floats:
        """The cosines [K, n] of the texts with the review images."""
        vectors = self._evaluator.splits["review"].vectors
        return cosines(vectors, self._evaluator.encode(texts)).T


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A system to improve on review images; what is `locked` in it stays as it is."""

    start: AttributeSystem
    locked: Sequence[Lock]
    review: Review


def _rounded(added: Doubles) -> Doubles:
    return np.asarray(np.rint(added / _QUANTUM) * _QUANTUM)
