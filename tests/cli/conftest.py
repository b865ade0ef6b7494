"""A small job as a user would bring it: classes, images, a model at a loopback address."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner, Result

from builder.cli import app, load_commands
from tests.chance import chance
from tests.openai_server import Answer, OpenAIServer, Request, chat, openai_server

CLASSES = ("Absol [red]", "Beedrill δ", 'Celebi & "Co"')
COLOURS = {
    "Absol [red]": (220, 30, 30),
    "Beedrill δ": (40, 60, 220),
    'Celebi & "Co"': (30, 200, 60),
}
GROUPS = {
    "groups": [
        {"name": "color", "prompt": "It is {}.", "options": ["red", "blue", "green"]},
        {"name": "form", "prompt": "It looks like {}.", "options": ["a wolf", "a bug"]},
    ]
}
RULES = {
    "Absol [red]": {"color": "red", "form": "a wolf"},
    "Beedrill δ": {"color": "blue", "form": "a bug"},
    'Celebi & "Co"': {"color": "green", "form": "a bug"},
}
# Of these only Celebi's is right for the encoder of the job, which takes green for blue.
WRONG_COLOURS = {"Absol [red]": "green", "Beedrill δ": "red", 'Celebi & "Co"': "blue"}
WRONG_RULES = {name: {**rule, "color": WRONG_COLOURS[name]} for name, rule in RULES.items()}


@dataclass(frozen=True)
class Job:
    """Paths of a user's files, and the flags of `new` that name them."""

    folder: Path
    encoder: Path

    @property
    def classes(self) -> Path:
        return self.folder / "classes.txt"

    @property
    def images(self) -> Path:
        return self.folder / "images"

    @property
    def session(self) -> Path:
        return self.folder / "session"

    def flags(self) -> list[str]:
        return [
            "--classes",
            str(self.classes),
            "--images",
            str(self.images),
            "--encoder",
            str(self.encoder),
            "--out",
            str(self.session),
            "--domain",
            "creature",
        ]


def answer(request: Request) -> Answer:
    """What a helpful model says to a draft, to rules and to a revision of this job."""
    wanted = request.schema.get("properties", {})
    if "groups" in wanted:
        return chat(GROUPS)
    if "rules" in wanted:
        return chat({"rules": [{"class_name": name, **rule} for name, rule in RULES.items()]})
    edit = {"kind": "rename_option", "group": "form", "option": "a wolf", "to": "a white wolf"}
    return chat({"proposals": [{"reason": "its coat is [white]", "edits": [edit]}]})


@pytest.fixture
def job(tmp_path: Path, clip_that_takes_green_for_blue: Path) -> Job:
    """3 classes with 8 images each: noisy patches of one colour a class.

    The encoder takes green for blue, so that nobody can have more than two classes right: Absol and
    one of the others.
    """
    found = Job(tmp_path, clip_that_takes_green_for_blue)
    lines = ["# creatures", "", *(f"{name} | a creature" for name in CLASSES)]
    found.classes.write_text("\n".join(lines), encoding="utf-8")
    rng = chance(0)
    for name in CLASSES:
        (found.images / name).mkdir(parents=True)
        for number in range(8):
            noise = rng.normal(scale=40, size=(24, 24, 3))
            pixels = np.clip(np.array(COLOURS[name]) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(found.images / name / f"{number}.png")
    return found


@pytest.fixture
def model() -> Iterator[OpenAIServer]:
    with openai_server(answer) as server:
        yield server


@pytest.fixture
def session(job: Job) -> Path:
    """A session with a draft that was measured, and nothing more."""
    from tests.cli.pty import start_file

    result = cotbuild(
        "optimize", start_file(job), "--images", job.images, "--encoder", job.encoder, "--out",
        job.session, "--max-calls", 1,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    journal = job.session / "session.jsonl"
    lines = journal.read_text(encoding="utf-8").splitlines(keepends=True)
    first = next(n for n, line in enumerate(lines) if '"kind": "measured"' in line)
    journal.write_text("".join(lines[: first + 1]), encoding="utf-8")
    return job.session


@pytest.fixture(autouse=True)
def single_thread() -> Iterator[None]:
    """A tiny network is far slower on several threads than on one when the machine is busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A cache of the test's own, no key, and nobody's terminal settings."""
    monkeypatch.setenv("COTBUILD_CACHE", str(tmp_path / "cache"))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "NO_COLOR", "ACCESSIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")


def cotbuild(*arguments: object, typed: bytes = b"") -> Result:
    """Runs the command in this process, without a terminal; `typed` is what stdin holds."""
    load_commands()
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=typed)


def failed(result: Result, code: int, *words: str) -> str:
    """Asserts one clear error: the exit code, what and why, and what to do next."""
    said = " ".join(result.stderr.split())
    assert result.exit_code == code, result.output
    assert said.count("Error:") == 1, said
    assert "next:" in said
    assert "Traceback" not in result.output
    for word in words:
        assert word in said, said
    return said


def lines_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def kinds(session: Path) -> list[str]:
    return [str(line["kind"]) for line in lines_of(session / "session.jsonl")]
