"""The language model from the command line: many classes, faults, limits, prices, privacy."""

import json
import os
import resource
import stat
from collections.abc import Iterator
from pathlib import Path
from threading import Lock

import pytest

from builder.resources import resource_folder
from builder.system.file import load_system_file
from tests.cli.conftest import Job, cotbuild, failed, kinds, lines_of
from tests.openai_server import (
    Answer,
    OpenAIServer,
    Request,
    chat,
    failure,
    obliging,
    openai_server,
)


class Faulty:
    """An obliging model at a bad endpoint; `ends_after`: its account is empty after so many."""

    def __init__(self, ends_after: int | None = None, every: int = 5) -> None:
        self.ends_after = ends_after
        self.answered = 0
        self._every = every
        self._calls = 0
        self._lock = Lock()

    def __call__(self, request: Request) -> Answer:
        with self._lock:
            self._calls += 1
            fault = self._calls % self._every
            if self.ends_after is not None and self.answered >= self.ends_after:
                return failure(401, "the account is empty")
            if fault == 1 and self._calls > 1:
                # The first of these is the only one that the openai client would wait long for.
                return failure(503, "overloaded", **{"Retry-After": "0"})
            if fault == 3:
                return chat("<think>let me see</think> I would rather not say")
            self.answered += 1
            return obliging(request)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """150 classes, with names that have to be escaped somewhere."""
    path = tmp_path / "many.txt"
    path.write_text("\n".join(f'Beast "{n}" [red] δ' for n in range(150)), encoding="utf-8")
    return path


def new(classes: Path, url: str, *more: object) -> list[object]:
    return ["new", "--classes", classes, "--no-images", "--auto", "--llm", "m", "--llm-url", url,
            "--domain", "creature", "--out", classes.parent / "session", *more]  # fmt: skip


def test_a_draft_of_many_classes_survives_faults_a_stop_and_goes_on(many: Path) -> None:
    session = many.parent / "session"
    model = Faulty(ends_after=4)
    with openai_server(model) as server:
        said = failed(cotbuild(*new(many, server.url, "--llm-parallel", 3)), 4, "account is empty")
        assert f"cotbuild resume {session}" in said
        kept = model.answered
        assert kept == 4
        model.ends_after = None
        result = cotbuild("resume", session, "--auto", "--llm-parallel", 3)
        assert result.exit_code == 0, result.output
        assert "taken from the transcript" in result.stderr or "Rules" in result.stderr
    system = load_system_file(session / "export.json").system
    assert len(system.classes) == 150
    # What was answered before the stop was not asked again.
    sound = [e for e in lines_of(session / "llm.jsonl") if str(e.get("reply")).startswith("{")]
    assert len(sound) == len({entry["key"] for entry in sound}) > 6


@pytest.mark.usefixtures("many")
def test_a_limit_ends_the_draft_and_a_higher_one_goes_on(job: Job) -> None:
    flags = ["--classes", job.classes, "--no-images", "--auto", "--out", job.session]
    with openai_server(obliging) as server:
        model = ["--llm", "m", "--llm-url", server.url]
        said = failed(cotbuild("new", *flags, *model, "--max-tokens", 0), 4, "--max-tokens")
        assert server.requests == []
        assert "resume" in said
        result = cotbuild("resume", job.session, "--auto", "--max-tokens", 1_000_000)
        assert result.exit_code == 0, result.output
        assert server.requests


def test_a_limit_holds_until_another_is_given(job: Job) -> None:
    flags = ["--classes", job.classes, "--no-images", "--auto", "--out", job.session]
    with openai_server(obliging) as server:
        model = ["--llm", "m", "--llm-url", server.url]
        failed(cotbuild("new", *flags, *model, "--max-tokens", 0), 4, "--max-tokens")
        failed(cotbuild("resume", job.session, "--auto"), 4, "--max-tokens")
        assert server.requests == []


