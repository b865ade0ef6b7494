"""The tables of `cotbuild questions`: figures where they belong, at any width, with any name."""

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import RenderableType

from builder.diagnosis.questions import Asked, SmallestSet, Stopped
from builder.scoring.statistics import Change, Proportion
from builder.terminal.questions import curve_table, order_table, smallest_words, stop_table
from tests.terminal.test_render import WIDTHS, drawn

NAMES = ["[red]colour", "\x1b[2Jform", "x" * 300, ""]
ORDER = np.array([[0, 2, 3, 1], [0, 1, 2, 3], [2, 1, 3, 0], [2, 1, 3, 0]])
ASKED = Asked(ORDER, np.ones((4, 4), np.float32), np.ones((4, 4), np.float32))
SMALLEST = SmallestSet(
    kept=("form",),
    dropped=("[red]colour", "\x1b[2J"),
    full=Proportion(45, 50),
    reduced=Proportion(43, 50),
)
CHANGE = Change(fixed=1, broken=3, n=40)
TABLES = {
    "curve": curve_table((0.5, 0.9), (0.4, 0.9), (0.3, 0.9), Proportion(44, 50)),
    "stop": stop_table([(Stopped(0.9, 2.25, 0.75, 0.125), Stopped(0.9, 2.75, 0.5, 0.25))]),
    "order": order_table(NAMES, ASKED, np.array([2, 0, 1, 3])),
    "smallest": smallest_words(SMALLEST, CHANGE, "review", "held-out"),
}


def lines(table: RenderableType) -> list[str]:
    return [" ".join(line.split()) for line in drawn(table).splitlines()]


def test_figures_stand_in_their_columns() -> None:
    assert "1 50.0 % 37–63 % 40.0 % 30.0 %" in lines(TABLES["curve"])
    assert "44 of 50, 88.0 %" in " ".join(lines(TABLES["curve"]))
    # The other order's figures come last.
    assert "90 % 2.2 75.0 % 12.5 % 2.8 50.0 %" in lines(TABLES["stop"])
    # The first group comes first twice and last twice; the best order begins with the last.
    assert lines(order_table(["a", "b", "c", "d"], ASKED, np.array([2, 0, 1, 3])))[2:] == [
        "c 1.8 100 % 1",
        "a 2.5 50 % 2",
        "b 2.5 75 % 3",
        "d 3.2 75 % 4",
    ]


def test_what_can_go_is_said_with_its_price_on_both_kinds_of_images() -> None:
    text = " ".join(drawn(TABLES["smallest"]).split())
    assert "1 of 3 groups do. These can go: [red]colour \\x1b[2J" in text
    assert "review: 45 of 50, 90.0 % with all, 43 of 50, 86.0 % without them (-4.0 pp)" in text
    assert "held-out: -5.0 pp (1 fixed, 3 broken, p = 0.62)" in text
    assert "not below 78.6 %" in text
    alone = drawn(smallest_words(SMALLEST, None, "all images", "all images"))
    assert "fixed" not in alone
    needed = SmallestSet(("a", "b"), (), Proportion(9, 9), Proportion(9, 9))
    assert drawn(smallest_words(needed, None, "review", "review")) == ("None of 2 groups can go.\n")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", TABLES)
def test_any_name_stays_on_the_screen(name: str, width: int) -> None:
    text = drawn(TABLES[name], width)
    assert "\x1b" not in text
    assert all(cell_len(line) <= width for line in text.splitlines())
