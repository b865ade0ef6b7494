"""The form of answer: found out with the first answer, remembered, never changed without need."""

import json
from pathlib import Path
from typing import Any

import pytest

from builder.errors import LLMError
from builder.llm.events import FormatFallback, Waiting
from builder.llm.schemas import GroupsReply
from builder.llm.transport import ask
from tests.llm.live import GROUPS, Live, complete, request_for
from tests.openai_server import (
    Answer,
    Request,
    chat,
    failure,
    in_form,
    obliging,
    openai_server,
    tool_call,
)

FORMS = ("strict", "schema", "tools", "object", "json", "text")
REFUSALS = {
    "strict": failure(400, "'response_format': 'strict' is not supported"),
    "schema": failure(422, "unsupported: structured output"),
    "tools": failure(404, "No endpoints found that support tool use"),
    "object": failure(400, "Extra inputs are not permitted"),
    "json": failure(400, "response_format json_object is not supported"),
}


def only(form: str) -> Any:
    """A server that answers in this form and refuses those before it."""

    def respond(request: Request) -> Answer:
        if request.form == form:
            return in_form(request, obliging(request))
        return REFUSALS[request.form]

    return respond


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_found_and_remembered_in_a_whole_draft(tmp_path: Path, form: str) -> None:
    with openai_server(only(form)) as server:
        live = Live(server.url, tmp_path)
        assert live.drafter.draft(request_for("A", "B")).classes == ("A", "B")
        tried = [request.form for request in server.requests]
    assert tried == [*FORMS[: FORMS.index(form) + 1], form]
    fallbacks = live.told(FormatFallback)
    assert len(fallbacks) == FORMS.index(form) and all(event.format for event in fallbacks)


def test_the_first_refusal_is_the_error_and_the_next_question_finds_all_forms(
    tmp_path: Path,
) -> None:
    file = tmp_path / "modes.json"
    refusing = [True]

    def respond(request: Request) -> Answer:
        said = f"There is no {request.form} here."
        return failure(400, said) if refusing[0] else chat(GROUPS)

    with openai_server(respond) as server:
        live = Live(server.url, tmp_path, modes_file=file, retries=4)
        told = r"\(400\): There is no strict here\. 6 forms of answer were tried\."
        with pytest.raises(LLMError, match=told) as caught:
            complete(live)
        assert [request.form for request in server.requests] == list(FORMS)
        assert caught.value.hint and not file.exists()
        refusing[0] = False
        complete(live)
        assert server.requests[-1].form == "strict"


# What servers answer to a form that they don't know.
UNKNOWN_FORMS = {
    "llama-cpp-python": Answer(
        {
            "error": {
                "message": "[{'type': 'literal_error', 'loc': ('body', 'response_format', 'type'), "
                "'msg': \"Input should be 'text' or 'json_object'\"}]",
                "type": "internal_server_error",
            }
        },
        500,
    ),
    "FastAPI": Answer(
        {"detail": [{"loc": ["body", "response_format", "type"], "msg": "Input should be 'text'"}]},
        422,
    ),
    "a list": Answer('[{"error": {"code": 400, "message": "An argument is not valid."}}]', 400),
    "generic": failure(400, "Bad request"),
    "no words": Answer("", 400),
    "plain text": Answer("Unprocessable Entity", 422, content_type="text/plain"),
    "page": Answer("<html><title>Error</title></html>", 500, content_type="text/html"),
    "boom": failure(500, "Internal Server Error"),
    "not built": failure(501, "not implemented"),
    "unknown parameter": failure(404, "Unknown parameter: response_format.json_schema"),
    "of a gateway": failure(503, "no worker takes response_format"),
    "teapot": failure(418, "no"),
}
# What may be a fault in passing is asked for again by the next run.
DOUBTED = ("boom", "page", "not built")


