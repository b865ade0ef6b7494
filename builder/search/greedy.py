"""Greedy search without a model: one change at a time while more review images get right.

A pass goes through the rules, class after class and group after group. Each takes the choice (an
option, or none) with which the most review images are right, if these are more than before: of
equal ones, the choice that the class's own images are likeliest to see. Then the one option or
group is dropped whose absence helps most, if any helps. Passes are repeated until one changes
nothing; a restart does the same from the best system with some rules changed at random. Classes
without review images keep their rules, about which nothing can be learnt. A first system is made
from groups alone in the same way: its rules are fitted on review images.
"""

import sys
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import NamedTuple

import numpy as np

from builder.edits.apply import apply
from builder.edits.diff import diff
from builder.edits.locks import Lock, touched
from builder.edits.model import DropGroup, DropOption, Edit, Proposal, SetRule
from builder.scoring.score import Scores
from builder.search.task import Candidate, Review, RuleTotals, Task, Tried
from builder.system.model import AttributeGroup, AttributeSystem, Choice

# The fraction of rules that a restart changes, on average.
_SHAKEN = 0.1


@dataclass(frozen=True, slots=True)
class Greedy:
    """Passes, then `restarts` restarts; None to go on until nobody listens.

    Not more than `limit` changes are measured. Restarts are numbered from `first_restart`, and
    what each changes at random follows from its number and the seed.
    """

    seed: int
    restarts: int | None = 0
    limit: int | None = None
    first_restart: int = 0

    def search(self, task: Task) -> Iterator[Tried | Candidate]:
        run = _Run(task, self.limit, self.first_restart)
        yield from run.climb(task.start)
        last = None if self.restarts is None else self.first_restart + self.restarts
        while run.left and run.restarts != last and (cells := run.open(run.best)):
            random = np.random.default_rng([self.seed, run.restarts])
            yield from run.climb(shaken(run.best, cells, random))
            # One that was cut short is made again by the next run.
            run.restarts += run.left > 0
            yield run.tried()


def system_from_groups(
    domain: str, groups: Sequence[AttributeGroup], classes: Sequence[str], review: Review
) -> AttributeSystem:
    """The system of those groups, with rules fitted on review images and useless groups dropped."""
    blank = AttributeSystem(
        domain=domain, groups=tuple(groups), rules={name: {} for name in classes}
    )
    return pruned(Task(fitted(blank, review.score(blank)), (), review))


def fitted(system: AttributeSystem, scores: Scores) -> AttributeSystem:
    """The system with rules fitted to its scores on images; any rules may have made these.

    A class gets the option whose mean probability on the class's images is furthest above its mean
    on all images: an option that every image sees a little tells nothing. A class without images
    keeps its rules.
    """
    own = {
        name: images
        for index, name in enumerate(system.classes)
        if len(images := np.flatnonzero(scores.labels == index))
    }
    rows: dict[str, dict[str, Choice]] = {name: {} for name in own}
    for group, p in zip(system.groups, scores.probabilities, strict=True):
        everywhere = p.mean(axis=0)
        for name, row in rows.items():
            above = p[own[name]].mean(axis=0) - everywhere
            row[group.name] = (group.options[int(above.argmax())],)
    return system.with_rules(rows)


def pruned(task: Task) -> AttributeSystem:
    """The start without useless groups, the one whose absence helps most dropped first."""
    run = _Run(task, None, 0)
    system = task.start
    while edits := run.best_of(system, task.review.score(system), _group_drops(system)):
        system = apply(system, edits)
    return system


def shaken(
    system: AttributeSystem, cells: Sequence["Cell"], random: np.random.Generator
) -> AttributeSystem:
    """The system with about a tenth of the rules in the cells, at least one, made random."""
    chosen = random.random(len(cells)) < _SHAKEN
    chosen[random.integers(len(cells))] = True
    rows = {name: dict(row) for name, row in system.rules.items()}
    for name, group in compress(cells, chosen):
        options = system.group(group).options
        rows[name][group] = (options[random.integers(len(options))],)
    return system.with_rules(rows)


class Cell(NamedTuple):
    """Names one rule: that of a class in a group."""

    class_name: str
    group: str


def open_cells(
    system: AttributeSystem, locks: Iterable[Lock], labels: Iterable[str]
) -> tuple[Cell, ...]:
    """The rules that a search may change: unlocked, of classes among the `labels`."""
    locked = {(lock.class_name, lock.group) for lock in locks}
    present = set(labels)
    return tuple(
        Cell(name, group.name)
        for name in system.classes
        for group in system.groups
        if name in present and not locked & {(name, None), (None, group.name), (name, group.name)}
    )


