"""A table takes whatever columns it is given."""

from builder.report.tables import Column, legend, table
from tests.report.test_markup import Reader

COLUMNS: tuple[Column[tuple[str, int]], ...] = (
    Column("na<me", lambda row: row[0]),
    Column("size", lambda row: str(row[1]), "how <large>", number=True),
)


def test_rows_columns_and_what_they_are_called_on_a_narrow_screen() -> None:
    made = table(COLUMNS, [("a&b", 1), ("c", 2)], id="sizes")
    found = Reader(made)
    assert [tag for tag, _ in found.tags].count("tr") == 3
    assert "a&b" in found.text
    assert made.count('data-label="size"') == 2
    assert '<td class="number" data-label="size">2</td>' in made
    assert '<th scope="row">a&amp;b</th>' in made
    assert 'id="sizes"' in made


def test_the_legend_explains_the_columns_that_say_something() -> None:
    assert Reader(legend(COLUMNS)).text == "What the columns meansizehow <large>"
    assert legend(COLUMNS[:1]) == ""
