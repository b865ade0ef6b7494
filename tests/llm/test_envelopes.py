"""Wherever a server puts an answer, and however it is spelt, one request is enough."""

import json
from pathlib import Path
from typing import Any

import pytest

from builder.errors import LLMError
from builder.llm.replay import ReplayDrafter
from tests.llm.live import GROUPS, Live, complete, request_for, rule, rules
from tests.openai_server import Answer, Request, chat, openai_server, tool_call

SAID = json.dumps(GROUPS)
THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": 'Hm, {"groups": []}?'}]}


def message(**fields: Any) -> Answer:
    answer = chat(None)
    assert isinstance(answer.body, dict)
    answer.body["choices"][0]["message"] = {"role": "assistant", **fields}
    return answer


ENVELOPES = {
    "text parts": message(content=[{"type": "text", "text": SAID}]),
    "halves": message(content=[{"type": "text", "text": SAID[:9]}, {"text": SAID[9:]}]),
    "strings": message(content=[SAID[:9], SAID[9:]]),
    "thinking first": message(content=[THINKING, {"type": "text", "text": SAID}]),
    "thought alone": message(content=[{"type": "reasoning", "text": SAID}]),
    "thought in parts": message(
        content=[{"type": "thinking", "thinking": [{"type": "text", "text": SAID}]}]
    ),
    "one part": message(content={"type": "text", "text": SAID}),
    "an object": message(content=GROUPS),
    "reasoning_content": message(content="", reasoning_content=SAID),
    "reasoning": message(content=None, reasoning=SAID),
    "thinking": message(content=" \n", thinking=f"So:\n{SAID}"),
    "without content": message(reasoning_content=SAID),
    "reasoning beside": message(content=SAID, reasoning_content='{"groups": []}'),
    "a tool": tool_call(GROUPS, name="GroupsReply"),
    "older call": message(content=None, function_call={"name": "GroupsReply", "arguments": SAID}),
    "written call": chat({"name": "answer", "parameters": GROUPS}),
    "call with text": chat({"name": "GroupsReply", "arguments": SAID}),
    "tagged call": chat(
        f'<tool_call>\n{{"name": "GroupsReply", "arguments": {SAID}}}\n</tool_call>'
    ),
    "list of calls": chat([{"type": "function", "function": {"name": "x", "arguments": SAID}}]),
    "status": chat({"status": "ok", "result": GROUPS}),
    "bare list": chat(GROUPS["groups"]),
    "by another name": chat({"attribute_groups": GROUPS["groups"]}),
    "by name": chat({"groups": {g["name"]: g for g in GROUPS["groups"]}}),
    "commas": chat(SAID.replace("}]", "},]")),
    "python": chat(repr(GROUPS)),
    "python tuple": chat(repr(GROUPS).replace("[", "(").replace("]", ",)")),
    "comment": chat(SAID.replace("{", "{ // groups\n", 1)),
    "curly quotes": chat(SAID.replace('"', "“")),
    "assignment": chat(f"groups = {GROUPS['groups']!r}"),
    "fence and commas": chat(f"Sure!\n```json\n{SAID.replace('}]', '},]')}\n```\nUse {{}} once."),
    "prose and list": chat(f"My groups: {json.dumps(GROUPS['groups'])} Any [1] doubts?"),
}


@pytest.mark.parametrize("envelope", ENVELOPES)
@pytest.mark.parametrize("form", ["strict", "tools", "text"])
def test_one_request_is_enough(tmp_path: Path, envelope: str, form: str) -> None:
    def respond(request: Request) -> Answer:
        return ENVELOPES[envelope] if request.form == form else Answer("", 400)

    with openai_server(respond) as server:
        live = Live(server.url, tmp_path)
        reply = complete(live)
        assert [request.form for request in server.requests].count(form) == 1
    assert [group.options for group in reply.groups] == [g["options"] for g in GROUPS["groups"]]
    assert live.exchanges[-1].read(type(reply)) == reply, "what was paid for is read again"


@pytest.mark.parametrize(
    "written",
    [
        lambda items: {"name": "answer", "parameters": {"rules": items}},
        lambda items: items,
        lambda items: {"rules": {r["class_name"]: {**r} for r in items}},
        lambda items: {r.pop("class_name"): r for r in map(dict, items)},
    ],
    ids=["call", "list", "by class under rules", "by class"],
)
def test_rules_in_another_wrapping_are_read_and_replayed(tmp_path: Path, written: Any) -> None:
    items = [rule("A"), rule("B", "red", "a bird")]
    with openai_server([chat(GROUPS), chat(repr(written(items)))]) as server:
        live = Live(server.url, tmp_path)
        system = live.drafter.draft(request_for("A", "B"))
        assert len(server.requests) == 2
    assert system.rules["B"] == {"color": ("red",), "form": ("a bird",)}
    drafter = ReplayDrafter(live.transcript, print)
    assert drafter.draft(request_for("A", "B")) == system


def test_of_a_list_in_another_wrapping_the_unsound_rules_alone_are_asked_again(
    tmp_path: Path,
) -> None:
    script = [chat(GROUPS), chat([rule("A"), rule("B", "blue")]), chat(rules(rule("B", "red")))]
    with openai_server(script) as server:
        live = Live(server.url, tmp_path)
        system = live.drafter.draft(request_for("A", "B"))
        assert len(server.requests) == 3
    assert [system.rules[name]["color"] for name in ("A", "B")] == [("white",), ("red",)]


@pytest.mark.parametrize(
    "answer",
    [
        chat('{"groups": [' + json.dumps(GROUPS["groups"][0]) + ', {"name": "fo'),
        chat(json.dumps({"systems": [{"kind": "x", "edits": [{"a": 1}]}]})),
        message(content="", reasoning_content="I wonder."),
        chat("[" * 200_000),
        chat('{"groups": ' + "[" * 200_000),
        chat('{"a":' * 100_000 + "1" + "}" * 100_000),
        tool_call("[" * 200_000, name="GroupsReply"),
        message(content=[{"type": "text", "text": "{" * 200_000}]),
    ],
    ids=["cut off", "others", "thought", "[", "groups", "nested", "call", "part"],
)
def test_what_holds_no_answer_is_one_clear_error(tmp_path: Path, answer: Answer) -> None:
    with openai_server([answer] * 20) as server:
        with pytest.raises(LLMError, match="do not have the form asked for") as caught:
            complete(Live(server.url, tmp_path))
        assert len(server.requests) <= 9
    assert len(caught.value.message) < 400


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, "[" * 200_000),
        (400, '{"error":' * 200_000),
        (500, "[" * 200_000 + "]" * 200_000),
        (200, '{"error":' * 900 + "1" + "}" * 900),
        (400, '{"error":' * 900 + "1" + "}" * 900),
    ],
    ids=["200", "400", "500", "200 closed", "400 closed"],
)
def test_a_body_of_endless_brackets_is_one_clear_error(
    tmp_path: Path, status: int, body: str
) -> None:
    with (
        openai_server(lambda _request: Answer(body, status)) as server,
        pytest.raises(LLMError) as caught,
    ):
        complete(Live(server.url, tmp_path))
    assert len(caught.value.message) < 400 and caught.value.hint
