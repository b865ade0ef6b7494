"""`cotbuild optimize --optimizer gepa` against a model at a loopback address."""

import json
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from builder.edits.locks import Lock
from builder.scoring.wording import counted
from builder.session.journal import Session, read_state
from builder.session.records import Locked
from builder.session.state import advance
from tests.cli.conftest import CLASSES, GROUPS, Job, cotbuild, failed, kinds, lines_of
from tests.cli.pty import Terminal, start_file
from tests.openai_server import Answer, OpenAIServer, Request, chat, failure, openai_server

pty = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
COLOR = GROUPS["groups"][0]


def group(**changes: object) -> dict[str, object]:
    return {"reason": "it is [red]", "decision": "rewrite this group", **COLOR, **changes}


# With these rules 8 of the 12 review images are correct, not 4, and more can't be.
WITH = {"red": [CLASSES[0]], "green": [CLASSES[1]]}
FIX = group(options=[{"option": o, "classes": WITH.get(o, [])} for o in COLOR["options"]])
NONSENSE = group(prompt="no slot")


def answers(*written: object) -> Answer:
    """One group, none, or more than was asked for."""
    return chat({"rewritten": list(written) if len(written) > 1 else next(iter(written), None)})


class Model:
    """Gives the answers one after the other, then the last of them again and again."""

    def __init__(self, *script: Answer) -> None:
        self.script = list(script)
        self.asked: list[Request] = []

    def __call__(self, request: Request) -> Answer:
        self.asked.append(request)
        return self.script[min(len(self.asked), len(self.script)) - 1]


@pytest.fixture
def fixing() -> Iterator[OpenAIServer]:
    with openai_server(Model(answers(FIX))) as server:
        yield server


def gepa(session: Path, url: str, *more: object) -> list[object]:
    return ["optimize", session, "--optimizer", "gepa", "--llm", "m", "--llm-url", url, *more]


def test_a_draft_is_mended_and_can_be_reviewed_afterwards(
    session: Path, fixing: OpenAIServer
) -> None:
    result = cotbuild(*gepa(session, fixing.url, "--max-calls", 3))
    assert result.exit_code == 0, result.output
    assert "tokens" in result.stderr
    said = " ".join(result.stdout.split())
    assert "GEPA: 3 answers of the model; its budget of 3 calls is spent." in said
    state = read_state(session)
    best = state.best_version
    assert best is not None
    assert f"the best of 2 versions is version {best.number}: {best.correct} of 12" in said
    accepted = [d for d in state.decisions if d.decision == "accepted"]
    assert len(accepted) == 1
    assert (accepted[0].by, accepted[0].proposal.source) == ("auto", "llm")
    assert accepted[0].proposal.reason == "it is [red]"
    assert state.system is not None
    assert state.system.rules[CLASSES[0]]["color"] == ("red",)
    right = [version.review.count("1") for version in state.versions]
    assert right == [4, 8]
    assert accepted[0].effect is not None
    assert accepted[0].effect.net == right[1] - right[0]
    assert (state.optimised[-1].optimiser, state.optimised[-1].llm) == ("gepa", "m")
    assert state.final is None
    for command in (["log", session], ["diff", session, 1, "last"]):
        assert cotbuild(*command).exit_code == 0
    assert cotbuild("resume", session, "--auto", "--rounds", 1).exit_code == 0


def test_the_model_is_told_what_goes_wrong_and_what_became_of_its_answers(session: Path) -> None:
    form = {"name": "form", "prompt": "Its shape is {}.", "options": ["a wolf", "a bug"]}
    model = Model(answers(NONSENSE), answers(group(**form, reason="other words")), answers())
    with openai_server(model) as server:
        result = cotbuild(*gepa(session, server.url, "--max-calls", 4))
    assert result.exit_code == 0, result.output
    first, second, third, last = (request.text for request in model.asked)
    assert CLASSES[0] in first
    assert '"name": "color"' in first.partition("<group>")[2]
    assert "exactly one {}" in second.partition("<unusable>")[2].partition("</unusable>")[0]
    # The spare component, for a group that is not there yet.
    assert "<group>\n[]\n</group>" in third
    past = last.partition("<past>")[2].partition("</past>")[0]
    assert "Its shape is {}." in past
    assert "on review images" in past


