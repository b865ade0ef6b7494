import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import InputError
from builder.prompting import fill, render
from builder.resources import resource_folder

SLOTS = {
    "draft": {"domain", "classes", "attributes"},
    "rules": {"domain", "groups", "classes"},
    "again": {"problems"},
    "revise": {
        "domain", "groups", "rules", "confusions", "weak_groups", "notes", "past", "limit",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", SLOTS)
def test_every_shipped_template_takes_exactly_its_slots(name: str) -> None:
    text = render(name, **{slot: f"<{slot}'s value>" for slot in SLOTS[name]})
    assert all(f"<{slot}'s value>" in text for slot in SLOTS[name])
    assert "{{" not in text


def test_every_shipped_template_is_described_with_its_slots() -> None:
    readme = (resource_folder("prompts") / "README.md").read_text(encoding="utf-8")
    shipped = {path.name for path in resource_folder("prompts").glob("*.en.md")}
    assert shipped == {f"{name}.en.md" for name in SLOTS}
    for name, slots in SLOTS.items():
        row = re.search(rf"^\| `{name}\.en\.md` .*$", readme, re.MULTILINE)
        assert row and set(re.findall(r"\{\{(\w+)\}\}", row[0])) == slots


def test_the_draft_keeps_the_three_requirements() -> None:
    text = render("draft", domain="Pokémon", classes="[]", attributes="- color")
    positions = [
        text.index(part)
        for part in (
            "1. Classification groups that cover these visual attributes:\n- color",
            '2. For each group:\n- Create a natural language prompt template using "{}"',
            "3. Rules that map each class to exactly one option per attribute group",
        )
    ]
    assert positions == sorted(positions)


@given(st.text(), st.text())
def test_values_stand_as_they_are(first: str, second: str) -> None:
    filled = fill("[{{first}}]{}[{{ second }}]", {"first": first, "second": second}, where="t")
    assert filled == f"[{first}]{{}}[{second}]"


@pytest.mark.parametrize(
    ("template", "values", "named"),
    [
        ("{{domain}} {{clases}}", {"domain": "x"}, "{{clases}}"),
        ("{{domain}}", {"domain": "x", "classes": "y"}, "{{classes}}"),
        ("{{domain}} {{Not A Slot}}", {"domain": "x"}, "{{Not A Slot}}"),
    ],
    ids=["unknown", "unused", "malformed"],
)
def test_a_slot_that_does_not_match_is_named(
    template: str, values: dict[str, str], named: str
) -> None:
    with pytest.raises(InputError) as caught:
        fill(template, values, where="mine.en.md")
    assert named in caught.value.message and "mine.en.md" in caught.value.message
    assert caught.value.hint


def test_a_missing_template_is_named() -> None:
    with pytest.raises(InputError, match=r"draft\.xx\.md"):
        render("draft", "xx")
