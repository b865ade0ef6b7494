"""A table takes whatever columns it is given."""

from builder.report.page import templates
from builder.report.tables import Column
from tests.report.test_templates import Reader

COLUMNS: tuple[Column[tuple[str, int]], ...] = (
    Column("na<me", lambda row: row[0]),
    Column("size", lambda row: str(row[1]), number=True),
)


def test_rows_columns_and_what_they_are_called_on_a_narrow_screen() -> None:
    macros = templates().get_template("macros.html.j2").module
    made = str(macros.table(COLUMNS, [("a&b", 1), ("c", 2)], id="sizes"))  # type: ignore[attr-defined]
    found = Reader(made)
    assert [tag for tag, _ in found.tags].count("tr") == 3
    assert "na<mesizea&b1" in found.text
    assert made.count('data-label="size"') == 2
    assert '<td class="number" data-label="size">2</td>' in made
    assert '<th scope="row">a&amp;b</th>' in made
    assert 'id="sizes"' in made
