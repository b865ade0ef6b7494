"""`cotbuild optimize`, and sessions from the bundled general attributes: no language model."""

import json
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.main import get_command

from builder.cli import app, load_commands
from builder.cli.model import ModelOptions
from builder.cli.optimize import EXAMPLES
from builder.cli.optimize_limits import Budget, for_null, going_on
from builder.edits.locks import Lock
from builder.resources import resource_folder
from builder.search.greedy import Greedy
from builder.search.task import Candidate, Task, Tried
from builder.session.journal import Session, read_state, read_story
from builder.session.records import Locked, Optimised
from builder.session.state import advance
from builder.system.file import GENERAL, load_groups, load_system_file
from tests.cli.conftest import CLASSES, Job, cotbuild, failed, kinds, lines_of
from tests.cli.pty import Terminal, start_file
from tests.cli.test_help import help_of

pty = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")


@pytest.fixture
def session(job: Job) -> Path:
    """A session with a draft that was measured, and nothing more."""
    result = cotbuild(
        "new", *job.flags(), "--llm", "none", "--start", start_file(job), "--auto", "--rounds", 1
    )
    assert result.exit_code == 0, result.output
    return job.session


def fresh(session: Path) -> Path:
    """A copy of the session as it was when its first version had been measured."""
    copy = session.with_name("fresh")
    shutil.copytree(session, copy)
    journal = copy / "session.jsonl"
    lines = journal.read_text(encoding="utf-8").splitlines(keepends=True)
    first = next(n for n, line in enumerate(lines) if '"kind": "measured"' in line)
    journal.write_text("".join(lines[: first + 1]), encoding="utf-8")
    return copy


def test_a_session_is_improved_and_can_be_reviewed_afterwards(session: Path) -> None:
    session = fresh(session)
    result = cotbuild("optimize", session, "--null")
    assert result.exit_code == 0, result.output
    assert "shuffled review labels" in " ".join(result.stdout.split())
    state = read_state(session)
    right = [version.review.count("1") for version in state.versions]
    assert len(right) > 1
    assert right == sorted(set(right)), "each version has more review images right"
    assert {d.by for d in state.decisions} == {"auto"}
    assert {d.proposal.source for d in state.decisions} == {"data"}
    for before, after, decided in zip(right, right[1:], state.decisions, strict=False):
        assert decided.effect is not None
        assert decided.effect.net == after - before
    assert state.final is None, "only an export looks at final images"
    best = max(version.correct for version in state.versions)
    assert state.best_version is not None
    assert state.best_version.correct == best
    assert load_system_file(session / "system.json").system == state.best_version.system
    assert kinds(session)[-1] == "optimised"
    assert "changes measured on review images; no change helps" in " ".join(
        cotbuild("log", session).stdout.split()
    )
    story = json.loads(cotbuild("log", session, "--json").stdout)
    assert story["since"]["optimised"][0]["optimiser"] == "greedy"
    assert cotbuild("diff", session, 1, "last").exit_code == 0
    assert cotbuild("resume", session, "--auto", "--rounds", 1).exit_code == 0
    again = cotbuild("optimize", session, "--max-calls", 1)
    assert again.exit_code == 0, again.output
    assert read_state(session).optimised[-1].measured == 1


def test_the_same_seed_gives_the_same_run(session: Path) -> None:
    first = fresh(session)
    other = first.with_name("other")
    shutil.copytree(first, other)
    for folder in (first, other):
        assert cotbuild("optimize", folder, "--budget", "medium", "--seed", 3).exit_code == 0
    one, same = read_state(first), read_state(other)
    assert (one.decisions, one.versions, one.optimised) == (
        same.decisions,
        same.versions,
        same.optimised,
    )
    assert one.optimised[0].restarts == 4
    assert cotbuild("optimize", first, "--budget", "medium", "--seed", 3).exit_code == 0
    assert read_state(first).optimised[-1].restarts == 8, "it goes on where it ended"


def test_a_system_file_is_improved_in_a_new_session(job: Job) -> None:
    start = start_file(job)
    result = cotbuild(
        "optimize", start, "--images", job.images, "--encoder", job.encoder, "--out", job.session
    )
    assert result.exit_code == 0, result.output
    state = read_state(job.session)
    assert state.steps[0].system == load_system_file(start).system
    assert read_story(job.session).drafted_by == str(start)
    assert state.versions[-1].review.count("1") >= state.versions[0].review.count("1")


def test_another_search_is_measured_on_the_same_splits(job: Job) -> None:
    """Else the gain of a lucky split would be told as that of a better search."""

    def splits(name: str, *flags: object) -> object:
        out = job.folder / name
        begun = [
            "optimize", start_file(job), "--images", job.images, "--encoder", job.encoder, "--out",
            out, "--max-calls", 1,
        ]  # fmt: skip
        assert cotbuild(*begun, *flags).exit_code == 0
        return read_state(out).splits

    first = splits("first")
    assert splits("search", "--seed", 5) == first
    assert splits("splits", "--split-seed", 5) != first


