import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import InputError
from builder.llm.prompts import Prompts, fill
from builder.resources import resource_folder

SLOTS = {
    "draft": {"domain", "classes", "attributes"},
    "rules": {"domain", "groups", "classes"},
    "separate": {"domain", "groups", "sets", "limit"},
    "again": {"problems"},
    "context": {"context"},
    "system": {"domain", "classes", "attributes", "rules_key", "example_class"},
    "form": {"form"},
    "correct": {"problems"},
    "revise": {
        "domain", "total", "groups", "shown", "rules", "confusions", "weak_groups", "past",
        "notes", "locks", "limit",
    },
    "evolve": {
        "domain", "total", "groups", "shown", "rules", "confusions", "weak_groups", "past",
        "unusable", "notes", "locks", "group",
    },
}  # fmt: skip
LANGUAGES = ("en", "zh")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SLOTS)
def test_every_shipped_template_takes_exactly_its_slots(name: str, language: str) -> None:
    text = Prompts(language).render(name, **{slot: f"<{slot}'s value>" for slot in SLOTS[name]})
    assert all(f"<{slot}'s value>" in text for slot in SLOTS[name])
    assert "{{" not in text


def test_every_shipped_template_is_described_with_its_slots() -> None:
    folder = resource_folder("prompts")
    readme = (folder / "README.md").read_text(encoding="utf-8")
    shipped = {path.name for path in folder.glob("*.md")} - {"README.md"}
    assert shipped == {f"{name}.{language}.md" for name in SLOTS for language in LANGUAGES}
    for name, slots in SLOTS.items():
        row = re.search(rf"^\| `{name}` .*$", readme, re.MULTILINE)
        assert row and set(re.findall(r"\{\{(\w+)\}\}", row[0])) == slots


@pytest.mark.parametrize(
    "name", ["draft", "system", "rules", "revise", "evolve", "separate", "context"]
)
def test_whatever_the_language_the_options_are_english(name: str) -> None:
    text = Prompts("zh").render(name, **dict.fromkeys(SLOTS[name], ""))
    assert "英文" in text
    if name not in ("rules", "context"):
        assert "因为编码器只读英文" in text


@pytest.mark.parametrize("name", ["draft", "system"])
def test_the_chinese_draft_keeps_the_three_requirements(name: str) -> None:
    values = dict.fromkeys(SLOTS[name], "") | {"attributes": "- color"}
    text = Prompts("zh").render(name, **values)
    positions = [
        text.index(part)
        for part in (
            "1. 基于以下视觉属性的分类组:\n- color",
            '2. 对于每个分类组:\n- 创建一个自然语言提示模板,用 "{}" 表示选项',
            "- 列出所有可能的选项\n- 确保选项互斥且全面",
            "3. 创建规则,将每个类别映射到每个属性组中的一个选项",
        )
    ]
    assert positions == sorted(positions)


def test_the_draft_keeps_the_three_requirements() -> None:
    text = Prompts().render("draft", domain="Pokémon", classes="[]", attributes="- color")
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


def test_a_missing_template_is_named_with_the_languages_there_are() -> None:
    for attempt in (lambda: Prompts.open("xx"), lambda: Prompts("xx").render("draft")):
        with pytest.raises(InputError, match=r"draft\.xx\.md.* en, zh"):
            attempt()


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder with templates of the user's own."""
    (tmp_path / "again.en.md").write_text("\ufeffOnce more: {{problems}}", encoding="utf-8")
    (tmp_path / "README.md").write_text("about these", encoding="utf-8")
    return tmp_path


def test_a_folder_replaces_the_templates_it_holds(own: Path) -> None:
    prompts = Prompts.open("en", own)
    assert prompts.render("again", problems="x") == "Once more: x"
    assert prompts.render("context", context="x") == Prompts().render("context", context="x")
    assert "Once more" not in Prompts.open("zh", own).render("again", problems="x")


def test_a_folder_can_bring_a_language(own: Path) -> None:
    for path in resource_folder("prompts").glob("*.en.md"):
        copied = own / path.name.replace(".en.", ".eo.")
        copied.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    assert Prompts.open("eo", own).languages() == ("en", "eo", "zh")
    (own / "rules.eo.md").unlink()
    with pytest.raises(InputError, match=r"rules\.eo\.md"):
        Prompts("eo", own).render("rules", domain="", groups="", classes="")


@pytest.mark.parametrize(
    ("file", "text", "named"),
    [
        ("again.en.md", "{{problem}}", "{{problem}}"),
        ("again.en.md", "no slot at all", "{{problems}}"),
        ("again.en.md", b"\xff{{problems}}", "cannot be read"),
    ],
    ids=["unknown", "unused", "not text"],
)
def test_a_template_of_the_users_that_cannot_be_used_is_named(
    own: Path, file: str, text: str | bytes, named: str
) -> None:
    (own / file).write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(InputError) as caught:
        Prompts.open("en", own).render("again", problems="x")
    assert named in caught.value.message and str(own / file) in caught.value.message


@pytest.mark.parametrize("name", ["agian.en.md", "again.md", "again.en.old.md"])
def test_a_file_that_would_never_be_used_is_named(own: Path, name: str) -> None:
    (own / name).write_text("{{problems}}", encoding="utf-8")
    with pytest.raises(InputError, match=re.escape(name)) as caught:
        Prompts.open("en", own)
    assert "again" in caught.value.hint


@pytest.mark.parametrize(("text", "says"), [("{{nothing}}", "nothing"), ("", "leaves out")])
def test_slots_are_checked_before_the_template_is_needed(own: Path, text: str, says: str) -> None:
    (own / "revise.en.md").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=says):
        Prompts.open("en", own)


def test_a_folder_without_templates(own: Path) -> None:
    (own / "again.en.md").unlink()
    with pytest.raises(InputError, match="holds no prompt templates"):
        Prompts.open("en", own)
    with pytest.raises(InputError, match="no folder"):
        Prompts.open("en", own / "none")
