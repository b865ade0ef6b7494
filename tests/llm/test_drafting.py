import json
from pathlib import Path
from typing import Any

import pytest

from builder.errors import LLMError
from builder.llm.events import CallFinished, CallReused, Dropped, RulesWanting
from builder.proposals.requests import DraftRequest
from tests.llm.live import GROUPS, Live, request_for, rule, rules
from tests.openai_server import Answer, Request, asked_classes, chat, obliging, openai_server


def draft(folder: Path, script: Any, *classes: str) -> tuple[Any, Live, list[Request]]:
    with openai_server(script) as server:
        live = Live(server.url, folder)
        try:
            return live.drafter.draft(request_for(*classes)), live, server.requests
        except LLMError as error:
            return error, live, server.requests


def listed_classes(request: Request) -> list[str]:
    """The classes that a request for rules is about, as its prompt lists them."""
    listed = request.text.partition("<classes>")[2].partition("</classes>")[0]
    return [entry["name"] for entry in json.loads(listed)]


def allowed_classes(request: Request) -> list[str]:
    return list(asked_classes(request).values())


def test_groups_then_rules(tmp_path: Path) -> None:
    names = ("Absol", "Beedrill δ", "[red]", '"quotes" {x} {{y}} </classes>')
    answer = rules(rule(names[3], "red", "a bird"), *(rule(name) for name in names[:3]))
    system, live, requests = draft(tmp_path, [chat(GROUPS), chat(answer)], *names)
    assert system.classes == names and system.domain == "Pokémon"
    assert [group.name for group in system.groups] == ["color", "form"]
    assert system.rules[names[3]] == {"color": ("red",), "form": ("a bird",)}
    assert listed_classes(requests[0]) == listed_classes(requests[1]) == list(names)
    assert allowed_classes(requests[1]) == list(names)
    assert requests[1].text.count("</classes>") == 1
    assert '"a wolf"' in requests[1].text
    assert [event.purpose for event in live.told(CallFinished)] == [
        "draft groups",
        "draft rules 1/1",
    ]


def test_attributes_and_descriptions_are_told(tmp_path: Path) -> None:
    request = DraftRequest("birds", (("Wren", "tiny, brown"), ("Jay", "")), ("beak", "wings"))
    with openai_server(obliging) as server:
        Live(server.url, tmp_path).drafter.draft(request)
        groups, batch = server.requests
    assert "system for birds classification" in groups.text
    assert "- beak\n- wings\n" in groups.text
    assert '{"name": "Wren", "description": "tiny, brown"},\n{"name": "Jay"}' in groups.text
    assert '{"key": "c01", "name": "Wren", "description": "tiny, brown"},\n' in batch.text
    assert '{"key": "c02", "name": "Jay"}' in batch.text


def test_classes_go_in_batches_of_25(tmp_path: Path) -> None:
    names = [f"class {number}" for number in range(60)]
    system, live, requests = draft(tmp_path, obliging, *names)
    assert system.classes == tuple(names)
    assert [len(listed_classes(request)) for request in requests] == [60, 25, 25, 10]
    assert [event.purpose for event in live.told(CallFinished)][1:] == [
        "draft rules 1/3",
        "draft rules 2/3",
        "draft rules 3/3",
    ]


def test_only_missing_and_invalid_rules_are_asked_again(tmp_path: Path) -> None:
    first = rules(
        rule("A"), rule("B", color="pale"), rule("Nobody"), {"class_name": "C", "color": "red"}
    )
    second = rules(rule("B"), rule("D"))
    third = rules(rule("C", "red"))
    script = [chat(GROUPS), chat(first), chat(second), chat(third)]
    system, live, requests = draft(tmp_path, script, "A", "B", "C", "D")
    assert system.classes == ("A", "B", "C", "D")
    assert system.rules["C"]["color"] == ("red",)
    assert [allowed_classes(request) for request in requests[1:]] == [
        ["A", "B", "C", "D"],
        ["B", "C", "D"],
        ["C"],
    ]
    again = requests[2].text.partition("Answer again")[2]
    assert "- \"B\": color: 'pale' is not one of the allowed values" in again
    assert '- "C": form: Field required' in again
    assert '- "D": no rule was given' in again
    dropped = live.told(Dropped)
    assert [(event.what, len(event.reasons)) for event in dropped] == [("rule", 3)]
    assert "Nobody" in dropped[0].reasons[1]


