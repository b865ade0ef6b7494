"""How much one answer tells about another, in bits: exactly from rules, and estimated from images.

Rules are certain: what they tell is counted over classes, all equally likely. What images tell is
an estimate from few, and counting alone finds bits where there are none: of 16 classes and a
group of 12 options, 47 images whose answers are pure chance seem to tell 1.8 bits. So what
shuffled labels seem to tell is taken away, and the estimate is made for one group at a time: the
joint answers of several have far more combinations than there are images.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil, log, log2

import numpy as np
from numpy.typing import NDArray

from builder.scoring.score import group_rules
from builder.system.model import AttributeSystem

Indices = NDArray[np.intp]
# A figure for every two groups, [G, G].
PerPair = tuple[tuple[float, ...], ...]

# The mean over 20 shuffles is known to a few hundredths of a bit where any bits are shown at all.
SHUFFLES = 20
# What chance alone may seem to tell where bits are shown. The correction takes away at most so
# much too much: images that tell a lot leave less to chance than shuffled labels do.
_MOST_BY_CHANCE = 0.25
# Bits below this are rounding: they must not make a group that adds nothing look as if it did.
_EXACT = 1e-9


def entropy(symbols: Iterable[Hashable]) -> float:
    """The entropy in bits of a symbol drawn at random from `symbols`; 0 for none."""
    counts = Counter(symbols).values()
    total = sum(counts)
    return sum(count / total * log2(total / count) for count in counts)


def mutual_information(one: Sequence[Hashable], other: Sequence[Hashable]) -> float:
    """Bits that one of two symbols, drawn at the same random place, tells about the other.

    Symmetric, at least 0 and at most either entropy. Raises ValueError unless of equal length.
    """
    alone, alone_other = entropy(one), entropy(other)
    shared = alone + alone_other - entropy(zip(one, other, strict=True))
    return min(max(0.0, shared), alone, alone_other)


def expected_information(one: Sequence[Hashable], other: Sequence[Hashable]) -> float:
    """The mean of `mutual_information` over all orders of either: the bits shared by chance.

    Exact: how often two symbols meet is hypergeometric (Vinh, Epps and Bailey 2010, formula 24).
    """
    n = len(one)
    if n == 0:
        return 0.0
    log_factorial = np.cumsum(np.log(np.maximum(np.arange(n + 1), 1)))
    a, many_a = _sizes(one)
    b, many_b = _sizes(other)
    a, b, k = a[:, None, None], b[None, :, None], np.arange(1, min(a.max(), b.max()) + 1)
    possible = (k <= a) & (k <= b) & (k >= a + b - n)
    parts = (a, b, n - a, n - b), (k, a - k, b - k, n - a - b + k, np.array(n))
    up, down = (sum(log_factorial[np.clip(part, 0, n)] for part in side) for side in parts)
    bits = np.where(possible, np.exp(up - down) * k / n * np.log2(n * k / (a * b)), 0)
    return max(0.0, float(many_a @ bits.sum(axis=2) @ many_b))


def _sizes(symbols: Sequence[Hashable]) -> tuple[Indices, Indices]:
    """The distinct counts of the symbols, and how many symbols have each."""
    return np.unique(list(Counter(symbols).values()), return_counts=True)


@dataclass(frozen=True, slots=True)
class Repeat:
    """A group that tells what another does: `fraction` of its bits, in [0, 1].

    beyond_chance: the same after what it would tell on average if its rules were shuffled is taken
    from both, at most 1 and below 0 where it tells less. With few classes any two groups of many
    options tell most of each other. 0 where shuffled rules would tell everything, too: a group
    with an option of its own for each class repeats every group, which says nothing of any.
    """

    group: str
    fraction: float
    beyond_chance: float


@dataclass(frozen=True, slots=True)
class Redundancy:
    """What the rules of G groups tell about each other when all classes are equally likely.

    bits: [G] the entropy of each group's choice; several options, and none, count as a choice of
    their own. shared: [G, G] mutual information in bits, symmetric, the entropy on the diagonal.
    by_chance: [G, G] what of it is expected of shuffled rules.
    """

    groups: tuple[str, ...]
    bits: tuple[float, ...]
    shared: PerPair
    by_chance: PerPair

    def fraction(self, one: int, other: int) -> float:
        """What two groups share, as a fraction of the smaller entropy: in [0, 1], symmetric.

        1 where the choice in one fixes that in the other; 0 where either has no bits to share.
        """
        smaller = min(self.bits[one], self.bits[other])
        return self.shared[one][other] / smaller if smaller else 0.0

    def most_repeated(self, group: int) -> Repeat | None:
        """The group that this one repeats most, by what is beyond chance; of equals the first.

        None where it has no bits, or there is no other.
        """
        others = [index for index in range(len(self.groups)) if index != group]
        if not self.bits[group]:
            return None
        found = [self._repeat(group, other) for other in others]
        return max(found, key=lambda r: (round(r.beyond_chance, 9), r.fraction), default=None)

    def _repeat(self, group: int, other: int) -> Repeat:
        shared, chance = self.shared[group][other], self.by_chance[group][other]
        left = self.bits[group] - chance
        beyond = (shared - chance) / left if left > _EXACT else 0.0
        return Repeat(self.groups[other], shared / self.bits[group], beyond)

    def pairs(self) -> tuple[tuple[int, int, float], ...]:
        """Each pair of groups once, with the fraction of bits they share, the largest first."""
        size = range(len(self.groups))
        found = [(a, b, self.fraction(a, b)) for a in size for b in size[a + 1 :]]
        return tuple(sorted(found, key=lambda pair: -pair[2]))


def redundancy(system: AttributeSystem) -> Redundancy:
    """The redundancy of every two groups of the system, from its rules alone."""
    codes = [rule.of_class.tolist() for rule in group_rules(system)]
    size = range(len(codes))

    def of_pairs(bits: Callable[[Sequence[int], Sequence[int]], float]) -> PerPair:
        half = {(a, b): bits(codes[a], codes[b]) for a in size for b in size[a:]}
        return tuple(tuple(half[min(a, b), max(a, b)] for b in size) for a in size)

    return Redundancy(
        groups=tuple(group.name for group in system.groups),
        bits=tuple(map(entropy, codes)),
        shared=of_pairs(mutual_information),
        by_chance=of_pairs(expected_information),
    )


def own_bits(system: AttributeSystem) -> tuple[float, ...]:
    """Per group: the bits of its choice that all other groups' choices leave unknown.

    Exact, from the rules, all classes equally likely; at least 0 and at most the group's entropy.
    """
    codes = [rule.of_class.tolist() for rule in group_rules(system)]
    everything = entropy(zip(*codes, strict=True))
    found = []
    for index in range(len(codes)):
        others = codes[:index] + codes[index + 1 :]
        left = everything - (entropy(zip(*others, strict=True)) if others else 0.0)
        found.append(left if left > _EXACT else 0.0)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class SeenBits:
    """What a group's answer to an image tells about the image's class, corrected by shuffles.

    bits: at least 0; None where there are fewer than `fewest` images, or none at all.
    """

    bits: float | None
    n: int
    fewest: int


def seen_bits(answers: Indices, labels: Indices, options: int, orders: Indices) -> SeenBits:
    """The bits from each image's likeliest option [n], below `options`, and its class [n].

    `orders` [S, n] are the shuffles. Hidden below `fewest_images` for the classes that occur.
    """
    n = len(labels)
    fewest = fewest_images(len(np.unique(labels)), options)
    if n == 0 or n < fewest:
        return SeenBits(None, n, fewest)
    return SeenBits(max(0.0, corrected_information(answers, labels, orders)), n, fewest)


def fewest_images(classes: int, options: int) -> int:
    """How many images it takes for chance alone to seem to tell a quarter of a bit or less.

    Miller's bias (1955) of the counted bits is (C - 1)(K - 1) / (2 n ln 2) where n is large.
    """
    return ceil((classes - 1) * (options - 1) / (2 * log(2) * _MOST_BY_CHANCE))


def shuffled_orders(n: int, *, seed: int, shuffles: int = SHUFFLES) -> Indices:
    """Shuffles [S, n]: each row holds the positions 0 … n - 1 in a random order."""
    return np.random.default_rng(seed).permuted(np.tile(np.arange(n), (shuffles, 1)), axis=1)


def corrected_information(answers: Indices, labels: Indices, orders: Indices) -> float:
    """The counted bits less their mean over the label shuffles `orders` [S, n].

    Below 0 where the labels tell less than shuffled ones; unbiased where they tell nothing.
    """
    by_chance = [counted_information(answers, labels[order]) for order in orders]
    return counted_information(answers, labels) - float(np.mean(by_chance))


def counted_information(one: Indices, other: Indices) -> float:
    """The mutual information in bits of two codes [n], as counted: too high for few images."""
    n, size = len(one), int(other.max()) + 1
    table = np.bincount(one * size + other, minlength=(int(one.max()) + 1) * size)
    table = table.reshape(-1, size)
    alone = _sum_log(table.sum(axis=0)) + _sum_log(table.sum(axis=1))
    return (_sum_log(table) - alone) / n + log2(n)


def _sum_log(counts: Indices) -> float:
    """The sum of c log2 c over the counts c, with 0 for 0."""
    some = counts[counts > 0].astype(np.float64)
    return float((some * np.log2(some)).sum())
