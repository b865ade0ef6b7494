"""`--json` of `new` and `resume`: one object a line on stdout, whatever happens."""

import json
from pathlib import Path

import jsonschema
import pytest
from typer.testing import Result

from builder.session.journal import read_state
from tests.cli.conftest import CLASSES, Job, cotbuild, kinds
from tests.openai_server import Answer, OpenAIServer, Request, failure, openai_server

ROOT = Path(__file__).resolve().parent.parent.parent


def events(result: Result) -> list[dict[str, object]]:
    """Every line of stdout, each an object that names its event."""
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert all(isinstance(event, dict) and event["event"] for event in found)
    return found


def of(found: list[dict[str, object]], name: str) -> list[dict[str, object]]:
    return [event for event in found if event["event"] == name]


def test_a_session_from_its_first_line_to_its_last(job: Job, model: OpenAIServer) -> None:
    flags = [*job.flags(), "--llm", "m", "--llm-url", model.url, "--auto", "--json"]
    result = cotbuild("new", *flags)
    assert result.exit_code == 0, result.output
    found = events(result)
    assert found[0] == {
        "event": "session", "folder": str(job.session), "domain": "creature",
        "classes": list(CLASSES), "resumed": False, "round": 1, "versions": 0,
    }  # fmt: skip
    state = read_state(job.session)
    assert [e["version"] for e in of(found, "measured")] == [v.number for v in state.versions]
    (first, *_) = of(found, "measured")
    assert first["held_out"]["n"] == 12  # type: ignore[index]
    assert set(first["review"]) == {"n", "correct", "low", "high"}  # type: ignore[call-overload]
    offers = [offer for e in of(found, "proposed") for offer in e["proposals"]]  # type: ignore[attr-defined]
    assert offers
    assert all({"proposal", "words", "effect", "alone"} == set(offer) for offer in offers)
    assert all(offer["effect"]["n"] == 12 for offer in offers)
    schema = json.loads((ROOT / "systems" / "cotbuild-proposals.schema.json").read_text("utf-8"))
    jsonschema.validate([offer["proposal"] for offer in offers], schema)
    recorded = [kind for kind in kinds(job.session) if kind not in ("started", "proposed")]
    shown = [e["event"] for e in found]
    assert [name for name in shown if name in set(recorded)] == recorded
    (exported,) = of(found, "exported")
    assert (exported["path"], exported["final"]) == (str(job.session / "export.json"), None)
    last = found[-1]
    assert (last["event"], last["exit_code"]) == ("ended", 0)
    assert last["best"]["version"] == state.best  # type: ignore[index]
    assert last["spent"]["input_tokens"] > 0  # type: ignore[index]
    # Progress stays where people look for it, and nothing of it among the events.
    assert "Encoding images" in result.stderr
    assert "Round 1" not in result.output


def test_edits_of_a_file_and_an_accuracy_that_is_not_reached(job: Job, model: OpenAIServer) -> None:
    cotbuild("new", *job.flags(), "--llm", "m", "--llm-url", model.url, "--auto")
    edits = job.folder / "edits.json"
    edit = {"kind": "rename_option", "group": "color", "option": "red", "to": "\u202e[red] δ"}
    edits.write_text(json.dumps([{"edits": [edit], "reason": "by hand"}]), encoding="utf-8")
    result = cotbuild("resume", job.session, "--edits", edits, "--json", "--min-accuracy", 1)
    found = events(result)
    assert result.exit_code == 1
    assert result.stdout.isascii()
    assert found[0]["resumed"] is True
    (decided,) = of(found, "decided")
    assert decided["decision"] == "accepted"
    assert decided["proposal"]["edits"] == [edit]  # type: ignore[index]
    assert decided["effect"]["n"] == 12  # type: ignore[index]
    assert (found[-1]["event"], found[-1]["exit_code"]) == ("ended", 1)


@pytest.mark.parametrize("command", ["new", "resume"])
def test_without_auto_or_edits_nobody_is_asked(job: Job, command: str) -> None:
    flags = [*job.flags(), "--llm", "none"] if command == "new" else [job.session]
    result = cotbuild(command, *flags, "--json")
    assert result.exit_code == 2
    (error,) = events(result)
    assert (error["event"], error["exit_code"]) == ("error", 2)
    assert "--auto" in str(error["hint"])
    assert result.stderr.count("Error:") == 1
    assert not job.session.exists()


def test_an_error_on_the_way_is_the_last_event(job: Job) -> None:
    def broken(request: Request) -> Answer:  # noqa: ARG001
        return failure(400, "no such model")

    with openai_server(broken) as server:
        flags = ["--llm", "m", "--llm-url", server.url, "--auto", "--json"]
        result = cotbuild("new", *job.flags(), *flags)
    found = events(result)
    assert result.exit_code == 4
    assert [e["event"] for e in found] == ["session", "assigned", "working", "error"]
    assert found[-1]["exit_code"] == 4
    assert "cotbuild resume" in str(found[-1]["hint"])


def test_every_event_is_described(job: Job, model: OpenAIServer) -> None:
    text = (ROOT / "systems" / "README.md").read_text(encoding="utf-8")
    table = text.split("## Events of a session")[1].split("\n## ")[0]
    result = cotbuild("new", *job.flags(), "--llm", "m", "--llm-url", model.url, "--auto", "--json")
    for event in events(result):
        assert f"`{event['event']}`" in table
        for name in set(event) - {"event"}:
            assert f"`{name}`" in table, (event["event"], name)
