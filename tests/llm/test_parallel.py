"""Batches in flight: their order does not matter, Ctrl-C ends them, and a resumed draft goes on."""

import json
import os
import signal
import stat
import threading
import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.errors import LLMError
from builder.llm.asking import Asking
from builder.llm.cancel import Cancellation, Stopped
from builder.llm.drafter import ModelDrafter, open_drafter
from builder.llm.events import CallReused, DraftProgress, Dropped, Respelled, RulesWanting
from builder.llm.parallel import ParallelCalls
from builder.llm.schemas import GroupsReply
from builder.llm.settings import ModelSettings
from builder.llm.transport import Message, ReplyT, ask
from builder.system.model import AttributeSystem
from tests.chance import dice
from tests.llm.live import GROUPS, Live, request_for, rule, rules
from tests.openai_server import (
    Answer,
    Request,
    asked_classes,
    chat,
    failure,
    obliging,
    openai_server,
)

NAMES = [f"class {number}" for number in range(60)]


def drafter_of(live: Live, parallel: int) -> ModelDrafter:
    return ModelDrafter(
        Asking(
            live.transport,
            live.events.append,
            parallel=ParallelCalls(parallel, live.transport.stop),
        )
    )


def asked(request: Request) -> list[str]:
    if request.schema["title"] != "RulesReply":
        return []
    return list(asked_classes(request).values())


def delayed(seed: int) -> Callable[[Request], Answer]:
    random = dice(seed)
    return lambda request: Answer(obliging(request).body, delay=random.uniform(0, 0.05))


def test_the_system_does_not_depend_on_which_answer_came_first(tmp_path: Path) -> None:
    systems: list[AttributeSystem] = []
    for number, parallel in enumerate((1, 4, 4)):
        (tmp_path / str(number)).mkdir()
        with openai_server(delayed(number)) as server:
            live = Live(server.url, tmp_path / str(number))
            systems.append(drafter_of(live, parallel).draft(request_for(*NAMES)))
    assert systems[0] == systems[1] == systems[2] and systems[0].classes == tuple(NAMES)


def test_no_more_calls_in_flight_than_allowed_and_progress_is_told(tmp_path: Path) -> None:
    names = [f"class {number}" for number in range(60, 60 + 55)]
    lock, running, most = threading.Lock(), [0], [0]

    class Counting:
        def __init__(self, live: Live) -> None:
            self.live = live

        def complete(
            self, purpose: str, messages: list[Message], reply_model: type[ReplyT]
        ) -> ReplyT:
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
            try:
                return self.live.transport.complete(purpose, messages, reply_model)
            finally:
                with lock:
                    running[0] -= 1

    with openai_server(lambda r: Answer(obliging(r).body, delay=0.05)) as server:
        live = Live(server.url, tmp_path)
        ModelDrafter(Asking(Counting(live), live.events.append, parallel=ParallelCalls(2))).draft(
            request_for(*names[:55], *NAMES[:5])
        )
    assert most == [2]
    done = [event.done for event in live.told(DraftProgress)]
    assert done == sorted(done) and done[-1] == 60
    assert {event.total for event in live.told(DraftProgress)} == {60}


def test_a_failure_keeps_the_answers_in_flight_and_starts_no_more(tmp_path: Path) -> None:
    def respond(request: Request) -> Answer:
        if "class 0" in asked(request):
            return Answer(failure(401, "no").body, 401, delay=0.05)
        return Answer(obliging(request).body, delay=0.15)

    with openai_server(respond) as server:
        live = Live(server.url, tmp_path)
        with pytest.raises(LLMError, match=r"\(401\)"):
            drafter_of(live, 2).draft(request_for(*NAMES))
        assert len(server.requests) == 3, "the third batch was not asked for"
    assert [entry.reply is not None for entry in live.exchanges] == [True, False, True]


