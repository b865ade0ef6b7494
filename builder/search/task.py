"""What every search works with and answers: review images in, candidates out.

An optimiser sees review images only. What it finds is recorded by whoever runs it; held-out images
then say which of its candidates is best.

Many rules are tried fast: another choice of one class moves that class's totals only, and an
image's best class is then either that class or the best of the others. So all choices of a rule are
tried in O(n) each. What choices add is rounded to multiples of 2^-24, about the rounding of single
precision: sums in double precision are then exact in any order, and classes with identical rules
tie exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from builder.edits.locks import Lock
from builder.edits.model import Edit, Proposal
from builder.scoring import score
from builder.scoring.effects import Increments
from builder.scoring.evaluator import Evaluator
from builder.scoring.score import Doubles, Floats, Indices, Scores
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


class RuleTotals:
    """Totals of C classes on the n review images for changing rules.

    Choices of a group are numbered: its K options, then "does not apply".
    """

    def __init__(self, system: AttributeSystem, evaluator: Evaluator) -> None:
        review, scoring = evaluator.splits["review"], evaluator.scoring_of(system)
        scale, n = evaluator.logit_scale, len(review.labels)

        def similar(texts: Sequence[str]) -> Floats:
            found = score.cosines(review.vectors, evaluator.encode(texts)).T
            return score.centred(found, texts, scoring)

        self._labels = score.label_indices(system.classes, review.labels)
        self._choices = [list(row.values()) for row in system.rules.values()]
        self._totals = np.zeros((len(self._choices), n))
        if scoring.name_prior:
            names = score.name_scores(similar(system.classes), scoring=scoring, logit_scale=scale)
            self._totals += _rounded(names.astype(np.float64))
        # Per group, what each choice adds to a total: [K + 1, n] by number, and by the choice,
        # also those of several options that rules name.
        self._rows: list[Doubles] = []
        self._added: list[dict[Choice, Doubles]] = []
        for place, group in enumerate(system.groups):
            scores = score.option_scores(
                similar(group.phrases()), scoring=scoring, logit_scale=scale
            )
            numbered: list[Choice] = [*((option,) for option in group.options), ()]
            self._rows.append(
                np.stack([_row(group, choice, scores, scoring) for choice in numbered])
            )
            added = dict(zip(numbered, self._rows[-1], strict=True))
            for total, choices in zip(self._totals, self._choices, strict=True):
                if choices[place] not in added:
                    added[choices[place]] = _row(group, choices[place], scores, scoring)
                total += added[choices[place]]
            self._added.append(added)
        self._lead, self._next_lead = (np.zeros(n, np.intp) for _ in range(2))
        self._best, self._next_best = (np.zeros(n) for _ in range(2))
        self._rank(np.arange(n))
        self._known: dict[int, _Rivals] = {}

    @property
    def correct(self) -> int:
        """Images classified correctly; as in `score`, but for rounding."""
        return int(np.count_nonzero(self._lead == self._labels))

    def choice(self, index: int, group: int) -> Choice:
        """The choice of the class at `index` in the group at that place."""
        return self._choices[index][group]

    def choices(self, group: int) -> tuple[Choice, ...]:
        """The choices of the group at that place, by their numbers."""
        return tuple(self._added[group])[: len(self._rows[group])]

    def gains(self, index: int, group: int) -> Indices:
        """How many more images each of [K + 1] choices would have right than the present one."""
        rivals = self._rivals(index)
        totals = self._totals[index, rivals.images]
        rest = totals - self._added[group][self.choice(index, group)][rivals.images]
        right = rivals.right(self._rows[group][:, rivals.images] >= rivals.bar - rest)
        return np.asarray(right - rivals.right(totals >= rivals.bar))

    def evidence(self, index: int, group: int) -> Doubles:
        """The mean [K + 1] that each choice adds to the class on its own images."""
        return np.asarray(self._rows[group][:, self._labels == index].mean(axis=1))

    def change(self, index: int, group: int, number: int) -> Choice:
        """Changes the class's rule in the group to that number; returns the choice."""
        choice, totals = self.choices(group)[number], self._totals[index]
        totals += self._rows[group][number] - self._added[group][self.choice(index, group)]
        self._choices[index][group] = choice
        was_ahead = (self._lead == index) | (self._next_lead == index)
        self._rank(np.flatnonzero(was_ahead | (totals >= self._next_best)))
        self._known.clear()
        return choice

    def _rivals(self, index: int) -> _Rivals:
        if index not in self._known:
            leads = self._lead == index
            rival = np.where(leads, self._next_lead, self._lead)
            best = np.where(leads, self._next_best, self._best)
            own = np.flatnonzero(self._labels == index)
            # Elsewhere the class can only do harm, and only where another one is right.
            others = np.flatnonzero((rival == self._labels) & (self._labels != index))
            images = np.concatenate([own, others])
            # Ties go to class order.
            bar = best[images] + _QUANTUM * (rival[images] < index)
            self._known = {index: _Rivals(images, len(own), bar)}
        return self._known[index]

    def _rank(self, images: Indices) -> None:
        """Finds the best and the next best class of these images; ties go to class order."""
        for start in range(0, len(images), _BLOCK):
            some = images[start : start + _BLOCK]
            totals, columns = self._totals[:, some], np.arange(len(some))
            for lead, best in ((self._lead, self._best), (self._next_lead, self._next_best)):
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
        return RuleTotals(system, self._evaluator)


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A system to improve on review images; what is `locked` in it stays as it is."""

    start: AttributeSystem
    locked: Sequence[Lock]
    review: Review


def _row(group: AttributeGroup, choice: Choice, scores: Floats, scoring: Scoring) -> Doubles:
    """What a choice of the group adds to a total [n], from option scores [K, n]."""
    chosen = [group.options.index(option) for option in choice or group.options]
    added = score.choice_score(scores, np.array(chosen, np.intp), scoring=scoring)
    return _rounded(score.group_weight(group, scoring) * added.astype(np.float64))


def _rounded(added: Doubles) -> Doubles:
    return np.asarray(np.rint(added / _QUANTUM) * _QUANTUM)
