"""Everything a user can get wrong ends with one clear error, its exit code, and nothing lost."""

from pathlib import Path

import pytest
from PIL import Image

from builder.session.journal import JOURNAL, Session, read_journal, read_state
from tests.cli.conftest import CLASSES, WRONG_RULES, Job, answer, cotbuild, failed, kinds
from tests.openai_server import Answer, OpenAIServer, Request, chat, failure, openai_server

AUTO = ["--auto", "--llm", "none"]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "no class"),
        (b"# only a comment\n\n", "no class"),
        (b"Absol\nBeedrill \xff\n", "UTF-8"),
        (b"Absol\nBeedrill\nAbsol\n", "Absol"),
        (b"Absol\n", "only one class"),
        (b"Absol\nBee\x1bdrill\n", "control"),
    ],
    ids=["empty", "comments", "not UTF-8", "duplicate", "one class", "control character"],
)
def test_classes_file(job: Job, content: bytes, word: str) -> None:
    job.classes.write_bytes(content)
    failed(cotbuild("new", *job.flags(), *AUTO), 2, word)
    assert not job.session.exists()


def test_classes_file_missing_or_a_folder(job: Job) -> None:
    job.classes.unlink()
    failed(cotbuild("new", *job.flags(), *AUTO), 2, "No such file")
    job.classes.mkdir()
    failed(cotbuild("new", *job.flags(), *AUTO), 2, "Is a directory")


def with_start(job: Job, model: OpenAIServer) -> list[str]:
    """Flags of a session that needs no model, from a system drafted once."""
    cotbuild(
        "new", "--classes", job.classes, "--no-images", "--auto", "--domain", "creature",
        "--llm", "m", "--llm-url", model.url, "--out", job.folder / "draft",
    )  # fmt: skip
    return [*job.flags(), *AUTO, "--start", str(job.folder / "draft" / "system.json")]


def test_images_folder_missing_empty_or_of_other_names(job: Job, model: OpenAIServer) -> None:
    flags = with_start(job, model)
    kept = job.images.rename(job.folder / "kept")
    failed(cotbuild("new", *flags), 2, "images")
    job.images.mkdir()
    failed(cotbuild("new", *flags), 2, "images")
    (job.images / "Absoll [red]").mkdir()
    failed(cotbuild("new", *flags), 2, "Absol [red]")
    job.images.joinpath("Absoll [red]").rmdir()
    job.images.rmdir()
    kept.rename(job.images)
    for path in (job.images / CLASSES[0]).iterdir():
        path.unlink()
    result = cotbuild("new", *flags)
    assert result.exit_code == 0, result.output
    assert f"1 class without images, not scored: {CLASSES[0]}" in " ".join(result.stderr.split())