class _Run:
    """One search: the best system so far and how many changes it has measured."""

    def __init__(self, task: Task, limit: int | None, restarts: int) -> None:
        self._task = task
        self._limit = sys.maxsize if limit is None else limit
        self._measured = 0
        self._correct = task.review.right(task.start)
        self.best = task.start
        self.restarts = restarts

    @property
    def left(self) -> int:
        """How many more changes may be measured."""
        return self._limit - self._measured

    def open(self, system: AttributeSystem) -> tuple[Cell, ...]:
        return open_cells(system, self._task.locked, self._task.review.labels)

    def tried(self, edits: Sequence[Edit] = (), correct: int = 0) -> Tried:
        most = max(correct, self._correct)
        return Tried(self._measured, most, self.restarts, tuple(edits))

    def climb(self, system: AttributeSystem) -> Iterator[Tried | Candidate]:
        """Repeats passes from the system on until one does not help."""
        at = self._task.review.right(system)
        while self.left:
            after = yield from self._pass(system)
            now = self._task.review.right(after)
            if now <= at:
                yield self.tried()
                return
            system, at = after, now
            if now > self._correct:
                yield self._candidate(system, now)

    def best_of(
        self, system: AttributeSystem, scores: Scores, changes: Iterable[Edit]
    ) -> tuple[Edit, ...]:
        """The allowed change with the most images right; () if none helps."""
        allowed = [
            (edit, after)
            for edit in changes
            for after in [apply(system, [edit])]
            if not touched(self._task.locked, system, after)
        ][: self.left]
        self._measured += len(allowed)
        increments = self._task.review.increments(system, scores)
        gains = [effect.net for effect in increments.effects(after for _, after in allowed)]
        most = max(gains, default=0)
        return (allowed[gains.index(most)][0],) if most > 0 else ()

    def _candidate(self, system: AttributeSystem, correct: int) -> Candidate:
        proposal = Proposal(
            edits=diff(self.best, system),
            source="data",
            reason=f"greedy search, {self._measured:,} changes measured on review images",
        )
        self.best, self._correct = system, correct
        return Candidate(proposal, self.tried())

    def _pass(self, system: AttributeSystem) -> Generator[Tried, None, AttributeSystem]:
        """The system with better rules and without the least missed option or group."""
        system = yield from self._sweep(system)
        scores = self._task.review.score(system)
        drops = (*_group_drops(system), *_option_drops(system, scores))
        return apply(system, self.best_of(system, scores, drops))

    def _sweep(self, system: AttributeSystem) -> Generator[Tried, None, AttributeSystem]:
        totals = self._task.review.totals(system)
        groups = {group.name: place for place, group in enumerate(system.groups)}
        classes = {name: place for place, name in enumerate(system.classes)}
        edits: list[SetRule] = []
        for cell in self.open(system):
            if not self.left:
                break
            name, group = cell
            choice = self._improved(totals, classes[name], groups[group])
            if choice is not None:
                edits.append(SetRule(class_name=name, group=group, options=choice))
            yield self.tried(edits, totals.correct) if system is self.best else self.tried()
        return apply(system, edits)

    def _improved(self, totals: RuleTotals, index: int, group: int) -> Choice | None:
        """Changes the rule to the choice that helps most; None if none does."""
        present = totals.choice(index, group)
        numbers = [k for k, choice in enumerate(totals.choices(group)) if choice != present]
        numbers = numbers[: self.left]
        self._measured += len(numbers)
        gains = totals.gains(index, group)
        most = max((gains[k] for k in numbers), default=0)
        if most <= 0:
            return None
        likely = totals.evidence(index, group)
        number = max((k for k in numbers if gains[k] == most), key=lambda k: float(likely[k]))
        return totals.change(index, group, number)


def _group_drops(system: AttributeSystem) -> Iterator[Edit]:
    if len(system.groups) > 1:
        yield from (DropGroup(group=group.name) for group in system.groups)


def _option_drops(system: AttributeSystem, scores: Scores) -> Iterator[Edit]:
    """Drops of each option, with what images of the classes that use it see otherwise.

    An option that no such image there is for is replaced by none.
    """
    for group, p in zip(system.groups, scores.probabilities, strict=True):
        if len(group.options) < 3:
            continue
        for place, option in enumerate(group.options):
            users = [option in row[group.name] for row in system.rules.values()]
            # The last stands for the label -1 of images whose class is not scored.
            images = np.array([*users, False])[scores.labels]
            seen = p[images].sum(axis=0)
            seen[place] = -1
            replacement = group.options[int(seen.argmax())] if images.any() else None
            yield DropOption(group=group.name, option=option, replacement=replacement)