def test_from_nothing_but_classes_and_images(job: Job) -> None:
    result = cotbuild("new", *job.flags(), "--llm", "none", "--auto")
    assert result.exit_code == 0, result.output
    said = " ".join(result.stdout.split())
    assert "First system, from the bundled general attributes, rules fitted on review" in said
    state = read_state(job.session)
    assert state.system is not None
    known = {group.name for group in load_groups(resource_folder("systems") / GENERAL)}
    drafted = state.steps[0].system
    assert {group.name for group in drafted.groups} <= known
    assert all(len(choice) == 1 for row in drafted.rules.values() for choice in row.values())
    assert (job.session / "export.json").exists()
    assert cotbuild("optimize", job.session, "--null").exit_code == 0


def test_events_are_json_lines(session: Path) -> None:
    result = cotbuild("optimize", fresh(session), "--null", "--json")
    assert result.exit_code == 0, result.output
    events = [json.loads(line) for line in result.stdout.splitlines()]
    names = [event["event"] for event in events]
    assert names[0] == "session"
    assert names[-3:] == ["optimised", "shuffled", "ended"]
    assert {"decided", "measured"} <= set(names)
    assert events[-2]["review"] == 12


def test_nothing_is_written_outside_the_session_and_the_cache(session: Path) -> None:
    session = fresh(session)

    def files() -> set[Path]:
        inside = (session, session.parent / "cache")
        found = session.parent.rglob("*")
        return {path for path in found if not any(path.is_relative_to(at) for at in inside)}

    before = files()
    assert cotbuild("optimize", session, "--null").exit_code == 0
    assert files() == before


def test_what_a_person_locked_stays(session: Path) -> None:
    session = fresh(session)
    lock = Locked(lock=Lock(group="color"))
    with Session.open(session) as opened:
        opened.append(lock, advance(opened.state, lock))
    assert cotbuild("optimize", session, "--budget", "medium").exit_code == 0
    state = read_state(session)
    assert state.system is not None
    for name in CLASSES:
        assert state.system.rules[name]["color"] == state.steps[0].system.rules[name]["color"]


def test_bad_input_is_told_and_leaves_the_journal_as_it_was(job: Job, session: Path) -> None:
    session = fresh(session)
    before = lines_of(session / "session.jsonl")
    failed(cotbuild("optimize", session, "--max-calls", 0), 2, "budget of 0")
    failed(cotbuild("optimize", session, "--max-minutes", "nan"), 2, "budget of nan")
    failed(cotbuild("optimize", session, "--optimizer", "magic"), 2, "no optimiser 'magic'")
    failed(cotbuild("optimize", session, "--images", job.images), 2, "of its own")
    for flag, value in (("--device", "cpu"), ("--dtype", "float16"), ("--label-column", "x")):
        failed(cotbuild("optimize", session, flag, value), 2, f"leave {flag} away")
    failed(cotbuild("optimize", start_file(job)), 2, "no images were named")
    failed(cotbuild("optimize", job.folder / "nothing"), 2, "no system file")
    failed(cotbuild("optimize", job.images), 5, "there is no session")
    assert lines_of(session / "session.jsonl") == before
    for group in ("color", "form"):
        lock = Locked(lock=Lock(group=group))
        with Session.open(session) as opened:
            opened.append(lock, advance(opened.state, lock))
    locked = lines_of(session / "session.jsonl")
    failed(cotbuild("optimize", session), 2, "everything is locked")
    assert lines_of(session / "session.jsonl") == locked


def test_a_session_without_images_has_nothing_to_measure(job: Job) -> None:
    flags = ["--classes", job.classes, "--no-images", "--out", job.session, "--llm", "none"]
    result = cotbuild("new", *flags, "--start", start_file(job), "--auto")
    assert result.exit_code == 0, result.output
    failed(cotbuild("optimize", job.session), 2, "no images")


def test_images_of_one_class_tell_nothing_apart(job: Job) -> None:
    for name in CLASSES[1:]:
        shutil.rmtree(job.images / name)
    result = cotbuild(
        "optimize", start_file(job), "--images", job.images, "--encoder", job.encoder, "--out",
        job.session,
    )  # fmt: skip
    failed(result, 2, "fewer than two of the classes")
    assert read_state(job.session).optimised == ()


