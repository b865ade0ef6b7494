import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from builder.edits.model import SetRule
from builder.errors import InputError, LLMError
from builder.llm import transcript
from builder.llm.drafter import open_drafter
from builder.llm.events import CallFinished, Dropped, GivenToAnother, LLMEvent, RecordingSilent
from builder.llm.replay import ReplayDrafter, unheard
from builder.llm.settings import ModelSettings
from builder.proposals.requests import RevisionRequest
from builder.system.model import AttributeSystem
from tests.llm.live import GROUPS, Live, request_for, rule, rules
from tests.openai_server import chat, openai_server

CLASSES = ("A", "B", "C")


def proposing(class_name: str) -> dict[str, Any]:
    edit = {"kind": "set_rule", "class_name": class_name, "group": "color", "options": ["red"]}
    return {"proposals": [{"reason": "why", "edits": [edit]}]}


@pytest.fixture
def recording(tmp_path: Path) -> tuple[Path, AttributeSystem, list[Any]]:
    """A session with all that can happen, and what came of it live."""
    script = [
        chat(GROUPS),
        chat('{"rules": [', finish_reason="length"),
        chat(rules(rule("A"))),
        chat('{"rules": 1}'),
        chat(rules(rule("B"), rule("C", "pale"))),
        chat(rules(rule("C", "gray", "a bird"))),
        chat(proposing("A")),
        chat(proposing("nobody")),
        chat(proposing("B")),
    ]
    with openai_server(script) as server:
        live = Live(server.url, tmp_path)
        system = live.drafter.draft(request_for(*CLASSES))
        revisions = [live.drafter.revise(RevisionRequest(system)) for _ in range(2)]
        assert len(server.requests) == len(script)
    return live.transcript, system, revisions


def replayed(path: Path) -> tuple[ReplayDrafter, list[LLMEvent]]:
    events: list[LLMEvent] = []
    drafter = open_drafter(ModelSettings(f"replay:{path}"), events.append)
    assert isinstance(drafter, ReplayDrafter)
    return drafter, events


def silences(events: list[LLMEvent]) -> int:
    return sum(isinstance(event, RecordingSilent) for event in events)


def others(events: list[LLMEvent]) -> list[str]:
    """What was asked for where the reply was given to another request."""
    return [event.purpose for event in events if isinstance(event, GivenToAnother)]


def test_a_replay_gives_what_the_live_session_gave(
    recording: tuple[Path, AttributeSystem, list[Any]],
) -> None:
    path, system, revisions = recording
    drafter, events = replayed(path)
    assert drafter.draft(request_for(*CLASSES)) == system
    assert [drafter.revise(RevisionRequest(system)) for _ in range(2)] == revisions
    assert silences(events) == 0
    assert others(events) == []
    finished = [event for event in events if isinstance(event, CallFinished)]
    assert all(event.prompt_tokens is None for event in finished), "nothing was paid"


def test_after_the_last_revision_the_recording_says_so(
    recording: tuple[Path, AttributeSystem, list[Any]],
) -> None:
    path, system, _ = recording
    drafter, events = replayed(path)
    for _ in range(2):
        drafter.revise(RevisionRequest(system))
    assert drafter.revise(RevisionRequest(system)) == ()
    assert isinstance(events[-1], RecordingSilent)
    assert "can't answer this" in events[-1].message and "--llm" in events[-1].message


def test_in_a_session_that_took_another_way_unfit_proposals_are_dropped(
    recording: tuple[Path, AttributeSystem, list[Any]], system: AttributeSystem
) -> None:
    path, _, _ = recording
    drafter, events = replayed(path)
    assert drafter.revise(RevisionRequest(system)) == ()
    dropped = [event for event in events if isinstance(event, Dropped)]
    assert [(event.what, len(event.reasons)) for event in dropped] == [("proposal", 1)] * len(
        dropped
    )
    assert dropped and "'A'" in dropped[0].reasons[0]