def test_the_first_of_two_rules_for_a_class_counts(tmp_path: Path) -> None:
    answer = rules(rule("A", "red"), rule("A", "gray"), rule("B"))
    system, _, _ = draft(tmp_path, [chat(GROUPS), chat(answer)], "A", "B")
    assert system.rules["A"]["color"] == ("red",)


def test_after_two_more_tries_classes_are_left_without_what_is_missing(tmp_path: Path) -> None:
    script = [chat(GROUPS), chat(rules(rule("A")))] + [chat(rules(rule("B", "pale")))] * 2
    system, live, requests = draft(tmp_path, script, "A", "B", "[C]")
    assert len(requests) == 4
    assert system.rules["A"] == {"color": ("white",), "form": ("a wolf",)}
    assert system.rules["B"] == {"color": (), "form": ("a wolf",)}
    assert system.rules["[C]"] == {"color": (), "form": ()}
    assert system.without_rules == ("[C]",)
    reason = "color: 'pale' is not one of the allowed values"
    assert live.told(RulesWanting) == [RulesWanting(("B", "[C]"), reason)]


def test_what_was_sound_counts_until_there_is_something_else(tmp_path: Path) -> None:
    first = rules({"class_name": "A", "color": "red"}, rule("B"))
    second = rules({"class_name": "A", "form": "a bird"})
    system, live, requests = draft(tmp_path, [chat(GROUPS), chat(first), chat(second)], "A", "B")
    assert system.rules["A"] == {"color": ("red",), "form": ("a bird",)}
    assert len(requests) == 3 and not live.told(RulesWanting)


def test_a_model_without_any_usable_rule_leaves_its_groups(tmp_path: Path) -> None:
    def groups_only(request: Request) -> Answer:
        asks_groups = request.schema["title"] == "GroupsReply"
        return chat(GROUPS) if asks_groups else chat(None, refusal="No.")

    system, live, requests = draft(tmp_path, groups_only, "A", "B")
    assert [group.name for group in system.groups] == ["color", "form"]
    assert system.without_rules == ("A", "B") and len(requests) == 2
    (wanting,) = live.told(RulesWanting)
    assert wanting.classes == ("A", "B") and "refuses" in wanting.reason


def test_a_truncated_answer_halves_the_batch(tmp_path: Path) -> None:
    names = [f"class {number}" for number in range(7)]

    def at_most_two(request: Request) -> Answer:
        too_long = "RulesReply" in str(request.schema) and len(allowed_classes(request)) > 2
        return chat('{"rules": [', finish_reason="length") if too_long else obliging(request)

    system, _, requests = draft(tmp_path, at_most_two, *names)
    assert system.classes == tuple(names)
    assert [len(listed_classes(request)) for request in requests[1:]] == [7, 3, 1, 2, 4, 2, 2]


def test_a_half_has_its_own_tries(tmp_path: Path) -> None:
    script = [
        chat(GROUPS),
        chat('{"rules": [', finish_reason="length"),
        chat(rules(rule("A", "pale"))),
        chat(rules(rule("A"))),
        chat(rules(rule("B", "pale"))),
        chat(rules(rule("B", "pale"))),
        chat(rules(rule("B"))),
    ]
    system, _, requests = draft(tmp_path, script, "A", "B")
    assert system.classes == ("A", "B") and len(requests) == len(script)


def test_a_class_that_is_truncated_alone_is_left_without_a_rule(tmp_path: Path) -> None:
    cut_off = chat('{"ru', finish_reason="length")
    system, live, requests = draft(
        tmp_path, [chat(GROUPS), cut_off, cut_off, chat(rules(rule("B")))], "A", "B"
    )
    assert system.without_rules == ("A",) and len(requests) == 4
    (wanting,) = live.told(RulesWanting)
    assert wanting.classes == ("A",) and "cut off" in wanting.reason


def test_truncated_groups_end_the_draft(tmp_path: Path) -> None:
    error, _, requests = draft(tmp_path, [chat("{", finish_reason="length")], "A", "B")
    assert isinstance(error, LLMError) and "cut off" in error.message
    assert len(requests) == 1