def test_ctrl_c_ends_at_once_and_a_resumed_draft_asks_only_for_the_rest(tmp_path: Path) -> None:
    main = threading.main_thread().ident
    assert main is not None
    stuck = threading.Event()

    def respond(request: Request) -> Answer:
        if "class 0" in asked(request) or not asked(request):
            return obliging(request)
        if not stuck.is_set():
            stuck.set()
            threading.Timer(0.2, signal.pthread_kill, (main, signal.SIGINT)).start()
        return Answer(obliging(request).body, delay=30)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with openai_server(respond) as server:
            live = Live(server.url, tmp_path, timeout=60.0)
            begun = time.monotonic()
            with pytest.raises(KeyboardInterrupt):
                drafter_of(live, 3).draft(request_for(*NAMES))
            assert time.monotonic() - begun < 10
    finally:
        signal.signal(signal.SIGINT, before)
    kept = {entry.purpose: entry.error for entry in live.exchanges}
    assert kept == {
        "draft groups": None,
        "draft rules 1/3": None,
        "draft rules 2/3": "stopped",
        "draft rules 3/3": "stopped",
    }
    with openai_server(obliging) as server:
        again = Live(server.url, tmp_path)
        assert drafter_of(again, 3).draft(request_for(*NAMES)).classes == tuple(NAMES)
        assert sorted(len(asked(request)) for request in server.requests) == [10, 25]
    assert len(again.told(CallReused)) == 2


class Late:
    """A transport whose call is past the gate when the user stops, and begins just afterwards."""

    def __init__(self) -> None:
        self.through, self.stopped = threading.Barrier(3), threading.Event()
        self.begun, self.ended = threading.Event(), threading.Event()

    def stop(self) -> None:
        """Ends the calls that have begun, and none that begins later."""
        self.stopped.set()
        if self.begun.is_set():
            self.ended.set()

    def complete(
        self,
        purpose: str,  # noqa: ARG002 - what is asked does not matter
        messages: list[Message],  # noqa: ARG002
        reply_model: type[ReplyT],  # noqa: ARG002
    ) -> ReplyT:
        self.through.wait(10)
        assert self.stopped.wait(10)
        self.begun.set()
        if self.ended.wait(5):
            raise Stopped
        raise AssertionError("it was never stopped")


