"""Text stays text, wherever a template puts it; and which blanks of a template are kept."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.report.page import drawn, templates
from tests.report.sample import HOSTILE, small_world

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Co", "Cn"]))


class Reader(HTMLParser):
    """What a browser would find."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


def filled(template: str, **values: object) -> str:
    return templates().from_string(template).render(values)


@given(TEXTS, TEXTS)
def test_what_goes_in_as_text_comes_out_as_text(content: str, value: str) -> None:
    found = Reader(filled('<p title="{{ a }}">{{ b }}</p>', a=value, b=content))
    assert found.tags == [("p", [("title", value)])]
    assert found.text == content


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_makes_no_element(text: str) -> None:
    found = Reader(filled('<p id="{{ x }}">{{ x }}<b>{{ x ~ x }}</b></p>', x=text))
    assert [tag for tag, _ in found.tags] == ["p", "b"]
    assert [name for _, attributes in found.tags for name, _ in attributes] == ["id"]


def test_breaks_beside_tags_are_no_part_of_the_page_and_others_are_blanks() -> None:
    template = """
    <p>
      {% if x %}
        Some {{ x }}
        words, <b>bold</b> ones.
      {% endif %}
    </p>
    {{ x }}
    {{ x }}
    """
    assert filled(template, x="<") == "<p>Some &lt; words, <b>bold</b> ones.</p>&lt;&lt;"


def test_what_no_page_can_hold_is_replaced() -> None:
    contents = small_world().contents()

    def shown(text: str) -> str:
        origin = replace(contents.origin, spending=text)
        return Reader(drawn("provenance", contents=replace(contents, origin=origin))).text

    assert "a\ufffdb\ufffdc\ufffdd\u200de\n" in shown("a\ud800b\x1bc\u202ed\u200de\n")
    assert "é 😀 Beedrill δ" in shown("é 😀 Beedrill δ")
