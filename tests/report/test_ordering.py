"""Similar things stand side by side."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from builder.report.ordering import similar_side_by_side


@st.composite
def similarities(draw: st.DrawFn) -> np.ndarray:
    n = draw(st.integers(0, 8))
    values = draw(arrays(np.float64, (n, n), elements=st.floats(0, 1)))
    return values + values.T


@given(similarities())
def test_every_thing_stands_once(similarity: np.ndarray) -> None:
    assert sorted(similar_side_by_side(similarity)) == list(range(len(similarity)))


@given(st.permutations(range(9)))
def test_blocks_come_together_whatever_order_they_came_in(places: list[int]) -> None:
    block = np.array(places) // 3
    order = similar_side_by_side((block[:, None] == block).astype(float))
    found = block[list(order)]
    assert np.count_nonzero(np.diff(found)) == 2


@given(st.permutations(range(7)))
def test_a_chain_is_unrolled(places: list[int]) -> None:
    steps = np.abs(np.subtract.outer(places, places))
    order = similar_side_by_side(1.0 / (1 + steps) ** 4)
    found = [places[place] for place in order]
    # Its ends meet, so that neighbours in the chain are neighbours on the page, but for few.
    close = sum(abs(a - b) == 1 for a, b in pairwise(found))
    assert close >= 4


def test_joined_chains_are_turned_so_that_similar_ends_meet() -> None:
    similarity = np.zeros((4, 4))
    for a, b, value in ((0, 1, 0.9), (2, 3, 0.8), (0, 3, 0.5)):
        similarity[a, b] = similarity[b, a] = value
    assert similar_side_by_side(similarity) in ((1, 0, 3, 2), (2, 3, 0, 1))
