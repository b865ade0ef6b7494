"""How long a large report takes to make and to open, and how large it is.

Run with: python -m pytest -n 0 -s tests/bench/test_report.py
"""

import statistics
import time
from pathlib import Path

from builder.report.chosen_failures import failures
from builder.report.page import page
from tests.browser.chromium import chromium
from tests.report.sample import large_world

ROUNDS = 5
LARGEST = 5_000_000
SLOWEST_S = 2.0


def test_a_large_report_is_small_and_opens_quickly(tmp_path: Path) -> None:
    """100 classes, 2,000 images, 10 groups; more than half of the review images are wrong."""
    world = large_world()
    state = world.state()
    begun = time.perf_counter()
    scores = world.evaluator.score(world.system, "review")
    scored = time.perf_counter()
    failures(scores, world.system)
    chosen = time.perf_counter()
    contents = world.contents()
    gathered = time.perf_counter()
    text = page(contents)
    made = time.perf_counter()
    print(f"\n{len(state.splits)} images, {scores.n} for review, accuracy {scores.accuracy:.0%}")
    print(f"  scoring the review images {scored - begun:8.3f} s")
    print(f"  choosing what to show     {chosen - scored:8.3f} s")
    print(f"  all values and pictures   {gathered - chosen:8.3f} s")
    print(f"  the page                  {made - gathered:8.3f} s")
    print(f"  its size                  {len(text.encode()) / 1e6:8.2f} MB")
    assert len(text.encode()) < LARGEST
    file = tmp_path / "report.html"
    file.write_text(text, encoding="utf-8")
    seconds = []
    with chromium() as browser:
        for _ in range(ROUNDS):
            tab = browser.new_page(viewport={"width": 1280, "height": 800})
            begun = time.perf_counter()
            tab.goto(file.as_uri())
            # Until it has been drawn.
            tab.evaluate("new Promise(r => requestAnimationFrame(() => setTimeout(r)))")
            seconds.append(time.perf_counter() - begun)
            tab.close()
    taken = statistics.median(seconds)
    print(f"  opening it in Chromium    {taken:8.3f} s (slowest {max(seconds):.3f} s)")
    assert taken < SLOWEST_S