def test_a_reply_given_to_another_request_is_not_told_as_recorded(
    recording: tuple[Path, AttributeSystem, list[Any]],
) -> None:
    path, system, revisions = recording
    drafter, events = replayed(path)
    assert drafter.revise(RevisionRequest(system, confusions=("A taken for B",))) == revisions[0]
    assert others(events) == ["revise"]
    assert not any(isinstance(event, CallFinished) for event in events)
    assert drafter.revise(RevisionRequest(system)) == revisions[1]
    assert others(events) == ["revise"]
    finished = [event.purpose for event in events if isinstance(event, CallFinished)]
    assert finished == ["revise", "revise again"]


def test_a_note_is_not_answered_but_the_proposals_come(
    recording: tuple[Path, AttributeSystem, list[Any]],
) -> None:
    path, system, _ = recording
    drafter, events = replayed(path)
    (proposal,) = drafter.revise(RevisionRequest(system, notes=("mind the horns",)))
    assert isinstance(proposal.edits[0], SetRule) and silences(events) == 1
    drafter.revise(RevisionRequest(system))
    assert silences(events) == 1, "a round without a note is answered"
    drafter, events = replayed(path)
    for _ in range(2):
        drafter.revise(RevisionRequest(system, notes=("mind the horns",)))
    assert silences(events) == 2, "the same words said again are a new note"


def test_a_session_taken_up_again_goes_on_where_it_stopped(
    tmp_path: Path, system: AttributeSystem
) -> None:
    rounds = [RevisionRequest(system, confusions=(f"round {number}",)) for number in range(3)]
    answers = [chat(proposing(name)) for name in ("Absol", "Aggron", "Absol")]
    with openai_server(answers) as server:
        live = Live(server.url, tmp_path)
        expected = [live.drafter.revise(request) for request in rounds]
    drafter, _ = replayed(live.transcript)
    assert drafter.revise(rounds[1]) == expected[1]
    assert drafter.revise(rounds[2]) == expected[2]
    assert drafter.revise(rounds[2]) == ()


@pytest.mark.parametrize("classes", [("A", "B"), ("A", "B", "C", "D"), ("A", "B", "X")])
def test_other_classes_are_refused(
    recording: tuple[Path, AttributeSystem, list[Any]], classes: tuple[str, ...]
) -> None:
    drafter, _ = replayed(recording[0])
    with pytest.raises(LLMError, match="made for other classes") as caught:
        drafter.draft(request_for(*classes))
    (odd, *_) = set(classes) ^ set(CLASSES)
    assert repr(odd) in caught.value.message and caught.value.hint


def test_a_draft_that_is_not_recorded_to_the_end(
    recording: tuple[Path, AttributeSystem, list[Any]], tmp_path: Path
) -> None:
    lines = recording[0].read_text(encoding="utf-8").splitlines(keepends=True)
    short = tmp_path / "short.jsonl"
    short.write_text("".join(lines[:5]), encoding="utf-8")
    drafter, _ = replayed(short)
    with pytest.raises(LLMError, match="holds no answer for 'draft rules 1/1 half again'"):
        drafter.draft(request_for(*CLASSES))


def test_a_recording_says_where_it_comes_from(
    recording: tuple[Path, AttributeSystem, list[Any]], tmp_path: Path
) -> None:
    header = {"recording": {"label": "scripted", "about": "written by hand"}}
    labelled = tmp_path / "labelled.jsonl"
    text = recording[0].read_text(encoding="utf-8")
    labelled.write_text(f"{json.dumps(header)}\n{text}", encoding="utf-8")
    drafter, _ = replayed(labelled)
    assert (drafter.label, drafter.about) == ("scripted", "written by hand")
    assert drafter.draft(request_for(*CLASSES)) == recording[1]
    assert replayed(recording[0])[0].label == "recorded"


