"""An order in which similar things stand side by side, so that blocks show in a heat map."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def similar_side_by_side(similarity: Floats) -> tuple[int, ...]:
    """The order of n things by their similarity [n, n], symmetric; the diagonal is ignored.

    Average linkage (Sokal & Michener 1958): the two most similar chains are joined until one is
    left, each turned so that the more similar of their ends meet. Equal ones stay in order.
    """
    n = len(similarity)
    chains: dict[int, list[int]] = {place: [place] for place in range(n)}
    near = np.array(similarity, np.float64)
    np.fill_diagonal(near, -np.inf)
    while len(chains) > 1:
        a, b = sorted(divmod(int(near.argmax()), n))
        size_a, size_b = len(chains[a]), len(chains[b])
        mean = (size_a * near[a] + size_b * near[b]) / (size_a + size_b)
        mean[[a, b]] = -np.inf
        near[a], near[:, a] = mean, mean
        near[b], near[:, b] = -np.inf, -np.inf
        chains[a] = _end_to_end(chains[a], chains.pop(b), similarity)
    return tuple(next(iter(chains.values()), ()))


def _end_to_end(first: list[int], second: list[int], similarity: Floats) -> list[int]:
    ways = [
        (first, second),
        (first, second[::-1]),
        (first[::-1], second),
        (first[::-1], second[::-1]),
    ]
    left, right = max(ways, key=lambda way: similarity[way[0][-1], way[1][0]])
    return left + right
