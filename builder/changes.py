"""Where two systems of the same classes differ, as steps that their classes' totals make.

Groups are compared by what they ask (their phrases), by their weight, and by what the rules answer:
another name, place, order of options or way to say "does not apply" is no difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress, count
from operator import ne

import numpy as np
from numpy.typing import NDArray

from builder.scoring import Indices, group_weight
from builder.system import AttributeSystem, Choice, Scoring

# Rows are told apart by one number each as long as it fits.
_MOST_ROWS = 1 << 62


@dataclass(frozen=True, eq=False)
class Asked:
    """One group of a system: its K options, their phrases, and the choice of each of C classes.

    weight: what the group's score is multiplied by.
    """

    options: tuple[str, ...]
    phrases: tuple[str, ...]
    choices: tuple[Choice, ...]
    weight: float = 1.0

    @property
    def asks(self) -> object:
        """What makes it the same group in another system."""
        return frozenset(self.phrases), self.weight

    def chosen(self, index: int) -> Indices:
        """[k] positions of the options that a class chooses: all of them where it names none."""
        options = self.choices[index] or self.options
        return np.array([self.options.index(option) for option in options], np.intp)

    @cached_property
    def numbers(self) -> dict[Choice, int]:
        """The number of each distinct choice, in order of first appearance."""
        distinct = dict.fromkeys(choice or self.options for choice in self.choices)
        return {choice: number for number, choice in enumerate(distinct)}

    @cached_property
    def codes(self) -> Indices:
        """[C] numbers of the classes' choices."""
        return np.array([self.numbers[choice or self.options] for choice in self.choices], np.intp)

    def in_words_of(self, other: "Asked") -> "Asked":
        """The same, with the options of a group that has the same phrases."""
        if (self.options, self.phrases) == (other.options, other.phrases):
            return self
        names = dict(zip(other.phrases, other.options, strict=True))
        own = {o: names[phrase] for o, phrase in zip(self.options, self.phrases, strict=True)}
        choices = tuple(
            tuple(sorted((own[option] for option in choice), key=other.options.index))
            for choice in self.choices
        )
        return Asked(other.options, other.phrases, choices, self.weight)


# What one group asks before and after; None where there is no such group.
Difference = tuple[Asked | None, Asked | None]


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """The S different steps that classes make from one system to another.

    step: [C] the step of each class: one number for all whose choices differ in the same way.
    makers: [S] index of the first class that makes the step.
    replaced: position, before, of the group that was dropped or whose phrases changed, if any.
    blocks: [C] numbers of the choices in that group; all 0 where there is none.
    distinct: [C] False for a class that has the same rules afterwards as an earlier one.
    """

    differences: tuple[Difference, ...]
    step: Indices
    makers: Indices
    replaced: int | None
    blocks: Indices
    distinct: NDArray[np.bool_]


def asked_by(system: AttributeSystem, scoring: Scoring) -> tuple[Asked, ...]:
    """What each group of the system asks, in order; of one that counts nothing, no class cares."""
    columns = zip(*(choices.values() for choices in system.rules.values()), strict=True)
    nothing: tuple[Choice, ...] = ((),) * len(system.classes)
    return tuple(
        Asked(group.options, group.phrases(), choices if weight else nothing, weight)
        for group, choices in zip(system.groups, columns, strict=True)
        for weight in (group_weight(group, scoring),)
    )


def change_between(before: Sequence[Asked], after: Sequence[Asked]) -> Change | None:
    """The change between systems of the same classes in the same order.

    None if more than one group went or more than one came; new phrases make another group.
    """
    kept, gone, come = _paired(before, after)
    if len(gone) > 1 or len(come) > 1:
        return None
    everyone = np.zeros(len(before[0].choices), np.intp)
    differences: list[Difference] = []
    steps, rules = [everyone], []
    for was, now in kept:
        old, new = was.codes, _codes_like(was, now)
        rules.append(new)
        moved = old != new
        if moved.any():
            differences.append((was, now))
            steps += [np.where(moved, old, -1), np.where(moved, new, -1)]
    if gone or come:
        was_asked = before[gone[0]] if gone else None
        now_asked = after[come[0]] if come else None
        differences.append((was_asked, now_asked))
        steps += [asked.codes for asked in (was_asked, now_asked) if asked]
        rules += [now_asked.codes] if now_asked else []
    makers, step = np.unique(_row_numbers(steps), return_index=True, return_inverse=True)[1:]
    return Change(
        differences=tuple(differences),
        step=step,
        makers=makers,
        replaced=gone[0] if gone else None,
        blocks=before[gone[0]].codes if gone else everyone,
        distinct=_firsts(rules),
    )


def distinct_classes(system: Sequence[Asked]) -> NDArray[np.bool_]:
    """[C] False for a class with the same rules as an earlier one."""
    return _firsts([asked.codes for asked in system])


def _firsts(columns: Sequence[Indices]) -> NDArray[np.bool_]:
    """[C] True where all columns together hold something for the first time."""
    firsts = np.zeros(len(columns[0]), np.bool_)
    firsts[np.unique(_row_numbers(columns), return_index=True)[1]] = True
    return firsts


def _row_numbers(columns: Sequence[Indices]) -> Indices:
    """[C] equal where all columns [C] of numbers from -1 are."""
    rows = np.zeros(len(columns[0]), np.intp)
    size = 1
    for column in columns:
        values = int(column.max()) + 2
        if size * values > _MOST_ROWS:
            rows = np.unique(rows, return_inverse=True)[1]
            size = len(rows)
        rows = rows * values + column + 1
        size *= values
    return rows


def _codes_like(was: Asked, now: Asked) -> Indices:
    """[C] numbers of the choices now in a group with the same options as before."""
    if now.choices == was.choices:
        return was.codes
    codes, numbers = was.codes.copy(), dict(was.numbers)
    for index in compress(count(), map(ne, was.choices, now.choices)):
        codes[index] = numbers.setdefault(now.choices[index] or now.options, len(numbers))
    return codes


def _paired(
    before: Sequence[Asked], after: Sequence[Asked]
) -> tuple[list[tuple[Asked, Asked]], list[int], list[int]]:
    """Groups that ask the same, and positions of those that went and of those that came."""
    waiting: dict[object, list[int]] = {}
    for place, asked in enumerate(before):
        waiting.setdefault(asked.asks, []).append(place)
    kept, come = [], []
    for place, asked in enumerate(after):
        twins = waiting.get(asked.asks)
        if not twins:
            come.append(place)
            continue
        pairs = [(before[twin], asked.in_words_of(before[twin])) for twin in twins]
        # Of groups that ask the same, the one with the same answers is the unchanged one.
        same = (at for at, (was, now) in enumerate(pairs) if was.choices == now.choices)
        chosen = next(same, 0) if len(pairs) > 1 else 0
        kept.append(pairs[chosen])
        del twins[chosen]
    return kept, [place for places in waiting.values() for place in places], come