def test_only_an_unsound_group_is_asked_again_and_keeps_its_place(tmp_path: Path) -> None:
    color, form = GROUPS["groups"]
    broken = {"name": "shape", "prompt": "no slot", "options": ["x", "y"]}
    shape = {**broken, "prompt": "Its shape is {}."}
    script = [
        chat({"groups": [color, broken, form]}),
        chat({"groups": [color, shape, {**shape, "name": "size"}]}),
        obliging_rules(),
    ]
    system, live, requests = draft(tmp_path, script, "A", "B")
    assert [group.name for group in system.groups] == ["color", "shape", "form", "size"]
    assert system.group("shape").prompt == "Its shape is {}."
    again = requests[1].text.partition("Answer again")[2]
    assert "Groups that are kept, not to be sent again: color, form." in again
    assert "must hold exactly one {}" in again and '"name": "shape"' in again
    assert [(event.what, len(event.reasons)) for event in live.told(Dropped)] == [("group", 1)]


@pytest.mark.parametrize("last", [chat("{", finish_reason="length"), chat({"groups": []})])
def test_a_group_that_stays_unusable_is_left_out(tmp_path: Path, last: Answer) -> None:
    broken = {"name": "shape", "prompt": "no slot", "options": ["x", "y"]}
    groups = chat({"groups": [*GROUPS["groups"], broken]})
    script = [groups, last, last]

    def respond(request: Request) -> Answer:
        return obliging(request) if "RulesReply" in str(request.schema) else script.pop(0)

    system, live, _ = draft(tmp_path, respond, "A", "B")
    assert [group.name for group in system.groups] == ["color", "form"]
    assert "no slot" in live.told(Dropped)[-1].reasons[0]


def obliging_rules() -> Answer:
    item = {"color": "white", "shape": "x", "form": "a wolf", "size": "y"}
    return chat(rules({"class_name": "A", **item}, {"class_name": "B", **item}))


@pytest.mark.parametrize(
    ("groups", "named"),
    [
        ([{"name": "shape", "prompt": "no slot", "options": ["x", "y"]}], "exactly one {}"),
        ([], "The model gave no group."),
    ],
)
def test_groups_that_stay_unusable_end_the_draft(
    tmp_path: Path, groups: list[Any], named: str
) -> None:
    error, live, requests = draft(tmp_path, [chat({"groups": groups})] * 3, "A", "B")
    assert isinstance(error, LLMError) and named in error.message and error.hint
    assert len(requests) == 3
    assert "null" not in error.message
    assert len(live.told(Dropped)) == (3 if groups else 0)
    assert groups or "- no group was given" in requests[1].text


def test_what_a_broken_off_draft_paid_for_is_not_asked_again(tmp_path: Path) -> None:
    names = [f"class {number}" for number in range(30)]

    def failing_at_last(request: Request) -> Answer:
        last = "class 29" in request.text and "RulesReply" in str(request.schema)
        return Answer({"error": {"message": "boom"}}, 500) if last else obliging(request)

    error, _, _ = draft(tmp_path, failing_at_last, *names)
    assert isinstance(error, LLMError)
    system, live, requests = draft(tmp_path, obliging, *names)
    assert system.classes == tuple(names)
    assert [len(listed_classes(request)) for request in requests] == [5]
    assert [event.purpose for event in live.told(CallFinished)] == ["draft rules 2/2"]


def test_what_failed_is_asked_anew(tmp_path: Path) -> None:
    script = [chat(GROUPS)] + [chat(rules(rule("A")))] * 3
    system, _, _ = draft(tmp_path, script, "A", "B")
    assert system.without_rules == ("B",)
    system, live, requests = draft(tmp_path, [chat(rules(rule("B")))], "A", "B")
    assert system.without_rules == () and len(requests) == 1
    assert [event.purpose for event in live.told(CallReused)] == [
        "draft groups",
        "draft rules 1/1",
    ]


def test_other_classes_are_asked_anew(tmp_path: Path) -> None:
    draft(tmp_path, obliging, "A", "B")
    _, _, requests = draft(tmp_path, obliging, "A", "C")
    assert len(requests) == 2
