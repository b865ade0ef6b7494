"""The drawing of accuracies: everything lies inside it, and higher is better."""

import re

from hypothesis import given
from hypothesis import strategies as st

from builder.report.page import templates
from builder.session.state import Version

COUNTS = st.integers(1, 50).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def chart(counts: list[tuple[int, int]], level: float | None = None) -> str:
    """The first version is the best; on review they are as good as on held-out images."""
    bits = ["1" * correct + "0" * (n - correct) for correct, n in counts]
    versions = [Version(k, (), "images", each, each, k) for k, each in enumerate(bits)]
    module = templates().get_template("chart.html.j2").module
    return str(module.accuracy_chart(versions, 0, level))  # type: ignore[attr-defined]


def heights(made: str, tag: str, attribute: str) -> list[float]:
    return [float(v) for v in re.findall(rf"<{tag} [^>]*\b{attribute}=\"([-0-9.]+)\"", made)]


@given(st.lists(COUNTS, min_size=1, max_size=8), st.none() | st.floats(0, 1))
def test_nothing_leaves_the_drawing(counts: list[tuple[int, int]], level: float | None) -> None:
    made = chart(counts, level)
    (width, height) = map(int, re.findall(r'viewBox="0 0 (\d+) (\d+)"', made)[0])
    ys = [*heights(made, "line", "y1"), *heights(made, "line", "y2")]
    ys += [*heights(made, "circle", "cy"), *heights(made, "rect", "y")]
    assert len(ys) > 6 * len(counts)
    assert all(10 <= y <= height - 36 for y in ys)
    assert all(0 <= x <= width for x in heights(made, "circle", "cx"))


@given(st.lists(COUNTS, min_size=2, max_size=8))
def test_higher_is_better(counts: list[tuple[int, int]]) -> None:
    ys = heights(chart(counts), "circle", "cy")
    for (one, n), y in zip(counts, ys, strict=True):
        for (other, m), z in zip(counts, ys, strict=True):
            if one / n > other / m + 0.01:
                assert y < z


def test_it_says_what_it_shows() -> None:
    made = chart([(3, 4), (2, 4)], 0.5)
    assert "v0, held-out: 3 of 4, 75.0 % (30–95 %)" in made
    assert "review: 3 of 4, 75.0 %" in made
    assert ">names, spelled best</text>" in made
    assert '<text x="82.0" y="300" class="best">75.0 %</text>' in made
    assert '<text x="154.0" y="300" class="name">50.0 %</text>' in made
    assert "names, spelled best" not in chart([(3, 4)])