@pytest.mark.parametrize("calls", [1, 2, 5])
def test_the_budget_is_kept_to_the_call(session: Path, fixing: OpenAIServer, calls: int) -> None:
    assert cotbuild(*gepa(session, fixing.url, "--max-calls", calls)).exit_code == 0
    assert len(fixing.requests) == calls
    run = read_state(session).optimised[-1]
    assert run.measured == calls
    assert run.reason == f"its budget of {counted(calls, 'call')} is spent"


def test_no_call_is_made_when_the_minutes_are_over(session: Path) -> None:
    slow = chat({"rewritten": [FIX]}, delay=0.5)
    with openai_server(Model(slow)) as server:
        result = cotbuild(*gepa(session, server.url, "--max-minutes", 0.001))
        assert result.exit_code == 0, result.output
        assert len(server.requests) == 1
    assert read_state(session).optimised[-1].reason == "its 0.001 minutes are over"


def test_calls_that_fail_count_as_well(session: Path) -> None:
    busy = failure(503, "overloaded", **{"Retry-After": "0"})
    model = Model(answers(FIX), busy, answers(NONSENSE), busy, busy)
    with openai_server(model) as server:
        assert cotbuild(*gepa(session, server.url, "--max-calls", 4)).exit_code == 0
    assert len(model.asked) == 4
    assert "budget of 4 calls" in read_state(session).optimised[-1].reason


def test_money_that_does_not_pay_for_a_call_is_not_spent(
    session: Path, fixing: OpenAIServer
) -> None:
    flags = ["--price", "1/1", "--max-cost", "0.000001"]
    failed(cotbuild(*gepa(session, fixing.url, *flags)), 4, "--max-cost")
    assert fixing.requests == []
    flags = ["--price", "1/1", "--max-cost", "0.03"]
    assert cotbuild(*gepa(session, fixing.url, *flags)).exit_code == 0
    assert fixing.requests
    assert "--max-cost" in read_state(session).optimised[-1].reason


def test_answers_that_are_no_use_are_failures_among_others(session: Path) -> None:
    unknown = group(options=[{"option": "red", "classes": ["Nobody"]}])
    useless = [
        answers(NONSENSE),
        answers(unknown),
        answers(FIX, FIX),
        answers(group()),
        answers("red"),
        answers(FIX, FIX),
    ]
    model = Model(*useless, answers(FIX))
    with openai_server(model) as server:
        result = cotbuild(*gepa(session, server.url, "--max-calls", len(useless) + 1))
    assert result.exit_code == 0, result.output
    for words in ("exactly one {}", "'Nobody'", "2 came", "changes nothing", "dictionary"):
        assert words in " ".join(result.stderr.split())
    assert read_state(session).system.rules[CLASSES[0]]["color"] == ("red",)  # type: ignore[union-attr]


@pytest.mark.parametrize("answer", [answers(NONSENSE), chat("I would rather not say")])
def test_a_run_without_one_usable_answer_says_so(session: Path, answer: Answer) -> None:
    with openai_server(Model(answer)) as server:
        result = cotbuild(*gepa(session, server.url, "--max-calls", 12))
    failed(result, 4, "of the model could be used")
    state = read_state(session)
    assert state.decisions == ()
    assert kinds(session)[-1] == "optimised"


def test_an_endpoint_that_fails_in_mid_run_costs_nothing_that_was_found(session: Path) -> None:
    model = Model(answers(FIX), failure(401, "the account is empty"))
    with openai_server(model) as server:
        said = failed(cotbuild(*gepa(session, server.url)), 4, "account is empty")
        again = f"cotbuild optimize --optimizer gepa --llm m --llm-url {server.url} {session}"
        assert again in said
        assert len(read_state(session).versions) == 2
        before = kinds(session)
        model.script[1:] = [answers(NONSENSE), answers()]
        result = cotbuild(*shlex.split(again)[1:], "--max-calls", 3)
        assert result.exit_code == 0, result.output
    assert kinds(session)[: len(before)] == before


