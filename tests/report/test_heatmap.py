"""A heat map is a table with headings."""

from builder.report.page import templates
from tests.report.test_templates import Reader

MAP = """
{% from "macros.html.j2" import heat_cell, heat_map %}
{% call(row, column) heat_map(names, range(names|length), "true / said", "map") %}
  {% if row == 0 and column == 0 %}
    {{ heat_cell("7", 0.7, "a right", true) }}
  {% elif row == 1 and column == 0 %}
    {{ heat_cell("3", 0.25, 'b "as" a', false, "#cell-1-0") }}
  {% else %}
    <td></td>
  {% endif %}
{% endcall %}
"""


def heat_map(*names: str) -> str:
    return templates().from_string(MAP).render(names=names)


def test_cells_stand_where_they_belong() -> None:
    made = heat_map("<a>", "b")
    rows = made.split("<tr>")[2:]
    assert '<td class="diagonal deep" style="--heat:70%" title="a right">7</td><td></td>' in rows[0]
    expected = 'style="--heat:25%" title="b &#34;as&#34; a"><a href="#cell-1-0">3</a></td>'
    assert expected in rows[1]
    assert rows[1].endswith("<td></td></tr></tbody></table></div>")
    found = Reader(made)
    assert [dict(attributes).get("scope") for tag, attributes in found.tags if tag == "th"] == [
        "col", "col", "row", "row",
    ]  # fmt: skip
    assert found.text.startswith("true / said<a>b<a>7")
    assert 'id="map"' in made


def test_more_classes_make_smaller_cells() -> None:
    sizes = [heat_map(*"x" * n).split("--cell:")[1][:2] for n in (10, 30, 100)]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 3