@pytest.mark.slow
@pty
def test_ctrl_c_keeps_what_was_found_and_the_next_run_goes_on(session: Path) -> None:
    session = fresh(session)
    terminal = Terminal("optimize", session, "--max-minutes", 5)
    terminal.sees("changes, 0:01 min")
    terminal.types("\x03")
    terminal.sees("cotbuild optimize --max-minutes 5")
    assert terminal.ends() == 130
    state = read_state(session)
    (run,) = state.optimised
    assert run.reason == "stopped by Ctrl-C"
    assert run.restarts > 0
    assert state.versions[-1].system == state.system
    assert cotbuild("optimize", session, "--max-calls", run.measured + 50).exit_code == 0
    assert read_state(session).optimised[-1].restarts >= run.restarts


def test_what_a_pass_found_is_kept_when_it_is_broken_off(
    session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Greedy.search
    best: list[int] = []

    def broken_off(self: Greedy, task: Task) -> Iterator[Tried | Candidate]:
        for event in whole(self, task):
            yield event
            if isinstance(event, Tried) and event.edits:
                best.append(event.correct)
                raise KeyboardInterrupt

    monkeypatch.setattr(Greedy, "search", broken_off)
    session = fresh(session)
    result = cotbuild("optimize", session)
    assert result.exit_code == 130, result.output
    state = read_state(session)
    assert [version.review.count("1") for version in state.versions][1:] == best
    assert state.versions[-1].system == state.system
    assert state.optimised[-1].reason == "stopped by Ctrl-C"


def test_it_ends_when_its_minutes_are_over(session: Path) -> None:
    session = fresh(session)
    assert cotbuild("optimize", session, "--max-minutes", 0.005).exit_code == 0
    (run,) = read_state(session).optimised
    assert run.reason == "its 0.005 minutes are over"
    assert run.measured > 0


def test_the_null_searches_as_long_as_all_runs_together(session: Path) -> None:
    session = fresh(session)
    greedy = Greedy(seed=3, restarts=4, first_restart=4)
    state = read_state(session)
    assert for_null(greedy, state) == Greedy(seed=3, restarts=8)
    records = [
        Optimised(optimiser=name, seed=3, measured=measured, restarts=0, reason="over")
        for name, measured in (("greedy", 100), ("gepa", 7), ("greedy", 20))
    ]
    for record in records:
        state = advance(state, record)
    assert for_null(replace(greedy, limit=50), state).limit == 120
    assert for_null(replace(greedy, restarts=None), state).limit == 120


def test_the_command_that_goes_on_is_the_one_that_was_given() -> None:
    budget = Budget("heavy", 7, None, seed=3)
    words = going_on("greedy", budget, ModelOptions(), null=True)
    assert " ".join(map(str, words)) == "optimize --budget heavy --max-calls 7 --seed 3 --null"


def test_a_folder_with_a_space_is_quoted_in_the_next_command(session: Path) -> None:
    folder = fresh(session).rename(session.with_name("my [red] folder"))
    said = " ".join(cotbuild("optimize", folder).stderr.split())
    assert f"cotbuild resume '{folder}'" in said


def test_the_help_fits_two_screens_and_its_examples_can_be_typed() -> None:
    lines = help_of("optimize")
    assert len(lines) <= 60
    assert max(map(len, lines)) <= 80
    panels = [line.strip("╭╮─ ") for line in lines if line.startswith("╭")]
    assert panels == [
        "Arguments", "Options", "Search", "Images of a system file", "Language model", "Cost",
        "Running",
    ]  # fmt: skip
    shown = " ".join(" ".join(lines).split())
    load_commands()
    for example in EXAMPLES:
        assert example in shown
        name, command, *flags = shlex.split(example)
        assert (name, command) == ("cotbuild", "optimize")
        optimize = get_command(app).get_command(None, command)  # type: ignore[attr-defined]
        optimize.make_context(command, flags)


@pty
def test_killed_and_resumed_it_ends_as_if_nothing_had_happened(session: Path) -> None:
    session = fresh(session)
    whole = session.with_name("whole")
    shutil.copytree(session, whole)
    terminal = Terminal("optimize", session, "--max-minutes", 5)
    terminal.sees("changes, 0:01 min")
    terminal.killed()
    state = read_state(session)
    assert state.optimised == ()
    assert len(state.versions) > 1
    found = len(state.decisions)
    assert cotbuild("optimize", session).exit_code == 0
    assert cotbuild("optimize", whole, "--budget", "heavy").exit_code == 0
    decisions = [read_state(folder).decisions for folder in (session, whole)]
    shared = min(found, len(decisions[1]))
    assert decisions[0][:shared] == decisions[1][:shared]
    assert (session / "system.json").exists()


@pytest.mark.slow
@pty
def test_a_person_without_a_model_is_offered_the_general_attributes(job: Job) -> None:
    terminal = Terminal("new", *job.flags(), "--llm", "none")
    terminal.sees("make groups by hand")
    terminal.types("\r")
    terminal.sees("First system, from the bundled general attributes")
    terminal.sees("explain")
    terminal.types("q")
    assert terminal.ends() == 0
    assert read_story(job.session).drafted_by == "general attributes"