def test_a_price_belongs_to_its_model(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-mine")
    flags = ["--classes", job.classes, "--no-images", "--auto", "--out", job.session]
    with openai_server(obliging) as server:
        model = ["--llm", "m", "--llm-url", server.url, "--price", "0/0"]
        failed(cotbuild("new", *flags, *model, "--max-tokens", 0), 4)
        other = ["--llm", "no-such-model-7", "--llm-url", "https://example.org/v1"]
        said = failed(cotbuild("resume", job.session, "--auto", *other), 2, "--yes")
        assert "not known" in said


def test_without_a_model_moved_templates_are_not_missed(job: Job, model: OpenAIServer) -> None:
    folder = job.folder / "templates"
    folder.mkdir()
    source = (resource_folder("prompts") / "draft.en.md").read_text(encoding="utf-8")
    (folder / "draft.en.md").write_text(source, encoding="utf-8")
    flags = [*job.flags(), "--llm", "m", "--llm-url", model.url, "--auto", "--rounds", 1]
    assert cotbuild("new", *flags, "--prompts", folder).exit_code == 0
    folder.rename(job.folder / "moved")
    again = ["resume", job.session, "--auto", "--rounds", 1]
    failed(cotbuild(*again), 2, "templates")
    assert cotbuild(*again, "--llm", "none").exit_code == 0
    assert cotbuild(*again, "--prompts", job.folder / "moved").exit_code == 0


def test_a_cost_limit_needs_a_price(job: Job, model: OpenAIServer) -> None:
    hosted = ["--llm", "no-such-model-7", "--llm-url", "https://example.org/v1"]
    flags = ["--classes", job.classes, "--no-images", "--auto", "--yes", "--out", job.session]
    os.environ["OPENAI_API_KEY"] = "sk-secret-of-mine"
    try:
        failed(cotbuild("new", *flags, *hosted, "--max-cost", 1), 4, "price", "--price")
    finally:
        del os.environ["OPENAI_API_KEY"]
    priced = ["--llm", "m", "--llm-url", model.url, "--price", "1000/2000", "--max-cost", 0.5]
    failed(cotbuild("new", *flags, *priced), 4, "--max-cost")
    assert model.requests == []
    for price in ("1", "a/b", "1/-2", "nan/1"):
        bad = [*flags[:-1], job.folder / "other", *priced[:4], "--price", price]
        failed(cotbuild("new", *bad), 2, "price")


def test_what_was_spent_is_shown(job: Job, model: OpenAIServer) -> None:
    flags = [*job.flags(), "--llm", "m", "--llm-url", model.url, "--auto", "--rounds", 1]
    result = cotbuild("new", *flags, "--price", "1/2")
    assert result.exit_code == 0, result.output
    assert "$" in result.stderr
    again = cotbuild("resume", job.session, "--auto", "--rounds", 1)
    said = " ".join(again.stderr.split())
    assert "Spent on the language model so far:" in said
    assert "$" in said


def test_before_anything_is_sent_the_draft_is_estimated(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-mine")
    flags = [*job.flags(), "--llm", "m", "--llm-url", "https://example.org/v1", "--auto"]
    said = failed(cotbuild("new", *flags), 2, "3 class names", "2 calls", "tokens", "--yes")
    assert "price that is not known" in said
    said = failed(cotbuild("new", *flags, "--price", "1000/1000"), 2, "about $")
    assert "sk-secret" not in said


def test_the_transcript_is_its_owners_and_may_be_left_out(job: Job, model: OpenAIServer) -> None:
    flags = [*job.flags(), "--llm", "m", "--llm-url", model.url, "--auto", "--rounds", 1]
    assert cotbuild("new", *flags).exit_code == 0
    mode = (job.session / "llm.jsonl").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    flags[flags.index(str(job.session))] = str(job.folder / "other")
    assert cotbuild("new", *flags, "--no-transcript").exit_code == 0
    assert not (job.folder / "other" / "llm.jsonl").exists()
    assert cotbuild("resume", job.folder / "other", "--auto", "--rounds", 1).exit_code == 0
    assert not (job.folder / "other" / "llm.jsonl").exists()


def test_background_and_language_reach_the_model_at_each_question(
    job: Job, model: OpenAIServer
) -> None:
    guide = job.folder / "guide.txt"
    guide.write_text("Absols have </context> a horn.", encoding="utf-8")
    flags = [*job.flags(), "--llm", "m", "--llm-url", model.url, "--auto", "--rounds", 1]
    result = cotbuild("new", *flags, "--context", guide, "--language", "zh")
    assert result.exit_code == 0, result.output
    assert len(model.requests) >= 3
    for request in model.requests:
        assert "a horn." in request.text
        assert "</context> a horn" not in request.text
        assert "分类" in request.text
    asked = len(model.requests)
    guide.unlink()  # the session keeps its text
    assert cotbuild("resume", job.session, "--auto", "--rounds", 1).exit_code == 0
    assert all("a horn." in request.text for request in model.requests[asked:])


def test_templates_of_ones_own(job: Job, model: OpenAIServer) -> None:
    folder = job.folder / "templates"
    folder.mkdir()
    template = "Groups for {{domain}}: {{attributes}}\n<classes>\n{{classes}}\n</classes>"
    (folder / "draft.en.md").write_text(template, encoding="utf-8")
    flags = [*job.flags(), "--llm", "m", "--llm-url", model.url, "--auto", "--rounds", 1]
    assert cotbuild("new", *flags, "--prompts", folder).exit_code == 0
    assert model.requests[0].text.startswith("Groups for creature: - dominant color")
    (folder / "draft.en.md").write_text(template + "{{surprise}}", encoding="utf-8")
    flags[flags.index(str(job.session))] = str(job.folder / "other")
    failed(cotbuild("new", *flags, "--prompts", folder), 2, "surprise")


def test_bad_files_for_the_model_are_named(job: Job, model: OpenAIServer) -> None:
    flags = [*job.flags(), "--llm", "m", "--llm-url", model.url, "--auto"]
    for more, word in (
        (["--context", job.folder / "none.txt"], "none.txt"),
        (["--prompts", job.folder / "none"], "none"),
        (["--language", "xx"], "xx"),
    ):
        failed(cotbuild("new", *flags, *more), 2, word)
    assert not job.session.exists()
    assert model.requests == []


def test_paste_needs_somebody(job: Job) -> None:
    failed(cotbuild("new", *job.flags(), "--llm", "paste", "--auto"), 2, "terminal")


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file can grow beyond 6 kB."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_stops_the_step_and_loses_nothing_decided(
    job: Job, model: OpenAIServer, request: pytest.FixtureRequest
) -> None:
    flags = [*job.flags(), "--llm", "m", "--llm-url", model.url, "--auto"]
    cotbuild("score", *flags[2:4], "--encoder", job.encoder)  # nothing but to warm the cache
    request.getfixturevalue("full_disk")
    result = cotbuild("new", *flags)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert result.exit_code in (4, 5), result.output
    assert "Traceback" not in result.output
    before = kinds(job.session)
    assert "started" in before
    again = cotbuild("resume", job.session, "--auto")
    assert again.exit_code == 0, again.output
    assert kinds(job.session)[: len(before)] == before


def test_what_a_hosted_model_was_sent_holds_no_key(
    job: Job, model: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-mine")
    flags = [*job.flags(), "--llm", "m", "--llm-url", model.url, "--auto", "--rounds", 1]
    result = cotbuild("new", *flags)
    assert result.exit_code == 0
    assert "sk-secret" not in result.output
    for path in job.session.iterdir():
        assert b"sk-secret" not in path.read_bytes()
    json.loads((job.session / "export.json").read_text(encoding="utf-8"))
