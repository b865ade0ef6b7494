"""The drawing of accuracies: everything lies inside it, and higher is better."""

import re

from hypothesis import given
from hypothesis import strategies as st

from builder.report.charts import Level, Point, accuracy_chart

COUNTS = st.integers(1, 50).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def points(counts: list[tuple[int, int]]) -> list[Point]:
    return [
        Point(f"v{place}", correct, n, correct, n, best=place == 0)
        for place, (correct, n) in enumerate(counts)
    ]


def heights(made: str, tag: str, attribute: str) -> list[float]:
    return [float(v) for v in re.findall(rf"<{tag} [^>]*\b{attribute}=\"([-0-9.]+)\"", made)]


@given(st.lists(COUNTS, min_size=1, max_size=8), st.none() | st.floats(0, 1))
def test_nothing_leaves_the_drawing(counts: list[tuple[int, int]], fraction: float | None) -> None:
    level = None if fraction is None else Level("names", fraction)
    made = accuracy_chart(points(counts), level)
    (width, height) = map(int, re.findall(r'viewBox="0 0 (\d+) (\d+)"', made)[0])
    ys = [*heights(made, "line", "y1"), *heights(made, "line", "y2")]
    ys += [*heights(made, "circle", "cy"), *heights(made, "rect", "y")]
    assert all(10 <= y <= height - 36 for y in ys)
    assert all(0 <= x <= width for x in heights(made, "circle", "cx"))


@given(st.lists(COUNTS, min_size=2, max_size=8))
def test_higher_is_better(counts: list[tuple[int, int]]) -> None:
    ys = heights(accuracy_chart(points(counts), None), "circle", "cy")
    for (one, n), y in zip(counts, ys, strict=True):
        for (other, m), z in zip(counts, ys, strict=True):
            if one / n > other / m + 0.01:
                assert y < z


def test_it_says_what_it_shows() -> None:
    made = accuracy_chart([Point("v1", 3, 4, 2, 4, best=True)], Level("<names>", 0.5))
    assert "v1, held-out: 3 of 4, 75.0 % (30–95 %)" in made
    assert "review: 2 of 4, 50.0 %" in made
    assert "&lt;names&gt;" in made
    assert '<text x="82.0" y="300" class="best">75.0 %</text>' in made
