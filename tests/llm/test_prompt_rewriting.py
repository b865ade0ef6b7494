from pathlib import Path

import pytest

from builder.llm.prompt_rewriting import EVOLVE_PROMPT, prompt_question
from builder.llm.prompts import ENGLISH
from builder.proposals.requests import DraftRequest, PromptRequest, RevisionRequest, Rewriting
from tests.llm.live import Live
from tests.llm.test_revising import listed
from tests.llm.test_rewriting import SYSTEM
from tests.openai_server import Answer, chat, openai_server

TEMPLATE = ENGLISH.template("draft").strip()
REQUEST = PromptRequest(
    RevisionRequest(SYSTEM, notes=("finer colours",), locks=("group color",)),
    TEMPLATE,
    ("other words -> 4 of 12, 33.3 % of review images right",),
    ("a mistake",),
)


def rewritten(folder: Path, *script: Answer) -> Rewriting:
    with openai_server(script) as server:
        live = Live(server.url, folder)
        answer = live.drafter.rewrite_prompt(REQUEST)
        assert {exchange.purpose for exchange in live.exchanges} == {EVOLVE_PROMPT}
        return answer


def test_a_prompt_comes_whole_and_with_its_reason(tmp_path: Path) -> None:
    new = f"{TEMPLATE}\nUse plain words."
    answer = rewritten(tmp_path, chat({"reason": "plain\x1b words", "prompt": f"{new}\n"}))
    assert answer == Rewriting(new, "plain words")


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ([chat({"reason": "", "prompt": ""})], "leaves out {{attributes}}, {{classes}}"),
        ([chat({"reason": "", "prompt": f"{TEMPLATE} {{{{colour}}}}"})], "fills {{colour}}"),
        ([chat({"reason": "", "prompt": f"{TEMPLATE} {{{{A B}}}}"})], "is no slot"),
        ([chat("no", finish_reason="length")], "cut off"),
        ([chat("I had rather not")] * 9, "form asked for"),
    ],
)
def test_what_is_no_prompt_is_told(tmp_path: Path, script: list[Answer], problem: str) -> None:
    assert problem in rewritten(tmp_path, *script).problem


def test_the_question_holds_the_prompt_as_data_and_names_its_slots() -> None:
    question = prompt_question(REQUEST, ENGLISH)
    assert listed(question, "prompt") == [TEMPLATE]
    assert listed(question, "earlier") == list(REQUEST.earlier)
    assert listed(question, "unusable") == ["a mistake"]
    assert listed(question, "notes") == ["finer colours"]
    assert "{{attributes}}, {{classes}}, {{domain}}" in question.replace(TEMPLATE, "")


def test_a_system_is_drafted_with_the_prompt_in_the_place_of_the_template(tmp_path: Path) -> None:
    groups = [{"name": "color", "prompt": "It is {}.", "options": ["white", "gray"]}]
    rules = [{"class_name": name, "color": "white"} for name in ("Absol", "Celebi")]
    with openai_server([chat({"groups": groups}), chat({"rules": rules})]) as server:
        live = Live(server.url, tmp_path)
        request = DraftRequest("Pokémon", (("Absol", ""), ("Celebi", "")))
        system = live.drafter.draft_with("Of {{domain}}: {{classes}}, {{attributes}}", request)
        assert server.requests[0].text.startswith("Of Pokémon: [")
    assert system.rules["Absol"]["color"] == ("white",)
