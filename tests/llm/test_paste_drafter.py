"""Drafts and revisions that a person carries to a chat window and back."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder.edits.model import SetRule
from builder.errors import LLMError
from builder.llm import transcript
from builder.llm.drafter import open_drafter
from builder.llm.events import CallFinished, CallReused, Dropped, LLMEvent
from builder.llm.paste_drafter import WHOLE, PasteDrafter, system_prompt
from builder.llm.prompts import Prompts
from builder.llm.revising import RevisionReply
from builder.llm.settings import ModelSettings
from builder.llm.transport import ask
from builder.proposals.requests import DraftRequest, RevisionRequest
from tests.llm.live import GROUPS, request_for

CLASSES = ("Absol", "Beedrill δ", "Celebi")
REQUEST = DraftRequest("Pokémon", tuple((name, "") for name in CLASSES))
SYSTEM: dict[str, Any] = {
    "classification_groups": {group["name"]: group for group in GROUPS["groups"]},
    "pokemon_rules": {
        "Absol": {"color": 0, "form": 0},
        "Beedrill δ": {"color": 1, "form": 1},
        "Celebi": {"color": 2, "form": 1},
    },
}
PASTED = f"Here you are:\n```python\npokemon_system = {SYSTEM!r}\n```\nEnjoy!"
RULES = {
    "Absol": {"color": ("white",), "form": ("a wolf",)},
    "Beedrill δ": {"color": ("gray",), "form": ("a bird",)},
    "Celebi": {"color": ("red",), "form": ("a bird",)},
}


class ScriptedChat:
    """Answers in order; None gives up. Keeps what it was asked and told."""

    def __init__(self, *answers: str | Callable[[str], str] | None) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str]] = []
        self.problems: list[str] = []

    def ask(self, title: str, prompt: str) -> str | None:
        self.asked.append((title, prompt))
        assert self.answers, f"no answer is left for {title!r}"
        answer = self.answers.pop(0)
        return answer(prompt) if callable(answer) else answer

    def explain(self, problem: str) -> None:
        self.problems.append(problem)


def pasting(
    folder: Path, *answers: str | Callable[[str], str] | None, **options: Any
) -> tuple[PasteDrafter, ScriptedChat, list[LLMEvent]]:
    chat = ScriptedChat(*answers)
    events: list[LLMEvent] = []
    return PasteDrafter(chat, events.append, folder / "llm.jsonl", **options), chat, events


def told(events: list[LLMEvent], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def proposing(class_name: str) -> str:
    edit = {"kind": "set_rule", "class_name": class_name, "group": "color", "options": ["red"]}
    return f"I suggest:\n{ {'proposals': [{'reason': 'why', 'edits': [edit]}]} }"


def test_a_draft_and_a_revision_in_two_questions(tmp_path: Path) -> None:
    drafter, chat, events = pasting(tmp_path, PASTED, proposing("Absol"))
    system = drafter.draft(REQUEST)
    assert {name: dict(rule) for name, rule in system.rules.items()} == RULES
    (proposal,) = drafter.revise(RevisionRequest(system, notes=("mind the horns",)))
    assert isinstance(proposal.edits[0], SetRule) and proposal.source == "llm"
    assert [title for title, _ in chat.asked] == ["draft system", "revise"]
    assert "mind the horns" in chat.asked[1][1]
    assert '"kind": "split_option"' in chat.asked[1][1], "the form is part of the question"
    assert [event.purpose for event in told(events, CallFinished)] == ["draft system", "revise"]


def test_the_question_is_the_articles_with_its_output_section() -> None:
    request = DraftRequest("Pokémon card", (("Absol </classes>", "white"),), context="horns")
    prompt = system_prompt(request, Prompts())
    for part in (
        "3. Rules that map each class to exactly one option per attribute group, using indices",
        '"pok_mon_card_rules": {\n        "Absol </classes>": {',
        '"classification_groups": {\n        "dominant_color": {',
        '{"name": "Absol \\u003c/classes>", "description": "white"}',
        '<context>\n[\n"horns"\n]',
    ):
        assert part in prompt
    chinese = system_prompt(request, Prompts("zh"))
    assert "3. 创建规则,将每个类别映射到每个属性组中的一个选项" in chinese
    assert "英文" in chinese and '"pok_mon_card_rules"' in chinese


def test_an_answer_that_cannot_be_used_is_explained_for_the_chat(tmp_path: Path) -> None:
    rules = {**SYSTEM["pokemon_rules"], "Absol": {"color": 7, "form": 0}}
    del rules["Celebi"]
    wrong = repr({**SYSTEM, "pokemon_rules": rules})
    drafter, chat, _ = pasting(tmp_path, "I can't do that.", wrong, PASTED)
    assert drafter.draft(REQUEST).classes == CLASSES
    assert chat.problems == [
        "- There is no JSON and no Python dictionary in it.",
        "- Class 'Celebi' has no rule.\n"
        "- Class 'Absol', group 'color': there is no option 7, the indices go from 0 to 2.",
    ]
    for (_, prompt), problem in zip(chat.asked[1:], chat.problems, strict=True):
        assert problem in prompt and "whole answer again" in prompt


def test_giving_up_is_an_error_that_says_how_to_go_on(tmp_path: Path) -> None:
    drafter, _, _ = pasting(tmp_path, "nothing of use", None)
    with pytest.raises(LLMError, match="No answer was given to 'draft system'") as caught:
        drafter.draft(REQUEST)
    assert "resume" in caught.value.hint


def test_a_draft_that_was_answered_is_not_asked_again(tmp_path: Path) -> None:
    first, _, _ = pasting(tmp_path, "nothing of use", PASTED)
    system = first.draft(REQUEST)
    second, chat, events = pasting(tmp_path)
    assert second.draft(REQUEST) == system
    assert chat.asked == []
    reused = ["draft system", "draft groups", "draft rules 1/1"]
    assert [event.purpose for event in told(events, CallReused)] == reused


def test_a_draft_that_stopped_right_after_the_answer_goes_on(tmp_path: Path) -> None:
    first, _, _ = pasting(tmp_path, PASTED)
    system = first.draft(REQUEST)
    path = tmp_path / "llm.jsonl"
    path.write_text(path.read_text(encoding="utf-8").splitlines(keepends=True)[0], encoding="utf-8")
    second, chat, _ = pasting(tmp_path)
    assert second.draft(REQUEST) == system
    assert chat.asked == []


def test_a_pasted_session_is_replayed(tmp_path: Path) -> None:
    drafter, _, _ = pasting(tmp_path, "no", PASTED, "no", proposing("Absol"))
    system = drafter.draft(REQUEST)
    proposals = drafter.revise(RevisionRequest(system))
    path = tmp_path / "llm.jsonl"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    exchanges = transcript.read(path).exchanges
    assert {entry.mode for entry in exchanges} == {"paste"}
    assert [entry.reply for entry in exchanges if entry.error] == ["no", "no"]
    replay = open_drafter(ModelSettings(f"replay:{path}"), lambda _: None)
    assert replay is not None
    assert replay.draft(REQUEST) == system
    assert replay.revise(RevisionRequest(system)) == proposals


def test_classes_that_nobody_asked_for_are_told(tmp_path: Path) -> None:
    drafter, _, events = pasting(tmp_path, PASTED)
    assert drafter.draft(request_for("Absol", "Celebi")).classes == ("Absol", "Celebi")
    (dropped,) = told(events, Dropped)
    assert dropped.reasons == ("'Beedrill δ' is not a class of the list",)


def answering_rules(prompt: str) -> str:
    """The rules of the classes between the tags of the question."""
    listed = json.loads(prompt.partition("<classes>")[2].partition("</classes>")[0])
    rules = {entry["name"]: {"color": "white", "form": "a bird"} for entry in listed}
    return f"```json\n{json.dumps({'rules': rules}, indent=1)}\n```"


def many_classes() -> DraftRequest:
    names = [f"Class {number}" for number in range(WHOLE + 1)]
    return DraftRequest("Pokémon", tuple((name, "") for name in names))


def test_many_classes_are_asked_for_in_batches(tmp_path: Path) -> None:
    drafter, chat, _ = pasting(tmp_path, json.dumps(GROUPS), *[answering_rules] * 3)
    request = many_classes()
    system = drafter.draft(request)
    assert system.classes == tuple(name for name, _ in request.classes)
    assert [title for title, _ in chat.asked] == [
        "draft groups", "draft rules 1/3", "draft rules 2/3", "draft rules 3/3"
    ]  # fmt: skip
    assert '"color": "white"' in chat.asked[1][1], "the form shows an entry"
    second, chat, _ = pasting(tmp_path)
    assert second.draft(request) == system
    assert chat.asked == []


def test_rules_that_came_with_the_groups_are_kept(tmp_path: Path) -> None:
    request = many_classes()
    known = {name: {"color": 1, "form": 0} for name, _ in request.classes[:50]}
    complete = {**SYSTEM, "pokemon_rules": known}
    drafter, chat, _ = pasting(tmp_path, repr(complete), answering_rules)
    system = drafter.draft(request)
    assert [title for title, _ in chat.asked] == ["draft groups", "draft rules 3/3"]
    assert system.rules["Class 0"]["color"] == ("gray",)
    assert system.rules["Class 60"]["color"] == ("white",)


def test_an_answer_of_a_live_model_that_cannot_be_read_is_asked_for(tmp_path: Path) -> None:
    drafter, _, _ = pasting(tmp_path, PASTED)
    drafter.draft(REQUEST)
    path = tmp_path / "llm.jsonl"
    entries = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    entries = [{**entry, "reply": '{"rules": 1}'} for entry in entries if entry["schema"]]
    path.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries), encoding="utf-8")
    second, chat, _ = pasting(tmp_path, PASTED)
    assert second.draft(REQUEST).classes == CLASSES
    assert len(chat.asked) == 1


def test_templates_of_the_users_own(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "form.en.md").write_text("Obey this form!\n{{form}}", encoding="utf-8")
    chat = ScriptedChat(proposing("Absol"))
    drafter = PasteDrafter(chat, lambda _: None, prompts=Prompts("en", folder))
    drafter.complete("revise", ask("What now?"), RevisionReply)
    assert chat.asked[0][1].startswith("What now?\n\nObey this form!\n{")