def test_the_same_seed_and_replies_give_the_same_run(session: Path) -> None:
    script = [
        answers(group(prompt="Its colour is {}.")),
        answers(),
        answers(FIX),
        answers(NONSENSE),
    ]
    others = [session.with_name(name) for name in ("one", "same", "replayed")]
    for folder in others:
        shutil.copytree(session, folder)
    for folder in others[:2]:
        with openai_server(Model(*script)) as server:
            assert cotbuild(*gepa(folder, server.url, "--seed", 3)).exit_code == 0
    replay = ["--llm", f"replay:{others[0] / 'llm.jsonl'}", "--seed", 3]
    assert cotbuild("optimize", others[2], "--optimizer", "gepa", *replay).exit_code == 0
    one, *same = (read_state(folder) for folder in others)
    for state in same:
        assert state.decisions == one.decisions
        assert state.versions == one.versions


def test_what_a_person_locked_stays(session: Path) -> None:
    lock = Locked(lock=Lock(group="color", class_name=CLASSES[0]))
    with Session.open(session) as opened:
        opened.append(lock, advance(opened.state, lock))
    with openai_server(Model(answers(FIX))) as server:
        result = cotbuild(*gepa(session, server.url, "--max-calls", 1))
    failed(result, 4, f"locked: rule {CLASSES[0]} · color")
    assert read_state(session).decisions == ()


def test_a_locked_group_is_not_asked_about(session: Path) -> None:
    lock = Locked(lock=Lock(group="color"))
    with Session.open(session) as opened:
        opened.append(lock, advance(opened.state, lock))
    model = Model(answers())
    with openai_server(model) as server:
        cotbuild(*gepa(session, server.url, "--max-calls", 4))
    asked = [request.text.partition("<group>")[2] for request in model.asked]
    assert len(asked) == 4
    assert not any('"name": "color"' in text for text in asked)


def test_a_system_file_is_evolved_in_a_new_session_which_keeps_its_model(
    job: Job, fixing: OpenAIServer
) -> None:
    flags = ["--images", job.images, "--encoder", job.encoder, "--out", job.session]
    result = cotbuild(*gepa(start_file(job), fixing.url, *flags, "--max-calls", 1))
    assert result.exit_code == 0, result.output
    assert read_state(job.session).started.llm == "m"
    # It goes on with the next group, then one that is not there yet, and comes back to the first.
    again = cotbuild("optimize", job.session, "--optimizer", "gepa", "--max-calls", 3)
    assert again.exit_code == 0, again.output
    asked = [request.text.partition("<group>\n")[2] for request in fixing.requests]
    assert ['"color"' in text for text in asked] == [True, False, False, True]
    assert asked[2].startswith("[]")
    assert "it changes nothing" in again.stderr


def test_a_system_file_without_a_model_that_may_be_asked_begins_no_session(job: Job) -> None:
    flags = ["--images", job.images, "--encoder", job.encoder, "--out", job.session]
    begun = ["optimize", start_file(job), *flags, "--optimizer", "gepa"]
    failed(cotbuild(*begun), 2, "none is named")
    failed(cotbuild(*begun, "--llm", "paste"), 2, "too often to carry by hand")
    failed(cotbuild(*begun, "--llm", "m", "--llm-url", "https://example.org/v1"), 4, "API_KEY")
    failed(cotbuild(*begun, "--llm", "replay:/nowhere"), 2, "/nowhere")
    assert not job.session.exists()


