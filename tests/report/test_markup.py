"""Text stays text, wherever it is put."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.report.markup import Markup, element, escaped, joined, void
from tests.report.sample import HOSTILE

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


@given(TEXTS, TEXTS)
def test_what_goes_in_as_text_comes_out_as_text(content: str, value: str) -> None:
    found = Reader(element("p", content, title=value))
    assert found.tags == [("p", [("title", value)])]
    assert found.text == content


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_makes_no_element(text: str) -> None:
    found = Reader(element("p", text, element("b", text), id=text))
    assert [tag for tag, _ in found.tags] == ["p", "b"]
    assert [name for _, attributes in found.tags for name, _ in attributes] == ["id"]


def test_markup_is_kept_and_joined_text_is_not() -> None:
    assert joined(("<i>", element("b", "<u>")), " & ") == "&lt;i&gt; &amp; <b>&lt;u&gt;</b>"
    assert element("td", joined((Markup("<hr>"), "x"))) == "<td><hr>x</td>"


def test_attributes() -> None:
    made = element("a", class_="x", aria_label="a & b", hidden=True, title=None, open=False, n=0)
    assert made == '<a class="x" aria-label="a &amp; b" hidden n="0"></a>'
    assert void("img", src="data:,") == '<img src="data:,">'


def test_what_no_page_can_hold_is_replaced() -> None:
    assert escaped("a\ud800b\x1bc\u202ed\u200de\n") == "a\ufffdb\ufffdc\ufffdd\u200de\n"
    assert escaped("é 😀 Beedrill δ") == "é 😀 Beedrill δ"
