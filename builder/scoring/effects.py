"""Finds which images a change makes right or wrong, without scoring every class again.

A class's total is a sum over groups, so a change moves it by a step: what its choices add now less
what they added before. Classes that make the same step keep their order, so of those only the best
matters, and the second where the best makes a step of its own. Both are kept per image.

Groups are compared by what they ask (their phrases), by their weight, and by what the rules answer:
another name, place, order of options or way to say "does not apply" is no difference.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from builder.scoring.score import (
    Floats,
    Indices,
    Scores,
    centred_on,
    choice_score,
    cosines,
    distinct_rows,
    group_weight,
    option_scores,
    score,
)
from builder.scoring.statistics import Correct, Effect, compare
from builder.system.model import AttributeGroup, AttributeSystem, Choice, Scoring, scored_texts

EncodeTexts = Callable[[Sequence[str]], Floats]
# Phrase -> its cosine with each image [n].
Cosines = dict[str, Floats]
# The best total of some classes, and what none of the others exceeds: two rows [n].
Pair = Floats | tuple[Floats, Floats]
_NONE = np.array([-np.inf], np.float32)
# With more steps than this, a full score takes less memory.
_MOST_STEPS = 256
# So many changes have their new phrases encoded and compared with the images together.
_BATCH = 256
# Bytes of leaders that are kept; those of the oldest group go first.
_MOST_KEPT = 1 << 28
# Totals are gone through so many images at a time, which the processor's cache holds.
_BLOCK = 256


@dataclass(frozen=True, eq=False)
class Asked:
    """One group of a system, and the choice of each of C classes.

    weight: what the group's score is multiplied by.
    """

    group: AttributeGroup
    choices: tuple[Choice, ...]
    weight: float = 1.0

    @cached_property
    def phrases(self) -> tuple[str, ...]:
        return self.group.phrases()

    @property
    def asks(self) -> object:
        """The key by which a group is the same in another system."""
        return frozenset(self.phrases), self.weight

    def chosen(self, index: int) -> Indices:
        """Positions [k] of the options that a class chooses: all of them where it names none."""
        options = self.group.options
        return np.array([options.index(o) for o in self.choices[index] or options], np.intp)

    def says_as(self, other: "Asked") -> bool:
        """Whether prompt, options and choices are spelled the same."""
        spelled, others = ((a.group.prompt, a.group.options, a.choices) for a in (self, other))
        return spelled == others

    @cached_property
    def codes(self) -> Indices:
        """The number of each class's choice, [C], in order of first appearance."""
        return self.codes_by({})

    def codes_by(self, numbers: dict[frozenset[str], int]) -> Indices:
        """The number of each class's choice, [C], by its phrases; new ones are added."""
        phrase, options = self.group.phrase, self.group.options
        phrases = {c: frozenset(map(phrase, c or options)) for c in dict.fromkeys(self.choices)}
        codes = {c: numbers.setdefault(key, len(numbers)) for c, key in phrases.items()}
        return np.array([codes[choice] for choice in self.choices], np.intp)


# What one group asks before and after; None where there is no such group.
Difference = tuple[Asked | None, Asked | None]


