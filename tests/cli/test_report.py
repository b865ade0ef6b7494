"""`cotbuild report` from end to end: a real session, its images, and without them."""

import json
import re
import shutil
from pathlib import Path

import pytest

from builder.session.journal import OWN_FILES
from tests.cli.conftest import CLASSES, GROUPS, RULES, Job, cotbuild, failed
from tests.openai_server import OpenAIServer
from tests.report.test_templates import Reader


@pytest.fixture
def session(job: Job, model: OpenAIServer) -> Path:
    """With one group of two options nobody tells three classes apart: there are failures."""
    start = job.folder / "start.json"
    groups = [group for group in GROUPS["groups"] if group["name"] == "form"]
    rules = {name: {"form": rule["form"]} for name, rule in RULES.items()}
    start.write_text(json.dumps({"domain": "creature", "groups": groups, "rules": rules}))
    flags = ["--start", start, "--llm", "m", "--llm-url", model.url, "--auto", "--rounds", 1]
    result = cotbuild("new", *job.flags(), *flags)
    assert result.exit_code == 0, result.output
    return job.session


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def read(path: Path) -> Reader:
    return Reader(path.read_text(encoding="utf-8"))


def test_a_session_becomes_a_page(session: Path) -> None:
    before = contents(session)
    result = cotbuild("report", session)
    assert result.exit_code == 0, result.output
    assert "report.html" in "".join(result.stdout.split())
    page = read(session / "report.html")
    for name in CLASSES:
        assert name in page.text
    assert "of 12, 95 % interval" in page.text
    assert "tokens" in page.text
    sources = [dict(a)["src"] for tag, a in page.tags if tag == "img"]
    assert sources
    assert all(source and source.startswith("data:image/webp") for source in sources)
    after = contents(session)
    del after["report.html"]
    assert after == before


def test_as_json(session: Path) -> None:
    path = session / "report.html"
    result = cotbuild("report", session, "--no-images", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {"path": str(path), "bytes": path.stat().st_size}


def test_it_is_made_again_from_the_cache(session: Path) -> None:
    cotbuild("report", session)
    result = cotbuild("report", session)
    assert result.exit_code == 0, result.output
    assert "Encoding images" not in result.stderr


def test_a_session_in_use_can_be_reported_on(session: Path, tmp_path: Path) -> None:
    from builder.session.journal import Session

    with Session.open(session):
        result = cotbuild("report", session, "-o", tmp_path / "elsewhere.html")
    assert result.exit_code == 0, result.output
    assert read(tmp_path / "elsewhere.html").text


def test_new_images_stay_out_and_lost_ones_are_said(job: Job, session: Path) -> None:
    images = sorted((job.images / CLASSES[1]).iterdir())
    extra = job.images / CLASSES[0] / "extra.png"
    extra.write_bytes(images[0].read_bytes() + b"\0")
    images[0].unlink()
    result = cotbuild("report", session)
    assert result.exit_code == 0, result.output
    page = read(session / "report.html")
    assert "1 of the session's 24 images are not where they were" in page.text
    assert "extra.png" not in page.text


def test_without_images_no_encoder_is_needed(job: Job, session: Path) -> None:
    shutil.rmtree(job.images)
    result = cotbuild("report", session, "--no-images")
    assert result.exit_code == 0, result.output
    assert "Loading the encoder" not in result.stderr
    page = read(session / "report.html")
    assert "This report was made without images" in page.text
    assert not [tag for tag, _ in page.tags if tag == "img"]
    # What the journal holds is told all the same.
    assert re.search(r"Version 1 .*of 12", page.text)


def test_a_session_that_never_had_images(job: Job, model: OpenAIServer) -> None:
    cotbuild(
        "new", "--classes", job.classes, "--no-images", "--domain", "creature", "--out",
        job.session, "--llm", "m", "--llm-url", model.url, "--auto",
    )  # fmt: skip
    result = cotbuild("report", job.session)
    assert result.exit_code == 0, result.output
    page = read(job.session / "report.html")
    assert "Nothing was scored" in page.text
    assert "No version was measured." in page.text


@pytest.mark.parametrize("name", sorted(OWN_FILES))
def test_a_session_s_own_files_are_not_replaced(session: Path, name: str) -> None:
    before = contents(session)
    said = failed(cotbuild("report", session, "-o", session / name), 2, "belongs to the session")
    assert "report.html" in said
    assert contents(session) == before


def test_what_can_t_be_done_is_said(tmp_path: Path, session: Path) -> None:
    failed(cotbuild("report", tmp_path / "nothing"), 5, "there is no session")
    failed(cotbuild("report", session, "-o", tmp_path), 2, "is a folder", "-o report.html")
    journal = (session / "session.jsonl").read_bytes().splitlines(keepends=True)
    (session / "session.jsonl").write_bytes(journal[0])
    failed(cotbuild("report", session), 5, "nothing was drafted yet", "cotbuild resume")
