"""A heat map is a table with headings."""

from builder.report.heatmap import Cell, heat_map
from tests.report.test_markup import Reader


def test_cells_stand_where_they_belong() -> None:
    cells = {
        (0, 0): Cell("7", 0.7, "a right"),
        (1, 0): Cell("3", 0.25, 'b "as" a', href="#cell-1-0"),
    }
    made = heat_map(("<a>", "b"), cells, corner="true / said")
    rows = made.split("<tr>")[2:]
    assert 'class="diagonal deep" style="--heat:70%" title="a right">7</td>' in rows[0]
    expected = 'style="--heat:25%" title="b &quot;as&quot; a"><a href="#cell-1-0">3</a></td>'
    assert expected in rows[1]
    assert rows[1].endswith('<td class="diagonal"></td></tr></tbody></table></div>')
    found = Reader(made)
    assert [dict(attributes).get("scope") for tag, attributes in found.tags if tag == "th"] == [
        "col", "col", "row", "row",
    ]  # fmt: skip
    assert found.text.startswith("true / said<a>b<a>7")


def test_more_classes_make_smaller_cells() -> None:
    sizes = [heat_map(["x"] * n, {}, corner="").split("--cell:")[1][:2] for n in (10, 30, 100)]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 3