@pytest.mark.parametrize("server_kind", UNKNOWN_FORMS)
def test_a_form_that_never_worked_is_left_at_its_first_failure(
    tmp_path: Path, server_kind: str
) -> None:
    file = tmp_path / "modes.json"

    def respond(request: Request) -> Answer:
        known = request.form in ("tools", "object", "json", "text")
        return in_form(request, obliging(request)) if known else UNKNOWN_FORMS[server_kind]

    with openai_server(respond) as server:
        live = Live(server.url, tmp_path, modes_file=file, retries=4)
        live.drafter.draft(request_for("A", "B"))
        assert [request.form for request in server.requests] == ["strict", "schema", *["tools"] * 2]
    assert not live.told(Waiting)
    assert file.exists() == (server_kind not in DOUBTED)


def test_a_json_object_comes_with_its_schema_where_that_is_taken(tmp_path: Path) -> None:
    with openai_server(only("object")) as server:
        complete(Live(server.url, tmp_path))
        wanted = server.requests[-1].body["response_format"]
    assert wanted == {"type": "json_object", "schema": GroupsReply.model_json_schema()}


@pytest.mark.parametrize("status", [400, 418, 500])
def test_once_a_form_worked_a_failure_is_not_due_to_it(tmp_path: Path, status: int) -> None:
    with openai_server([chat(GROUPS), *[failure(status, "boom")] * 9]) as server:
        live = Live(server.url, tmp_path, retries=2)
        complete(live)
        with pytest.raises(LLMError, match=rf"\({status}\): boom"):
            live.transport.complete("other", ask("And?"), GroupsReply)
        assert {request.form for request in server.requests} == {"strict"}
        assert len(server.requests) == (4 if status == 500 else 2)


def broken(status: int, **said: str) -> Answer:
    return Answer({"error": {"message": "It wrote no sound JSON.", **said}}, status)


SLIPS = [
    broken(400, code="json_validate_failed", failed_generation='{"gro'),
    broken(400, type="tool_use_failed"),
    broken(422, message="Failed to generate JSON. Please adjust your prompt."),
    broken(500, code="json_validate_failed"),
]


@pytest.mark.parametrize("slip", SLIPS)
@pytest.mark.parametrize("proven", [False, True])
def test_an_answer_that_the_endpoint_itself_cannot_read_is_asked_for_again(
    tmp_path: Path, slip: Answer, proven: bool
) -> None:
    script = [chat(GROUPS), slip, chat(GROUPS)] if proven else [slip, chat(GROUPS)]
    with openai_server(script) as server:
        live = Live(server.url, tmp_path, retries=1)
        for _ in range(2 if proven else 1):
            live.transport.complete("other", ask("And?"), GroupsReply)
        assert [request.form for request in server.requests] == ["strict"] * len(script)
    assert not live.told(FormatFallback)
    assert live.transport.account.spent.estimated, "the model wrote something"


def test_who_never_writes_sound_json_is_asked_in_other_forms(tmp_path: Path) -> None:
    def respond(request: Request) -> Answer:
        return SLIPS[0] if request.form in ("strict", "tools", "json") else chat(GROUPS)

    with openai_server(respond) as server:
        complete(Live(server.url, tmp_path, retries=4))
        forms = [request.form for request in server.requests]
    assert forms == [*["strict"] * 2, *["tools"] * 2, *["json"] * 2, "text"]


def test_who_ignores_a_schema_is_not_asked_for_it_less_strictly(tmp_path: Path) -> None:
    file = tmp_path / "modes.json"
    script = [*[chat("Sure! Colors.")] * 2, *[chat("Shapes.")] * 2, chat(GROUPS)]
    with openai_server(script) as server:
        live = Live(server.url, tmp_path, modes_file=file)
        assert len(complete(live).groups) == 2
        forms = [request.form for request in server.requests]
        assert forms == ["strict", "strict", "tools", "tools", "json"]
    assert not file.exists(), "what was only ignored is asked for again by the next run"
    reasons = [event.reason for event in live.told(FormatFallback)]
    assert "not a strict JSON schema" in reasons[0] and "not a tool call" in reasons[1]


def test_one_bad_first_answer_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "modes.json"
    with openai_server([chat("Sorry, one moment please."), chat(GROUPS), chat(GROUPS)]) as server:
        live = Live(server.url, tmp_path, modes_file=file)
        complete(live)
        live.transport.complete("other", ask("And?"), GroupsReply)
        assert [request.form for request in server.requests] == ["strict"] * 3
    assert not live.told(FormatFallback) and not file.exists()