def test_bad_images_are_listed_and_never_end_a_run(
    job: Job, model: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = job.images / CLASSES[1]
    whole = (folder / "0.png").read_bytes()
    (folder / "truncated.png").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.jpg").touch()
    (folder / "text.png").write_text("not an image", encoding="utf-8")
    Image.new("1", (400, 400)).save(folder / "huge.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50_000)
    result = cotbuild("new", *with_start(job, model))
    assert result.exit_code == 0, result.output
    for name in ("truncated.png", "empty.jpg", "text.png", "huge.png"):
        assert name in result.stderr
    assert "24 images" in result.stderr


def test_without_a_terminal_and_without_images_or_auto(job: Job) -> None:
    few = ["--classes", job.classes, "--out", job.session]
    failed(cotbuild("new", *few, "--llm", "none", "--auto"), 2, "--images", "--no-images")
    failed(cotbuild("new", *few, "--no-images", "--llm", "none"), 2, "--auto")
    failed(cotbuild("new", *few, "--no-images", "--llm", "none", "--auto"), 2, "--start")
    assert not job.session.exists()


def test_unknown_encoders_are_refused(job: Job) -> None:
    for spec, word in (("no-such-thing", "no-such-thing"), ("jina-clip-v3", "jina-clip-v1")):
        failed(cotbuild("score", *score_flags(job, spec)), 3, word)


def score_flags(job: Job, encoder: str) -> list[object]:
    from builder.resources import resource_folder

    source = (resource_folder("systems") / "pokemon.json").read_text(encoding="utf-8")
    path = job.folder / "system.json"
    path.write_text(source.replace('"Absol"', f'"{CLASSES[0]}"'), encoding="utf-8")
    return [path, "--images", job.images, "--encoder", encoder]


@pytest.mark.parametrize("crop", ["0.1,0.2", "a,b,c,d", "0.5,0,0.4,1", "-1,0,1,1"])
def test_crop(job: Job, crop: str) -> None:
    failed(cotbuild("new", *job.flags(), *AUTO, f"--crop={crop}"), 2, "crop")


def test_no_key(job: Job) -> None:
    flags = [*job.flags(), "--auto", "--yes", "--llm", "gpt", "--llm-url", "https://example.org/v1"]
    said = failed(cotbuild("new", *flags), 4, "OPENAI_API_KEY")
    assert "sk-" not in said
    assert not job.session.exists()


def endpoint(respond: object, job: Job) -> str:
    """What is said when the endpoint answers like that, and that the session survives it."""
    with openai_server(respond) as server:  # type: ignore[arg-type]
        result = cotbuild("new", *job.flags(), "--auto", "--llm", "m", "--llm-url", server.url)
    said = failed(result, 4)
    # The images were split and encoded before, and the next try goes on from there.
    assert kinds(job.session)[:2] == ["started", "assigned"]
    with openai_server(answer) as server:
        again = cotbuild("resume", job.session, "--auto", "--llm-url", server.url)
    assert again.exit_code == 0, again.output
    return said


def always(reply: Answer) -> object:
    return lambda request: reply  # noqa: ARG005


@pytest.mark.parametrize(
    ("reply", "word"),
    [
        (failure(401, "bad key"), "401"),
        (failure(404, "no such model"), "m"),
        (failure(400, "context too long"), "context too long"),
        (Answer("<html>not JSON</html>"), "chat-completions"),
        (chat("I'd rather not say"), "answer"),
        (chat(None, refusal="I can't help with that"), "refus"),
        (chat('{"groups": [', finish_reason="length"), "limit"),
        (chat({"groups": [{"name": "a", "prompt": "no slot", "options": ["x", "y"]}]}), "{}"),
    ],
    ids=["401", "404", "400", "HTML", "prose", "refusal", "truncated", "prompt without a slot"],
)
def test_endpoint(job: Job, reply: Answer, word: str) -> None:
    assert word in endpoint(always(reply), job)


def test_endpoint_down(job: Job) -> None:
    with openai_server(answer) as server:
        url = server.url
    result = cotbuild("new", *job.flags(), "--auto", "--llm", "m", "--llm-url", url)
    failed(result, 4, url.split("/")[2])
    assert (job.session / JOURNAL).exists()


def test_invented_options_and_missing_classes(job: Job) -> None:
    def respond(request: Request) -> Answer:
        if "groups" in request.schema.get("properties", {}):
            return answer(request)
        if "rules" not in request.schema.get("properties", {}):
            return answer(request)
        return chat({"rules": {"c01": {"color": "crimson", "form": "a wolf"}}})

    with openai_server(respond) as server:
        result = cotbuild("new", *job.flags(), "--auto", "--llm", "m", "--llm-url", server.url)
    assert result.exit_code == 0, result.output
    said = " ".join(result.stderr.split())
    assert f"3 classes are left without a complete rule: {', '.join(CLASSES)} (for the" in said
    assert "color: 'crimson' is not one of the allowed values" in said
    assert f"2 classes have no rules yet: {', '.join(CLASSES[1:])}." in " ".join(
        result.stdout.split()
    )
    records = read_journal(job.session).records
    proposed = next(record for record in records if record.kind == "proposed")
    first, second = proposed.proposals[:2]
    assert [first.edits[0].class_name, second.edits[0].class_name] == list(CLASSES[1:])
    assert first.reason.startswith("the class has no rules yet")
    system = read_state(job.session).system
    assert system is not None
    assert system.rules[CLASSES[0]]["form"] == ("a wolf",), "what was sound is kept"


def test_without_images_the_round_says_which_classes_have_no_rules(job: Job) -> None:
    def respond(request: Request) -> Answer:
        if "rules" not in request.schema.get("properties", {}):
            return answer(request)
        return chat({"rules": {CLASSES[0]: {"color": "red", "form": "a wolf"}}})

    flags = ["--classes", job.classes, "--no-images", "--auto", "--out", job.session]
    with openai_server(respond) as server:
        result = cotbuild("new", *flags, "--llm", "m", "--llm-url", server.url)
    assert result.exit_code == 0, result.output
    assert f"2 classes have no rules yet: {', '.join(CLASSES[1:])}." in result.stdout


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"version": 99}', '{"version": 1, "system": {"groups": 3}}', "NaN"],
)
def test_system_files(job: Job, content: str) -> None:
    path = job.folder / "broken.json"
    path.write_text(content, encoding="utf-8")
    failed(cotbuild("check", path), 1)
    failed(cotbuild("score", path, "--images", job.images, "--encoder", job.encoder), 2)
    failed(cotbuild("new", *job.flags(), *AUTO, "--start", path), 2)


def test_a_system_for_other_classes(job: Job) -> None:
    from builder.resources import resource_folder

    start = resource_folder("systems") / "pokemon.json"
    failed(cotbuild("new", *job.flags(), *AUTO, "--start", start), 2, CLASSES[0], "Aggron")


