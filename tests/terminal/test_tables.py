"""Tables: where they don't fit without breaking a name they are stacked."""

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

from builder.diagnosis.confusions import ClassReport, Misleading
from builder.terminal.diagnosis_tables import class_table
from builder.terminal.tables import Rows


def drawn(table: RenderableType, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    with console.capture() as captured:
        console.print(table)
    return captured.get().splitlines()


def report(name: str, mistaken: tuple[str, int], group: str) -> ClassReport:
    return ClassReport(
        name=name,
        n=12,
        correct=7,
        mistaken_for=(mistaken,),
        misleading_groups=(Misleading(group=group, images=4, lead=0.31),),
    )


@pytest.mark.parametrize("width", [60, 66, 72, 80, 100, 120])
def test_no_name_in_the_class_table_is_broken(width: int) -> None:
    names = ("Celebi & Venusaur-GX", "Bulbasaur", "Blaine's Moltres")
    groups = ("dominant_color", "background_details", "artistic_style")
    reports = [
        report(name, (other, 3), group)
        for name, other, group in zip(names, names[::-1], groups, strict=True)
    ]
    lines = drawn(class_table(reports), width)
    assert all(cell_len(line) <= width for line in lines)
    words = {word.strip(",") for line in lines for word in re.split(r"\s+", line)}
    for name in (*names, *groups):
        assert words.issuperset(name.split())


def test_what_fits_is_a_table_and_what_does_not_is_stacked() -> None:
    rows = Rows(("group", "n", "verdict"), [("dominant_color", "12", "word " * 40)], frozenset({1}))
    lines = drawn(rows, 60)
    assert lines[0].split() == ["group", "n", "verdict"]
    assert max(map(cell_len, lines)) == 60
    many = Rows(tuple("abcd"), [("dominant_color",) * 4])
    assert drawn(many, 80)[0].split() == list("abcd")
    assert drawn(many, 60)[:2] == ["a", "dominant_color"]


def test_a_word_longer_than_any_name_is_broken_rather_than_stacked() -> None:
    lines = drawn(Rows(("name", "note"), [("x" * 50, "y" * 50)]), 60)
    assert lines[0].split() == ["name", "note"]
    assert sum(line.count("x") for line in lines) == 50
    assert all(cell_len(line) <= 60 for line in lines)