@dataclass(frozen=True, slots=True, eq=False)
class ClassSteps:
    """The S different ways in which classes change from one system to another.

    step: [C] the step of each class: one number for all whose choices differ in the same way.
    makers: [S] index of the first class that makes the step.
    replaced: the group, before, that was dropped or whose phrases changed, if any.
    blocks: [C] numbers of the choices in that group; all 0 where there is none.
    distinct: [C] False for a class that has the same rules afterwards as an earlier one.
    """

    differences: tuple[Difference, ...]
    step: Indices
    makers: Indices
    replaced: Asked | None
    blocks: Indices
    distinct: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Increments:
    """Measures what changes do to a system with these scores on images [n, d] of labels [n].

    `encode` turns phrases into vectors [m, d]. It, `scoring` and `logit_scale` are those that the
    scores were made with; means, if the scoring takes any, are taken on these images. What is
    needed for many changes is kept: foremost, the totals once more.
    """

    system: AttributeSystem
    scores: Scores
    images: Floats
    labels: Sequence[str]
    encode: EncodeTexts
    scoring: Scoring
    logit_scale: float
    _leaders: dict[Asked | None, Floats] = field(default_factory=dict, init=False, repr=False)

    def effects(self, afters: Iterable[AttributeSystem]) -> Iterator[Effect]:
        """The images that each change fixes and breaks; fails as `correct` does."""
        return (compare(self.scores.correct, correct) for correct in self.correct(afters))

    def correct(self, afters: Iterable[AttributeSystem]) -> Iterator[Correct]:
        """Where each of the changed systems is right, [n], as in a full score of it.

        Phrases that are new in many of them are encoded together.

        The two may differ only on images where the best totals of classes with different rules lie
        within the rounding of single precision; classes with identical rules tie exactly, to class
        order. A full score is what is made where classes were added, dropped, renamed or moved,
        where more than one group was added, dropped or rephrased, and where choices change in very
        many ways. Raises ValueError when vectors hold non-finite numbers.
        """
        # A change is small. Of the systems, which are not, one is held at a time.
        prepared = map(self._prepared, afters)
        while batch := list(islice(prepared, _BATCH)):
            changes = [change for change in batch if isinstance(change, ClassSteps)]
            similar = self._cosines_of(changes)
            for change in batch:
                yield self._changed(change, similar) if isinstance(change, ClassSteps) else change

    def _prepared(self, after: AttributeSystem) -> ClassSteps | Correct:
        """The class steps; the correct images where there are none or a full score is due."""
        change = None
        if after.classes == self.system.classes:
            change = class_steps(self._asked, asked_by(after, self.scoring))
        if change is None or len(change.makers) > _MOST_STEPS:
            texts = scored_texts(after, self.scoring)
            vectors = self.encode(texts)
            scoring = centred_on(self.images, texts, vectors, self.scoring)
            return score(
                after, self.images, vectors, self.labels,
                scoring=scoring, logit_scale=self.logit_scale,
            ).correct  # fmt: skip
        if self.scoring.name_prior:
            # Classes with the same rules still differ in their names.
            change = replace(change, distinct=self._distinct)
        return change if change.differences else self.scores.correct

    def _changed(self, change: ClassSteps, similar: Cosines) -> Correct:
        steps = self._steps(change, similar)
        labels = self.scores.labels
        best, second = leaders = np.full((2, len(labels)), -np.inf, np.float32)
        for first, bound in self._entrants(change, steps):
            _enter(leaders, first)
            np.maximum(second, bound, out=second)
        images = np.arange(len(labels))
        # Any class where the label is unknown.
        own = self.scores.totals[images, labels] + steps[change.step[labels], images]
        right: Correct = (labels >= 0) & change.distinct[labels] & (own >= best)
        # Another class ties, or one that was not looked at may be better: look at all.
        doubtful = np.flatnonzero(right & (second >= best))
        right[doubtful] = self._ranked(doubtful, change, steps)
        return right

    def _entrants(self, change: ClassSteps, steps: Floats) -> Iterator[Pair]:
        """For classes with the same step: their best changed total, and a bound of all others, [n].

        All distinct classes are among them.
        """
        # The step that most classes of each block make.
        counts = np.zeros((int(change.blocks.max()) + 1, len(steps)), np.intp)
        np.add.at(counts, (change.blocks, change.step), 1)
        usual = counts.argmax(axis=1)
        alone = change.step != usual[change.blocks]
        if 4 * np.count_nonzero(alone) > len(alone):
            leaders = _lead(self._totals, change.step, change.distinct)
            yield from (leaders + steps).swapaxes(0, 1)
            return
        leaders = self._leaders_of(change)
        out = self._distinct & (alone | ~change.distinct)
        for block, step in enumerate(steps[usual]):
            rivals = np.flatnonzero(out & (change.blocks == block))
            best, second = _without(leaders[:, block], self._totals[rivals])
            yield best + step, second + step
        # Of classes with identical rules, the leaders know the first only.
        for index in np.flatnonzero((alone | ~self._distinct) & change.distinct).tolist():
            yield self._totals[index] + steps[change.step[index]], _NONE

    def _ranked(self, images: Indices, change: ClassSteps, steps: Floats) -> Correct:
        """Which of these images are correct by all changed totals; ties go to class order."""
        right = []
        for some in np.array_split(images, len(images) // _BLOCK + 1):
            totals = self.scores.totals[some] + steps[:, some].T[:, change.step]
            # They tie with an earlier class, but for rounding.
            totals[:, ~change.distinct] = -np.inf
            right.append(totals.argmax(axis=1) == self.scores.labels[some])
        return np.concatenate(right)

    def _steps(self, change: ClassSteps, similar: Cosines) -> Floats:
        """What each step adds to a total, [S, n]."""
        steps = np.zeros((len(change.makers), self.scores.n), np.float32)
        for was, now in change.differences:
            for move, asked in ((np.subtract, was), (np.add, now)):
                if asked is None:
                    continue
                options = self._own_option_scores.get(asked.phrases)
                if options is None:
                    options = self._option_scores(asked.phrases, similar)
                for step, maker in zip(steps, change.makers.tolist(), strict=True):
                    adds = choice_score(options, asked.chosen(maker), scoring=self.scoring)
                    move(step, np.float32(asked.weight) * adds, out=step)
        return steps

    def _leaders_of(self, change: ClassSteps) -> Floats:
        kept = self._leaders
        if change.replaced not in kept:
            kept[change.replaced] = _lead(self._totals, change.blocks, self._distinct)
            while len(kept) > 1 and sum(leaders.nbytes for leaders in kept.values()) > _MOST_KEPT:
                del kept[next(iter(kept))]
        return kept[change.replaced]

    @cached_property
    def _totals(self) -> Floats:
        """The totals [C, n], so that a class's totals lie side by side."""
        return np.ascontiguousarray(self.scores.totals.T)

    @cached_property
    def _asked(self) -> tuple[Asked, ...]:
        return asked_by(self.system, self.scoring)

    @cached_property
    def _distinct(self) -> Correct:
        if self.scoring.name_prior:
            return np.ones(len(self.system.classes), np.bool_)
        return firsts([asked.codes for asked in self._asked])

    @cached_property
    def _cosines(self) -> Cosines:
        return self._compared(self.system.phrases())

    @cached_property
    def _own_option_scores(self) -> dict[tuple[str, ...], Floats]:
        """The options' scores [K, n] of each group, by its phrases."""
        return {a.phrases: self._option_scores(a.phrases, self._cosines) for a in self._asked}

    def _cosines_of(self, changes: Sequence[ClassSteps]) -> Cosines:
        """The cosines of all phrases in these changes; only new ones meet the images."""
        after = (now.phrases for change in changes for _, now in change.differences if now)
        phrases = dict.fromkeys(phrase for group in after for phrase in group)
        return self._cosines | self._compared([p for p in phrases if p not in self._cosines])

    def _compared(self, phrases: Sequence[str]) -> Cosines:
        if not phrases:
            return {}
        similar = cosines(self.images, self.encode(phrases)).T
        if self.scoring.means is not None:
            similar = similar - similar.mean(axis=1, keepdims=True)
        return dict(zip(phrases, similar, strict=True))

    def _option_scores(self, phrases: Sequence[str], similar: Cosines) -> Floats:
        """The option scores [K, n] of one group."""
        scores = option_scores(
            np.stack([similar[phrase] for phrase in phrases]),
            scoring=self.scoring,
            logit_scale=self.logit_scale,
        )
        if not np.isfinite(scores).all():
            raise ValueError("the vectors hold numbers that are not finite")
        return scores


def _lead(totals: Floats, blocks: Indices, entered: Correct) -> Floats:
    """The two best totals [2, B, n] of blocks [C], of the classes that are `entered` [C].

    From totals [C, n]; -inf for a missing one.
    """
    leaders = np.full((2, int(blocks.max()) + 1, totals.shape[1]), -np.inf, np.float32)
    for index in np.flatnonzero(entered).tolist():
        _enter(leaders[:, blocks[index]], totals[index])
    return leaders


def _enter(leaders: Floats, totals: Floats) -> None:
    """Puts totals [n] among the two best, [2, n], where they belong there."""
    best, second = leaders
    np.maximum(second, np.minimum(best, totals), out=second)
    np.maximum(best, totals, out=best)


def _without(leaders: Floats, rivals: Floats) -> Pair:
    """The best of a block without its classes' totals `rivals` [m, n], and a bound on the others.

    The third is not known: where both leaders [2, n] are rivals, the best is -inf, and the second,
    which the third can't exceed, bounds it.
    """
    best, second = leaders
    if not len(rivals):
        return leaders
    led = (rivals == best).any(axis=0)
    both_left = np.count_nonzero(rivals >= second, axis=0) > 1
    return np.where(led, np.where(both_left, _NONE, second), best), second


def asked_by(system: AttributeSystem, scoring: Scoring) -> tuple[Asked, ...]:
    """The groups of the system as `Asked`, in order; in one of no weight no class has a rule."""
    columns = zip(*(choices.values() for choices in system.rules.values()), strict=True)
    nothing: tuple[Choice, ...] = ((),) * len(system.classes)
    return tuple(
        Asked(group, choices if weight else nothing, weight)
        for group, choices in zip(system.groups, columns, strict=True)
        for weight in (group_weight(group, scoring),)
    )


def class_steps(before: Sequence[Asked], after: Sequence[Asked]) -> ClassSteps | None:
    """How classes change between two systems of the same classes in the same order.

    None if more than one group went or more than one came; new phrases make another group.
    """
    kept, gone, come = _paired(before, after)
    if len(gone) > 1 or len(come) > 1:
        return None
    everyone = np.zeros(len(before[0].choices), np.intp)
    differences: list[Difference] = []
    steps, rules = [everyone], []
    for was, now in kept:
        old, new = _numbered(was, now)
        rules.append(new)
        moved = old != new
        if moved.any():
            differences.append((was, now))
            steps += [np.where(moved, old, -1), np.where(moved, new, -1)]
    if gone or come:
        differences.append((next(iter(gone), None), next(iter(come), None)))
        steps += [asked.codes for asked in (*gone, *come)]
        rules += [asked.codes for asked in come]
    makers, step = distinct_rows(np.stack(steps, axis=1))
    return ClassSteps(
        differences=tuple(differences),
        step=step,
        makers=makers,
        replaced=gone[0] if gone else None,
        blocks=gone[0].codes if gone else everyone,
        distinct=firsts(rules),
    )


def firsts(columns: Sequence[Indices]) -> NDArray[np.bool_]:
    """Where all columns together hold something for the first time, [C]."""
    first = np.zeros(len(columns[0]), np.bool_)
    first[distinct_rows(np.stack(columns, axis=1))[0]] = True
    return first


def _numbered(was: Asked, now: Asked) -> tuple[Indices, Indices]:
    """The numbers [C] of the choices before and now, in groups of the same phrases."""
    if now.says_as(was):
        return was.codes, was.codes
    numbers: dict[frozenset[str], int] = {}
    return was.codes_by(numbers), now.codes_by(numbers)


def _paired(
    before: Sequence[Asked], after: Sequence[Asked]
) -> tuple[list[tuple[Asked, Asked]], list[Asked], list[Asked]]:
    """The groups that ask the same, those that went and those that came."""
    waiting: dict[object, list[Asked]] = {}
    for asked in before:
        waiting.setdefault(asked.asks, []).append(asked)
    kept, come = [], []
    for asked in after:
        twins = waiting.get(asked.asks)
        if not twins:
            come.append(asked)
            continue
        # Of groups that ask the same, the one with the same answers is the unchanged one.
        was = next((twin for twin in twins if len(twins) > 1 and asked.says_as(twin)), twins[0])
        kept.append((was, asked))
        twins.remove(was)
    return kept, [asked for twins in waiting.values() for asked in twins], come