def test_sessions(job: Job, model: OpenAIServer, tmp_path: Path) -> None:
    flags = with_start(job, model)
    failed(cotbuild("resume", tmp_path / "nowhere", "--auto"), 5, "no session")
    failed(cotbuild("export", tmp_path / "nowhere"), 5, "no session")
    assert cotbuild("new", *flags).exit_code == 0
    failed(cotbuild("new", *flags), 5, "already holds")
    with Session.open(job.session):
        failed(cotbuild("resume", job.session, "--auto"), 5, "in use")
    before = read_state(job.session)
    with (job.session / JOURNAL).open("ab") as file:
        file.write(b'{"kind": "noted", "te')
    result = cotbuild("resume", job.session, "--auto")
    assert result.exit_code == 0, result.output
    assert "cut off" in result.stderr
    assert before.system == read_state(job.session).system
    lines = (job.session / JOURNAL).read_bytes().splitlines(keepends=True)
    newer = lines[0].replace(b'"version": 3', b'"version": 4', 1)
    assert newer != lines[0]
    (job.session / JOURNAL).write_bytes(b"".join([newer, *lines[1:]]))
    failed(cotbuild("resume", job.session, "--auto"), 5, "newer")


def test_exports_that_would_destroy_something(job: Job, model: OpenAIServer) -> None:
    cotbuild("new", *with_start(job, model))
    before = read_journal(job.session)
    failed(cotbuild("export", job.session, "-o", job.images), 2, "folder")
    failed(cotbuild("export", job.session, "-o", "/dev/null"), 2, "not a regular file")
    failed(cotbuild("export", job.session, "-o", job.session / JOURNAL), 2, "belongs to")
    blocked = job.folder / "file"
    blocked.touch()
    failed(cotbuild("export", job.session, "-o", blocked / "x.json"), 2, "x.json")
    assert read_journal(job.session) == before
    link = job.folder / "link.json"
    link.symlink_to(job.folder / "behind.json")
    assert cotbuild("export", job.session, "-o", link).exit_code == 0
    assert link.is_symlink()
    assert (job.folder / "behind.json").is_file()


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (["--scale", "inf"], 2),
        (["--scale", "1e39"], 2),
        (["--scale", "nan"], 2),
        (["--encoder", "~nobody-of-that-name/x"], 3),
        (["--encoder", "x" * 10_000], 3),
        (["--llm", "replay:~nobody-of-that-name/x"], 2),
        (["--llm", "m", "--llm-url", "http://[::1/v1"], 2),
        (["--llm", "m", "--llm-url", "http://me:s3cret@127.0.0.1/v1"], 2),
        (["--start", "x" * 10_000], 2),
        (["--out", "/dev/null/x"], 5),
    ],
    ids=lambda value: str(value)[:40],
)
def test_odd_flags_end_with_one_error(
    job: Job, model: OpenAIServer, flags: list[str], code: int
) -> None:
    result = cotbuild("new", *with_start(job, model), *flags)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    assert "s3cret" not in result.output
    assert not job.session.exists()


def test_the_address_from_the_environment_is_not_written_down(
    job: Job, model: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", model.url)
    result = cotbuild("new", *job.flags(), "--auto", "--llm", "m")
    assert result.exit_code == 0, result.output
    assert model.url not in (job.session / JOURNAL).read_text(encoding="utf-8")


def test_a_goal_without_images_and_a_resume_without_a_model(job: Job) -> None:
    flags = ["--classes", job.classes, "--no-images", "--auto", "--llm", "m"]
    failed(cotbuild("new", *flags, "--min-accuracy", 0.5, "--yes"), 2, "no images")
    with openai_server(answer) as server:
        url = server.url
    failed(cotbuild("new", *flags, "--llm-url", url, "--out", job.session), 4)
    failed(cotbuild("resume", job.session, "--auto", "--llm", "none"), 2, "nothing was drafted")


def test_odd_names_and_texts_are_shown_as_text(job: Job) -> None:
    odd = "[bold]x[/bold] {} \x1b[31m" + "y" * 10_000

    def respond(request: Request) -> Answer:
        wanted = request.schema.get("properties", {})
        if "rules" in wanted:
            # Absol is confused with another, so that its name is on the screen too.
            return chat({"rules": [{"class_name": n, **rule} for n, rule in WRONG_RULES.items()]})
        if "proposals" in wanted:
            edit = {"kind": "rename_option", "group": "form", "option": "a wolf", "to": odd}
            return chat({"proposals": [{"reason": odd, "edits": [edit]}]})
        return answer(request)

    with openai_server(respond) as server:
        result = cotbuild("new", *job.flags(), "--auto", "--llm", "m", "--llm-url", server.url)
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.output
    assert "Absol [red]" in result.stdout
    assert "[bold]x[/bold] {}" in result.stdout
    assert len(result.stdout) < 60_000
    assert read_journal(job.session).records
