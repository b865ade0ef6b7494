"""`log`, `diff` and `revert` on a session's files: no images, no encoder, nobody asked."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from builder.edits.apply import apply
from builder.edits.file import read_proposals
from builder.llm.cost import Spent
from builder.llm.transcript import Exchange, append
from builder.session.journal import JOURNAL, Session, read_state
from builder.session.records import Drafted, Noted, Record, Reverted, RoundEnded
from builder.session.state import advance
from builder.system.file import load_system_file
from tests.cli.conftest import CLASSES, Job, cotbuild, failed, kinds, lines_of
from tests.openai_server import OpenAIServer
from tests.session.test_story import FIX, OWN, RENAME, measured, refused, took
from tests.worlds import DRAFT, GOOD, started

PLAYED: tuple[Record, ...] = (
    Drafted(system=DRAFT, source="some model"),
    measured(1, "1100110010"),
    took(FIX),
    RoundEnded(round=1),
    measured(2, "1111110010"),
    Noted(text="[red] \x1b[31m"),
    refused(OWN),
    took(RENAME, by="auto"),
)


def play(folder: Path, records: Sequence[Record] = PLAYED) -> Path:
    """A session with these records in that folder; its images are nowhere."""
    with Session.create(folder, started()) as opened:
        for record in records:
            opened.append(record, advance(opened.state, record))
    return folder


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """Two versions, and a rename that was not measured yet."""
    return play(tmp_path / "session")


def told(folder: Path) -> dict[str, object]:
    result = cotbuild("log", folder, "--json")
    assert result.exit_code == 0, result.output
    value = json.loads(result.stdout)
    assert isinstance(value, dict)
    return value


def test_log_tells_versions_decisions_and_what_is_not_measured(session: Path) -> None:
    result = cotbuild("log", session)
    assert result.exit_code == 0, result.output
    said = " ".join(result.stdout.split())
    for words in (
        "creature: 3 classes, 1 round finished, 2 versions.",
        "2 fixed, 0 broken, p = 0.5",
        "version 2 (best)",
        "accepted by you: +33.3 pp (3 fixed, 0 broken) on review",
        "Since then, not measured yet",
        "From the model, accepted by --auto",
        "rename group colour to fur",
    ):
        assert words in said, words
    assert "\x1b" not in result.stdout


def test_log_as_json(session: Path) -> None:
    value = told(session)
    first, second = value["versions"]  # type: ignore[misc]
    assert (value["best"], value["rounds"], value["drafted_by"]) == (2, 1, "some model")
    assert (value["confirmed"], value["held_out_looks"]) == (None, 2)
    assert first["change"] is None
    assert second["held_out"]["correct"] == 7
    assert 0 < second["held_out"]["low"] < 0.7 < second["held_out"]["high"] < 1
    change = second["change"]
    assert (change["fixed"], change["broken"], change["p"]) == (2, 0, 0.5)
    (accepted,) = second["accepted"]
    assert read_proposals(json.dumps([accepted["proposal"]])) == (FIX,)
    assert (accepted["by"], accepted["effect"]["fixed"]) == ("person", 3)
    since = value["since"]
    assert isinstance(since, dict)
    assert (since["unmeasured"], since["notes"]) == (True, ["[red] \x1b[31m"])
    assert [each["decision"] for each in since["rejected"]] == ["rejected"]
    assert value["exports"] == []


def test_log_tells_what_each_version_cost(session: Path) -> None:
    lines = [
        {**line, "at": f"2026-01-01T00:00:{second:02}.500+00:00"}
        for second, line in enumerate(lines_of(session / JOURNAL))
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (session / JOURNAL).write_text(text, encoding="utf-8")
    times = [str(line["at"]) for line in lines]
    one = Spent(input_tokens=900, output_tokens=100, cost=0.5)
    for at in (times[2], times[3], "2999-01-01T00:00:00+00:00", "not a time"):
        append(session / "llm.jsonl", Exchange(purpose="p", time=at, reply="{}", spent=one))
    value = told(session)
    assert [version["spent"]["cost"] for version in value["versions"]] == [0.5, 0.5]  # type: ignore[attr-defined]
    assert value["since"]["spent"]["input_tokens"] == 1800  # type: ignore[index]
    assert value["spent"]["cost"] == 2.0  # type: ignore[index]
    said = " ".join(cotbuild("log", session).stdout.split())
    assert said.count("Language model: 1,000 tokens, $0.50.") == 2
    assert "The language model took 4,000 tokens, $2.00 in all." in said


def test_a_session_in_use_can_be_looked_at_but_not_reverted(session: Path) -> None:
    with Session.open(session):
        assert cotbuild("log", session).exit_code == 0
        assert cotbuild("diff", session, 1, "now").exit_code == 0
        failed(cotbuild("revert", session, 1), 5, "in use by process", "cotbuild log")
    assert "reverted" not in kinds(session)


def test_the_latest_session_is_told_by_default(
    session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(session.parent)
    assert cotbuild("log").stdout == cotbuild("log", session).stdout
    monkeypatch.chdir(session.parent.parent / "..")
    failed(cotbuild("log", session.parent / "none"), 5, "no session")


@pytest.mark.parametrize(
    ("before", "after"), [("1", "2"), ("2", "1"), ("best", "now"), ("now", "1"), ("last", "best")]
)
def test_the_edits_of_a_diff_lead_from_one_to_the_other(
    session: Path, before: str, after: str
) -> None:
    state = read_state(session)
    assert state.system is not None
    systems = {"1": DRAFT, "2": GOOD, "best": GOOD, "last": GOOD, "now": state.system}
    result = cotbuild("diff", session, before, after, "--json")
    assert result.exit_code == 0, result.output
    found = read_proposals(result.stdout)
    system = systems[before]
    for proposal in found:
        system = apply(system, proposal.edits)
    assert system == systems[after]
    assert len(found) == (before != "last")


def test_a_diff_tells_a_rename_as_such_and_compares_on_held_out(session: Path) -> None:
    said = " ".join(cotbuild("diff", session, 1, "now").stdout.split())
    assert "From version 1 to the working system: 2 edits" in said
    assert "rename group colour to fur" in said
    assert "The working system: not measured." in said
    said = " ".join(cotbuild("diff", session, 1, 2).stdout.split())
    assert "2 fixed, 0 broken, p = 0.5" in said
    assert "From the data: " in said


@pytest.mark.parametrize("command", ["diff", "revert"])
def test_an_unknown_version_is_named_with_those_there_are(session: Path, command: str) -> None:
    before = (session / JOURNAL).read_bytes()
    arguments = ["7", "now"] if command == "diff" else ["7"]
    failed(cotbuild(command, session, *arguments), 2, "no version '7'", "1 to 2, best (2)")
    assert (session / JOURNAL).read_bytes() == before


def test_revert_goes_back_and_says_what_it_changed(session: Path) -> None:
    result = cotbuild("revert", session, 1)
    assert result.exit_code == 0, result.output
    assert "2 proposals taken back" in result.stdout
    assert "cotbuild resume" in result.stderr
    state = read_state(session)
    assert state.system == DRAFT
    assert state.done[-1].act == Reverted(version=1)
    # A second time there is nothing to do, and nothing is written.
    before = (session / JOURNAL).read_bytes()
    for version in (1, "now"):
        result = cotbuild("revert", session, version)
        assert (result.exit_code, result.stdout) == (0, "")
        assert "Nothing to do" in result.stderr
    assert (session / JOURNAL).read_bytes() == before
    assert cotbuild("revert", session, "best").exit_code == 0
    assert read_state(session).system == GOOD


def test_revert_without_versions(tmp_path: Path) -> None:
    with Session.create(tmp_path / "s", started()) as opened:
        failed(cotbuild("revert", tmp_path / "none", 1), 5, "no session")
        opened.append(PLAYED[0], advance(opened.state, PLAYED[0]))
    failed(cotbuild("revert", tmp_path / "s", 1), 2, "none was measured yet")


def test_without_a_session_it_is_the_latest_below(
    session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = play(session.with_name("older"), PLAYED[:2])
    os.utime(older / JOURNAL, (1, 1))
    monkeypatch.chdir(session.parent)
    for words in ([1, "best"], [1, "now", "--json"]):
        assert cotbuild("diff", *words).stdout == cotbuild("diff", session, *words).stdout != ""
    assert cotbuild("revert", 1).exit_code == 0
    assert read_state(session).system == DRAFT
    failed(cotbuild("diff", "older", 1, 2), 2, "no version '2'")


def test_a_session_may_be_named_as_a_version_is(
    session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(session.parent)
    one = play(session.with_name("1"), PLAYED[:2])
    os.utime(one / JOURNAL, (1, 1))
    # Two words are versions, of three the first is the session.
    assert cotbuild("diff", 1, 2).stdout == cotbuild("diff", session, 1, 2).stdout
    assert "version 1 to the working system: 0 edits" in cotbuild("diff", 1, 1, "now").stdout
    assert "Nothing to do" in cotbuild("revert", 1, "best").stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("diff", "Missing argument '[SESSION] A B'"),
        ("diff session", "1 words: session"),
        ("diff session 1", "which version of the session in session?"),
        ("diff ./none 1", "which version of the session in ./none?"),
        ("diff 2 1 2", "'2' is not the folder of a session"),
        ("diff session 1 2 3", "4 words: session 1 2 3"),
        ("revert session", "which version of the session in session?"),
        ("revert session 1 2", "3 words: session 1 2"),
    ],
)
def test_a_wrong_number_of_words_is_an_error(
    session: Path, monkeypatch: pytest.MonkeyPatch, words: str, said: str
) -> None:
    monkeypatch.chdir(session.parent)
    before = (session / JOURNAL).read_bytes()
    result = cotbuild(*words.split())
    if said.startswith("Missing"):
        assert (result.exit_code, said in result.stderr) == (2, True)
    else:
        failed(result, 2, said, "give [SESSION]")
    assert (session / JOURNAL).read_bytes() == before


def test_revert_as_json(session: Path) -> None:
    edits = json.loads(cotbuild("diff", session, "now", 1, "--json").stdout)
    result = cotbuild("revert", session, 1, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {"version": 1, "changed": True, "edits": edits}
    assert "cotbuild resume" in result.stderr
    again = json.loads(cotbuild("revert", session, 1, "--json").stdout)
    assert again == {"version": 1, "changed": False, "edits": []}


def test_a_diff_is_a_file_of_edits_for_a_real_session(job: Job, model: OpenAIServer) -> None:
    cotbuild("new", *job.flags(), "--llm", "m", "--llm-url", model.url, "--auto")
    edits = job.folder / "edits.json"
    change = {"kind": "set_rule", "class_name": CLASSES[0], "group": "form", "options": ["a bug"]}
    edits.write_text(json.dumps([{"edits": [change]}]), encoding="utf-8")
    assert cotbuild("resume", job.session, "--edits", edits).exit_code == 0
    changed = read_state(job.session).system
    assert cotbuild("revert", job.session, 1).exit_code == 0
    assert read_state(job.session).system == read_state(job.session).versions[0].system
    written = cotbuild("diff", job.session, "now", "last", "--json")
    edits.write_text(written.stdout, encoding="utf-8")
    result = cotbuild("resume", job.session, "--edits", edits)
    assert result.exit_code == 0, result.output
    assert read_state(job.session).system == changed
    best = read_state(job.session).best_version
    assert best is not None
    assert load_system_file(job.session / "system.json").system == best.system
