"""What chat windows answer, read as the reply that was asked for."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.llm.pasted_answers import PastedUnreadable, pasted_json, read_system
from builder.llm.revising import RevisionReply
from builder.llm.rule_schema import rules_reply
from builder.llm.schemas import Broken, GroupsReply
from builder.llm.transport import ReplyT
from builder.system.model import AttributeGroup

GROUPS = (
    AttributeGroup(name="dominant color", prompt="It is {}.", options=("white", "gray", "red")),
    AttributeGroup(name="form", prompt="It looks like {}.", options=("a wolf", "a bird")),
)
CLASSES = ("Absol", "Blaine's Moltres", "Beedrill δ")
CHOICES: dict[str, dict[str, Any]] = {
    "Absol": {"dominant color": "white", "form": "a wolf"},
    "Blaine's Moltres": {"dominant color": "red", "form": "a bird"},
    "Beedrill δ": {"dominant color": "gray", "form": "a bird"},
}
# As the article prints its system, in short.
ARTICLE = """
pokemon_system = {
    "classification_cot": {
        "dominant color": {
            "prompt": "It is {}.",
            "options": [
                "white",    # Absol
                "gray",     # Beedrill δ
                "red"# Blaine's Moltres
            ]
        },
        "form": {
            "prompt": "It looks like {}.",
            "options": ["a wolf", "a bird",],
        }
    },
    "pokemon_rules": {
        "Absol": {"dominant color": 0, "form": 0},
        "Blaine's Moltres": {"dominant color": 2, "form": 1},
        "Beedrill δ": {"dominant color": 1, "form": 1},
        // ...
    }
}
"""
SPLIT_UP = """The groups first:
```python
classification_groups = {
    'dominant color': {'prompt': 'It is {}.', 'options': ['white', 'gray', 'red']},
    'form': {'prompt': 'It looks like {}.', 'options': ['a wolf', 'a bird']},
}
```
and now the rules, e.g. {"dominant color": 0} means "white":
```python
pokemon_rules = {
    'Absol': {'dominant color': 0, 'form': 0},
    "Blaine's Moltres": {'dominant color': 2, 'form': 1},
    'Beedrill δ': {'dominant color': 1, 'form': 1},
}
```
"""
RULES_REPLY = rules_reply(CLASSES, GROUPS)


def read_pasted(text: str, reply_model: type[ReplyT]) -> ReplyT:
    return reply_model.model_validate_json(pasted_json(text, reply_model), strict=True)


def groups_in(text: str) -> tuple[AttributeGroup, ...]:
    reply = read_pasted(text, GroupsReply)
    return tuple(g.as_group() for g in reply.groups if not isinstance(g, Broken))


def rules_in(text: str) -> dict[str, dict[str, str]]:
    reply = read_pasted(text, RULES_REPLY)
    return {r.class_name: r.choices(GROUPS) for r in reply.rules if not isinstance(r, Broken)}


def problems_of(text: str, *classes: str) -> list[str]:
    with pytest.raises(PastedUnreadable) as caught:
        read_system(text, classes or CLASSES)
    assert caught.value.exit_code == 4 and caught.value.hint
    return caught.value.explanation.splitlines()


GROUP_DICTS = [group.model_dump() for group in GROUPS]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"groups": GROUP_DICTS}),
        f"Sure!\n```json\n{json.dumps({'groups': GROUP_DICTS}, indent=2)}\n```\nAnything else?",
        json.dumps(GROUP_DICTS),
        json.dumps({"groups": {g["name"]: {**g, "note": 1} for g in GROUP_DICTS}}),
        ARTICLE,
        ARTICLE.replace("classification_cot", "classification_groups"),
        SPLIT_UP,
        f'<think>{{"groups": [{{"name": "no", "options": []}}]}}</think>{GROUP_DICTS!r}',
        repr({"system": {"groups": GROUP_DICTS}}),
        json.dumps({"name": "answer", "parameters": {"groups": GROUP_DICTS}}),
        json.dumps({"name": "answer", "arguments": json.dumps({"groups": GROUP_DICTS})}),
        json.dumps({"groups": GROUP_DICTS}).replace('"', "“"),
    ],
)
def test_groups(text: str) -> None:
    assert groups_in(text) == GROUPS


@pytest.mark.parametrize("text", [ARTICLE, SPLIT_UP])
def test_a_complete_system_in_one_answer(text: str) -> None:
    found = read_system(text, CLASSES)
    assert (found.groups, found.rules, found.left_out) == (GROUPS, CHOICES, ())
    assert rules_in(text) == CHOICES


@pytest.mark.parametrize(
    "value",
    [
        {"rules": [{"class_name": n, "dominant_color": r["dominant color"], "form": r["form"]}
                   for n, r in CHOICES.items()]},
        {"rules": CHOICES},
        CHOICES,
        {"pokemon_rules": {n: {g: [o] for g, o in r.items()} for n, r in CHOICES.items()}},
        {n.upper(): {g.title(): o.upper() for g, o in r.items()} for n, r in CHOICES.items()},
        {n.replace("'", "’"): r for n, r in reversed(CHOICES.items())},
        {"name": "answer", "parameters": {"rules": CHOICES}},
        {"name": "answer", "arguments": {"rules": [{"class_name": n, **r}
                                                   for n, r in CHOICES.items()]}},
    ],
)  # fmt: skip
def test_rules(value: Any) -> None:
    for text in (json.dumps(value), f"So: {value!r}."):
        assert rules_in(text) == CHOICES


def test_a_group_goes_by_its_name_or_by_that_in_the_schema() -> None:
    groups = (AttributeGroup(name="色", prompt="It is {}.", options=("white", "red")), GROUPS[1])
    reply = rules_reply(("Absol",), groups)
    for key in ("色", "group_1"):
        read = read_pasted(json.dumps({"rules": {"Absol": {key: 1, "form": "a bird"}}}), reply)
        (rule,) = read.rules
        assert not isinstance(rule, Broken)
        assert rule.choices(groups) == {"色": "red", "form": "a bird"}


def test_every_problem_is_listed_by_name() -> None:
    rules = {
        "Absol": {"dominant color": 3, "form": "a wulf", "tail": 0},
        "Moltres": {"dominant color": 0, "form": 0},
        "Beedrill δ": {"dominant color": [0, 1]},
    }
    text = json.dumps(
        {"classification_groups": {g["name"]: g for g in GROUP_DICTS}, "x_rules": rules}
    )
    assert problems_of(text) == [
        '- Class "Blaine\'s Moltres" has no rule.',
        "- 'Moltres' is not a class of the list.",
        "- Class 'Absol': there is no group 'tail'.",
        "- Class 'Absol', group 'dominant color': "
        "there is no option 3, the indices go from 0 to 2.",
        "- Class 'Absol', group 'form': "
        "'a wulf' is not one of its options (did you mean 'a wolf'?).",
        "- Class 'Beedrill δ', group 'dominant color': exactly one option must be named.",
        "- Class 'Beedrill δ' has no option in the group 'form'.",
    ]


def test_groups_that_break_their_rules_are_named() -> None:
    groups = {
        "form": {"prompt": "It looks {} like {}.", "options": ["a", "A"]},
        "tail": {"prompt": "Its tail is {}.", "options": ["long"]},
        "wings": {"options": ["none", "two"]},
    }
    found = problems_of(json.dumps({"classification_groups": groups, "rules": CHOICES}))
    assert [line.split(":")[0] for line in found] == [
        "- Group 'form'", "- Group 'tail'", "- Group 'wings'"
    ]  # fmt: skip
    assert "exactly one {}" in found[0] and "repeats" in found[0]
    assert "at least 2 options" in found[1] and "prompt" in found[2]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I'm sorry, I can't help with that.", "There is no JSON and no Python dictionary in it."),
        ("", "There is no JSON and no Python dictionary in it."),
        ('{"answer": 42}', 'It holds no "classification_groups" in the form asked for.'),
        (ARTICLE[: len(ARTICLE) // 3], "cut off"),
        (ARTICLE.replace('"white",', '"white"'), "line 8: a comma is missing before"),
        (ARTICLE.partition(',\n    "pokemon_rules"')[0] + "}", "These 3 classes have no rule"),
        (" " * 3_000_000, "3,000,000 characters"),
    ],
)
def test_answers_that_are_none(text: str, words: str) -> None:
    assert words in problems_of(text)[0]


def test_what_nobody_asked_for_is_left_out_and_told() -> None:
    found = read_system(ARTICLE, CLASSES[:2])
    assert set(found.rules) == set(CLASSES[:2])
    assert found.left_out == ("Beedrill δ",)


def test_a_name_that_could_be_either_of_two_is_not_guessed() -> None:
    classes = ("Mr Mime", "MrMime", "Absol")
    rules = {key: {"dominant color": 0, "form": 0} for key in ("mr mime", "MRMIME", "absol")}
    text = json.dumps({"groups": GROUP_DICTS, "rules": rules})
    assert problems_of(text, *classes)[0] == (
        "- These 2 classes have no rule: 'Mr Mime', 'MrMime'."
    )


def test_the_last_complete_answer_counts() -> None:
    first = ARTICLE.replace("a wolf", "a whale")
    example = '{"classification_groups": {"tail": {"prompt": "A {}.", "options": ["a", "b"]}}}'
    assert groups_in(f"{first} No, better:\n{ARTICLE}\nOne could add {example}") == GROUPS


def test_names_that_differ_in_a_sign_alone_are_not_mixed_up() -> None:
    classes = ("Nidoran♂", "Nidoran♀")
    rules = {"Nidoran♂": {"dominant color": 0, "form": 0}}
    text = json.dumps({"groups": GROUP_DICTS, "rules": rules})
    assert problems_of(text, *classes) == ["- Class 'Nidoran♀' has no rule."]
    text = text.replace("\\u2642", "")
    assert problems_of(text, *classes)[0] == (
        "- These 2 classes have no rule: 'Nidoran♂', 'Nidoran♀'."
    )


def test_proposals_are_taken_as_long_as_one_is_sound() -> None:
    edit = {"kind": "drop_group", "group": "form"}
    sound = {"reason": "of little use", "edits": [edit]}
    broken = {"reason": "of little use", "edits": [{"kind": "wish"}]}
    reply = read_pasted(f"Here:\n```\n{[sound, broken]}\n```", RevisionReply)
    assert [isinstance(item, Broken) for item in reply.proposals] == [False, True]
    with pytest.raises(PastedUnreadable) as caught:
        read_pasted(json.dumps({"proposals": [broken]}), RevisionReply)
    assert "kind" in caught.value.explanation
    assert read_pasted('{"proposals": []}', RevisionReply).proposals == []


@given(st.text(max_size=200) | st.recursive(st.text(), st.lists).map(json.dumps))
def test_whatever_is_pasted_is_read_or_explained(text: str) -> None:
    for model in (GroupsReply, RULES_REPLY, RevisionReply):
        try:
            read_pasted(text, model)
        except PastedUnreadable as error:
            assert error.explanation.startswith("- ")


NAMES = st.sampled_from(["classification_groups", "x_rules", "rules", "groups", "form", "Absol"])
SCRAPS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["a wolf", "{}", "It is {}."]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(NAMES | st.sampled_from(["prompt", "options", "name"]), inner, max_size=4)
    ),
)


@given(SCRAPS)
def test_scraps_of_a_system_are_read_or_explained(value: object) -> None:
    text = json.dumps(value)
    for read in (
        lambda: read_system(text, CLASSES),
        lambda: read_pasted(text, GroupsReply),
        lambda: read_pasted(text, RULES_REPLY),
        lambda: read_pasted(text, RevisionReply),
    ):
        try:
            read()
        except PastedUnreadable as error:
            assert error.explanation.startswith("- ")


@pytest.mark.parametrize("text", ["[" * 200_000, '{"groups":' * 200_000, "{'a': [" * 100_000])
def test_endless_brackets_are_explained(text: str) -> None:
    for read in (
        lambda: read_system(text, CLASSES),
        lambda: read_pasted(text, GroupsReply),
        lambda: read_pasted(text, RULES_REPLY),
    ):
        with pytest.raises(PastedUnreadable, match=r"nested too deeply|no JSON"):
            read()