def test_a_reply_needs_no_more_than_purpose_and_text(tmp_path: Path) -> None:
    path = tmp_path / "small.jsonl"
    entries = [
        {"purpose": "draft groups", "reply": json.dumps(GROUPS)},
        {"purpose": "draft rules 1/1", "reply": json.dumps(rules(rule("A"), rule("B")))},
    ]
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
    drafter, events = replayed(path)
    assert drafter.draft(request_for("A", "B")).classes == ("A", "B")
    assert others(events) == []


FORMER_SCHEMA = {
    "$defs": {"DraftedRule": {"properties": {"class_name": {"enum": ["A", "B"]}}}},
    "properties": {"rules": {"items": {"$ref": "#/$defs/DraftedRule"}, "type": "array"}},
    "required": ["rules"],
    "title": "RulesReply",
}


def of_a_former_version(folder: Path) -> Path:
    """A draft's transcript from when rules were a list."""
    entries = [
        {"purpose": "draft groups", "key": "0" * 16, "reply": json.dumps(GROUPS)},
        {
            "purpose": "draft rules 1/1",
            "key": "1" * 16,
            "schema": FORMER_SCHEMA,
            "reply": json.dumps(rules(rule("B", "red"), rule("A"))),
        },
    ]
    path = folder / "llm.jsonl"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
    return path


def test_a_recording_of_a_former_version_is_replayed(tmp_path: Path) -> None:
    path = of_a_former_version(tmp_path)
    drafter, events = replayed(path)
    system = drafter.draft(request_for("A", "B"))
    assert [system.rules[name]["color"] for name in "AB"] == [("white",), ("red",)]
    assert others(events) == ["draft groups", "draft rules 1/1"]
    with pytest.raises(LLMError, match="made for other classes"):
        replayed(path)[0].draft(request_for("A", "C"))


def test_a_draft_that_a_former_version_broke_off_is_asked_anew(tmp_path: Path) -> None:
    of_a_former_version(tmp_path)
    with openai_server([chat(GROUPS), chat(rules(rule("A"), rule("B")))]) as server:
        live = Live(server.url, tmp_path)
        assert live.drafter.draft(request_for("A", "B")).without_rules == ()
        assert len(server.requests) == 2


@pytest.mark.parametrize("content", ["hello\n", '{"no": "purpose"}\n', "[1]\n"])
def test_a_file_that_is_no_recording(tmp_path: Path, content: str) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"other\.jsonl, line 1"):
        replayed(path)


def test_a_recording_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.jsonl cannot be read"):
        replayed(tmp_path / "gone.jsonl")


def test_replaying_imports_neither_openai_nor_instructor(
    recording: tuple[Path, AttributeSystem, list[Any]],
) -> None:
    code = (
        "import sys\n"
        "from builder.llm.drafter import open_drafter\n"
        "from builder.llm.settings import ModelSettings\n"
        "from builder.proposals.requests import DraftRequest\n"
        f"d = open_drafter(ModelSettings({f'replay:{recording[0]}'!r}), lambda e: None)\n"
        "d.draft(DraftRequest('Pokémon', (('A', ''), ('B', ''), ('C', ''))))\n"
        "print({'openai', 'instructor', 'httpx'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "set()"


def test_a_resumed_session_goes_on_after_the_revisions_it_has_heard(tmp_path: Path) -> None:
    path = tmp_path / "llm.jsonl"
    entries = [
        {"purpose": "draft groups", "reply": "{}"},
        {"purpose": "revise", "reply": "first"},
        {"purpose": "revise again", "reply": "first again"},
        {"purpose": "revise", "reply": "cut off", "finish_reason": "length"},
        {"purpose": "revise", "reply": "second"},
        {"purpose": "revise", "reply": "third"},
    ]
    path.write_text("\n".join(map(json.dumps, entries)), encoding="utf-8")
    exchanges = transcript.read(path).exchanges
    left = [[entry.reply for entry in unheard(exchanges, heard)] for heard in range(4)]
    assert left == [
        ["{}", "first", "first again", "cut off", "second", "third"],
        ["{}", "cut off", "second", "third"],
        ["{}", "third"],
        ["{}"],
    ]