def test_only_what_was_refused_is_remembered(tmp_path: Path) -> None:
    """Strict and schema are refused, tools are ignored: the next run begins with tools."""
    file = tmp_path / "modes.json"
    refused = {form: REFUSALS[form] for form in ("strict", "schema")}

    def respond(request: Request) -> Answer:
        if request.form == "tools":
            return chat("I use no tools.")
        if request.form == "object":
            return chat("Nor schemas.")
        return refused.get(request.form, chat(GROUPS))

    with openai_server(respond) as server:
        live = Live(server.url, tmp_path, modes_file=file)
        complete(live)
        forms = [request.form for request in server.requests]
        ignored = [form for form in ("tools", "object") for _ in range(2)]
        assert forms == ["strict", "schema", *ignored, "text"]
        assert json.loads(file.read_text()) == {f"{server.url} scripted": "tool_call"}


@pytest.mark.parametrize("status", [401, 402, 403, 407, 408, 413, 429])
def test_other_failures_are_no_reason_for_another_form(tmp_path: Path, status: int) -> None:
    script = [failure(status, "no schema, no tool: response_format"), chat(GROUPS)]
    with openai_server(script) as server:
        live = Live(server.url, tmp_path)
        with pytest.raises(LLMError, match=rf"\({status}\)"):
            complete(live)
        assert len(server.requests) == 1 and not live.told(FormatFallback)


def test_a_timeout_is_no_reason_for_another_form(tmp_path: Path) -> None:
    with openai_server([chat(GROUPS, delay=30)]) as server:
        live = Live(server.url, tmp_path, timeout=0.2)
        with pytest.raises(LLMError, match="did not answer"):
            complete(live)
    assert not live.told(FormatFallback)


def test_a_refused_schema_after_good_answers_steps_down_but_is_not_kept(tmp_path: Path) -> None:
    file = tmp_path / "modes.json"
    too_much = failure(400, "Invalid schema: too many enum values")
    with openai_server([chat(GROUPS), too_much, chat(GROUPS)]) as server:
        live = Live(server.url, tmp_path, modes_file=file)
        complete(live)
        live.transport.complete("other", ask("And?"), GroupsReply)
        assert [request.form for request in server.requests] == ["strict", "strict", "schema"]
    assert not file.exists()


def test_what_was_found_out_is_kept_for_the_next_run_of_this_model(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "modes.json"
    with openai_server(only("tools")) as server:
        (tmp_path / "a").mkdir()
        complete(Live(server.url, tmp_path / "a", modes_file=file))
        (tmp_path / "b").mkdir()
        live = Live(server.url, tmp_path / "b", modes_file=file)
        complete(live)
        assert [request.form for request in server.requests] == ["strict", "schema", *["tools"] * 2]
        assert json.loads(file.read_text()) == {f"{server.url} scripted": "tool_call"}
        assert not live.told(FormatFallback)


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", '{"PLACE": "gone"}', '{"PLACE": ["tool_call"]}', "\udc80", "7"]
)
def test_a_damaged_memory_is_found_out_anew(tmp_path: Path, text: str) -> None:
    file = tmp_path / "modes.json"
    with openai_server(only("json")) as server:
        file.write_bytes(
            text.replace("PLACE", f"{server.url} scripted").encode(errors="surrogateescape")
        )
        complete(Live(server.url, tmp_path, modes_file=file))
        assert [request.form for request in server.requests] == list(FORMS[:5])
        assert json.loads(file.read_text())[f"{server.url} scripted"] == "json_mode"


def test_a_memory_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with openai_server(only("json")) as server:
        live = Live(server.url, tmp_path, modes_file=tmp_path / "file" / "modes.json")
        assert len(complete(live).groups) == 2


# --- What an answer may look like -----------------------------------------------------------