def test_a_call_that_begins_while_the_user_stops_is_ended_too() -> None:
    main = threading.main_thread().ident
    assert main is not None
    late = Late()

    def interrupt() -> None:
        late.through.wait(10)
        signal.pthread_kill(main, signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Thread(target=interrupt).start()
        jobs = [lambda transport: transport.complete("x", ask("?"), GroupsReply)] * 2
        with pytest.raises(KeyboardInterrupt):
            ParallelCalls(2, late.stop).run(late, jobs)
    finally:
        signal.signal(signal.SIGINT, before)
    assert late.ended.is_set()


def test_a_transport_that_was_stopped_answers_again(tmp_path: Path) -> None:
    with openai_server(obliging) as server:
        live = Live(server.url, tmp_path)
        live.transport.stop()
        assert live.drafter.draft(request_for("A", "B")).classes == ("A", "B")


def test_a_cancellation_ends_waiting_and_stays() -> None:
    cancellation = Cancellation()
    threading.Timer(0.05, cancellation.stop).start()
    with pytest.raises(Stopped):
        cancellation.wait(30)
    with pytest.raises(Stopped):
        cancellation.check()


def test_halves_and_further_rounds_are_not_asked_again_by_a_resumed_draft(tmp_path: Path) -> None:
    """The first batch is halved, and one class asked for again; then the second batch fails."""
    names = NAMES[:30]
    wrong = {"class 3"}

    def respond(request: Request) -> Answer:
        wanted = asked(request)
        if len(wanted) == 25:
            return chat('{"rules": [', finish_reason="length")
        if "class 29" in wanted:
            return failure(401, "no")
        answer = obliging(request)
        if wanted and set(wanted) & wrong:
            wrong.clear()
            return chat(rules(*({"class_name": n, "dominant_color": "red", "body_shape": "round"}
                                for n in wanted if n != "class 3")))  # fmt: skip
        return answer

    with openai_server(respond) as server:
        live = Live(server.url, tmp_path)
        with pytest.raises(LLMError):
            drafter_of(live, 1).draft(request_for(*names))
        assert [len(asked(request)) for request in server.requests] == [0, 25, 12, 1, 13, 5]
    with openai_server(obliging) as server:
        again = Live(server.url, tmp_path)
        assert drafter_of(again, 1).draft(request_for(*names)).classes == tuple(names)
        assert [len(asked(request)) for request in server.requests] == [5]


def test_a_further_round_that_was_in_vain_is_asked_anew(tmp_path: Path) -> None:
    lacking = chat(rules(rule("A"), rule("B", "pale")))
    still = chat(rules(rule("B", "paler")))
    with openai_server([chat(GROUPS), lacking, still, still]) as server:
        system = Live(server.url, tmp_path).drafter.draft(request_for("A", "B"))
        assert system.rules["B"]["color"] == () and len(server.requests) == 4
    with openai_server([chat(rules(rule("B", "red")))]) as server:
        system = Live(server.url, tmp_path).drafter.draft(request_for("A", "B"))
        assert system.rules["B"]["color"] == ("red",) and len(server.requests) == 1


def test_every_line_is_whole_and_the_file_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with openai_server(obliging) as server:
            live = Live(server.url, tmp_path)
            drafter_of(live, 4).draft(request_for(*NAMES))
    finally:
        os.umask(before)
    lines = live.transcript.read_text(encoding="utf-8").splitlines()
    assert len([json.loads(line) for line in lines]) == 4
    assert stat.S_IMODE(live.transcript.stat().st_mode) == 0o600


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk to write to")
@pytest.mark.parametrize("parallel", [1, 3])
def test_a_full_disk_stops_the_step_and_says_so(tmp_path: Path, parallel: int) -> None:
    with openai_server(obliging) as server:
        live = Live(server.url, tmp_path)
        kept = tmp_path / "kept.jsonl"

        def respond(request: Request) -> Answer:
            if asked(request) and not kept.exists():
                live.transcript.rename(kept)
                live.transcript.symlink_to("/dev/full")
            return obliging(request)

        server._respond = respond
        with pytest.raises(LLMError, match=r"cannot be written to .*: No space left") as caught:
            drafter_of(live, parallel).draft(request_for(*NAMES))
        assert "Make room" in caught.value.hint
        assert len(server.requests) <= 1 + parallel
    live.transcript.unlink()
    kept.rename(live.transcript)
    assert [entry.purpose for entry in live.exchanges] == ["draft groups"]


def test_the_default_is_four_calls_at_a_time_and_one_on_this_machine(tmp_path: Path) -> None:
    def parallel(**options: Any) -> int:
        drafter = open_drafter(ModelSettings("m", transcript=tmp_path / "x", **options), print)
        assert isinstance(drafter, ModelDrafter)
        return drafter._asking.parallel.count

    assert parallel(url="https://example.org/v1") == 4
    assert parallel(url="http://127.0.0.1:1/v1") == 1
    assert parallel(url="http://127.0.0.1:1/v1", parallel=8) == 8


# --- Names ----------------------------------------------------------------------------------


def test_near_misses_are_repaired_where_it_is_clear_and_said(tmp_path: Path) -> None:
    names = ("Blaine's Moltres", "Absol G", "Celebi & Venusaur-GX", "absol", "ABSOL", "½ Moon")
    sent = ("Blaine’s moltres", "absol  g", "Celebi & Venusaur–GX", "absol", "Absol", "1⁄2 Moon")
    answer = chat(rules(*(rule(name) for name in sent)))
    with openai_server([chat(GROUPS), answer, chat(rules(rule("ABSOL", "red")))]) as server:
        live = Live(server.url, tmp_path)
        system = live.drafter.draft(request_for(*names))
        assert asked(server.requests[2]) == ["ABSOL"], "two classes resemble what was sent"
    assert system.classes == names
    told = live.told(Respelled)
    assert [(event.sent, event.meant) for event in told] == [
        (sent[0], names[0]), (sent[1], names[1]), (sent[2], names[2]), (sent[5], names[5]),
    ]  # fmt: skip
    assert "'Absol'" in live.told(Dropped)[0].reasons[0]


def test_an_exact_name_counts_before_a_near_one(tmp_path: Path) -> None:
    answer = chat(rules(rule("absol", "red"), rule("Absol", "gray"), rule("B")))
    with openai_server([chat(GROUPS), answer]) as server:
        live = Live(server.url, tmp_path)
        assert live.drafter.draft(request_for("Absol", "B")).rules["Absol"]["color"] == ("gray",)
    assert not live.told(Respelled)


def test_a_thousand_options_are_asked_for_again(tmp_path: Path) -> None:
    color, form = GROUPS["groups"]
    many = {**color, "options": [f"shade {number}" for number in range(1000)]}
    script = [chat({"groups": [many, form]}), chat({"groups": [color]})]
    script.append(chat(rules(rule("A"), rule("B"))))
    with openai_server(script) as server:
        live = Live(server.url, tmp_path)
        live.drafter.draft(request_for("A", "B"))
    assert "1,000 options are too many: at most 100" in live.told(Dropped)[0].reasons[0]


# --- Any faults -----------------------------------------------------------------------------


class Faulty:
    """Answers that are cut off, incomplete, misspelt, invented, or lost on the way, by chance."""

    def __init__(self, seed: int, badness: float) -> None:
        self.random = dice(seed)
        self.badness = badness

    def __call__(self, request: Request) -> Answer:
        answer = obliging(request)
        if not asked(request) or self.random.random() > self.badness:
            return answer
        assert isinstance(answer.body, dict)
        message = answer.body["choices"][0]["message"]
        given = json.loads(message["content"])["rules"]
        names = asked_classes(request)
        match self.random.randrange(8):
            case 0:
                return chat(message["content"][:30], finish_reason="length")
            case 1:
                return failure(self.random.choice([429, 500, 503]), "not now")
            case 2:
                return Answer("", reset=True)
            case 3:
                given = {key: given[key] for key in given if self.random.random() < 0.6}
            case 4:
                given |= {
                    key: given[key] | {"dominant_color": "invented"} for key in list(given)[:2]
                }
            case 5:
                given = {names[key].upper(): given[key] for key in given}
            case 6:
                given |= {"nobody": {}, next(iter(given)): "text"}
            case _:
                # The form of former versions.
                given = [{"class_name": names[key], **given[key]} for key in given]
                given = [{"class_name": "nobody"}, *given, *given[:1], "text"]
        return chat({"rules": given})


@settings(max_examples=20)
@given(
    seed=st.integers(0, 10_000),
    badness=st.sampled_from([0.2, 0.5, 0.9]),
    parallel=st.integers(1, 4),
    count=st.integers(2, 60),
)
def test_whatever_goes_wrong_rules_are_left_out_or_the_error_is_clear(
    tmp_path_factory: pytest.TempPathFactory, seed: int, badness: float, parallel: int, count: int
) -> None:
    folder = tmp_path_factory.mktemp("faults")
    names = NAMES[:count]
    with openai_server(Faulty(seed, badness)) as server:
        live = Live(server.url, folder, retries=2, backoff=0.001)
        try:
            system = drafter_of(live, parallel).draft(request_for(*names))
        except LLMError as error:
            assert error.hint and not isinstance(error, Stopped) and "\n" not in error.message
        else:
            wanting = {name for event in live.told(RulesWanting) for name in event.classes}
            check(system, names, wanting)
    # And however it ended, a model that has recovered finishes it from what is there.
    with openai_server(obliging) as server:
        check(drafter_of(Live(server.url, folder), parallel).draft(request_for(*names)), names)


def check(
    system: AttributeSystem, names: list[str], wanting: AbstractSet[str] = frozenset()
) -> None:
    """Every class has one option in each group of the draft, those `wanting` excepted."""
    assert system.classes == tuple(names)
    drafted = [group.name for group in system.groups if group.name != "pattern"]
    for name, choices in system.rules.items():
        missing = [group for group in drafted if len(choices[group]) != 1]
        assert bool(missing) == (name in wanting)
