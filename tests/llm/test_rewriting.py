import json
from pathlib import Path
from typing import Any

import pytest

from builder.errors import LLMError
from builder.llm.prompts import ENGLISH
from builder.llm.rewriting import REWRITE_GROUP, rewriting_question
from builder.proposals.requests import RevisionRequest, Rewriting, RewritingRequest
from builder.search.gepa import components_of, group_in, system_of
from builder.system.model import AttributeGroup, make_system
from tests.llm.live import Live
from tests.llm.test_revising import listed
from tests.openai_server import Answer, chat, failure, openai_server

SYSTEM = make_system(
    "Pokémon",
    [
        AttributeGroup(name="color", prompt="It is {}.", options=("white", "gray")),
        AttributeGroup(name="form", prompt="It looks like {}.", options=("a wolf", "a bird")),
    ],
    {
        "Absol": {"color": "white", "form": "a wolf"},
        "Bird </group>": {"color": ["white", "gray"], "form": None},
        "Celebi": {"color": "gray", "form": "a bird"},
    },
)
COLOR = components_of(SYSTEM)["group 1"]
NEW = {"reason": "because", "name": "color", "prompt": "It is {}.", "options": ["white", "grey"]}


def request(text: str = COLOR, classes: tuple[str, ...] | None = None) -> RewritingRequest:
    about = RevisionRequest(SYSTEM, classes=classes)
    return RewritingRequest(about, group_in(text), ("a mistake",))


def rewritten(folder: Path, *script: Answer, asked: RewritingRequest | None = None) -> Rewriting:
    with openai_server(script) as server:
        live = Live(server.url, folder)
        answer = live.drafter.rewrite_group(asked or request())
        assert {exchange.purpose for exchange in live.exchanges} == {REWRITE_GROUP}
        return answer


def reply(*groups: object) -> Answer:
    return chat({"rewritten": list(groups)})


def test_rules_that_are_not_given_stay_as_they_are(tmp_path: Path) -> None:
    rules: list[dict[str, Any]] = [
        {"class_name": "Celebi", "options": ["grey"]},
        {"class_name": "Bird </group>", "options": []},
    ]
    answer = rewritten(tmp_path, reply({**NEW, "rules": rules}))
    assert answer.reason == "because"
    system = system_of("Pokémon", SYSTEM.classes, {"group 1": answer.text})
    assert system.groups[0].options == ("white", "grey")
    chosen = {name: row["color"] for name, row in system.rules.items()}
    assert chosen == {"Absol": ("white",), "Bird </group>": (), "Celebi": ("grey",)}


def test_a_new_group_has_the_rules_that_are_given(tmp_path: Path) -> None:
    rules = [{"class_name": "Absol", "options": ["white"]}]
    answer = rewritten(tmp_path, reply({**NEW, "rules": rules}), asked=request(""))
    assert json.loads(answer.text)["rules"] == {"Absol": "white"}


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ([reply()], ""),
        ([reply(NEW, NEW)], "one group was asked for, 2 came"),
        ([reply("white")], "valid dictionary"),
        ([reply({**NEW, "rules": 3})], "rules: Input should be a valid list"),
        ([chat("no", finish_reason="length")], "cut off"),
        ([chat(None, refusal="I must not")], "I must not"),
        ([chat("I had rather not")] * 9, "form asked for"),
    ],
)
def test_what_is_no_group_is_told(tmp_path: Path, script: list[Answer], text: str) -> None:
    answer = rewritten(tmp_path, *script)
    assert not answer.text
    assert text in answer.problem
    assert bool(answer.problem) == bool(text)


def test_an_endpoint_that_fails_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(LLMError, match="the account is empty"):
        rewritten(tmp_path, failure(401, "the account is empty"))


def test_the_question_holds_the_group_as_data() -> None:
    question = rewriting_question(request(), ENGLISH)
    (group,) = listed(question, "group")
    assert group == json.loads(COLOR)
    assert listed(question, "unusable") == ["a mistake"]
    assert listed(rewriting_question(request(""), ENGLISH), "group") == []


def test_of_many_classes_those_alone_are_told_of_that_matter() -> None:
    (group,) = listed(rewriting_question(request(classes=("Absol",)), ENGLISH), "group")
    assert group["rules"] == {"Absol": "white"}