def test_nothing_is_written_outside_the_session_and_the_cache(
    session: Path, fixing: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = session.with_name("elsewhere")
    for name in ("temporary", "home"):
        (elsewhere / name).mkdir(parents=True)
    monkeypatch.setenv("TMPDIR", str(elsewhere / "temporary"))
    monkeypatch.setenv("HOME", str(elsewhere / "home"))
    monkeypatch.chdir(elsewhere)

    def files() -> set[Path]:
        inside = (session, session.parent / "cache")
        found = session.parent.rglob("*")
        return {path for path in found if not any(path.is_relative_to(at) for at in inside)}

    before = files()
    assert cotbuild(*gepa(session, fixing.url, "--max-calls", 3)).exit_code == 0
    assert files() == before


def test_nothing_but_ours_is_on_the_screen(session: Path, fixing: OpenAIServer) -> None:
    result = cotbuild(*gepa(session, fixing.url, "--max-calls", 3, "--json"))
    assert result.exit_code == 0, result.output
    events = [json.loads(line)["event"] for line in result.stdout.splitlines()]
    assert events[-2:] == ["optimised", "ended"]
    assert "Iteration" not in result.stderr


def test_bad_input_is_told_and_leaves_the_journal_as_it_was(
    session: Path, fixing: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = lines_of(session / "session.jsonl")
    said = failed(cotbuild("optimize", session, "--optimizer", "gepa"), 2, "none is named")
    assert "images" not in said
    failed(cotbuild(*gepa(session, fixing.url, "--max-calls", 0)), 2, "budget of 0")
    failed(cotbuild(*gepa(session, fixing.url, "--max-cost", 0)), 2, "budget of 0")
    failed(cotbuild(*gepa(session, fixing.url, "--max-cost", 1)), 2, "would never end", "--budget")
    failed(cotbuild(*gepa(session, fixing.url, "--null")), 2, "--null")
    failed(cotbuild("optimize", session, "--llm", "m"), 2, "greedy search asks no")
    keyless = cotbuild(*gepa(session, "https://example.org/v1", "--yes"))
    failed(keyless, 4, "OPENAI_API_KEY")
    with monkeypatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "a key")
        hosted = gepa(session, "https://example.org/v1", "--price", "1000/1000")
        said = failed(cotbuild(*hosted, "--max-calls", 2), 2, "up to 2 calls of about", "--yes")
        tokens, dollars = re.search(r"about ([\d,]+) tokens each, about \$([\d.]+);", said).groups()  # type: ignore[union-attr]
        assert float(dollars) == pytest.approx(2 * int(tokens.replace(",", "")) / 1000, rel=0.1)
        failed(cotbuild(*hosted, "--max-minutes", 1), 2, "any number of calls", "tokens each, one")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "gepa", None)
        failed(cotbuild(*gepa(session, fixing.url)), 2, "pip install 'cotbuild[gepa]'")
    with monkeypatch.context() as patch:
        patch.setattr(metadata, "version", lambda _: "0.0.26")
        failed(cotbuild(*gepa(session, fixing.url)), 2, "0.0.26 is too old")
    assert fixing.requests == []
    assert lines_of(session / "session.jsonl") == before


@pytest.mark.slow
@pty
def test_ctrl_c_and_a_kill_keep_what_was_found_and_the_next_run_goes_on(session: Path) -> None:
    slow = chat({"rewritten": [group(prompt="Its colour is {}.")]}, delay=30)
    model = Model(answers(FIX), slow)
    with openai_server(model) as server:
        terminal = Terminal(*gepa(session, server.url))
        terminal.sees("GEPA: 1 of 10 calls")
        terminal.types("\x03")
        terminal.sees("cotbuild optimize --optimizer gepa --llm m")
        terminal.sees(str(session))
        assert terminal.ends() == 130
        state = read_state(session)
        assert len(state.versions) == 2
        assert state.optimised[-1].reason == "stopped by Ctrl-C"
        terminal = Terminal(*gepa(session, server.url))
        terminal.sees("GEPA: 0 of 10 calls")
        terminal.killed()
        assert read_state(session).versions == state.versions
        model.script[1:] = [answers()]
        assert cotbuild(*gepa(session, server.url, "--max-calls", 1)).exit_code == 0
    after = read_state(session)
    assert after.decisions[: len(state.decisions)] == state.decisions
    assert after.optimised[-1].measured == 1