@pytest.mark.parametrize("form", ["json", "text", "strict"])
@pytest.mark.parametrize(
    "wrapped",
    [
        '<think>Maybe {"groups": []}? Or {x}.</think>\nJSON',
        "I think so.\n</think>\n```json\nJSON\n```",
        "```\nJSON\n```\nThe prompts hold {} once, [2] of them.",
        'Here it is: JSON As in {"color": 1}.',
    ],
)
def test_thoughts_fences_and_prose_are_passed_over(tmp_path: Path, form: str, wrapped: str) -> None:
    answer = chat(wrapped.replace("JSON", json.dumps(GROUPS)))

    def respond(request: Request) -> Answer:
        return answer if request.form == form else REFUSALS[request.form]

    with openai_server(respond) as server:
        live = Live(server.url, tmp_path)
        assert len(complete(live).groups) == 2
    assert live.exchanges[-1].reply == wrapped.replace("JSON", json.dumps(GROUPS))


def test_a_thought_is_no_answer(tmp_path: Path) -> None:
    broken = f"<think>{json.dumps(GROUPS)}</think>" + '{"groups": [{"name": "col'
    with (
        openai_server([chat(broken)] * 9) as server,
        pytest.raises(LLMError, match="do not have the form"),
    ):
        complete(Live(server.url, tmp_path))


def unoffered(request: Request) -> Answer:
    if request.form == "tools":
        return tool_call(GROUPS, name="delete_everything")
    return REFUSALS.get(request.form, chat(GROUPS))


def test_another_tool_than_the_one_offered_is_not_taken(tmp_path: Path) -> None:
    with openai_server(unoffered) as server:
        live = Live(server.url, tmp_path)
        complete(live)
        forms = [request.form for request in server.requests]
        assert forms == [*FORMS[:3], *FORMS[2:]]
    assert "'delete_everything' that was not offered" in live.told(FormatFallback)[2].reason


def test_another_tool_after_good_answers_is_an_error(tmp_path: Path) -> None:
    answers = iter([tool_call(GROUPS, name="GroupsReply")])

    def respond(request: Request) -> Answer:
        if request.form == "tools":
            return next(answers, tool_call(GROUPS, name="other"))
        return REFUSALS[request.form]

    with openai_server(respond) as server:
        live = Live(server.url, tmp_path)
        complete(live)
        with pytest.raises(LLMError, match="called a tool 'other' that was not offered"):
            live.transport.complete("other", ask("And?"), GroupsReply)
        assert [request.form for request in server.requests[3:]] == ["tools"] * 3
    assert live.exchanges[-1].reply == json.dumps(GROUPS)


@pytest.mark.parametrize("form", FORMS)
def test_a_refusal_is_shown_as_what_it_is_and_not_asked_again(tmp_path: Path, form: str) -> None:
    def respond(request: Request) -> Answer:
        if request.form == form:
            return chat(None, refusal="I can't help with cards.")
        return REFUSALS[request.form]

    with openai_server(respond) as server:
        live = Live(server.url, tmp_path)
        with pytest.raises(LLMError, match=r"refuses to answer: I can't help with cards\."):
            complete(live)
        assert len(server.requests) == FORMS.index(form) + 1


def test_arguments_sent_as_an_object_are_read(tmp_path: Path) -> None:
    def respond(request: Request) -> Answer:
        if request.form != "tools":
            return REFUSALS[request.form]
        answer = tool_call("{}", name=request.schema["title"])
        assert isinstance(answer.body, dict)
        call = answer.body["choices"][0]["message"]["tool_calls"][0]
        call["function"]["arguments"] = GROUPS
        return answer

    with openai_server(respond) as server:
        live = Live(server.url, tmp_path)
        assert len(complete(live).groups) == 2
    assert json.loads(live.exchanges[-1].reply or "") == GROUPS


def test_fields_nobody_asked_for_are_passed_over(tmp_path: Path) -> None:
    color, form = GROUPS["groups"]
    answer = {"note": "hi", "groups": [{**color, "why": "seen at once", "weight": 3}, form]}
    with openai_server([chat(answer)]) as server:
        reply = complete(Live(server.url, tmp_path))
    assert [type(group).__name__ for group in reply.groups] == ["DraftedGroup"] * 2
